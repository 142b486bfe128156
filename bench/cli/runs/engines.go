package runs

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"veilbench/bench/cli/cluster"
	"veilbench/bench/cli/command"
	"veilbench/bench/shards"
)

// engines are the flags of a plan that say what else than a table is made of it.
type engines struct {
	slurm, submit, kubernetes, parallel bool
	timings, save                       string
	sbatch                              cluster.Slurm
	pods                                cluster.Kubernetes
}

func (e *engines) addFlags(fl *pflag.FlagSet) {
	fl.StringVar(&e.timings, "timings", "", "deal by what the run in this folder took, not by constants; needs --save where it is more than a table")
	fl.StringVar(&e.save, "save", "", "keep the deal in a file, for run --plan")
	fl.BoolVar(&e.slurm, "slurm", false, "write a script that submits an array of Slurm jobs and the merge behind them, for sh")
	fl.BoolVar(&e.submit, "submit", false, "with --slurm: run that script")
	fl.StringVar(&e.sbatch.Partition, "partition", "", "with --slurm: the partition")
	fl.DurationVar(&e.sbatch.TimeLimit, "time-limit", 0, "with --slurm: of each shard; one that is cut off goes on in another turn (default twice what the longest is expected to take, and an hour)")
	fl.StringArrayVar(&e.sbatch.Options, "sbatch", nil, "with --slurm: a further option of sbatch, such as --account=lab; repeatable")
	fl.BoolVar(&e.kubernetes, "kubernetes", false, "write an Indexed Job and the job of the merge, for kubectl apply -f")
	fl.StringVar(&e.pods.Name, "name", "veilbench", "with --kubernetes: name of the jobs")
	fl.StringVar(&e.pods.Image, "image", "veilbench", "with --kubernetes: image that has the program as its entry point")
	fl.StringVar(&e.pods.Claim, "claim", "", "with --kubernetes: claim of a volume that pods share, their working folder")
	fl.StringVar(&e.pods.Secret, "secret", "", "with --kubernetes: secret with the AWS_ variables of an object store")
	fl.BoolVar(&e.parallel, "parallel", false, "write a line for GNU parallel")
}

// check refuses flags that contradict each other.
func (e *engines) check(fl *pflag.FlagSet, n, jobs int) error {
	// Flags of one program beside another's would be passed over in silence.
	some := 0
	for _, x := range []bool{e.slurm, e.kubernetes, e.parallel} {
		if x {
			some++
		}
	}
	switch {
	case n < 1:
		return fmt.Errorf("--shards %d: want at least 1", n)
	case jobs < 1:
		return fmt.Errorf("--jobs %d: want at least 1", jobs)
	case some > 1:
		return errors.New("--slurm, --kubernetes, --parallel: want one of them")
	case e.sbatch.TimeLimit < 0:
		return fmt.Errorf("--time-limit %s: want at least a minute", e.sbatch.TimeLimit)
	case e.timings != "" && e.save == "" && some > 0:
		return errors.New("--timings: want --save FILE as well, for shards that dealt by constants would not fit together")
	}
	return command.Refuse(fl,
		command.Idle{Here: !e.slurm, Unless: "with --slurm", Flags: []string{"submit", "partition", "time-limit", "sbatch"}},
		command.Idle{Here: !e.kubernetes, Unless: "with --kubernetes", Flags: []string{"name", "image", "claim", "secret"}},
		command.Idle{Here: some > 0, Unless: "without --slurm, --kubernetes and --parallel", Flags: []string{"json"}})
}

// write makes the job file of the program that was asked for.
func (e *engines) write(ctx context.Context, a *command.App, j cluster.Job) error {
	switch {
	case e.submit:
		return e.sbatch.Submit(ctx, j, a.Stdout)
	case e.slurm:
		return e.sbatch.Write(a.Stdout, j)
	case e.kubernetes:
		return e.pods.Write(a.Stdout, j)
	}
	return j.Parallel(a.Stdout)
}

// words are the arguments and flags of a plan that a run takes too.
func (e *engines) words(cmd *cobra.Command, args []string) []string {
	out := append([]string(nil), args...)
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(engines).addFlags(own)
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch {
		case own.Lookup(f.Name) != nil, f.Name == "shards", f.Name == "out", f.Name == "jobs":
			return
		}
		// IDs hold commas: a list is a flag that is repeated.
		values := []string{f.Value.String()}
		if s, ok := f.Value.(pflag.SliceValue); ok {
			values = s.GetSlice()
		}
		for _, v := range values {
			out = append(out, "--"+f.Name+"="+v)
		}
	})
	if e.save != "" {
		out = append(out, "--plan="+e.save)
	}
	return out
}

// job is a plan with what other programs must know of it.
func (p planned) job(f runFlags, words []string) cluster.Job {
	j := cluster.Job{Words: words, Out: f.out, Shards: p.Shards, Workers: f.jobs}
	dealt := make([]int, len(p.Units))
	for i, u := range p.Units {
		dealt[i] = u.Shard
		j.MemoryBytes = max(j.MemoryBytes, p.units[i].MemoryBytes)
	}
	for s := range p.Shards {
		j.Seconds = max(j.Seconds, shards.Load(p.units, dealt, s))
	}
	return j
}
