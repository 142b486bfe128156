package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"veilbench/datasets/home"
	"veilbench/datasets/params"
	"veilbench/datasets/published"
	"veilbench/defenses"
)

func (a *app) listCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "list what can be named: defenses, attacks, datasets, presets",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		&cobra.Command{Use: "defenses", Short: "defenses with their parameters and presets", Args: cobra.NoArgs, RunE: a.listDefenses},
		&cobra.Command{Use: "datasets", Short: "data sets that are generated, and those with a loader", Args: cobra.NoArgs, RunE: a.listDatasets},
		&cobra.Command{Use: "presets", Short: "experiments that come with the program", Args: cobra.NoArgs, RunE: a.listPresets},
		&cobra.Command{Use: "attacks", Short: "attacks with their parameters", Args: cobra.NoArgs, RunE: a.listAttacks},
	)
	return cmd
}

func (a *app) listDefenses(*cobra.Command, []string) error {
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
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
	return w.Flush()
}

func (a *app) listAttacks(*cobra.Command, []string) error {
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	for _, at := range a.Attacks {
		i := at.Info()
		var tasks []string
		for _, t := range i.Tasks {
			tasks = append(tasks, string(t))
		}
		fmt.Fprintf(w, "%s\t%s (%s)\n", i.Name, i.Doc, strings.Join(tasks, ", "))
		listParams(w, at)
	}
	return w.Flush()
}

func listParams(w *tabwriter.Writer, v any) {
	for _, p := range params.List(v) {
		fmt.Fprintf(w, "    %s=%s\t%s\n", p.Key, p.Value, p.Help)
	}
}

func (a *app) listDatasets(*cobra.Command, []string) error {
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	for _, p := range home.Presets() {
		fmt.Fprintf(w, "home:%s\t%s\n", p.Name, p.Doc)
		listParams(w, p.Params)
	}
	fmt.Fprintf(w, "capture=FILE\ta pcap or pcapng file with --labels\n")
	for _, n := range published.Names() {
		fmt.Fprintf(w, "%s=PATH\tpublished recordings (veilbench datasets info %s)\n", n, n)
	}
	return w.Flush()
}
