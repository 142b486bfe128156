package runs

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"veilbench/attacks"
	"veilbench/bench/cli/command"
	"veilbench/bench/results"
	"veilbench/defenses"
	"veilbench/reports"
	"veilbench/reports/benchfmt"
	"veilbench/reports/figure"
	"veilbench/reports/figures"
	"veilbench/reports/page"
	"veilbench/reports/table"
	"veilbench/reports/tables"
	"veilbench/reports/tex"
)

// reportFlags are the flags of "veilbench report".
type reportFlags struct {
	format, table, figure, width, out string
	dataset, task, vantage, defense   string
	attack, knowledge, activity       string
	plain                             bool
	metric                            string
	show                              command.Show
}

func reportCommand(a *command.App) *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report DIR",
		Short: "draw tables, figures and the page again from the results in a folder",
		Long: `Report reads the results below DIR and computes nothing anew. Without --table and --figure it
writes every table, picture and the page into DIR (or --out) and shows the headline. With one of them
it writes that alone to standard output; several panels (data set, task, vantage) follow each other
in a table, while of a figure the first one is drawn: choose it by --dataset, --task and --vantage,
and what a study is of by --metric (f1, precision, in_candidates).

tables   ` + strings.Join(tableNames(), ", ") + `
figures  ` + strings.Join(figureNames(), ", ") + `

A run keeps a little of the traffic for the figures packets and rates; --activity chooses what they
are about. Pictures of a whole trace come from "veilbench apply --plot" and "veilbench rates".`,
		Example: `  veilbench report out
  veilbench report runs/camera-ready --format latex --table defense-by-attack > table.tex
  veilbench report runs/camera-ready --format latex --table paper > paper.tex
  veilbench report runs/camera-ready --format macros > numbers.tex    # \vbScore{event_signatures}{none}{event}
  veilbench report runs/camera-ready --figure tradeoff --width 3.33in --format pdf > tradeoff.pdf
  veilbench report runs/camera-ready --figure scores --task device --format svg > devices.svg
  veilbench report runs/camera-ready --figure packets --activity lamp/on --defense pad-random:max_bytes=255 > lamp.svg
  veilbench report runs/camera-ready --format html > page.html
  veilbench report runs/today --format benchfmt > today.txt && benchstat last-week.txt today.txt`,
		Args: command.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd.Flags()); err != nil {
				return err
			}
			return report(a, args[0], f)
		},
	}

	// Empty is "all", and of a format what suits a table or a figure.
	fl := cmd.Flags()
	fl.StringVar(&f.format, "format", "", "text, markdown, latex, csv, html or json for tables; svg, pdf, png or pgf for figures; benchfmt (for benchstat), github-benchmark or macros (for LaTeX) for all of it")
	fl.StringVar(&f.table, "table", "", "name of a table, or all")
	fl.StringVar(&f.figure, "figure", "", "name of a figure")
	fl.StringVar(&f.width, "width", "", "width of the figure, such as 3.33in or 8.5cm (default one column of a paper)")
	fl.StringVar(&f.out, "out", "", "folder for everything (default DIR)")
	addPlain(fl, &f.plain)
	f.show.AddShow(fl)
	fl.StringVar(&f.dataset, "dataset", "", "only results on this data set")
	fl.StringVar(&f.task, "task", "", "only results of this task")
	fl.StringVar(&f.vantage, "vantage", "", "only results from this vantage point")
	fl.StringVar(&f.knowledge, "knowledge", "", "only attackers with this knowledge")
	fl.StringVar(&f.defense, "defense", "", "only this defense, by ID")
	fl.StringVar(&f.attack, "attack", "", "only this attack, by ID")
	fl.StringVar(&f.activity, "activity", "", "what the figures packets and rates are about: DEVICE or DEVICE/ACTIVITY")
	fl.StringVar(&f.metric, "metric", "", "only figures of this score, as results.csv names it")
	return cmd
}

// check refuses flags that count for nothing beside the others.
func (f reportFlags) check(fl *pflag.FlagSet) error {
	alone := f.table != "" || f.figure != "" || f.format != "" || f.show.JSON
	return errors.Join(
		command.Refuse(fl,
			command.Idle{Here: f.figure == "", Unless: "with --figure", Flags: []string{"width", "metric"}},
			command.Idle{Here: f.figure != "", Unless: "without --figure", Flags: []string{"json", "verbose"}},
			command.Idle{Here: f.table != "", Unless: "without --table", Flags: []string{"activity"}},
			command.Idle{Here: alone, Unless: "where everything is written, without --table, --figure, --format and --json", Flags: []string{"out", "plain"}}),
		f.show.OneFormat(fl))
}

