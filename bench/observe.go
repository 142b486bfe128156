package bench

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"veilbench/attacks"
	"veilbench/bench/cost"
	"veilbench/bench/draws"
	"veilbench/datasets"
	"veilbench/defenses"
)

// Role keeps the draws of training and test traces apart.
type Role string

// The roles.
const (
	TrainRole Role = "train"
	TestRole  Role = "test"
)

// observed is a recording as an observer sees it behind a defense, with the
// truth carried along.
type observed struct {
	rec    *datasets.Recording
	trace  datasets.Trace
	labels datasets.Labels
	cost   *cost.Ledger
	// oracle is set when the defense was found to look ahead.
	oracle bool
	err    error
}

// labeled is what a training may see of o.
func (o *observed) labeled(task datasets.Task) attacks.Labeled {
	l := attacks.Labeled{Trace: o.trace, Labels: o.labels, Group: o.rec.Group}
	if task == datasets.TaskClip {
		l.Class = o.rec.ClipClass()
	}
	return l
}

// pipeline is the way of a packet from the device to the observer.
type pipeline struct {
	seed    uint64
	link    cost.Link
	defense defenses.Defense
	id      string // of the defense as configured, before any fitting
	draws   string // what the draws for it are seeded with, mostly the same
	vantage datasets.Vantage
	oracle  bool // the defense was found to look ahead
	oath    oath
}

// observe puts rec through the pipeline. The draw of the defense depends on
// (seed, defense, recording, role, draw) only, so attacks and folds are
// compared on the same traffic.
//
// base gives what rec is without a defense behind the same link.
func (p pipeline) observe(rec *datasets.Recording, base func() (cost.Base, error), r Role, draw int) *observed {
	o := &observed{rec: rec, oracle: p.oracle}
	o.err = Guard(func() error { return p.fill(o, base, r, draw) })
	return o
}

func (p pipeline) fill(o *observed, base func() (cost.Base, error), r Role, draw int) error {
	key := []string{p.draws, o.rec.ID, string(r), strconv.Itoa(draw)}
	out, inside, err := p.link.Through(o.rec.Trace, func(t datasets.Trace) (out, inside defenses.Defended, err error) {
		return p.defend(draws.New(p.seed, append(key, "defense")...), t)
	})
	if err != nil {
		return fmt.Errorf("defense %s on recording %s: %w", p.id, o.rec.ID, err)
	}
	undefended, err := base()
	if err != nil {
		return fmt.Errorf("recording %s undefended: %w", o.rec.ID, err)
	}
	o.cost = cost.NewLedger(o.rec, undefended, out)

	// Who looks from inside the home sees what the devices send, before any
	// gateway and before the line.
	seen := out
	if p.vantage != datasets.WAN {
		seen = inside
	}
	labels := defendedLabels(o.rec, seen.Trace, seen.Carried)
	view, kept := p.vantage.View(draws.New(p.seed, append(key, "view", string(p.vantage))...), seen.Trace)
	o.trace, o.labels = view, labels.Keep(kept)
	return nil
}

// defend runs the stages and proves each. inside is what leaves the devices,
// before any gateway defense.
func (p pipeline) defend(g *rand.Rand, in datasets.Trace) (out, inside defenses.Defended, err error) {
	out = defenses.Defended{Trace: in}
	inside = out
	for _, d := range defenses.Stages(p.defense) {
		next, err := p.oath.apply(d, defenses.Stream(g), out.Trace)
		if err == nil {
			err = defenses.Check(out.Trace, next)
		}
		if err != nil {
			return out, inside, fmt.Errorf("stage %s: %w", defenses.ID(d), err)
		}
		next.Carried = defenses.Compose(in, out.Carried, next.Carried)
		out = next
		if d.Info().Place == defenses.AtDevice {
			inside = out
		}
	}
	return out, inside, nil
}

// defendedLabels carries the truth of rec over to the packets of t: a packet
// belongs to the device and event of the original it carries first, one of the
// defense's own to the device datasets.Cover. Events end when their last
// original byte leaves.
func defendedLabels(rec *datasets.Recording, t datasets.Trace, c *defenses.Carried) datasets.Labels {
	l := rec.Labels
	l.Events = slices.Clone(l.Events)
	if l.Cause != nil {
		extendEvents(rec, l.Events, t, c)
	}
	if c == nil {
		return l
	}
	cover := int32(len(l.Devices))
	l.Devices = append(slices.Clone(l.Devices), datasets.Cover)
	if l.Owners != nil {
		owners := make([]int32, len(t.Packets))
		for i := range owners {
			owners[i] = cover
			if e := c.First[i]; e < c.First[i+1] {
				owners[i] = l.Owners[c.Orig[e]]
			}
		}
		l.Owners = owners
	}
	if l.Cause != nil {
		cause := make([]int32, len(t.Packets))
		for i := range cause {
			cause[i] = -1
			for e := c.First[i]; e < c.First[i+1] && cause[i] < 0; e++ {
				cause[i] = rec.Labels.Cause[c.Orig[e]]
			}
		}
		l.Cause = cause
	}
	return l
}

// extendEvents moves the end of each event to the time when the last original
// it caused has left.
func extendEvents(rec *datasets.Recording, events []datasets.Event, t datasets.Trace, c *defenses.Carried) {
	late := func(orig int32, at time.Duration) {
		if e := rec.Labels.Cause[orig]; e >= 0 {
			events[e].End = max(events[e].End, at)
		}
	}
	if c == nil {
		for i, p := range t.Packets {
			late(int32(i), p.Time)
		}
		return
	}
	for i, p := range t.Packets {
		for e := c.First[i]; e < c.First[i+1]; e++ {
			late(c.Orig[e], p.Time)
		}
	}
}

// Guard turns a panic of a plug-in into an error.
func Guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v, in %s", r, panicPlace())
		}
	}()
	return f()
}

// panicPlace names the function and line that panicked, for the one who wrote
// it. It is called by a deferred function.
func panicPlace() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	panicked := false
	for {
		f, more := frames.Next()
		inRuntime := strings.HasPrefix(f.Function, "runtime.")
		if panicked && !inRuntime {
			return fmt.Sprintf("%s (%s:%d)", f.Function, filepath.Base(f.File), f.Line)
		}
		panicked = panicked || f.Function == "runtime.gopanic"
		if !more {
			return "an unknown place"
		}
	}
}
