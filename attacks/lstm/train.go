package lstm

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"time"
)

// Options says how to train. Epochs, Batch and Rate must be set; of the other
// fields the zero value turns off what they are for, or means what their
// comment says.
type Options struct {
	// Epochs is how often the training windows are gone through, at least 1.
	Epochs int
	// MaxSteps bounds the number of batches over all epochs; 0 is no bound.
	MaxSteps int
	// Batch is the number of windows per step, at least 1.
	Batch int
	// Rate is the step size of Adam, above 0.
	Rate float64
	// Decay lets the rate fall to zero along half a cosine over all steps, fewer
	// where next to nothing is left to learn (see trainer.watch).
	Decay bool
	// Dropout is the share of each layer's outputs set to zero, below 1.
	Dropout float64
	// Clip bounds the norm of the gradient; 0 is no bound.
	Clip float64
	// Patience stops training after so many epochs without a better
	// validation score; 0 is never.
	Patience int
	// ClassWeights weighs the loss by class; nil is 1 for all.
	ClassWeights []float32
	// Workers bounds the goroutines; 0 is GOMAXPROCS. It changes no result.
	Workers int
	// Progress, if not nil, is called after every epoch, by the goroutine that
	// called Train.
	Progress func(Progress)
	// Checkpoint, if not nil, keeps the state between epochs so that training
	// can go on where it stopped.
	Checkpoint Checkpoint
	// SaveEvery is the least time between two states that Checkpoint is given; 0
	// gives it the state after every epoch. It changes no result.
	SaveEvery time.Duration
	// Damaged is called, if not nil, with the key and the fault of a checkpoint
	// that is not what was written: training then begins from the start, and
	// the next state takes its place.
	Damaged func(key string, fault error)
}

// Progress is how far training has come.
type Progress struct {
	// Epoch of Epochs is done, Step of Steps.
	Epoch, Epochs, Step, Steps int
	// Loss is the mean over the epoch. Score is the mean per-class recall on
	// the validation windows, or NaN without any.
	Loss, Score float64
	// Left is an estimate of the time to come if training does not stop early.
	Left time.Duration
}

// check refuses a shape, options and data that are out of range or do not fit
// together.
func (o Options) check(c Config, train, valid Data) error {
	if err := c.check(); err != nil {
		return err
	}
	switch {
	case o.Epochs < 1 || o.MaxSteps < 0 || o.Batch < 1 || o.Patience < 0:
		return fmt.Errorf("lstm: epochs %d, steps %d, batch %d, patience %d: want at least 1, 0, 1, 0", o.Epochs, o.MaxSteps, o.Batch, o.Patience)
	case !(o.Rate > 0) || math.IsInf(o.Rate, 1) || !(o.Clip >= 0):
		return fmt.Errorf("lstm: rate %v, clip %v: want above 0, at least 0", o.Rate, o.Clip)
	case !(o.Dropout >= 0 && o.Dropout < 1):
		return fmt.Errorf("lstm: dropout %v: want at least 0, below 1", o.Dropout)
	case o.ClassWeights != nil && len(o.ClassWeights) != c.Classes:
		return fmt.Errorf("lstm: %d class weights for %d classes", len(o.ClassWeights), c.Classes)
	}

	// The zero Data says that there is none; it has no shape to compare.
	for _, d := range []Data{train, valid} {
		if d.X == nil {
			continue
		}
		if err := d.check(c); err != nil {
			return err
		}
	}
	return nil
}

// check refuses windows of another shape than c's, and values and classes that
// would be looked up beyond the end of a table.
func (d Data) check(c Config) error {
	if d.Steps < 1 || d.Features != len(c.Vocab) || len(d.X)%(d.Steps*d.Features) != 0 || len(d.Y) != len(d.X)/d.Features {
		return fmt.Errorf("lstm: %d values and %d labels in windows of %d steps and %d features do not fit %d vocabularies",
			len(d.X), len(d.Y), d.Steps, d.Features, len(c.Vocab))
	}
	for i, x := range d.X {
		if int(x) >= c.Vocab[i%d.Features] {
			return fmt.Errorf("lstm: step %d: value %d of feature %d, vocabulary %d", i/d.Features, x, i%d.Features, c.Vocab[i%d.Features])
		}
	}
	for i, y := range d.Y {
		if int(y) >= c.Classes {
			return fmt.Errorf("lstm: step %d: class %d of %d", i, y, c.Classes)
		}
	}
	return nil
}

