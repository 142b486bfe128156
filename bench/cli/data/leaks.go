package data

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/datasets"
	"veilbench/datasets/leakage"
)

// leakFlags are the flags of "veilbench datasets leaks".
type leakFlags struct {
	split, vantage string
	seed           uint64
	source         source.Options
}

func leaksCmd(a *command.App) *cobra.Command {
	var f leakFlags
	cmd := &cobra.Command{
		Use:   "leaks DATASET",
		Short: "look for what spoils a split: shared groups, packets or copies, and classes that something else than traffic gives away",
		Long: `Looks, without running any attack, for groups, packets or whole recordings on both sides of a split, for
test recordings that are recognized by their session, and for clips whose class the time, the length of observing or an
address gives away. DATASET is an ID as in "veilbench run --dataset".`,
		Example: "  veilbench datasets leaks iotevents-pooled=data/iotevents --split leave-one-out",
		Args:    command.Args(cobra.ExactArgs(1)),
		RunE:    func(cmd *cobra.Command, args []string) error { return leaks(cmd.Context(), a, f, args[0]) },
	}

	fl := cmd.Flags()
	fl.StringVar(&f.split, "split", "", "split ID (default: the data set's own)")
	fl.StringVar(&f.vantage, "vantage", "", "lan, wifi, wan or zigbee: what the observer sees of addresses (default: wan, or that of a recording without a home border)")
	fl.Uint64Var(&f.seed, "seed", 1, "seed of generated data and of address translation")
	f.source.AddFlags(fl)
	return cmd
}

func leaks(ctx context.Context, a *command.App, f leakFlags, id string) error {
	var asked datasets.Vantage
	var err error
	if f.vantage != "" {
		if asked, err = datasets.ParseVantage(f.vantage); err != nil {
			return err
		}
	}
	var split datasets.Split
	if f.split != "" {
		if split, err = datasets.ParseSplit(f.split); err != nil {
			return err
		}
	}

	f.source.Own = a.Datasets
	sets, err := source.Load(ctx, id, f.seed, f.source)
	if err != nil {
		return err
	}
	for _, ds := range sets {
		vantage := cmp.Or(asked, ds.DefaultVantage())
		if !vantage.Sees(ds.Recorded) {
			return fmt.Errorf("%s was recorded at %s; nobody at %s can be shown from that", ds.Name, ds.Recorded, vantage)
		}
		// An address gives away only what the vantage leaves of it.
		ds = bench.SeenFrom(ds, vantage, f.seed)
		for _, task := range ds.Tasks {
			if err := printLeaks(a, &ds, task, split); err != nil {
				return err
			}
		}
	}
	return nil
}

func printLeaks(a *command.App, ds *datasets.Dataset, task datasets.Task, split datasets.Split) error {
	l, err := leakage.Probe(ds, task, split)
	if err != nil {
		return err
	}
	if split == "" {
		split = ds.Split // which Probe took as well
	}
	fmt.Fprintf(a.Stdout, "%s, %s, %s: %d test recordings, %d of them have the same sizes in the same order as a training recording\n", ds.Name, task, split, l.Tested, l.Identical)
	if split.Within() {
		fmt.Fprintln(a.Stdout, "  the split is within groups")
	}

	warnings := l.Warnings()
	for _, w := range warnings {
		fmt.Fprintln(a.Stdout, "  "+w)
	}
	if len(warnings) == 0 {
		fmt.Fprintln(a.Stdout, "  nothing found")
	}
	return nil
}
