package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"veilbench/bench/cli/command"
	"veilbench/bench/cli/gridfile"
	"veilbench/datasets"
	"veilbench/datasets/home"
	"veilbench/datasets/params"
	"veilbench/datasets/published"
	"veilbench/defenses"
)

// list is "veilbench list": every name that other commands take.
func list(a *command.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "list what can be named: defenses, attacks, datasets, tasks, presets",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}

	// Columns are as wide as their widest entry, so a list is written as a whole.
	for _, l := range []struct {
		name, short string
		write       func(io.Writer, *command.App)
	}{
		{"defenses", "defenses with their parameters and presets", listDefenses},
		{"datasets", "data sets that are generated, and those with a loader", listDatasets},
		{"tasks", "questions that an attack is asked", listTasks},
		{"presets", "experiments that come with the program", listPresets},
		{"attacks", "attacks with their parameters", listAttacks},
	} {
		cmd.AddCommand(&cobra.Command{Use: l.name, Short: l.short, Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
			w := tabwriter.NewWriter(a.Stdout, 0, 4, 2, ' ', 0)
			l.write(w, a)
			return w.Flush()
		}})
	}
	return cmd
}

func listDefenses(w io.Writer, a *command.App) {
	for _, d := range a.Defenses {
		i := d.Info()
		needs := ""
		for _, n := range i.Needs {
			needs += ", needs the " + string(n)
		}
		fmt.Fprintf(w, "%s\t%s (at the %s%s)\n", i.Name, i.Doc, i.Place, needs)
		listParams(w, d)
		if p, ok := d.(defenses.Presetter); ok {
			for _, p := range p.Presets() {
				fmt.Fprintf(w, "    %s\tpreset: %s\n", p.Name, p.Doc)
			}
		}
	}
}

func listAttacks(w io.Writer, a *command.App) {
	for _, at := range a.Attacks {
		i := at.Info()
		var tasks []string
		for _, t := range i.Tasks {
			tasks = append(tasks, string(t))
		}
		fmt.Fprintf(w, "%s\t%s (%s)\n", i.Name, i.Doc, strings.Join(tasks, ", "))
		listParams(w, at)
	}
}

func listDatasets(w io.Writer, a *command.App) {
	for _, l := range a.Datasets {
		fmt.Fprintf(w, "%s\t%s (of this program)\n", l.Name, l.Doc)
	}
	for _, p := range home.Presets() {
		fmt.Fprintf(w, "home:%s\t%s\n", p.Name, p.Doc)
		listParams(w, p.Params)
	}
	fmt.Fprintf(w, "capture=FILE\ta pcap or pcapng file with --labels\n")
	for _, n := range published.Names() {
		fmt.Fprintf(w, "%s=PATH\tpublished recordings (veilbench datasets info %s)\n", n, n)
	}
}

func listTasks(w io.Writer, a *command.App) {
	for _, t := range []struct {
		name datasets.Task
		asks string
	}{
		{datasets.TaskEvent, "what happened when"},
		{datasets.TaskDevice, "whose packet is this"},
		{datasets.TaskCommand, "which actions are in this command"},
		{datasets.TaskClip, "which activity is this whole recording"},
		{datasets.TaskRoutine, "who is home, who sleeps, hour by hour"},
	} {
		fmt.Fprintf(w, "%s\t%s\n", t.name, t.asks)
	}
	for _, q := range a.Tasks {
		fmt.Fprintf(w, "%s\t%s (of this program)\n", q.Name, q.Doc)
	}
}

func listPresets(w io.Writer, _ *command.App) {
	for _, p := range gridfile.Presets() {
		fmt.Fprintf(w, "%-24s %s\n", p.Name, p.Doc)
	}
}

// listParams writes the parameters of a plug-in or a preset with their defaults.
func listParams(w io.Writer, v any) {
	for _, p := range params.List(v) {
		fmt.Fprintf(w, "    %s=%s\t%s\n", p.Key, p.Value, p.Help)
	}
}
