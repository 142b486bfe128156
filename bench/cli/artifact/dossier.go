package artifact

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"veilbench/bench/cli/budget"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/runs"
	"veilbench/bench/cli/yamlfile"
	"veilbench/bench/results"
	"veilbench/datasets/params"
	"veilbench/reports"
	"veilbench/reports/dossier"
	"veilbench/reports/gate"
)

// dossierFlags are the flags of "veilbench dossier".
type dossierFlags struct {
	budget, format, defense string
	limit                   float64
}

// Formats of a dossier.
const (
	formatHTML     = "html"
	formatMarkdown = "markdown"
)

func dossierCommand(a *command.App) *cobra.Command {
	var f dossierFlags
	cmd := &cobra.Command{
		Use:   "dossier DIR",
		Short: "one document of a run for a technical file: scope, verdicts, data, costs, limits, hashes",
		Long: `Dossier writes one document about the run in DIR to standard output: scope, threat model, data card,
the verdict on each limit of a budget and on each class of events, costs, limits, hashes, how to
reproduce, and a table to be edited that maps its sections to the rules one answers to. It makes no
statement on any law. The HTML is one file, prints on paper, and its tables to edit can be typed into.`,
		Example: `  veilbench dossier runs/acme --defense acme --budget budget.yaml --class-limit 0.3 > acme.html
  veilbench dossier runs/acme --format markdown > acme.md`,
		Args: command.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return writeDossier(a, args[0], f, cmd.Flags().Changed("class-limit"))
		},
	}

	// No limit of a class is usual: what people bear differs by what the class tells.
	fl := cmd.Flags()
	fl.StringVar(&f.budget, "budget", "", "YAML file with limits, as of veilbench gate")
	fl.Float64Var(&f.limit, "class-limit", 0, "largest share of the events of one class that may be found, 0 to 1")
	fl.StringVar(&f.defense, "defense", "", "only this defense, by its ID, short name or name, beside none")
	fl.StringVar(&f.format, "format", formatHTML, "html or markdown")
	return cmd
}

// onlyDefense is s with one defense beside none, all of it for "". What the others
// show is no evidence for this one.
func onlyDefense(s *reports.Set, name string) (*reports.Set, error) {
	if name == "" {
		return s, nil
	}
	var labels []string
	want := map[string]bool{results.NoDefense: true}
	for _, d := range s.DefensesOf(s.Panels) {
		first, _, _ := params.Cut(d)
		if name == d || name == s.Label(d) || name == first && !strings.Contains(d, "+") {
			want[d] = true
		}
		labels = append(labels, s.Label(d))
	}
	if len(want) == 1 {
		return nil, command.UnknownName("defense", name, labels)
	}
	opt := s.Options
	return reports.NewSet(slices.DeleteFunc(slices.Concat(s.Results, s.Planted), func(r results.Result) bool { return !want[r.Cell.Defense] }), opt), nil
}

func writeDossier(a *command.App, dir string, f dossierFlags, limited bool) error {
	if f.format != formatHTML && f.format != formatMarkdown {
		return command.UnknownName("format", f.format, []string{formatHTML, formatMarkdown})
	}
	if f.limit < 0 || f.limit > 1 {
		return fmt.Errorf("--class-limit %v: want a share from 0 to 1", f.limit)
	}
	s, err := runs.OpenSet(a, dir)
	if err != nil {
		return err
	}
	whole := s
	if s, err = onlyDefense(s, f.defense); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	o := dossier.Options{Run: dir, Budget: f.budget, Whole: whole}
	if limited {
		o.ClassLimit = &f.limit
	}

	// A budget that is missed is a finding here and no exit code: the document is
	// about it.
	if f.budget != "" {
		text, err := yamlfile.ReadFile(f.budget)
		if err != nil {
			return err
		}
		b, err := budget.Parse(f.budget, text)
		if err != nil {
			return err
		}
		if o.Lines, err = gate.Judge(gate.Run{Dir: dir, Set: s}, b, gate.Run{}); err != nil {
			return fmt.Errorf("%s: %w", f.budget, err)
		}
	}
	d, err := dossier.Of(s, o)
	if err != nil {
		return err
	}
	if f.format == formatMarkdown {
		return d.WriteMarkdown(a.Stdout)
	}
	return d.WriteHTML(a.Stdout)
}
