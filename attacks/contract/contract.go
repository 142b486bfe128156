// Package contract is the contract of attacks as tests that need no go test: Run holds
// any attack, the project's or a stranger's, in this module or a program of its own, to
// what package attacks promises. Package attacktest is for go test.
//
// data.go makes the traffic, whose right answers are known, and score.go the
// scores, which are simpler than those of a run.
package contract

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"

	"veilbench/attacks"
	"veilbench/datasets"
	"veilbench/datasets/kit"
)

// Run holds an attack, for every task that a says it can answer, to:
//
//   - the same answers when trained again, whatever it was trained on in between,
//     and when asked at once from several goroutines, and training data left as it
//     was: cells share both;
//   - every test item right on traffic whose classes have sizes of their own
//     (not asked of controls): a broken attack looks like a strong defense;
//   - no score above chance when the labels are shuffled: something would leak;
//   - no harm from an empty or one-packet trace, nor from training without
//     examples or without packets: defenses can leave that little;
//   - an ended context obeyed: a run must be able to stop;
//   - not silent when the addresses are new: silence looks like privacy;
//   - where a model can be saved, the same answers once read back, and a damaged
//     file refused;
//   - where an attack sees two places at once, events found whichever of the two
//     shows them, the same answers when trained again, and no harm from two empty
//     views;
//   - where an attack shows feature vectors, vectors that are the same each time,
//     have a name for each number and are numbers.
func Run(t kit.T, a attacks.Attack) {
	t.Helper()
	info := a.Info()
	t.Run("info", func(t kit.T) { checkInfo(t, info) })
	for _, task := range info.Tasks {
		t.Run(string(task), func(t kit.T) {
			c := checker{a: a, task: task, data: makeData(task, false)}
			t.Run("answers", c.answers)
			t.Run("shuffled", c.shuffled)
			t.Run("degenerate", c.degenerate)
			t.Run("canceled", c.canceled)
			t.Run("saved", c.saved)
			t.Run("vectors", c.vectors)
			t.Run("two places", c.pair)

			// A clip is one device's and a command one gateway's: there addresses
			// tell nothing apart.
			if task == datasets.TaskEvent || task == datasets.TaskDevice || task == datasets.TaskRoutine {
				t.Run("new addresses", c.newAddresses)
			}
		})
	}
}

// checkInfo wants what lists and tables print of an attack.
func checkInfo(t kit.T, i attacks.Info) {
	if i.Name == "" || i.Doc == "" || len(i.Tasks) == 0 {
		t.Errorf("info %+v: want a name, a doc line and tasks", i)
	}
}

// checker is one attack on one task.
type checker struct {
	a    attacks.Attack
	task datasets.Task
	data data
}

// train trains from one seed, always the same.
func (c checker) train(t kit.T, tr attacks.Training) attacks.Model {
	t.Helper()
	m, err := c.a.Train(context.Background(), rand.New(rand.NewPCG(1, 2)), tr)
	if err != nil {
		t.Fatalf("train: %v", err)
	}
	return m
}

// guess asks for one trace; an error ends the test.
func guess(t kit.T, m attacks.Model, tr datasets.Trace) attacks.Answer {
	t.Helper()
	a, err := m.Guess(context.Background(), tr)
	if err != nil {
		t.Fatalf("guess: %v", err)
	}
	return a
}

// guessAll asks for each test example in turn.
func guessAll(t kit.T, m attacks.Model, test []attacks.Labeled) []attacks.Answer {
	t.Helper()
	out := make([]attacks.Answer, len(test))
	for i, e := range test {
		out[i] = guess(t, m, e.Trace)
	}
	return out
}

// answers holds that answers are well formed, right, repeatable and the same
// from several goroutines, and that the training data is left alone.
func (c checker) answers(t kit.T) {
	before := makeData(c.task, false)
	m := c.train(t, c.data.training)
	first := guessAll(t, m, c.data.test)
	if !reflect.DeepEqual(before, c.data) {
		t.Error("training or guessing changed the examples")
	}
	for i, a := range first {
		wellFormed(t, c.data.training, c.data.test[i].Trace, a)
	}

	// What was answered stands, and does not hang on what else was asked.
	said := fmt.Sprintf("%+v", first)
	for i, e := range slices.Backward(c.data.test) {
		a := guess(t, m, e.Trace)
		if fmt.Sprintf("%+v", first) != said {
			t.Fatal("guessing changed an answer that was given before")
		}
		if !reflect.DeepEqual(a, first[i]) {
			t.Fatalf("asked in another order, example %d got another answer", i)
		}
	}

	// A map's order, the clock or a generator of its own would show here. So does a
	// memory of other folds, whose training examples are this one's test: only that
	// gives the same again once it has seen them.
	other := c.data.training
	other.Examples = c.data.test
	_, _ = c.a.Train(context.Background(), rand.New(rand.NewPCG(1, 2)), other)
	if again := guessAll(t, c.train(t, c.data.training), c.data.test); !reflect.DeepEqual(first, again) {
		if third := guessAll(t, c.train(t, c.data.training), c.data.test); reflect.DeepEqual(again, third) {
			t.Error("training on other examples changed the answers of the next model: it remembers them")
		} else {
			t.Error("trained twice from one seed, two different answers")
		}
	}

	// State that questions share, such as scratch memory in the model, shows
	// only when they are asked at once.
	var wg sync.WaitGroup
	for i, e := range c.data.test {
		wg.Go(func() {
			a, err := m.Guess(context.Background(), e.Trace)
			if err != nil || !reflect.DeepEqual(a, first[i]) {
				t.Errorf("asked at once from several goroutines, example %d got another answer (error %v)", i, err)
			}
		})
	}
	wg.Wait()

	if s := score(c.data, first); !c.a.Info().Control && s.share() < 0.95 {
		t.Errorf("score %s on separable data: want 0.95 or more", s)
	}
}

