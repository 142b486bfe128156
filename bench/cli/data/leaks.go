package data

import (
	"cmp"
	"context"
	"fmt"
	"io"

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
	show           command.Show
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
	f.show.AddJSON(fl)
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
	if err := f.source.Counts(id); err != nil {
		return err
	}
	sets, err := source.Load(ctx, id, f.seed, f.source)
	if err != nil {
		return err
	}
	said := []leak{}
	for _, ds := range sets {
		vantage := cmp.Or(asked, ds.DefaultVantage())
		if !vantage.Sees(ds.Recorded) {
			return fmt.Errorf("%s was recorded at %s; nobody at %s can be shown from that", ds.Name, ds.Recorded, vantage)
		}
		// An address gives away only what the vantage leaves of it.
		ds = bench.SeenFrom(ds, vantage, f.seed)
		for _, task := range ds.Tasks {
			l, err := leakage.Probe(&ds, task, split)
			if err != nil {
				return err
			}
			said = append(said, leakOf(ds.Name, task, cmp.Or(split, ds.Split), l))
		}
	}
	return f.show.Write(a, said, func(w io.Writer) error {
		for _, l := range said {
			if err := l.write(w); err != nil {
				return err
			}
		}
		return nil
	})
}

// leak is what was found of a data set, for a task and a split.
type leak struct {
	Dataset  string         `json:"dataset"`
	Task     datasets.Task  `json:"task"`
	Split    datasets.Split `json:"split"`
	Within   bool           `json:"within_groups"`
	Tested   int            `json:"tested"`
	Copies   int            `json:"copies"`
	Shared   int            `json:"sharing_packets"`
	Same     int            `json:"identical_sizes"`
	Warnings []string       `json:"warnings"`
}

func leakOf(dataset string, task datasets.Task, split datasets.Split, r leakage.Report) leak {
	return leak{
		Dataset: dataset, Task: task, Split: split, Within: split.Within(),
		Tested: r.Tested, Copies: r.Copies, Shared: r.SharedPackets, Same: r.Identical, Warnings: append([]string{}, r.Warnings()...),
	}
}

func (l leak) write(w io.Writer) error {
	fmt.Fprintf(w, "%s, %s, %s: %d test recordings, %d of them have the same sizes in the same order as a training recording\n", l.Dataset, l.Task, l.Split, l.Tested, l.Same)
	if l.Within {
		fmt.Fprintln(w, "  the split is within groups")
	}
	for _, text := range l.Warnings {
		fmt.Fprintln(w, "  "+text)
	}
	if len(l.Warnings) > 0 {
		return nil
	}
	_, err := fmt.Fprintln(w, "  nothing found")
	return err
}
