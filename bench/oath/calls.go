// Package oath calls plug-ins so that none can spoil a run: each gets copies of
// what it sees and is held to not changing them, its panics become errors, and a
// call that never returns ends with its time limit.
package oath

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"veilbench/attacks"
	"veilbench/datasets"
	"veilbench/defenses"
)

// grace is how long a call may still take once the run has been told to end: a
// training may want to keep what it has.
const grace = 3 * time.Second

// Calls is what plug-ins are held to whenever they are called. Each call of a
// stranger's gets copies of its input, made for it alone: what it writes there, during
// the call or later, reaches nobody else, and the comparison afterwards says whether it
// did. What it returns is copied for the same reason. Our own are held to that by
// tests (see ours). The call is made in a
// goroutine of its own, so that one that never returns can be left behind.
//
// The zero value waits for ever.
type Calls struct {
	ctx   context.Context // the run's: its end is the end of waiting
	limit time.Duration   // of a call; 0: none
	// hung holds, by plug-in, the error of the first call that did not return.
	// It is not called again: each such call would take the limit anew and leave
	// one more goroutine behind.
	hung *sync.Map
}

// New holds plug-ins to a time for each call, 0 for none; calls end with ctx too.
func New(ctx context.Context, limit time.Duration) Calls {
	return Calls{ctx: ctx, limit: limit, hung: &sync.Map{}}
}

// ErrHung is wrapped by the error of a call that did not return.
var ErrHung = errors.New("has not returned")

// errGoexit is what remains of a call whose goroutine ended in it.
var errGoexit = errors.New("ended its goroutine (runtime.Goexit) instead of returning")

// Signs pass between a call and who waits for it. Either may be nil.
type Signs struct {
	abandon func()          // called when the call is left behind
	alive   <-chan struct{} // sent to by a call that is getting on: the limit begins anew
}

// Call runs f, the method of the plug-in who, and waits until it returns, panics,
// ends its goroutine, or the limit or the run is over. f must own all that it
// writes to, as it may be left behind.
func Call[T any](o Calls, who, method string, s Signs, f func() (T, error)) (T, error) {
	var zero T
	if o.hung != nil {
		if was, ok := o.hung.Load(who); ok {
			return zero, fmt.Errorf("%s is not called again: %w", who, was.(error))
		}
	}

	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1) // with room, so that who comes late can leave
	go func() {
		a := answer{err: fmt.Errorf("%s: %s %w", who, method, errGoexit)}
		defer func() { done <- a }()
		a.err = Guard(func() (err error) {
			a.value, err = f()
			return err
		})
	}()

	var late, over <-chan time.Time
	var ended <-chan struct{}
	timer := time.NewTimer(cmp.Or(o.limit, time.Hour))
	defer timer.Stop()
	if o.limit > 0 {
		late = timer.C
	}
	if o.ctx != nil {
		ended = o.ctx.Done()
	}
	leave := func(err error) (T, error) {
		if s.abandon != nil {
			s.abandon()
		}
		return zero, err
	}
	for {
		select {
		case a := <-done:
			if a.err != nil {
				return zero, a.err
			}
			return a.value, nil
		case <-late:
			err := fmt.Errorf("%s: %s %w after %v", who, method, ErrHung, o.limit)
			if o.hung != nil {
				o.hung.Store(who, err)
			}
			return leave(err)
		case <-s.alive:
			timer.Reset(cmp.Or(o.limit, time.Hour))
		case <-ended:
			ended = nil
			t := time.NewTimer(grace)
			defer t.Stop()
			over = t.C
		case <-over:
			return leave(context.Cause(o.ctx))
		}
	}
}

// forWhom is o for a plug-in: one that is a program holds itself to the limit, which
// every line that it writes starts anew.
func (o Calls) forWhom(plugin any) Calls {
	if len(Programs(plugin)) > 0 {
		o.limit = 0
	}
	return o
}

// Sworn is d, applied under oath whoever applies it.
func (o Calls) Sworn(d defenses.Defense) defenses.Defense { return sworn{d, o} }