// shuffled holds that nothing is learned from labels that mean nothing: a score
// above chance would come from the test set or from the truth in the trace.
func (c checker) shuffled(t kit.T) {
	d := makeData(c.task, true)
	s := score(d, guessAll(t, c.train(t, d.training), d.test))
	if s.aboveChance(d.chance) {
		t.Errorf("score %s with shuffled labels: significantly above chance %.3f", s, d.chance)
	}
}

// degenerate holds that traces and training sets of almost nothing do no harm.
func (c checker) degenerate(t kit.T) {
	some := c.data.test[0].Trace
	one := datasets.Trace{Start: some.Start, Packets: some.Packets[:1], Flows: some.Flows, End: some.End}
	none := datasets.Trace{Start: some.Start, End: some.End}

	// A view can leave nothing of a recording but its labels (hollow), and a fold
	// nothing but its classes (bare).
	bare := c.data.training
	bare.Examples = nil
	hollow := c.data.training
	hollow.Examples = []attacks.Labeled{{
		Trace: none, Group: "g", Class: c.data.training.Examples[0].Class,
		Labels: datasets.Labels{Devices: c.data.test[0].Labels.Devices},
	}}
	untaught := c.train(t, bare)
	for name, m := range map[string]attacks.Model{
		"trained on all": c.train(t, c.data.training), "no examples": untaught, "one empty example": c.train(t, hollow),
		"no classes": c.train(t, attacks.Training{Task: c.task}),
	} {
		for what, tr := range map[string]datasets.Trace{"empty": none, "one packet": one, "whole": some, "zero": {}} {
			a, err := m.Guess(context.Background(), tr)
			if err != nil {
				t.Errorf("%s, %s trace: %v", name, what, err)
				continue
			}
			wellFormed(t, c.data.training, tr, a)
		}
	}

	// Naming some class would be a guess that looks like knowledge.
	if (c.task == datasets.TaskClip || c.task == datasets.TaskDetect) && !c.a.Info().Control {
		if a := guess(t, untaught, some); len(a.Clip) > 0 && a.Clip[0].Class != datasets.Unknown {
			t.Errorf("without a training example the answer is %q: want %q", a.Clip[0].Class, datasets.Unknown)
		}
	}
}

// canceled holds that training under an ended context does not go on: else a
// run that was interrupted would hang for as long as the longest training.
func (c checker) canceled(t kit.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.a.Train(ctx, rand.New(rand.NewPCG(1, 2)), c.data.training); err == nil {
		t.Error("training went on although the context had ended")
	}
}

// newAddresses holds that an attack still speaks when hosts, addresses and
// hardware addresses are ones it never met.
func (c checker) newAddresses(t kit.T) {
	m := c.train(t, c.data.training)
	moved := c.data
	moved.test = renumber(c.data.test)
	answers := guessAll(t, m, moved.test)

	spoke := false
	for _, a := range answers {
		for _, o := range a.Devices {
			spoke = spoke || o.Class >= 0
		}
		for _, x := range a.Slots {
			spoke = spoke || x.State >= 0
		}
		for _, b := range a.Events {
			spoke = spoke || detection(a, b)
		}
	}
	if !spoke {
		t.Error("silent when the addresses are new")
	}

	// Sizes and times are as in training, so events and who is home must still be
	// found; whose a packet is, an attack may know by nothing but the address.
	if s := score(moved, answers); c.task != datasets.TaskDevice && !c.a.Info().Control && s.share() < 0.5 {
		t.Errorf("score %s when the addresses are new: want 0.5 or more", s)
	}
}