// trainer is the state of a run.
type trainer struct {
	*stepper
	o            Options
	train, valid Data
	total        int       // steps of the whole run
	planned      int       // the same, unless it ends early
	epoch        int       // epochs done
	best         []float32 // parameters after the best epoch
	bestScore    float64
	stale        int // epochs since the best one
	course       course
	began        time.Time
	beganAt      int       // steps already taken then
	name         string    // key of the checkpoint
	kept         bool      // there is one
	saved        time.Time // when it was written last, or training began
}

// Train returns a network of shape c that learned from the labeled steps of
// train, or an untrained one if there are none. If valid has windows, the
// parameters after the epoch with the best mean per-class recall on them are
// kept; without any (Data{} will do) those after the last epoch are, and
// Options.Patience stops nothing. All randomness comes from rng. When ctx ends,
// training stops within one step with ctx's error. Numbers that grow beyond
// all bounds are an error.
func Train(ctx context.Context, rng *rand.Rand, c Config, train, valid Data, o Options) (*Net, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if err := o.check(c, train, valid); err != nil {
		return nil, err
	}
	n, err := newRandom(rng, c)
	if err != nil {
		return nil, err
	}

	// Epochs and masks draw from generators of their own, made of this seed and
	// their number, so that training can go on in the middle.
	seed := [2]uint64{rng.Uint64(), rng.Uint64()}
	batches := (train.Len() + o.Batch - 1) / o.Batch
	t := &trainer{o: o, train: train, valid: valid, total: o.Epochs * batches, bestScore: -1}
	if t.total == 0 {
		return n, nil
	}
	if o.MaxSteps > 0 {
		t.total = min(t.total, o.MaxSteps)
	}
	t.stepper = newStepper(n, train.Steps, min(o.Batch, train.Len()), o, seed)
	if err := t.run(ctx); err != nil {
		return nil, err
	}

	if t.best != nil {
		copy(n.w, t.best)
	}
	n.repack(o.Workers)
	n.pk.dropTransposes()
	return n, nil
}

// run takes all steps that are left, epoch after epoch.
func (t *trainer) run(ctx context.Context) error {
	t.planned = t.total
	if err := t.resume(); err != nil {
		return err
	}

	t.began, t.beganAt = time.Now(), t.steps
	t.saved = t.began
	parts := make([]*part, min(t.workers, recallParts)) // the same for all validations
	for t.steps < t.total && (t.o.Patience == 0 || t.stale < t.o.Patience) {
		loss, err := t.runEpoch(ctx)
		if err != nil {
			return err
		}
		t.epoch++
		score := math.NaN()
		if t.valid.Len() > 0 {
			t.n.repack(t.workers)
			score = t.n.recall(t.valid, parts)
			if t.stale++; score > t.bestScore {
				t.bestScore, t.stale = score, 0
				t.best = append(t.best[:0], t.n.w...)
			}
			t.watch(score)
		}
		t.report(loss, score)
		if err := t.save(ctx); err != nil {
			return err
		}
	}

	// What is done need not be gone on with: the state is removed.
	if t.kept {
		return t.o.Checkpoint.Write(t.name, nil)
	}
	return nil
}

// diverged is a loss that no training comes back from; that of guessing is the
// logarithm of the number of classes.
const diverged = 1e4

// runEpoch goes through the training windows once, in an order of its own,
// and returns the mean loss.
func (t *trainer) runEpoch(ctx context.Context) (float64, error) {
	rng := rand.New(rand.NewPCG(t.seed[1], t.seed[0]+uint64(t.epoch)))
	order := make([]int32, t.train.Len())
	for i := range order {
		order[i] = int32(i)
	}
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })

	var sum float64
	n := 0
	for ; n*t.o.Batch < len(order) && t.steps < t.total; n++ {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		before := t.steps
		loss := t.takeStep(t.train, order[n*t.o.Batch:min((n+1)*t.o.Batch, len(order))], t.rate())
		if !(loss < diverged) || !isFinite(t.norm) {
			return 0, fmt.Errorf("lstm: step %d: the loss is %v, the norm of its gradient %v: training diverged, try a lower rate than %v", before+1, loss, t.norm, t.o.Rate)
		}
		sum += loss
		t.steps = before + 1 // also after a batch without labels
	}

	// The next step would see this, but the last one has no next.
	for _, w := range t.n.w {
		if !isFinite(float64(w)) {
			return 0, fmt.Errorf("lstm: step %d: a parameter is %v: training diverged, try a lower rate than %v", t.steps, w, t.o.Rate)
		}
	}
	return sum / float64(n), nil
}

