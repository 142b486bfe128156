// Package machines holds the commands that turn machines of Maybenot into YAML and
// back. What machines do is in package maybenot.
package machines

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"veilbench/bench/cli/command"
	"veilbench/defenses/maybenot"
)

// Command is "veilbench maybenot".
func Command(a *command.App) *cobra.Command {
	cmd := command.Group(&cobra.Command{
		Use:   "maybenot",
		Short: "machines of Maybenot as YAML that people read and write",
	})
	cmd.AddCommand(showCmd(a), buildCmd(a))
	return cmd
}

func showCmd(a *command.App) *cobra.Command {
	var show command.Show
	cmd := &cobra.Command{
		Use:   "show STRING|FILE",
		Short: "print a machine, or those of a file, as YAML",
		Long: `Show decodes and validates a machine's string (Maybenot 2.x, it begins with 02) or all machines of a
file as --defense maybenot:machines=FILE reads it, and prints each as a YAML document: times in microseconds, states
by number from 0, transitions as {state: probability}. "veilbench maybenot build" makes a string of it again.`,
		Example: "  veilbench maybenot show 02eNp1ibEJAEAIA5Nf7B3N0v1cSESwEL0m5A6YvBqSgP7WeXfM5UoBW7ICYg==\n  veilbench maybenot show machines.def",
		Args:    command.Args(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			docs, err := documents(args[0])
			if err != nil {
				return err
			}

			// A line that YAML skips says which machine of a file a document is.
			var text strings.Builder
			for _, d := range docs {
				fmt.Fprintf(&text, "--- # %s\n%s", d.Title, d.YAML)
			}
			return show.Print(a, docs, text.String())
		},
	}
	show.AddJSON(cmd.Flags())
	return cmd
}

// shown is a machine, and what it is called.
type shown struct {
	Title string `json:"title"`
	YAML  string `json:"yaml"`
}

func buildCmd(a *command.App) *cobra.Command {
	var show command.Show
	cmd := &cobra.Command{
		Use:   "build FILE",
		Short: "print the string of a machine written as YAML",
		Long: `Build reads one YAML document of the form that "veilbench maybenot show" prints (- is standard input) and
prints the machine's string. What is left out is 0, false or absent. A distribution that is a number is that constant.`,
		Example: "  veilbench maybenot build mine.yaml",
		Args:    command.Args(cobra.ExactArgs(1)),
		RunE:    func(_ *cobra.Command, args []string) error { return build(a, args[0], show) },
	}
	show.AddJSON(cmd.Flags())
	return cmd
}

// documents are what arg holds, a string or a file of them.
func documents(arg string) ([]shown, error) {
	m, err := maybenot.Parse(arg)
	if err == nil {
		return []shown{{"name " + maybenot.Name(arg), text(m)}}, nil
	}

	// What begins like a string and is no file was meant as one, and its fault is that
	// of the string.
	if _, missing := os.Stat(arg); missing != nil && strings.HasPrefix(arg, "02") {
		return nil, err
	}

	f, err := os.Open(arg)
	if err != nil {
		return nil, fmt.Errorf("%w; a machine's string begins with 02", err)
	}
	defer f.Close()
	pairs, err := maybenot.ReadPairs(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", arg, err)
	}
	out := []shown{}
	for n, pair := range pairs {
		for side, list := range pair {
			for k, m := range list {
				title := fmt.Sprintf("%s %d", [...]string{"client", "server"}[side], k)
				if len(pairs) > 1 {
					title = fmt.Sprintf("pair %d, %s", n, title)
				}
				out = append(out, shown{title, text(m)})
			}
		}
	}
	return out, nil
}

// build prints the string of the machine in a file.
func build(a *command.App, name string, show command.Show) error {
	var b []byte
	var err error
	if name == "-" {
		b, err = io.ReadAll(a.Stdin)
	} else {
		b, err = os.ReadFile(name)
	}
	if err != nil {
		return err
	}
	m, err := parse(b)
	if err != nil {
		// Strings are no YAML: who has some meant the other way round.
		err = fmt.Errorf("%s: %w", name, err)
		_, one := maybenot.Parse(strings.TrimSpace(string(b)))
		if _, many := maybenot.ReadPairs(bytes.NewReader(b)); one == nil || many == nil {
			err = fmt.Errorf("%s holds strings of machines already; \"veilbench maybenot show\" prints them as YAML", name)
		}
		return err
	}
	return show.Print(a, map[string]string{"machine": m.String()}, m.String()+"\n")
}
