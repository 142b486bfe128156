package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/datasets/atomicfile"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/reports"
	"veilbench/reports/figure"
	"veilbench/reports/figures"
	"veilbench/reports/page"
	"veilbench/reports/table"
	"veilbench/reports/tables"
)

// reportFlags are the flags of "veilbench report".
type reportFlags struct {
	format, table, figure, width, out string
	dataset, task, vantage, defense   string
	attack, knowledge, activity       string
}

func (a *app) reportCmd() *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report DIR",
		Short: "draw tables, figures and the page again from the results in a folder",
		Long: `Report reads the results below DIR and computes nothing anew. Without --table and --figure it
writes every table, picture and the page into DIR (or --out) and shows the headline. With one of them
it writes that alone to standard output; several panels (data set, task, vantage) follow each other
in a table, while of a figure the first one is drawn: choose it by --dataset, --task and --vantage.

tables   ` + strings.Join(tableNames(), ", ") + `
figures  ` + strings.Join(figureNames(), ", ") + `

A run keeps a little of the traffic for the figures packets and rates; --activity chooses what they
are about. Pictures of a whole trace come from "veilbench apply --plot" and "veilbench rates".`,
		Example: `  veilbench report out
  veilbench report runs/camera-ready --format latex --table defense-by-attack > table.tex
  veilbench report runs/camera-ready --figure tradeoff --width 3.33in --format pdf > tradeoff.pdf
  veilbench report runs/camera-ready --figure scores --task device --format svg > devices.svg
  veilbench report runs/camera-ready --figure packets --activity lamp/on --defense pad-random:max_bytes=255 > lamp.svg
  veilbench report runs/camera-ready --format html > page.html`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error { return a.report(args[0], f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.format, "format", "", "text, markdown, latex, csv or html for tables; svg, pdf, png or pgf for figures")
	fl.StringVar(&f.table, "table", "", "name of a table, or all")
	fl.StringVar(&f.figure, "figure", "", "name of a figure")
	fl.StringVar(&f.width, "width", "", "width of the figure, such as 3.33in or 8.5cm (default one column of a paper)")
	fl.StringVar(&f.out, "out", "", "folder for everything (default DIR)")
	fl.StringVar(&f.dataset, "dataset", "", "only results on this data set")
	fl.StringVar(&f.task, "task", "", "only results of this task")
	fl.StringVar(&f.vantage, "vantage", "", "only results from this vantage point")
	fl.StringVar(&f.knowledge, "knowledge", "", "only attackers with this knowledge")
	fl.StringVar(&f.defense, "defense", "", "only this defense, by ID")
	fl.StringVar(&f.attack, "attack", "", "only this attack, by ID")
	fl.StringVar(&f.activity, "activity", "", "what the figures packets and rates are about: DEVICE or DEVICE/ACTIVITY")
	return cmd
}

// keep says whether the flags select a result.
func (f reportFlags) keep(r results.Result) bool {
	c := r.Cell
	defense := f.defense
	if c.Defense == results.NoDefense && (f.figure == "packets" || f.figure == "rates") {
		defense = "" // before and after
	}
	for _, w := range [][2]string{
		{f.dataset, c.Dataset},
		{f.task, string(c.Task)},
		{f.vantage, string(c.Vantage)},
		{f.knowledge, string(c.Knowledge)},
		{defense, c.Defense},
		{f.attack, c.Attack},
	} {
		if w[0] != "" && w[0] != w[1] {
			return false
		}
	}
	return true
}

// inFull gives the attack and the defense of the flags the IDs that results
// have, with every parameter. What is not known stays as it is.
func (a *app) inFull(f reportFlags) reportFlags {
	if x, err := attacks.Parse(a.Attacks, f.attack); err == nil {
		f.attack = attacks.ID(x)
	}
	if d, err := defenses.Parse(a.Defenses, f.defense); err == nil {
		f.defense = defenses.ID(d)
	}
	return f
}

