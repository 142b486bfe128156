package anchors

import (
	"context"
	"runtime"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/datasets/parallel"
)

// learner is one training.
type learner struct {
	a       Attack
	t       attacks.Training
	seed    uint64
	window  time.Duration
	way     way
	fold    []int // of each example
	folds   int
	halves  bool            // the second half of the only example is the other fold
	trials  []trial         // in order of class
	mine    []map[int32]int // by example: number of the trial that a packet is of
	indexes []*index        // of the present way
	count   map[int32]int   // packets of a size in all examples
	seconds float64         // length of all examples
}

// mostFolds is how many folds validation makes at most.
const mostFolds = 3

// foldExamples deals groups to folds or, where there is one group, recordings, or
// the halves of one.
func (l *learner) foldExamples() {
	l.fold, l.folds = bursts.Folds(l.t, mostFolds)
	if l.folds > 1 {
		return
	}
	l.halves = len(l.fold) == 1
	for i := range l.fold {
		l.fold[i] = i % mostFolds
	}
	l.folds = max(2, min(len(l.fold), mostFolds))
}

// foldOf is the fold of a moment of an example.
func (l *learner) foldOf(example int, at time.Duration) int {
	if l.halves && at > l.t.Examples[example].Trace.End/2 {
		return 1
	}
	return l.fold[example]
}

// classes calls do for every class that has a trial.
func (l *learner) classes(do func(classTrials)) {
	for lo := 0; lo < len(l.trials); {
		c := l.ofClass(l.trials[lo].class)
		do(c)
		lo += len(c.all)
	}
}

// chooseStep rounds sizes no more than it takes for half of the trials, in the mean
// of classes, to have the first anchor of their class: exact sizes are worth most,
// but a defense that pads at random leaves none that recurs.
func (l *learner) chooseStep() {
	for _, step := range []int32{1, coarse} {
		l.way.step = step
		l.countSizes()
		share, n := 0.0, 0
		l.classes(func(c classTrials) {
			n++
			if sizes := l.anchorSizes(c.all); len(sizes) > 0 {
				in, _, _ := l.sizesIn(c.all)
				share += float64(len(in[sizes[0]])) / float64(len(c.all))
			}
		})
		if share >= float64(n)/2 {
			return
		}
	}
}

// countSizes counts the packets of each size, and how long they were watched.
func (l *learner) countSizes() {
	l.count, l.seconds = map[int32]int{}, 1
	for _, e := range l.t.Examples {
		for _, p := range e.Trace.Packets {
			l.count[sizeOf(p, l.way.step)]++
		}
		l.seconds += e.Trace.End.Seconds()
	}
}

// coarse is what sizes are rounded to where exact ones do not recur.
const coarse = 64

// learned is a class and what its forests find in groups that they did not see.
type learned struct {
	classModel
	held [][]detection // by example
}

// learn makes the model of the present way and its F1 on held-out groups.
func (l *learner) learn(ctx context.Context) (*model, float64, error) {
	l.indexes = make([]*index, len(l.t.Examples))
	for i, e := range l.t.Examples {
		l.indexes[i] = newIndex(e.Trace, l.way)
	}

	// Each class goes to its own place and draws from the seed alone, so that the
	// number of workers is not seen.
	all := make([]learned, len(l.t.Classes))
	err := parallel.For(ctx, runtime.GOMAXPROCS(0), len(all), func(_, i int) error {
		var err error
		all[i], err = l.learnClass(ctx, l.t.Classes[i])
		return err
	})
	l.indexes = nil
	if err != nil {
		return nil, 0, err
	}

	m := &model{way: l.way, window: l.window}
	for _, c := range all {
		if len(c.anchors) > 0 {
			m.classes = append(m.classes, c.classModel)
		}
	}
	return m, l.heldF1(all), nil
}

// learnClass learns the anchors of a class. It has none when it is poor at every
// threshold.
func (l *learner) learnClass(ctx context.Context, class string) (learned, error) {
	out := learned{classModel: classModel{class: class}, held: make([][]detection, len(l.t.Examples))}
	c := l.ofClass(class)
	for _, size := range l.anchorSizes(c.all) {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		a, err := l.learnAnchor(ctx, size, c, out.held)
		if err != nil {
			return out, err
		}
		if a.forest != nil {
			out.anchors = append(out.anchors, a)
		}
	}

	// Several anchors find the same event: their contest comes before the threshold,
	// as it does when a trace is asked about.
	for i := range out.held {
		for j := range out.held[i] {
			out.held[i][j].class = class
		}
		out.held[i] = contest(out.held[i])
	}
	f1, threshold := l.try(class, out.held).best()
	if f1 < poor || threshold == never {
		out.anchors = nil
	}
	out.threshold = threshold
	return out, nil
}
