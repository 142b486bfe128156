package machine

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"veilbench/bench/cli/command"
	"veilbench/bench/cli/kernel"
	"veilbench/bench/results"
)

// version is what "veilbench version" tells: what a report of a mistake, or two people
// whose results differ, need to know of the program.
type version struct {
	command.Build
	// Kernels are the classes of machine code that this processor has, the one that is
	// used first: scores agree byte for byte within one class.
	Kernels []string `json:"kernels"`
	// Method is raised when results change: runs of two methods are not compared.
	Method int `json:"method"`
}

func versionCommand(a *command.App) *cobra.Command {
	var show command.Show
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "version, commit, Go, kernels and the number of the method, which results of two programs must share",
		Example: "  veilbench version\n  veilbench version --json",
		Args:    command.Args(command.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			v := version{command.BuildOf(), kernel.Classes(), results.Method}
			return show.Write(a, v, v.write)
		},
	}
	show.AddJSON(cmd.Flags())
	return cmd
}

func (v version) write(to io.Writer) error {
	commit := v.Commit
	switch {
	case commit == "":
		commit = "not known"
	case v.Modified:
		commit += ", with changes"
	}
	w := tabwriter.NewWriter(to, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "veilbench\t%s\n", v.Version)
	fmt.Fprintf(w, "commit\t%s\n", commit)
	fmt.Fprintf(w, "go\t%s, %s/%s\n", v.Go, v.OS, v.Arch)
	fmt.Fprintf(w, "kernels\t%s\n", strings.Join(v.Kernels, ", "))
	fmt.Fprintf(w, "method\t%d\n", v.Method)
	return w.Flush()
}