type sworn struct {
	defenses.Defense
	oath Calls
}

func (s sworn) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	return s.oath.Apply(s.Defense, rng, in)
}

// Apply is d.Apply under oath.
func (o Calls) Apply(d defenses.Defense, rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	who := "defense " + defenses.ID(d)
	return Call(o.forWhom(d), who, "Apply", Signs{}, func() (defenses.Defended, error) {
		if ours(d) {
			return d.Apply(rng, in)
		}
		given := copyTrace(in)
		out, err := d.Apply(rng, given)
		if what := traceChange(in, given); what != "" {
			return defenses.Defended{}, fmt.Errorf("%s: Apply modified its input: %s", who, what)
		}
		if err != nil {
			return defenses.Defended{}, err
		}

		// What is shared with the copy is the input, which needs no second one.
		out.Trace.Packets = owned(out.Trace.Packets, given.Packets, in.Packets)
		out.Trace.Flows = owned(out.Trace.Flows, given.Flows, in.Flows)
		if c := out.Carried; c != nil {
			out.Carried = &defenses.Carried{First: copyOf(c.First), Orig: copyOf(c.Orig), Bytes: copyOf(c.Bytes), Observed: c.Observed}
		}
		return out, nil
	})
}

// Fit is f.Fit under oath; who is the plug-in.
func (o Calls) Fit(ctx context.Context, who string, f defenses.Fitter, rng *rand.Rand, recs []datasets.Recording) (defenses.Defense, error) {
	return Call(o.forWhom(f), who, "Fit", Signs{}, func() (defenses.Defense, error) {
		if ours(f) {
			return f.Fit(ctx, rng, recs)
		}
		given := slices.Clone(recs)
		for i, r := range recs {
			given[i].Trace, given[i].Labels = copyTrace(r.Trace), copyLabels(r.Labels)
		}
		d, err := f.Fit(ctx, rng, given)
		for i, r := range recs {
			what := traceChange(r.Trace, given[i].Trace)
			if what == "" {
				what = labelsChange(r.Labels, given[i].Labels)
			}
			if what == "" && (given[i].ID != r.ID || given[i].Group != r.Group) {
				what = "its name"
			}
			if what != "" {
				return nil, fmt.Errorf("%s: Fit modified recording %s: %s", who, r.ID, what)
			}
		}
		return d, err
	})
}

// Train is a.Train under oath. Training that reports progress is getting on,
// however long it takes.
func (o Calls) Train(ctx context.Context, a attacks.Attack, rng *rand.Rand, t attacks.Training) (attacks.Model, error) {
	who := "attack " + attacks.ID(a)
	ctx, cancel := context.WithCancel(ctx) // a model may keep ctx: it ends only if training is left behind
	alive := make(chan struct{}, 1)
	report := attacks.ProgressOf(ctx)
	ctx = attacks.WithProgress(ctx, func(p attacks.Progress) {
		select {
		case alive <- struct{}{}:
		default: // the last one was not seen yet
		}
		if report != nil {
			report(p)
		}
	})
	return Call(o.forWhom(a), who, "Train", Signs{cancel, alive}, func() (attacks.Model, error) {
		if ours(a) {
			return a.Train(ctx, rng, t)
		}
		given := t
		given.Classes, given.Examples = copyOf(t.Classes), copyOf(t.Examples)
		for i, l := range t.Examples {
			given.Examples[i] = copyLabeled(l)
		}
		m, err := a.Train(ctx, rng, given)
		if !slices.Equal(given.Classes, t.Classes) {
			return nil, fmt.Errorf("%s: Train modified the classes: %q became %q", who, t.Classes, given.Classes)
		}
		for i, l := range t.Examples {
			if what := labeledChange(l, given.Examples[i]); what != "" {
				return nil, fmt.Errorf("%s: Train modified training example %d: %s", who, i, what)
			}
		}
		if err == nil && m == nil {
			err = fmt.Errorf("%s: Train returned no model", who)
		}
		return m, err
	})
}

