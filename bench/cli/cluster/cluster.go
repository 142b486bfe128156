// Package cluster writes an experiment as the job files of other programs: Slurm,
// Kubernetes, GNU parallel. Each runs every shard by one "veilbench run --shard", and
// then one "veilbench merge", which names what is missing however the shards ended.
//
// Read this file first: Job is what all of them need to know.
package cluster

import (
	"fmt"
	"io"
	"strings"

	"veilbench/bench/store/s3"
)

// Job is an experiment that is divided into shards.
type Job struct {
	// Words are the arguments of "veilbench run" that say the experiment, none of
	// them quoted.
	Words []string
	// Out is a folder, or a place in an object store. Shards lie beside it, or in the
	// store below it.
	Out string
	// Shards is their number, Workers how many things each does at once.
	Shards, Workers int
	// Seconds is what the longest shard is expected to take, MemoryBytes what any of
	// them needs at most.
	Seconds     float64
	MemoryBytes int64
}

// shardOut is where the shard that i numbers has its results, i being a number or
// what another program replaces by one.
func (j Job) shardOut(i string) string {
	if strings.HasPrefix(j.Out, s3.Scheme) {
		return j.Out + "/shard-" + i
	}
	return j.Out + "-" + i
}

// merged is where all results lie in the end. Below the shards' place in a store it
// would be taken for one of them.
func (j Job) merged() string {
	if strings.HasPrefix(j.Out, s3.Scheme) {
		return j.Out + "-merged"
	}
	return j.Out
}

// run is the command of the shard that i numbers, for a shell.
func (j Job) run(i string) string {
	var words []string
	for _, w := range j.Words {
		words = append(words, quote(w))
	}
	out := quote(j.Out) + strings.TrimPrefix(j.shardOut(i), j.Out)
	return fmt.Sprintf("veilbench run %s --shard %s/%d --out %s", strings.Join(words, " "), i, j.Shards, out)
}

// merge is the command that joins all shards, for a shell, and draws what there is.
// Its code is that of the merge: 1 if anything is missing or failed.
func (j Job) merge() string {
	from := quote(j.Out) + "-[0-9]*"
	if strings.HasPrefix(j.Out, s3.Scheme) {
		return fmt.Sprintf("veilbench merge %s --out %s", quote(j.Out), quote(j.merged()))
	}
	return fmt.Sprintf("veilbench merge %s --out %s; code=$?; veilbench report %s; exit $code", from, quote(j.Out), quote(j.Out))
}

// Parallel writes a line for GNU parallel, whose failed jobs do not keep the
// others from being merged.
func (j Job) Parallel(w io.Writer) error {
	log := quote(j.Out + ".joblog")
	if strings.HasPrefix(j.Out, s3.Scheme) {
		log = "veilbench.joblog"
	}
	_, err := fmt.Fprintf(w, "seq 0 %d | parallel --joblog %s -j 1 %s; (%s)\n",
		j.Shards-1, log, quote(j.run("{}")+fmt.Sprintf(" --jobs %d", j.Workers)), j.merge())
	return err
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