// isFinite says that x is a number and not infinite.
func isFinite(x float64) bool { return x-x == 0 }

// rate is the step size of the next step.
func (t *trainer) rate() float64 {
	if !t.o.Decay {
		return t.o.Rate
	}
	whole := t.o.Rate / 2 * (1 + math.Cos(math.Pi*float64(t.steps)/float64(t.planned)))
	if from := int(t.course.Cooled); from > 0 {
		whole *= (1 + math.Cos(math.Pi*float64(t.steps-from)/float64(t.total-from))) / 2
	}
	return whole
}

// course is what the validation scores so far say of when to stop.
type course struct {
	Mark   float64 // the score that the last epoch of some gain reached
	Flat   int64   // epochs since then
	Cooled int64   // steps taken when the rate began to fall for good; 0: it has not
}

// Scores from nearAll are so near to 1 that gains below someGain are a few packets.
const (
	nearAll  = 0.99
	someGain = 0.002
	// flatEpochs and flatSteps are how long nothing must have been gained: some
	// epochs, since each is one draw, and some steps, since an epoch may have one.
	flatEpochs = 4
	flatSteps  = 40
)

// watch ends training early where the validation score stands still next to 1. Lower
// scores that stand still say nothing: networks learn by leaps, and much of what they
// gain comes as the rate falls. So it falls here too, within a quarter of the steps
// taken, and does not just break off.
func (t *trainer) watch(score float64) {
	c := &t.course
	if c.Flat++; score > c.Mark+someGain {
		c.Mark, c.Flat = score, 0
	}
	if !t.o.Decay || t.o.Patience == 0 || c.Cooled > 0 || t.bestScore < nearAll {
		return
	}
	if c.Flat >= flatEpochs && int(c.Flat)*t.steps/t.epoch >= flatSteps {
		c.Cooled = int64(t.steps)
		t.cool()
	}
}

// cool brings the end of training near if the rate falls for good.
func (t *trainer) cool() {
	if from := int(t.course.Cooled); from > 0 {
		t.total = min(t.total, from+from/4+1)
	}
}

// report tells Options.Progress about the epoch that has ended.
func (t *trainer) report(loss, score float64) {
	if t.o.Progress == nil {
		return
	}
	left := time.Duration(0)
	if done := t.steps - t.beganAt; done > 0 {
		left = time.Since(t.began) / time.Duration(done) * time.Duration(t.total-t.steps)
	}
	t.o.Progress(Progress{Epoch: t.epoch, Epochs: t.o.Epochs, Step: t.steps, Steps: t.total, Loss: loss, Score: score, Left: left})
}

// recallParts bounds the parts, and so the memory, that recall takes: as many
// as a training step keeps busy in two directions.
const recallParts = 2 * batchParts

// recall is the mean per-class recall of the likeliest class over labeled
// steps; parts are as eachPart wants them.
func (n *Net) recall(d Data, parts []*part) float64 {
	k := n.cfg.Classes
	right, all := make([]int64, k), make([]int64, k)

	// Softmax keeps the order, so that logits will do. Answers are kept and
	// counted afterwards: parts end in any order.
	guess := make([]int16, len(d.Y))
	n.eachPart(d, parts, func(s *part, windows []int32) {
		lo, row := s.computeLogits()
		for i := range s.steps * s.b {
			v, best := lo[i*row:][:k], 0
			for j, x := range v {
				if x > v[best] {
					best = j
				}
			}
			guess[int(windows[i%s.b])*s.steps+i/s.b] = int16(best)
		}
	})
	for i, y := range d.Y {
		if y >= 0 {
			all[y]++
			if guess[i] == y {
				right[y]++
			}
		}
	}

	// Classes that do not occur have no recall and do not count.
	var sum float64
	seen := 0
	for j := range all {
		if all[j] > 0 {
			sum += float64(right[j]) / float64(all[j])
			seen++
		}
	}
	if seen == 0 {
		return 0
	}
	return sum / float64(seen)
}