// Guess is m.Guess under oath or, of an observer who sees two views, GuessPair; id
// is the attack's.
func (o Calls) Guess(ctx context.Context, id string, m attacks.Model, views ...datasets.Trace) (attacks.Answer, error) {
	who := "attack " + id
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return Call(o.forWhom(m), who, "Guess", Signs{abandon: cancel}, func() (attacks.Answer, error) {
		if ours(m) {
			return guess(ctx, m, views)
		}
		given := copyOf(views)
		for i, t := range views {
			given[i] = copyTrace(t)
		}
		a, err := guess(ctx, m, given)

		// Before any error: what was written to is no longer what was asked about.
		for i, t := range views {
			if what := traceChange(t, given[i]); what != "" {
				return attacks.Answer{}, fmt.Errorf("%s: Guess modified its input: %s", who, what)
			}
		}
		if err != nil {
			return attacks.Answer{}, err
		}
		if err := finite(a); err != nil {
			return attacks.Answer{}, fmt.Errorf("%s: %w", who, err)
		}
		return copyAnswer(a), nil
	})
}

// guess asks m about one view or two.
func guess(ctx context.Context, m attacks.Model, views []datasets.Trace) (attacks.Answer, error) {
	if len(views) == 1 {
		return m.Guess(ctx, views[0])
	}
	pair, ok := m.(attacks.PairModel)
	if !ok {
		return attacks.Answer{}, fmt.Errorf("%T is no attacks.PairModel, though the attack says that it sees two places", m)
	}
	return pair.GuessPair(ctx, views[0], views[1])
}

// Vectors is f.Vectors under oath, but for the limit: bounds are called as a
// whole, with what Vectors returns to be asked later.
func Vectors(f attacks.Featurer, task datasets.Task, l attacks.Labeled) (attacks.Features, error) {
	if ours(f) {
		return f.Vectors(task, l), nil
	}
	given := copyLabeled(l)
	v := f.Vectors(task, given)
	if what := labeledChange(l, given); what != "" {
		return attacks.Features{}, fmt.Errorf("Vectors modified its input: %s", what)
	}
	return v, nil
}

// finite refuses an answer that holds a number that is none.
func finite(a attacks.Answer) error {
	// JSON knows neither, so one of them in a result would end the whole run where
	// the result is stored.
	bad := func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }
	unranked := func(r attacks.Ranked) bool { return bad(r.P) }
	ranked := func(what string, r attacks.Ranked) error {
		return fmt.Errorf("%s the probability of class %q is %v", what, r.Class, r.P)
	}
	if k := slices.IndexFunc(a.Clip, unranked); k >= 0 {
		return ranked("in the answer", a.Clip[k])
	}
	for i, b := range a.Events {
		if bad(b.Score) {
			return fmt.Errorf("in the answer the score of burst %d is %v", i, b.Score)
		}
		if k := slices.IndexFunc(b.Ranked, unranked); k >= 0 {
			return ranked(fmt.Sprintf("in burst %d of the answer", i), b.Ranked[k])
		}
	}
	if bad(a.Threshold) {
		return fmt.Errorf("in the answer the threshold is %v", a.Threshold)
	}
	for i, d := range a.Devices {
		if bad(float64(d.P)) {
			return fmt.Errorf("in the answer the probability of packet %d's owner is %v", i, d.P)
		}
	}
	for i, s := range a.Slots {
		if bad(float64(s.P)) || bad(float64(s.Several)) || bad(float64(s.Events)) {
			return fmt.Errorf("in the answer slot %d is %+v", i, s)
		}
	}
	return nil
}

// Within is f under the limit that Run puts on plug-ins, for whoever calls them
// without a grid: a panic, the end of its goroutine, the limit and the end of ctx
// are errors. f must own all that it writes to, as it may be left behind.
func Within[T any](ctx context.Context, limit time.Duration, what string, f func() (T, error)) (T, error) {
	return Call(Calls{ctx: ctx, limit: limit}, what, "a plug-in", Signs{}, f)
}
