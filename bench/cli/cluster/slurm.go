package cluster

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Slurm is what a cluster asks for beside the job.
type Slurm struct {
	// Partition to run in, "" for the default one.
	Partition string
	// TimeLimit of each shard, 0 for twice what the longest is expected to take, and
	// an hour. One that is cut off by it goes on in a new turn.
	TimeLimit time.Duration
	// Options are further ones of sbatch, such as --account=lab.
	Options []string
}

// turns is how often a shard may be cut off by its time limit before it is left: one
// whose single cell takes longer than the limit would never end.
const turns = 20

// Write writes a shell script that submits an array of jobs, one a shard, and the
// merge behind them. The merge waits until all have ended, well or not ("afterany"):
// one that failed must not keep the rest from being seen.
func (s Slurm) Write(w io.Writer, j Job) error {
	limit := s.TimeLimit
	if limit == 0 {
		limit = time.Hour + 2*time.Duration(j.Seconds/float64(j.Workers)*float64(time.Second)).Round(time.Minute)
	}
	limit = max(limit, time.Minute) // Slurm counts minutes

	var both []string
	if s.Partition != "" {
		both = append(both, "--partition="+s.Partition)
	}
	both = append(both, s.Options...)
	var lines, words strings.Builder
	for _, o := range both {
		if strings.ContainsAny(o, "\n\r") || !strings.HasPrefix(o, "-") {
			return fmt.Errorf("%q: want an option of sbatch such as --account=lab", o)
		}
		fmt.Fprintf(&lines, "#SBATCH %s\n", o)
		fmt.Fprintf(&words, " %s", quote(o))
	}

	// Logs lie where results do; of results in an object store, where one submits.
	log := j.Out
	if j.merged() != j.Out {
		log = "veilbench"
	}
	_, err := fmt.Fprintf(w, `#!/bin/sh
# Submits %d jobs, a shard each, and a job that merges what they computed. Run it with
# sh where sbatch is.
set -eu
id=$(sbatch --parsable <<'JOB'
#!/bin/sh
#SBATCH --job-name=veilbench
#SBATCH --array=0-%d
#SBATCH --cpus-per-task=%d
#SBATCH --mem=%dM
#SBATCH --time=%d
#SBATCH --signal=B:USR1@30
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output="%s.%%a.log"
%s# A job whose node is lost is run again, and goes on where it was; so is one that the
# time limit is about to cut off. What a job's owner cancels (TERM) ends.
%s &
pid=$!
trap 'kill -TERM $pid' TERM
trap 'kill -TERM $pid; wait $pid || :; [ "${SLURM_RESTART_COUNT:-0}" -ge %d ] || scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"; exit 130' USR1
code=0
wait $pid || code=$?
if kill -0 $pid 2>/dev/null; then wait $pid || code=$?; fi
exit $code
JOB
)
id=${id%%%%;*}
echo "shards: job $id"
merge=$(sbatch --parsable --job-name=veilbench-merge --dependency="afterany:$id" --open-mode=append \
	--output=%s%s --wrap=%s)
echo "merge: job ${merge%%%%;*}"
`, j.Shards, j.Shards-1, j.Workers, j.MemoryBytes*2>>20, int(limit.Minutes()), log,
		lines.String(), j.run(`"$SLURM_ARRAY_TASK_ID"`), turns, quote(log+".merge.log"), words.String(), quote(j.merge()))
	return err
}

// Submit runs what Write writes, and what that prints goes to out.
func (s Slurm) Submit(ctx context.Context, j Job, out io.Writer) error {
	if _, err := exec.LookPath("sbatch"); err != nil {
		return fmt.Errorf("--submit: there is no sbatch here; without --submit the script is printed, for where there is one: %w", err)
	}
	if most, ok := maxArray(ctx); ok && j.Shards > most {
		return fmt.Errorf("--shards %d: the MaxArraySize of this cluster allows arrays of %d jobs: want at most as many shards", j.Shards, most)
	}
	var script bytes.Buffer
	if err := s.Write(&script, j); err != nil {
		return err
	}

	// What sbatch has to say against a job is the user's to read.
	var wrong bytes.Buffer
	sh := exec.CommandContext(ctx, "sh")
	sh.Stdin, sh.Stdout, sh.Stderr = &script, out, &wrong
	if err := sh.Run(); err != nil {
		return fmt.Errorf("sbatch: %w: %s", err, strings.TrimSpace(wrong.String()))
	}
	return nil
}

// maxArray asks the cluster how many jobs an array may have.
func maxArray(ctx context.Context) (int, bool) {
	b, err := exec.CommandContext(ctx, "scontrol", "show", "config").Output()
	if err != nil {
		return 0, false
	}
	m := regexp.MustCompile(`(?m)^MaxArraySize\s*=\s*(\d+)`).FindSubmatch(b)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(string(m[1]))
	return n, err == nil
}
