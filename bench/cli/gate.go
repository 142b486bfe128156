package cli

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/spf13/cobra"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
)

func (a *app) gateCmd() *cobra.Command {
	var file, baseline string
	cmd := &cobra.Command{
		Use:   "gate DIR",
		Short: "hold a run against a budget of leaks and costs; exit code 3 when it is missed",
		Long: `Gate judges the results below DIR and computes nothing anew. It prints one line for each limit of
the budget and ends with exit code 0 when all are kept and 3 when one is missed, for use in CI.

An advantage is held against the upper end of its interval; below 5 test groups there is none, and
the advantage itself counts. Cells that failed, figures that were not measured and a failed
self-check or probe miss the gate. Costs are those of the headline table. Keys of a budget:
` + budgetHelp(),
		Example: `  veilbench gate runs/acme --budget budget.yaml
  veilbench gate runs/today --budget budget.yaml --baseline runs/last-week`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error { return a.gate(args[0], file, baseline) },
	}
	cmd.Flags().StringVar(&file, "budget", "", "YAML file with the limits")
	cmd.Flags().StringVar(&baseline, "baseline", "", "folder of an earlier run, for the limit on rise")
	return cmd
}

func (a *app) gate(dir, file, baseline string) error {
	if file == "" {
		return fmt.Errorf("--budget is missing: want a YAML file such as one with the line\n  advantage: {events: 0.20}")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	b, err := parseBudget(file, string(text))
	if err != nil {
		return err
	}
	set, err := a.openSet(dir)
	if err != nil {
		return err
	}
	var before *reports.Set
	if baseline != "" {
		if before, err = a.openSet(baseline); err != nil {
			return err
		}
	}
	vs, err := set.Gate(b, before)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	missed := 0
	for _, v := range vs {
		word := "pass"
		if !v.OK {
			word = "FAIL"
			missed++
		}
		fmt.Fprintf(a.stdout, "%s  %s: %s\n", word, v.Name, v.Detail)
	}
	if missed > 0 {
		return exitError{ExitGate, fmt.Errorf("%d of %d limits missed", missed, len(vs))}
	}
	return nil
}

// openSet reads the results below dir for a report.
func (a *app) openSet(dir string) (*reports.Set, error) {
	rs, err := results.ReadResults(dir)
	if err != nil {
		return nil, err
	}
	return reports.NewSet(rs, a.reportOptions(dir)), nil
}

// budgetKey is a key of a budget file.
type budgetKey struct {
	name, doc string
	read      func(*config, ast.Node, *reports.Budget) error
}

func budgetKeys() []budgetKey {
	limit := func(to func(*reports.Budget) **float64, unit func(string) (float64, error)) func(*config, ast.Node, *reports.Budget) error {
		return func(c *config, n ast.Node, b *reports.Budget) error {
			v, err := c.quantity(n, unit)
			*to(b) = &v
			return err
		}
	}
	return []budgetKey{
		{"defense", "which one to judge, by ID or name (default: every one but none)", func(c *config, n ast.Node, b *reports.Budget) error {
			v, err := c.plugin(n)
			b.Defense = v.text
			return err
		}},
		{"advantage", "of the best attack, 0 to 1: {events: 0.2, devices: 0.5}, or one number for every task of the run", (*config).advantage},
		{"overhead", "extra bytes, such as 0.5 or 50 %", limit(func(b *reports.Budget) **float64 { return &b.Overhead }, ratio)},
		{"delay_p95", "added delay, such as 50ms", limit(func(b *reports.Budget) **float64 { return &b.DelayP95 }, duration)},
		{"gb_per_month", "extra traffic of a home, from continuous recordings", limit(func(b *reports.Budget) **float64 { return &b.GBPerMonth }, ratio)},
		{"rise", "of the advantage since --baseline, such as 0.02", limit(func(b *reports.Budget) **float64 { return &b.Rise }, ratio)},
	}
}

func budgetHelp() string {
	var b strings.Builder
	for _, k := range budgetKeys() {
		fmt.Fprintf(&b, "\n  %-12s %s", k.name, k.doc)
	}
	return b.String()
}

// parseBudget reads YAML text; name stands in messages.
func parseBudget(name, text string) (reports.Budget, error) {
	c, root, err := parseYAML(name, text, "a budget needs at least one limit, such as advantage: 0.2")
	if err != nil {
		return reports.Budget{}, err
	}
	var b reports.Budget
	var keys []configKey
	for _, k := range budgetKeys() {
		keys = append(keys, configKey{k.name, k.doc, func(n ast.Node) error { return k.read(&c, n, &b) }})
	}
	return b, c.read(root, keys)
}

// advantage reads one limit for every task or a mapping from tasks to limits.
func (c *config) advantage(n ast.Node, b *reports.Budget) error {
	b.Advantage = map[datasets.Task]float64{}
	if _, ok := n.(ast.ScalarNode); ok {
		v, err := c.quantity(n, share)
		b.AllTasks = &v
		return err
	}
	pairs, err := c.pairs(n)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		task, err := budgetTask(p.key.text)
		if err != nil {
			return c.file.wrong(p.key.at, err)
		}
		if b.Advantage[task], err = c.quantity(p.node, share); err != nil {
			return err
		}
	}
	return nil
}

// budgetTask takes a task as configs and as tables write it.
func budgetTask(name string) (datasets.Task, error) {
	var names []string
	for _, t := range datasets.Tasks() {
		plural := string(t) + "s" // as tables head it
		if name == string(t) || name == plural {
			return t, nil
		}
		names = append(names, plural)
	}
	return "", fmt.Errorf("unknown task %q (has %s)", name, strings.Join(names, ", "))
}

// quantity reads a number that is not negative.
func (c *config) quantity(n ast.Node, unit func(string) (float64, error)) (float64, error) {
	v, err := c.scalar(n)
	if err != nil {
		return 0, err
	}
	x, err := unit(v.text)
	if err == nil && (x < 0 || math.IsInf(x, 0) || math.IsNaN(x)) {
		err = fmt.Errorf("%s: want 0 or more", v.text)
	}
	if err != nil {
		return 0, c.file.wrong(v.at, err)
	}
	return x, nil
}

// ratio reads 0.5 or 50 %.
func ratio(text string) (float64, error) {
	number, percent := strings.CutSuffix(text, "%")
	x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil {
		return 0, fmt.Errorf("%q: want a number", text)
	}
	if percent {
		x /= 100
	}
	return x, nil
}

// share is a ratio from 0 to 1.
func share(text string) (float64, error) {
	x, err := ratio(text)
	if err == nil && x > 1 {
		err = fmt.Errorf("%s: want 0 to 1", text)
	}
	return x, err
}

// duration reads 50ms in seconds.
func duration(text string) (float64, error) {
	d, err := time.ParseDuration(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		return 0, fmt.Errorf("%q: want a time with its unit, such as 50ms", text)
	}
	return d.Seconds(), nil
}
