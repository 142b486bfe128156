// Package manual writes pages for man from the same words that --help prints. Generators
// of others read these words as Markdown, which swallows "<...>", sets * and _ in italics
// and runs lists of keys together; here they are set as they stand.
package manual

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"veilbench/bench/cli/command"
	"veilbench/datasets/atomicfile"
)

// Command is "veilbench man".
func Command(a *command.App) *cobra.Command {
	var show command.Show
	cmd := &cobra.Command{
		Use:   "man DIR",
		Short: "write the manual pages of all commands into a folder",
		Long: `Man writes a page for each command into DIR, veilbench.1 and veilbench-run.1 and so on, from the words
that --help prints. "man -l DIR/veilbench-run.1" shows one; in a folder man1 of the manual's path man
finds them by name.`,
		Example: "  veilbench man ~/.local/share/man/man1 && man veilbench-run",
		Args:    command.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			// Pages of commands that are gone stay: the folder may be one of other programs.
			var names []string
			for _, c := range pages(cmd.Root()) {
				if err := atomicfile.Write(filepath.Join(args[0], pageName(c)+".1"), []byte(page(c))); err != nil {
					return err
				}
				names = append(names, pageName(c)+".1")
			}
			return show.Print(a, map[string]any{"folder": args[0], "pages": names}, fmt.Sprintf("wrote %d pages into %s\n", len(names), args[0]))
		},
	}
	show.AddJSON(cmd.Flags())
	return cmd
}

// pages are the commands that have a page: all but what cobra adds by itself.
func pages(c *cobra.Command) []*cobra.Command {
	out := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		if sub.Name() != "help" && sub.Name() != "completion" && sub.IsAvailableCommand() {
			out = append(out, pages(sub)...)
		}
	}
	return out
}

// pageName is the name of a page: words joined by hyphens, as of git's.
func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// page is the manual page of a command. It hangs on nothing but the program: no date,
// no machine.
func page(c *cobra.Command) string {
	c.InitDefaultHelpFlag()
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %q 1 \"\" %q %q\n", strings.ToUpper(pageName(c)), "veilbench "+command.Version(), "veilbench")

	// A flag that is broken at its hyphens cannot be copied, and gaps of even margins
	// tear commands apart.
	b.WriteString(".nh\n.ad l\n")
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", escape(pageName(c)), escape(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n\\fB%s\\fR%s\n", escape(c.CommandPath()), escape(strings.TrimPrefix(c.UseLine(), c.CommandPath())))
	if c.Long != "" {
		b.WriteString(".SH DESCRIPTION\n" + text(c.Long))
	}
	if subs := pages(c)[1:]; len(subs) > 0 {
		b.WriteString(".SH COMMANDS\n")
		for _, s := range subs {
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR\n%s\n", escape(strings.TrimPrefix(s.CommandPath(), c.CommandPath()+" ")), line(s.Short))
		}
	}
	b.WriteString(".SH OPTIONS\n")
	c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			b.WriteString(option(f))
		}
	})
	if c.Example != "" {
		b.WriteString(".SH EXAMPLES\n" + text(c.Example))
	}
	b.WriteString(".SH EXIT STATUS\n" + text(exits()))

	// The page above, and those below it.
	var see []string
	if c.HasParent() {
		see = append(see, pageName(c.Parent()))
	}
	for _, s := range c.Commands() {
		if s.IsAvailableCommand() && s.Name() != "help" && s.Name() != "completion" {
			see = append(see, pageName(s))
		}
	}
	for i, s := range see {
		see[i] = "\\fB" + escape(s) + "\\fR(1)"
	}
	b.WriteString(".SH SEE ALSO\n" + strings.Join(see, ",\n") + "\n")
	return b.String()
}

// exits says what the exit codes of every command mean.
func exits() string {
	return `  0    all well
  1    some cells failed, or a fingerprint differs
  2    wrong use or input
  3    a gate, a self-check or a verification was missed
  4    a strict gate cannot tell, for want of test groups
  130  interrupted; the same command goes on`
}

// option is the entry of a flag.
func option(f *pflag.Flag) string {
	value, usage := pflag.UnquoteUsage(f)
	head := "\\fB" + escape("--"+f.Name) + "\\fR"
	if f.Shorthand != "" {
		head = "\\fB" + escape("-"+f.Shorthand) + "\\fR, " + head
	}
	if value != "" {
		head += " \\fI" + escape(value) + "\\fR"
	}

	// As --help does, nothing is said of a default that stands for none.
	switch f.DefValue {
	case "", "false", "0", "0s", "[]":
	default:
		usage += " (default " + f.DefValue + ")"
	}
	return ".TP\n" + head + "\n" + line(usage) + "\n"
}

// text sets paragraphs as such, and lines that begin with a blank as they stand: they
// are lists and examples.
func text(s string) string {
	var b strings.Builder
	literal := false
	for l := range strings.SplitSeq(strings.Trim(s, "\n"), "\n") {
		switch {
		case l == "":
			if literal {
				b.WriteString(".fi\n")
				literal = false
			}
			b.WriteString(".PP\n")
			continue
		// Between these two a line is a line, and blanks are not joined.
		case strings.HasPrefix(l, " ") && !literal:
			b.WriteString(".nf\n")
			literal = true
		case !strings.HasPrefix(l, " ") && literal:
			b.WriteString(".fi\n")
			literal = false
		}
		b.WriteString(line(l) + "\n")
	}
	if literal {
		b.WriteString(".fi\n")
	}
	return b.String()
}

// line escapes a line of text, which must not begin as a request does.
func line(s string) string {
	s = escape(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}

// escape keeps signs from being read as roff, and hyphens those that are typed.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, "\n", " ").Replace(s)
}