// rests says whether a result that the flags do not select is evidence for those
// that they do: a canary, or the undefended traffic.
func (f reportFlags) rests(r results.Result) bool {
	if r.Cell.Knowledge == results.Planted {
		f.knowledge = ""
	}
	if r.Cell.Defense == results.NoDefense {
		f.defense = ""
	}
	return f.keep(r)
}

// keep says whether the flags select a result.
func (f reportFlags) keep(r results.Result) bool {
	c := r.Cell

	// Packets and rates are drawn before and after the defense.
	defense := f.defense
	if c.Defense == results.NoDefense && (f.figure == figures.Packets.Name || f.figure == figures.Rates.Name) {
		defense = ""
	}

	f.defense = defense
	return !slices.ContainsFunc(f.choices(c), func(w choice) bool { return w.want != "" && w.want != w.have })
}

// choice is what a flag asks for, beside what a result is of.
type choice struct{ flag, want, have string }

func (f reportFlags) choices(c results.Cell) []choice {
	return []choice{
		{"dataset", f.dataset, c.Dataset},
		{"task", f.task, string(c.Task)},
		{"vantage", f.vantage, string(c.Vantage)},
		{"knowledge", f.knowledge, string(c.Knowledge)},
		{"defense", f.defense, c.Defense},
		{"attack", f.attack, c.Attack},
	}
}

// nothingLeft says which flag asks for what no result is of, and what there is.
func (f reportFlags) nothingLeft(dir string, rs []results.Result) error {
	for i, w := range f.choices(results.Cell{}) {
		var have []string
		for _, r := range results.Measured(rs) {
			have = append(have, f.choices(r.Cell)[i].have)
		}
		have = reports.Distinct(have)
		if w.want != "" && !slices.Contains(have, w.want) {
			return fmt.Errorf("%s: no result of --%s %s (there are %s)", dir, w.flag, w.want, strings.Join(have, ", "))
		}
	}
	return fmt.Errorf("%s: none of %d results is of all that the flags ask for", dir, len(rs))
}

// inFull gives the flags the names that results have: attack and defense their IDs
// with every parameter, a data set its settings and folder where no other has its
// short name, a task its one word for the plural in tables. What is not known stays as it is.
func inFull(a *command.App, rs []results.Result, f reportFlags) reportFlags {
	var data []string
	for _, r := range rs {
		if data = append(data, r.Cell.Dataset); f.task == reports.TaskName(r.Cell.Task) {
			f.task = string(r.Cell.Task)
		}
	}

	// A name that stands for two data sets is neither's: then the message lists both.
	short := reports.DataNames(data)
	is := func(name string) bool { return short[name] == f.dataset || strings.HasPrefix(name, f.dataset+":") }
	if i := slices.IndexFunc(data, is); f.dataset != "" && short[f.dataset] == "" && i >= 0 {
		if another := func(name string) bool { return is(name) && name != data[i] }; !slices.ContainsFunc(data, another) {
			f.dataset = data[i]
		}
	}
	if x, err := attacks.Parse(a.Attacks, f.attack); err == nil {
		f.attack = attacks.ID(x)
	}
	if d, err := defenses.Parse(a.Defenses, f.defense); err == nil {
		f.defense = defenses.ID(d)
	}
	return f
}

func report(a *command.App, dir string, f reportFlags) error {
	if f.table != "" && f.figure != "" {
		return fmt.Errorf("--table and --figure: want one of them")
	}
	folder, err := openRun(a, dir)
	if err != nil {
		return err
	}

	// Of all results, before the flags take some out.
	opt := reportOptions(a, dir, folder)

	// Flags are in short, results have every parameter.
	f = inFull(a, folder.Results, f)
	rs := slices.DeleteFunc(slices.Clone(folder.Results), func(r results.Result) bool { return !f.keep(r) && !f.rests(r) })
	if !slices.ContainsFunc(results.Measured(rs), f.keep) {
		return f.nothingLeft(dir, folder.Results)
	}

	opt.Activity, opt.Show = f.activity, f.keep
	set := reports.NewSet(rs, opt)
	switch {
	case f.format == benchfmt.Go || f.format == benchfmt.Action:
		return reportBenchmarks(a, set, f)
	case f.format == tex.Macros:
		if f.table != "" || f.figure != "" {
			return fmt.Errorf("--format %s is of all results: want neither --table nor --figure", f.format)
		}
		return tex.WriteMacros(a.Stdout, set)
	case f.figure != "":
		return reportFigure(a, set, f)
	case f.table != "" || f.format != "" || f.show.JSON:
		return reportTables(a, set, f)
	}

	out := cmp.Or(f.out, dir)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	return drawAll(a, out, set, f.plain, f.show)
}

