// Package budget reads the limits that a run is held against, as people write
// them: a YAML file with a key for each limit.
package budget

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"veilbench/bench/cli/yamlfile"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports/gate"
)

// Parse reads YAML text; name stands in messages. Shares, percents and times
// come out in the units of gate.Budget.
func Parse(name, text string) (gate.Budget, error) {
	f, root, err := yamlfile.Parse(name, text, "a budget needs at least one limit, such as advantage: 0.2")
	if err != nil {
		return gate.Budget{}, err
	}
	b := budget{file: f}
	if err := f.Read(root, "", b.keys()); err != nil {
		return gate.Budget{}, err
	}
	b.At, err = places(f, root)
	return b.Budget, err
}

// places are the lines of a file that set the limit of each rule, for tools that
// show a finding where it is written.
func places(f *yamlfile.File, root ast.Node) (map[string]int, error) {
	pairs, err := f.Pairs(root)
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for _, p := range pairs {
		rule, ok := gate.Keys()[p.Key.Text]
		if !ok {
			continue // the defense to judge
		}
		out[rule] = p.Key.At.Line
		if _, ok := p.Node.(*ast.MappingNode); !ok {
			continue
		}
		tasks, err := f.Pairs(p.Node)
		if err != nil {
			return nil, err
		}
		for _, t := range tasks {
			task, err := taskOf(t.Key.Text)
			if err != nil {
				return nil, f.Wrong(t.Key.At, err)
			}
			out[gate.At(rule, string(task))] = t.Key.At.Line
		}
	}
	return out, nil
}

// Help explains every key of a budget file, one on a line.
func Help() string { return yamlfile.Help(new(budget).keys()) }

// budget is what is being read from a file.
type budget struct {
	gate.Budget
	file *yamlfile.File
}

// keys of a budget file, in the order of the help text.
func (b *budget) keys() []yamlfile.Key {
	limit := func(to **float64, unit func(string) (float64, error)) func(ast.Node) error {
		return yamlfile.Into(to, func(n ast.Node) (*float64, error) {
			v, err := b.quantity(n, unit)
			return &v, err
		})
	}
	defense := func(n ast.Node) (string, error) {
		v, err := b.file.Plugin(n)
		return v.Text, err
	}

	// A metric names its unit (delay_p95_s); a limit has it in the value, and so
	// another name.
	return []yamlfile.Key{
		{Name: "defense", Doc: "which one to judge, by ID or name (default: every one but none)", Read: yamlfile.Into(&b.Defense, defense)},
		{Name: results.AdvantageMetric, Doc: "of the best attack, 0 to 1: {events: 0.2, devices: 0.5}, or one number for every task of the run", Read: b.advantage},
		{Name: results.Overhead, Doc: "extra bytes, such as 0.5 or 50 %", Read: limit(&b.Overhead, ratio)},
		{Name: "delay_p95", Doc: "added delay, such as 50ms", Read: limit(&b.DelayP95, duration)},
		{Name: results.GBPerMonth, Doc: "extra traffic of a home, from continuous recordings", Read: limit(&b.GBPerMonth, ratio)},
		{Name: "rise", Doc: "of the advantage since --baseline, such as 0.02", Read: limit(&b.Rise, ratio)},
	}
}

// advantage reads one limit for every task or a mapping from tasks to limits.
func (b *budget) advantage(n ast.Node) error {
	b.Advantage = map[datasets.Task]float64{}
	if _, ok := n.(ast.ScalarNode); ok {
		v, err := b.quantity(n, share)
		b.AllTasks = &v
		return err
	}

	// Limits by task are kept by the task's own name, so that "event" and "events"
	// are one.
	pairs, err := b.file.Pairs(n)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		task, err := taskOf(p.Key.Text)
		if err != nil {
			return b.file.Wrong(p.Key.At, err)
		}
		if b.Advantage[task], err = b.quantity(p.Node, share); err != nil {
			return err
		}
	}
	return nil
}

// taskOf takes a task as configs and as tables write it.
func taskOf(name string) (datasets.Task, error) {
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
func (b *budget) quantity(n ast.Node, unit func(string) (float64, error)) (float64, error) {
	v, err := b.file.Scalar(n)
	if err != nil {
		return 0, err
	}
	x, err := unit(v.Text)
	if err == nil && (x < 0 || math.IsInf(x, 0) || math.IsNaN(x)) {
		err = fmt.Errorf("%s: want 0 or more", v.Text)
	}
	if err != nil {
		return 0, b.file.Wrong(v.At, err)
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
