package cli

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"veilbench/bench/cli/command"
)

// eachCommand calls do with every command of the program, without those that cobra
// adds, and its path behind the program's name.
func eachCommand(do func(path string, c *cobra.Command)) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		_, path, _ := strings.Cut(c.CommandPath(), " ")
		do(path, c)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(rootCommand(&command.App{Plugins: Builtin(), Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard}))
}

// A shell completes the values of every flag that takes a word, and every argument;
// what is free text is named here.
func TestValuesAreCompleted(t *testing.T) {
	free := strings.Fields(`
		activity added against claim device deviation home hosts image label-zone link mac name partition
		private recording sweep target sbatch secret seed shard width`)
	eachCommand(func(path string, c *cobra.Command) {
		if c.Runnable() && !c.HasSubCommands() && strings.Contains(c.Use, " ") && !strings.Contains(c.Use, " --") && c.ValidArgsFunction == nil {
			t.Errorf("%s: nothing completes the arguments of %q", path, c.Use)
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !slices.Contains([]string{"string", "stringArray", "stringSlice"}, f.Value.Type()) || slices.Contains(free, f.Name) {
				return
			}
			if _, ok := c.GetFlagCompletionFunc(f.Name); !ok {
				t.Errorf("%s: nothing completes the value of --%s", path, f.Name)
			}
		})
	})
}

// Every command that prints has --json, or stands here with the reason why not.
func TestCommandsSpeakJSON(t *testing.T) {
	without := map[string]string{
		"dossier":         "a document for people, to be edited: what it says is in the JSON of gate, report and cite",
		"plugin example":  "the source of a program, to be kept in a file",
		"plugin protocol": "a document",
		"plugin schema":   "JSON already",
	}
	eachCommand(func(path string, c *cobra.Command) {
		if path == "" || c.HasSubCommands() && path != "artifact" {
			return // prints its help
		}
		if has := c.Flags().Lookup("json") != nil; has == (without[path] != "") {
			t.Errorf("%s: --json is there: %v, but its reason against it is %q", path, has, without[path])
		}
	})
}

// Nothing in the help of a command hangs on the machine: manual pages are made from it.
func TestHelpHangsOnNoMachine(t *testing.T) {
	eachCommand(func(path string, c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Name == "jobs" && f.DefValue != "0" {
				t.Errorf("%s: the default of --jobs is %s, a number of this machine", path, f.DefValue)
			}
		})
	})
}
