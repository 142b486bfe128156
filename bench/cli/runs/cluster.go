package runs

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// cluster is a plan as other programs' job files.
type cluster struct {
	// args are the words of the experiment, as typed behind "veilbench run".
	args   []string
	out    string
	shards int
	jobs   int
	plan   planned
}

// experimentWords are the arguments and flags of a plan that a run takes too, each
// quoted for a shell.
func experimentWords(cmd *cobra.Command, args []string) []string {
	var out []string
	for _, x := range args {
		out = append(out, quote(x))
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "shards", "slurm", "parallel", "out", "jobs":
			return
		}
		values := []string{f.Value.String()}
		if s, ok := f.Value.(pflag.SliceValue); ok {
			values = s.GetSlice()
		}
		for _, v := range values {
			out = append(out, quote("--"+f.Name+"="+v))
		}
	})
	return out
}

// quote makes one word of s for a shell of any make.
func quote(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_=./:,+@%", r))
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// command is the run of the shard that i, a word of the shell, numbers.
func (c cluster) command(i string) string {
	return fmt.Sprintf("veilbench run %s --shard %s/%d --out %s-%s", strings.Join(c.args, " "), i, c.shards, quote(c.out), i)
}

// parallel writes a line for GNU parallel, whose failed jobs do not keep the
// others from being merged.
func (c cluster) parallel(w io.Writer) error {
	_, err := fmt.Fprintf(w, "seq 0 %d | parallel --joblog %s.joblog -j 1 %s; veilbench merge %s-* --out %s && veilbench report %s\n",
		c.shards-1, quote(c.out), quote(c.command("{}")+fmt.Sprintf(" --jobs %d", c.jobs)), quote(c.out), quote(c.out), quote(c.out))
	return err
}

// slurm writes a job array for sbatch. What a shard may take at most is twice what
// it is expected to take, and an hour: a job that is cut off goes on where it was,
// but only when somebody asks. The merge waits for all shards, however they end,
// and says what is missing.
func (c cluster) slurm(w io.Writer) error {
	most, memory := 0.0, int64(0)
	for i, u := range c.plan.Units {
		most, memory = max(most, u.Seconds), max(memory, c.plan.units[i].MemoryBytes)
	}
	for s := range c.shards {
		sum := 0.0
		for _, u := range c.plan.Units {
			if u.Shard == s {
				sum += u.Seconds
			}
		}
		most = max(most, sum)
	}

	// A job that is cut off has computed for nothing only what was in the making,
	// but nobody is there to ask for the rest: rather too long than too short.
	limit := time.Hour + 2*time.Duration(most/float64(c.jobs)*float64(time.Second)).Round(time.Minute)
	_, err := fmt.Fprintf(w, `#!/bin/sh
# Submit with: sbatch FILE. Partition, account and limits are for you to add as
# further #SBATCH lines or flags of sbatch. An array may have no more jobs than
# MaxArraySize of "scontrol show config" allows.
#SBATCH --job-name=veilbench
#SBATCH --array=0-%d
#SBATCH --cpus-per-task=%d
#SBATCH --mem=%dM
#SBATCH --time=%d
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%s.%%a.log
set -eu
# The first shard asks for the merge, once all have ended, well or not.
if [ "$SLURM_ARRAY_TASK_ID" = 0 ] && [ "${SLURM_RESTART_COUNT:-0}" = 0 ]; then
	sbatch --job-name=veilbench-merge --dependency="afterany:$SLURM_ARRAY_JOB_ID" --output=%s.merge.log \
		--wrap=%s
fi
exec %s
`, c.shards-1, c.jobs, memory*2>>20, int(limit.Minutes()), quote(c.out), quote(c.out),
		quote(fmt.Sprintf("veilbench merge %s-[0-9]* --out %s; veilbench report %s", quote(c.out), quote(c.out), quote(c.out))),
		c.command(`"$SLURM_ARRAY_TASK_ID"`))
	return err
}
