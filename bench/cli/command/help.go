package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"veilbench/datasets/params"
)

// Group makes cmd one that only has commands below it: alone it shows its help, and a
// word that is none of them is an error.
func Group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return unknownCommand(cmd, args[0])
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}

// unknownCommand is the error for a word that is no command below cmd, with the nearest.
func unknownCommand(cmd *cobra.Command, word string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return fmt.Errorf("unknown command %q for %q%s\nsee %q", word, cmd.CommandPath(), params.DidYouMean(word, names), cmd.CommandPath()+" --help")
}

// NoArgs refuses arguments of a command that has none.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes flags alone, and no %q", cmd.Name(), args[0])
	}
	return nil
}

// StrictHelp makes help for a command that does not exist an error, in both forms: help
// WORD and WORD --help. The library shows something else and is content. What the second
// form found is returned by the function, once the program has run.
func StrictHelp(root *cobra.Command) func() error {
	var unknown error
	show := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		// A command with commands below it may take other words as well (artifact DIR).
		words := cmd.Flags().Args()
		if cmd.HasSubCommands() && len(words) > 0 && cmd.ValidateArgs(words[:1]) != nil {
			unknown = unknownCommand(cmd, words[0])
			return
		}
		show(cmd, args)
	})

	root.InitDefaultHelpCmd()
	help, _, _ := root.Find([]string{"help"})
	help.Run = nil
	help.RunE = func(_ *cobra.Command, args []string) error {
		cmd, rest, err := root.Find(args)
		if err != nil {
			return err
		}
		if len(rest) > 0 {
			return unknownCommand(cmd, rest[0])
		}
		cmd.InitDefaultHelpFlag() // so that --help and --version stand in their lists
		cmd.InitDefaultVersionFlag()
		return cmd.Help()
	}
	return func() error { return unknown }
}
