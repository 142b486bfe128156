package manual

import (
	"os/exec"
	"strings"
	"testing"

	"veilbench/datasets/datatest"

	"github.com/spf13/cobra"
)

// made is a command whose words are all that roff could trip over.
func made() *cobra.Command {
	root := &cobra.Command{Use: "veilbench", Short: "root"}
	c := &cobra.Command{
		Use: "try FILE|<x>", Short: `say "what" it is`, Example: "  veilbench try 'a' > b\n  veilbench try --out ~/x",
		Long: "Try takes <x> and *all* of a_b.\n.pcap stands first here, 'so does this.\n\nKeys:\n\n  key   a \\ path, with-hyphens\n        more\n\nThe end.",
		Run:  func(*cobra.Command, []string) {},
	}
	c.Flags().StringP("out", "o", "here", "`folder` to write")
	c.Flags().Bool("quick", false, "be quick")
	root.AddCommand(c)
	return c
}

// Words stand as they are, lists keep their lines, and nothing is taken for a request.
func TestPage(t *testing.T) {
	got := page(made())
	for _, want := range []string{
		".TH \"VEILBENCH-TRY\" 1 \"\" ",
		".SH NAME\nveilbench\\-try \\- say \"what\" it is\n",
		".SH SYNOPSIS\n\\fBveilbench try\\fR FILE|<x> [flags]\n",
		"Try takes <x> and *all* of a_b.\n\\&.pcap stands first here, \\(aqso does this.\n",
		".nf\n  key   a \\e path, with\\-hyphens\n        more\n.fi\n.PP\nThe end.\n",
		".TP\n\\fB\\-o\\fR, \\fB\\-\\-out\\fR \\fIfolder\\fR\nfolder to write (default here)\n",
		".TP\n\\fB\\-\\-quick\\fR\nbe quick\n",
		".SH EXAMPLES\n.nf\n  veilbench try \\(aqa\\(aq > b\n  veilbench try \\-\\-out \\(ti/x\n.fi\n",
		".SH SEE ALSO\n\\fBveilbench\\fR(1)\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks\n%s\nit is\n%s", want, got)
		}
	}
}

// No flag in a text is broken at the end of a line.
func TestGroffBreaksNoFlag(t *testing.T) {
	groff := datatest.Tool(t, "groff")
	c := made()
	for words := range 30 {
		c.Long = strings.Repeat("word ", words) + "and --allow-no-evidence lets it pass."
		cmd := exec.CommandContext(t.Context(), groff, "-man", "-Tutf8", "-P-cbou")
		cmd.Stdin = strings.NewReader(page(c))
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(out), "--allow-no-evidence") {
			t.Fatalf("behind %d words the flag is broken:\n%s", words, out)
		}
	}
}

// Groff has no warning for a page, and shows what was typed.
func TestGroffReadsIt(t *testing.T) {
	groff := datatest.Tool(t, "groff")
	cmd := exec.CommandContext(t.Context(), groff, "-ww", "-man", "-Tutf8", "-P-cbou")
	cmd.Stdin = strings.NewReader(page(made()))
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.String() != "" {
		t.Errorf("%v %s", err, complaints.String())
	}
	flat := strings.Join(strings.Fields(string(out)), " ") // paragraphs are filled
	for _, want := range []string{"Try takes <x> and *all* of a_b. .pcap stands first here, 'so does this.", "--out", "~/x", `key a \ path, with-hyphens more`} {
		if !strings.Contains(flat, want) {
			t.Errorf("it does not show %q:\n%s", want, out)
		}
	}
}