// saved holds that a model survives being written and read, and that a file that
// did not is refused: half a model would answer, and worse.
func (c checker) saved(t kit.T) {
	m := c.train(t, c.data.training)
	s, ok := m.(attacks.Saver)
	l, okl := c.a.(attacks.Loader)
	if !ok || !okl {
		return
	}
	var b bytes.Buffer
	if err := s.Save(&b); err != nil {
		t.Fatalf("save: %v", err)
	}
	back, err := l.Load(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	if !reflect.DeepEqual(guessAll(t, m, c.data.test), guessAll(t, back, c.data.test)) {
		t.Error("the model read back answers differently")
	}

	// Cut where nothing, a byte, some lines or all but the last byte is left; and
	// a bit turned over in the middle.
	for _, n := range []int{0, 1, b.Len() / 3, b.Len() - 1} {
		if _, err := l.Load(bytes.NewReader(b.Bytes()[:n])); err == nil {
			t.Errorf("a file cut to %d of %d bytes was accepted", n, b.Len())
		}
	}
	broken := bytes.Clone(b.Bytes())
	broken[len(broken)/2] ^= 4
	if _, err := l.Load(bytes.NewReader(broken)); err == nil {
		t.Error("a file with a flipped bit was accepted")
	}
}

// vectors holds a Featurer to its promises: bounds stack the vectors of all
// traces into one table, which needs the same columns from each.
func (c checker) vectors(t kit.T) {
	f, ok := c.a.(attacks.Featurer)
	if !ok {
		return
	}
	before := makeData(c.task, false)
	some := c.data.test[0]
	sets := f.Vectors(c.task, some).Sets
	empty := some
	empty.Trace.Packets = nil
	empty.Labels.Owners, empty.Labels.Cause = nil, nil
	for _, l := range append([]attacks.Labeled{empty}, c.data.test...) {
		v := f.Vectors(c.task, l)
		if len(l.Trace.Packets) > 0 && len(v.Sets) != len(sets) {
			t.Errorf("%d feature sets for one trace, %d for another", len(sets), len(v.Sets))
		}
		for i, s := range v.Sets {
			if s.Name != sets[i].Name || !slices.Equal(s.Names, sets[i].Names) {
				t.Errorf("set %d is %s of %d features for one trace and %s of %d for another", i, sets[i].Name, len(sets[i].Names), s.Name, len(s.Names))
			}

			// Equal compares numbers, so a NaN, which equals nothing, fails too.
			for k := range v.Items {
				x := s.Vector(k)
				if len(x) != len(s.Names) || !slices.Equal(x, s.Vector(k)) {
					t.Fatalf("set %s, item %d of class %q: %v, want %d numbers, the same each time", s.Name, k, v.Class(k), x, len(s.Names))
				}
			}
		}
	}
	if !reflect.DeepEqual(before, c.data) {
		t.Error("showing vectors changed the examples")
	}
}

// pair holds an attack that sees two places to finding what only one of them shows:
// an event that is hidden at the other is not lost.
func (c checker) pair(t kit.T) {
	if !c.a.Info().Pairs || c.task != datasets.TaskEvent {
		return
	}
	hide := func(l attacks.Labeled) attacks.Labeled {
		l.Trace.Packets = nil
		l.Labels.Owners, l.Labels.Cause = nil, nil
		return l
	}
	ask := func(m attacks.Model, l attacks.Labeled) attacks.Answer {
		t.Helper()
		p, ok := m.(attacks.PairModel)
		if !ok {
			t.Fatalf("%T is no PairModel though Info.Pairs is set", m)
		}
		a, err := p.GuessPair(context.Background(), l.Trace, l.Second.Trace)
		if err != nil {
			t.Fatalf("guess: %v", err)
		}
		return a
	}

	// Both as well as either: what is said of one event at two places must not count
	// as two events.
	for shown, see := range map[string]func(l attacks.Labeled) attacks.Labeled{
		"both":  func(l attacks.Labeled) attacks.Labeled { s := l; l.Second = &s; return l },
		"inner": func(l attacks.Labeled) attacks.Labeled { s := hide(l); l.Second = &s; return l },
		"outer": func(l attacks.Labeled) attacks.Labeled { s := l; l = hide(l); l.Second = &s; return l },
		"none":  func(l attacks.Labeled) attacks.Labeled { l = hide(l); s := l; l.Second = &s; return l },
	} {
		d := c.data
		d.training.Examples, d.test = nil, nil
		for _, l := range c.data.training.Examples {
			d.training.Examples = append(d.training.Examples, see(l))
		}
		m, again := c.train(t, d.training), c.train(t, d.training)
		var answers []attacks.Answer
		for _, l := range c.data.test {
			l = see(l)
			a := ask(m, l)
			if !reflect.DeepEqual(a, ask(again, l)) {
				t.Errorf("shown at %s: trained twice from one seed, two different answers", shown)
			}
			wellFormed(t, d.training, l.Trace, a)
			d.test, answers = append(d.test, l), append(answers, a)
		}
		if s := score(d, answers); shown != "none" && s.share() < 0.95 {
			t.Errorf("shown at %s: score %s on separable data: want 0.95 or more", shown, s)
		}
	}
}
