package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/spf13/cobra"

	"veilbench/bench"
	"veilbench/bench/results"
)

func (a *app) verifyCmd() *cobra.Command {
	var sample, jobs int
	var seed uint64
	var source sourceOptions
	cmd := &cobra.Command{
		Use:   "verify DIR",
		Short: "compute random cells of a run again and compare them byte for byte",
		Long: `Verify reads the manifest of a run, makes or reads the same data, checks their digests, computes
cells drawn at random again and compares them with what is stored. Exit code 3 if any differs.`,
		Example: "  veilbench verify out --sample 20",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if sample < 1 {
				return fmt.Errorf("--sample %d: want at least 1", sample)
			}
			return a.verify(cmd.Context(), args[0], sample, jobs, rand.New(rand.NewPCG(seed, seed)), source)
		},
	}
	cmd.Flags().IntVar(&sample, "sample", 10, "how many cells to compute again")
	cmd.Flags().IntVar(&jobs, "jobs", defaultJobs(), "how many things to do at once")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "seed of the draw of cells")
	source.flags(cmd.Flags())
	return cmd
}

func (a *app) verify(ctx context.Context, dir string, sample, jobs int, r *rand.Rand, source sourceOptions) error {
	m, err := results.ReadManifest(dir)
	if err != nil {
		return err
	}
	stored, err := results.ReadResults(dir)
	if err != nil {
		return err
	}
	stored = slices.DeleteFunc(stored, func(s results.Result) bool { return s.Err != "" })
	if len(stored) == 0 {
		return errors.New("nothing to verify: every cell of the run failed")
	}
	g, _, err := a.grid(ctx, configOfManifest(m), source)
	if err != nil {
		return err
	}
	if err := sameData(m, bench.ManifestOf(g, version(), nil)); err != nil {
		return exitError{ExitGate, err}
	}
	want := map[results.Cell]results.Result{}
	for _, i := range r.Perm(len(stored))[:min(sample, len(stored))] {
		want[stored[i].Cell] = stored[i]
	}
	p := newProgress(a.stderr, "computing cells again")
	again, err := bench.Run(ctx, g, bench.Options{
		Workers: jobs, Only: func(c results.Cell) bool { _, ok := want[c]; return ok },
		Progress: func(done, total int, _ bool) { p.step(done, total, 0) },
	})
	if err != nil {
		return err
	}
	differ := len(want) - len(again)
	for _, res := range again {
		was, errA := json.Marshal(want[res.Cell])
		now, errB := json.Marshal(res)
		if err := errors.Join(errA, errB); err != nil {
			return err
		}
		if string(was) != string(now) {
			differ++
			fmt.Fprintf(a.stdout, "differs: %s, %s, %s, %s, %s, fold %d\n", res.Cell.Dataset, res.Cell.Task, res.Cell.Defense, res.Cell.Attack, res.Cell.Knowledge, res.Cell.Fold)
		}
	}
	fmt.Fprintf(a.stdout, "%d of %d cells computed again, %d differ\n", len(want), len(stored), differ)
	if differ > 0 {
		return exitError{code: ExitGate}
	}
	return nil
}

// sameData compares digests and what else must agree for equal bytes.
func sameData(was, now results.Manifest) error {
	for _, w := range was.Data {
		i := slices.IndexFunc(now.Data, func(d results.DataEntry) bool { return d.Name == w.Name })
		if i < 0 || now.Data[i].Digest != w.Digest {
			return fmt.Errorf("data set %s is not what the run used: its digest differs", w.Name)
		}
	}
	if was.Method != now.Method {
		return fmt.Errorf("the run used methods version %d, this program has %d", was.Method, now.Method)
	}
	return nil
}

// configOfManifest writes a manifest as the config it came from.
func configOfManifest(m results.Manifest) config {
	var c config
	add := func(to *[]value, text string) { *to = append(*to, value{text: text}) }
	seen := map[string]bool{}
	for _, d := range m.Data {
		if !seen[d.Asked] {
			seen[d.Asked] = true
			v := value{text: d.Asked}
			for _, t := range d.Tasks {
				v.tasks = append(v.tasks, value{text: string(t)})
			}
			for _, name := range d.Unmonitored {
				v.unmonitored = append(v.unmonitored, value{text: name})
			}
			c.datasets = append(c.datasets, v)
		}
	}
	for _, t := range m.Tasks {
		add(&c.tasks, string(t))
	}
	for _, v := range m.Vantages {
		add(&c.vantages, string(v))
	}
	for _, d := range m.Defenses {
		add(&c.defenses, d)
	}
	for _, at := range m.Attacks {
		add(&c.attacks, at)
	}
	for _, k := range m.Knowledge {
		add(&c.knowledge, string(k))
	}
	c.split = value{text: string(m.Split)}
	c.draws, c.trainDraw = value{text: fmt.Sprint(m.Draws)}, value{text: fmt.Sprint(m.TrainDraw)}
	c.seed = value{text: fmt.Sprint(m.Seed)}
	c.link = value{text: fmt.Sprintf("link:up_mbit_s=%v,down_mbit_s=%v", m.Link.UpMbitS, m.Link.DownMbitS)}
	return c
}