// Redraw writes every report of the run in dir anew and shows the main tables.
func Redraw(a *command.App, dir string, show command.Show) error {
	set, err := OpenSet(a, dir)
	if err != nil {
		return err
	}
	return drawAll(a, dir, set, false, show)
}

// drawAll writes everything into the folder out and shows the main tables, also where
// a picture could not be drawn.
func drawAll(a *command.App, out string, s *reports.Set, plain bool, show command.Show) error {
	shown, where, err := reports.WriteAll(out, s, reportContents(plain))
	if lost := a.Tables(table.Text, show, shown...); lost != nil {
		return errors.Join(err, lost)
	}
	if !show.JSON {
		fmt.Fprint(command.Folded(a.Stdout), where)
	}
	return err
}

// addPlain adds the flag of who writes reports.
func addPlain(fl *pflag.FlagSet, plain *bool) {
	fl.BoolVar(plain, "plain", false, "write results.csv and its like as text, not as .csv.gz")
}

// reportContents are the kinds of tables and figures of a report.
func reportContents(plain bool) reports.Contents {
	return reports.Contents{Plain: plain, Text: tables.Terminal(), Tables: tables.Main(), Figures: figures.Main(), Page: page.Write}
}

// allTables is the word for every table.
const allTables = "all"

func tableNames() []string {
	var out []string
	for _, k := range tables.All() {
		out = append(out, k.Name)
	}
	return out
}

func figureNames() []string {
	var out []string
	for _, k := range figures.All() {
		out = append(out, k.Name)
	}
	return out
}

func reportTables(a *command.App, s *reports.Set, f reportFlags) error {
	format := cmp.Or(table.Format(f.format), table.Text)
	all := f.table == "" || f.table == allTables
	if format == table.HTML && all {
		return page.Write(a.Stdout, s)
	}

	// Of results as a whole the CSV is every figure of every cell, not tables one
	// below another.
	if f.table == "" && format == table.CSV {
		return s.WriteResults(a.Stdout)
	}

	kinds := tables.All()
	if !all {
		kinds = slices.DeleteFunc(kinds, func(k reports.TableKind) bool { return k.Name != f.table })
	}
	if len(kinds) == 0 {
		return command.UnknownName("table", f.table, tableNames())
	}
	ts := reports.TablesOf(s, kinds)
	if len(ts) == 0 {
		return fmt.Errorf("table %s: these results have nothing for it", f.table)
	}
	return a.Tables(format, f.show, ts...)
}

// reportBenchmarks writes the results for tools that follow benchmarks, which know
// neither tables nor figures.
func reportBenchmarks(a *command.App, s *reports.Set, f reportFlags) error {
	if f.table != "" || f.figure != "" {
		return fmt.Errorf("--format %s is of all results: want neither --table nor --figure", f.format)
	}
	if f.format == benchfmt.Action {
		return benchfmt.WriteAction(a.Stdout, s)
	}
	return benchfmt.Write(a.Stdout, s)
}

func reportFigure(a *command.App, s *reports.Set, f reportFlags) error {
	i := slices.Index(figureNames(), f.figure)
	if i < 0 {
		return command.UnknownName("figure", f.figure, figureNames())
	}
	figs, err := figures.All()[i].Figures(s)
	if err != nil {
		return err
	}
	if f.metric != "" {
		// A figure knows its score by what its title begins with.
		of := reports.FirstUpper(reports.MetricLabel(f.metric)) + " of "
		figs = slices.DeleteFunc(figs, func(d figure.Figure) bool { return !strings.HasPrefix(d.Title, of) })
	}
	if len(figs) == 0 {
		return fmt.Errorf("figure %s: these results have nothing for it", f.figure)
	}

	width := figure.ColumnWidth
	if f.width != "" {
		if width, err = figure.ParseWidth(f.width); err != nil {
			return err
		}
	}

	// Standard output takes one picture.
	if len(figs) > 1 {
		fmt.Fprintf(a.Stderr, "%d figures; drawing %q\n", len(figs), figs[0].Title)
	}
	return reports.Draw(command.Raw(a.Stdout), figs[0], cmp.Or(figure.Format(f.format), figure.SVG), width)
}
