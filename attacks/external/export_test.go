package external

import (
	"veilbench/attacks"
	"veilbench/datasets"
	"veilbench/datasets/wire"
)

// ReadAnswer reads the members of an answer to a guess about trace t by a model of these
// classes: what an author's program writes, without its number.
func ReadAnswer(task datasets.Task, classes []string, t datasets.Trace, text []byte) (attacks.Answer, error) {
	g := &guessed{task: task, classes: classes, trace: t}
	r := wire.NewReader(text)
	err := r.Object(func(key string) error { return g.Member(key, r) })
	if err == nil {
		err = r.End()
	}
	if err == nil {
		err = g.Whole()
	}
	return g.out, err
}