func (a *app) report(dir string, f reportFlags) error {
	if f.table != "" && f.figure != "" {
		return fmt.Errorf("--table and --figure: want one of them")
	}
	rs, err := results.ReadResults(dir)
	if err != nil {
		return err
	}
	all := len(rs)
	f = a.inFull(f)
	rs = slices.DeleteFunc(rs, func(r results.Result) bool { return !f.keep(r) })
	if len(rs) == 0 {
		return fmt.Errorf("%s: none of %d results is left by the flags", dir, all)
	}
	opt := a.reportOptions(dir)
	opt.Activity = f.activity
	set := reports.NewSet(rs, opt)
	switch {
	case f.figure != "":
		return a.reportFigure(set, f)
	case f.table != "" || f.format != "":
		return a.reportTables(set, f)
	}
	out := f.out
	if out == "" {
		out = dir
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	text, err := reports.WriteAll(out, set, reportContents())
	if err != nil {
		return err
	}
	fmt.Fprint(a.stdout, text)
	return nil
}

// reportContents are the kinds of tables and figures of a report.
func reportContents() reports.Contents {
	return reports.Contents{Text: tables.Terminal(), Tables: tables.Main(), Figures: figures.Main(), Page: page.Write}
}

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

// orderFile holds the order of rows and columns of a run, so that a report
// that is drawn again is the same.
const orderFile = "order.json"

func writeOrder(dir string, order []string) error {
	b, err := json.Marshal(order)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, orderFile), append(b, '\n'))
}

// reportOptions are what a report needs to know beside results: the order of
// rows and columns, and what the run's folder keeps beside its cells. Files
// that are missing there are no error: folders merged from shards lack them.
func (a *app) reportOptions(dir string) reports.Options {
	opt := reports.Options{Program: "veilbench " + version()}
	if b, err := os.ReadFile(filepath.Join(dir, orderFile)); err != nil || json.Unmarshal(b, &opt.Order) != nil {
		for _, d := range a.Defenses {
			opt.Order = append(opt.Order, d.Info().Name)
		}
		for _, at := range a.Attacks {
			opt.Order = append(opt.Order, at.Info().Name)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, selfcheckFile)); err != nil || json.Unmarshal(b, &opt.SelfCheck) != nil {
		opt.SelfCheck = nil
	}
	if found, err := results.ReadProbes(dir); err != nil {
		fmt.Fprintln(a.stderr, "no probes:", err)
	} else {
		opt.Probes = found
	}
	if ps, err := results.ReadPublished(dir); err != nil {
		fmt.Fprintln(a.stderr, "no published figures:", err)
	} else {
		opt.Published = ps
	}
	if xs, err := results.ReadSamples(dir); err != nil {
		fmt.Fprintln(a.stderr, "no figures of packets and rates:", err)
	} else {
		opt.Samples = xs
	}
	if m, err := results.ReadManifest(dir); err == nil {
		opt.Manifest = &m
	}
	if _, err := os.Stat(filepath.Join(dir, "cells")); err == nil {
		if st, err := results.OpenStore(dir); err == nil {
			opt.Timing = st.Timing
		}
	}
	return opt
}

func (a *app) reportTables(s *reports.Set, f reportFlags) error {
	format := cmp.Or(table.Format(f.format), table.Text)
	all := f.table == "" || f.table == "all"
	if format == table.HTML && all {
		return page.Write(a.stdout, s)
	}
	if f.table == "" && format == table.CSV {
		return s.WriteResults(a.stdout)
	}

	kinds := tables.All()
	if !all {
		kinds = slices.DeleteFunc(kinds, func(k reports.TableKind) bool { return k.Name != f.table })
	}
	if len(kinds) == 0 {
		return unknownName("table", f.table, tableNames())
	}
	ts := reports.TablesOf(s, kinds)
	if len(ts) == 0 {
		return fmt.Errorf("table %s: these results have nothing for it", f.table)
	}
	return table.Write(a.stdout, format, ts)
}

func (a *app) reportFigure(s *reports.Set, f reportFlags) error {
	i := slices.Index(figureNames(), f.figure)
	if i < 0 {
		return unknownName("figure", f.figure, figureNames())
	}
	figs := figures.All()[i].Draw(s)
	if len(figs) == 0 {
		return fmt.Errorf("figure %s: these results have nothing for it", f.figure)
	}
	width := figure.ColumnWidth
	if f.width != "" {
		var err error
		if width, err = figure.ParseWidth(f.width); err != nil {
			return err
		}
	}
	if len(figs) > 1 {
		fmt.Fprintf(a.stderr, "%d figures; drawing %q\n", len(figs), figs[0].Title)
	}
	return figs[0].Write(a.stdout, cmp.Or(figure.Format(f.format), figure.SVG), width)
}

func unknownName(what, name string, names []string) error {
	return fmt.Errorf("unknown %s %q%s (there are: %s)", what, name, params.DidYouMean(name, names), strings.Join(names, ", "))
}
