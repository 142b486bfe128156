package data

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"veilbench/bench/cli/command"
	"veilbench/bench/cli/progress"
	"veilbench/bench/cli/source"
	"veilbench/datasets"
	"veilbench/datasets/atomicfile"
	"veilbench/datasets/published"
)

func describeCmd(a *command.App) *cobra.Command {
	var write bool
	var opt source.Options
	var show command.Show
	cmd := &cobra.Command{
		Use:   "describe PATH|NAME[=PATH]",
		Short: "say what a folder of recordings was understood to be, or what published data hold",
		Long: `Describe opens a folder of recordings as "run --dataset PATH" does and says what was understood:
recordings, groups, devices, events of each class, hours, packets, time zone, what is doubtful,
what was left out and why. With --write it puts a dataset.yaml into the folder that says the same;
edit that where the reading is wrong. Its keys, all optional:

  captures  "{home}/{device}/{activity}/{trial}.pcap": how captures are named; .pcap stands for all endings,
            {n} for digits, {time} for a date with a time
  group     "{home}", "{session}", "{day}", "{home}/{day}": what was recorded together
  task      event, device, command or clip (default: all that the labels can serve)
  labels    FILE, or {file: [FILE], zone: Europe/Berlin, offset: -2s, clock: epoch, device: D, activity: A}
  devices   FILE, a list of names, or {NAME: [ADDRESS, ADDRESS]}
  recorded  lan, wifi, wan or zigbee
  home      addresses and prefixes inside the home, for captures made outside
  same      [[plug/on, plug/off]]: classes that nobody can tell apart
  join      rotated (default: files that are one recording are joined) or none
  pairs     {before: "{session}/lan.pcap", after: "{session}/wan.pcap"}: both sides of a gateway

Of published data (NAME as in "datasets list", without PATH from the cache) it says what each
group holds, those too that no run takes.`,
		Example: `  veilbench datasets describe lab
  veilbench datasets describe lab --label-zone Europe/Berlin --write
  veilbench datasets describe nat-pairs=data/nat_pairs`,
		Args: command.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, _, _ := strings.Cut(args[0], "=")
			own := slices.ContainsFunc(a.Datasets, func(l datasets.Loader) bool { return l.Name == name })
			if own || slices.Contains(published.Names(), name) {
				if write {
					return fmt.Errorf("--write puts a dataset.yaml into a folder of yours, and what %s is is known", name)
				}
				return describePublished(cmd.Context(), a, args[0], opt, show)
			}
			return describe(cmd.Context(), a, args[0], opt, write, show)
		},
	}

	// The flags of captures and labels are those of run: what is right here is
	// right there.
	cmd.Flags().BoolVar(&write, "write", false, "put what was understood into the folder's dataset.yaml")
	show.AddJSON(cmd.Flags())
	opt.AddFlags(cmd.Flags())
	return cmd
}

func describe(ctx context.Context, a *command.App, path string, opt source.Options, write bool, show command.Show) error {
	if info, err := os.Stat(strings.TrimPrefix(path, "capture=")); err == nil && !info.IsDir() {
		return fmt.Errorf("%s is no folder; what one capture holds says: veilbench inspect %s", path, strings.TrimPrefix(path, "capture="))
	}
	name := filepath.Join(path, "dataset.yaml")
	if write {
		// It may hold comments and decisions that this one would not.
		if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s is there already; remove it first", name)
		}
	}

	p := progress.New(a.Stderr, "reading captures")
	opt.Progress = func(done, total int) { p.Step(done, total, 0) }
	f, err := source.OpenFolder(ctx, path, opt)
	if err != nil {
		return err
	}
	if err := show.Write(a, f.Summary(), f.Describe); err != nil {
		return err
	}
	said := a.Stdout
	if show.JSON {
		said = a.Stderr // JSON stands alone
	}
	if !write {
		if _, err := os.Stat(name); err != nil {
			fmt.Fprintf(said, "--write puts this into %s\n", name)
		}
		return nil
	}

	b, err := f.YAML()
	if err != nil {
		return err
	}
	if err := atomicfile.Write(name, b); err != nil {
		return err
	}
	fmt.Fprintf(said, "wrote %s\n", name)
	return nil
}
