package bench

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"veilbench/attacks"
	"veilbench/bench/cost"
	"veilbench/bench/draws"
	"veilbench/bench/oath"
	"veilbench/bench/results"
	"veilbench/bench/truth"
	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/captured"
)

// Role keeps the draws of training and test traces apart: an attacker that had
// trained on the draws of the test would know them by heart.
type Role string

// The roles. Their texts seed draws, so results depend on them.
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
	// second is what is seen at the outer one of two places, else nil.
	second *attacks.Labeled
	cost   *cost.Ledger
	// unknown says what captures of a real device cannot tell.
	unknown []string
	// unseen is set when no packet of the recording is left in trace, only the
	// defense's own if any.
	unseen bool
	// apart is set when no packet that leaves the home is on a flow of the recording:
	// all are in the defense's own.
	apart bool
	// oracle is set when the defense was found to look ahead.
	oracle bool
	err    error
}

// truthOf is o with the truth that a task is scored by.
func (o *observed) truthOf(task datasets.Task, ds *datasets.Dataset) *observed {
	if task != datasets.TaskEvent || len(ds.Unmonitored) == 0 {
		return o
	}
	open := *o
	open.labels = truth.Monitored(o.labels, ds.Unmonitored)
	return &open
}

// labeled is what a training may see of o.
func (o *observed) labeled(task datasets.Task) attacks.Labeled {
	l := attacks.Labeled{Trace: o.trace, Labels: o.labels, Group: o.rec.Group, Second: o.second}
	if task == datasets.TaskClip {
		l.Class = o.rec.ClipClass()
	}
	return l
}

// viewsOf are the traces of l at each of its observer's places, the outer one as
// long as the inner one: that may have been cut.
func viewsOf(l attacks.Labeled) []datasets.Trace {
	if l.Second == nil {
		return []datasets.Trace{l.Trace}
	}
	outer := l.Second.Trace
	if l.Trace.End < outer.End {
		outer = datasets.Recording{Trace: outer}.Cut([]time.Duration{l.Trace.End})[0].Trace
	}
	return []datasets.Trace{l.Trace, outer}
}

// outerOf are the views of the outer one of two places.
func outerOf(ls []attacks.Labeled) []attacks.Labeled {
	out := make([]attacks.Labeled, len(ls))
	for i, l := range ls {
		out[i] = *l.Second
	}
	return out
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
	oath    oath.Calls
}

// observe puts rec through the pipeline. The draw of the defense depends on
// (seed, defense, recording, role, draw) only, so attacks and folds are
// compared on the same traffic.
//
// base gives what rec is without a defense behind the same link.
func (p pipeline) observe(rec *datasets.Recording, base func() (cost.Base, error), r Role, draw int) *observed {
	o := &observed{rec: rec, oracle: p.oracle}
	o.err = oath.Guard(func() error { return p.pass(o, base, r, draw) })
	return o
}

// pass fills in o: the recording behind defense, link and vantage point, and its
// cost.
func (p pipeline) pass(o *observed, base func() (cost.Base, error), r Role, draw int) error {
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
	o.unknown = unknown(p.defense, out)
	if n := defenses.Framing(p.defense); n > 0 {
		o.cost.CountInside(o.rec.Trace, out, n)
	}

	flows := o.rec.Trace.Flows
	o.apart = !slices.ContainsFunc(out.Trace.Packets, func(p datasets.Packet) bool {
		return int(p.Flow) < len(flows) && flows[p.Flow].Exposed()
	})

	o.unseen = true
	for place, v := range p.vantage.Places() {
		// Who looks from inside the home sees what the devices send, before any
		// gateway and before the line. On the radio of 802.15.4 the hub itself is one
		// of the two ends, so what it does there is heard.
		seen := out
		if v != datasets.WAN && v != datasets.Zigbee {
			seen = inside
		}

		// Each place is drawn as if it were the only one: two see what each of them
		// sees.
		labels := truth.Defended(o.rec, seen.Trace, seen.Carried)
		view, kept := v.View(draws.New(p.seed, append(key, "view", string(v))...), seen.Trace)
		if place == 0 {
			o.trace, o.labels = view, labels.Keep(kept)
		} else {
			o.second = &attacks.Labeled{Trace: view, Labels: labels.Keep(kept)}
		}
		o.unseen = o.unseen && !slices.ContainsFunc(kept, func(i int32) bool {
			// Which packets of a real device carry something is not known of all.
			c := seen.Carried
			return c == nil || c.Observed != nil || c.First[i] < c.First[i+1]
		})
	}
	return nil
}

// defend runs the stages and proves each. inside is what leaves the devices,
// before any gateway defense.
func (p pipeline) defend(g *rand.Rand, in datasets.Trace) (out, inside defenses.Defended, err error) {
	out = defenses.Defended{Trace: in}
	inside = out

	for _, d := range defenses.Stages(p.defense) {
		next, err := p.oath.Apply(d, defenses.Stream(g), out.Trace)
		if err == nil {
			err = prove(d, out.Trace, next)
		}
		if err != nil {
			return out, inside, fmt.Errorf("stage %s: %w", defenses.ID(d), err)
		}

		// Every later stage's account is relative to the one before it; composed, it
		// names packets of the recording.
		next.Carried = defenses.Compose(in, out.Carried, next.Carried)
		out = next
		if d.Info().Place == defenses.AtDevice {
			inside = out
		}
	}
	return out, inside, nil
}

// prove holds what a stage made to the rules. What a real device made is what it is:
// its captures have to be in shape.
func prove(d defenses.Defense, in datasets.Trace, out defenses.Defended) error {
	if _, ok := d.(captured.Defense); ok {
		return defenses.CheckObserved(in, out)
	}
	return defenses.Check(in, out)
}

// unknown says what captures of a real device cannot tell of what it did.
func unknown(d defenses.Defense, out defenses.Defended) []string {
	c, ok := d.(captured.Defense)
	switch {
	case !ok:
		return nil
	case !c.IsPaired():
		return []string{"sessions of other times: bytes are those that leave the home, and no delay, no loss and no look-ahead is known"}
	}
	return slices.Concat(out.Carried.Observed.Unknown, []string{"of a captured device it is not known whether it looks ahead, nor whether it lost bytes inside of packets"})
}

// Watched is what an observer knows and sees of one recording.
type Watched struct {
	// Train is what the attacker learns from, in the order asked for; Test is
	// what the attacker sees of the recording, with its truth.
	Train []attacks.Labeled
	Test  attacks.Labeled
	Cost  results.Cost // of the recording
}

// Watch puts recordings of ds through a defense, the link and a vantage point
// just as the cells of a grid with this seed do: train with draws of training,
// test with that of a test. A defense that learns is fitted to the undefended
// recordings in train.
func Watch(ds *datasets.Dataset, d defenses.Defense, link cost.Link, v datasets.Vantage, seed uint64, train []int, test int) (Watched, error) {
	vs := views{pipe: pipeline{seed: seed, link: link, defense: d, id: defenses.ID(d), draws: defenses.DrawID(d), vantage: v}}
	if !v.Sees(ds.Recorded) {
		return Watched{}, fmt.Errorf("%s was recorded at %s: nobody at %s can be shown from that", ds.Name, ds.Recorded, v)
	}

	if Fitted(d) {
		if err := vs.learn(ds, train); err != nil {
			return Watched{}, err
		}
	}

	// Nothing is shared here as in a run, and each recording is looked at once.
	base := func(i int) func() (cost.Base, error) {
		return func() (cost.Base, error) { return cost.NewBase(&ds.Recordings[i], link) }
	}

	var out Watched
	for _, i := range train {
		o := vs.pipe.observe(&ds.Recordings[i], base(i), TrainRole, 0)
		if o.err != nil {
			return Watched{}, o.err
		}
		out.Train = append(out.Train, o.labeled(datasets.TaskEvent))
	}
	o := vs.pipe.observe(&ds.Recordings[test], base(test), TestRole, 0)
	if o.err != nil {
		return Watched{}, o.err
	}
	out.Test, out.Cost = o.labeled(datasets.TaskEvent), o.cost.Cost()
	return out, nil
}

// Observer looks at traffic behind a defense and the link just as the cells of a
// grid with this seed do, without a grid. A defense that learns must be fitted.
type Observer struct {
	Seed    uint64
	Link    cost.Link
	Defense defenses.Defense
	Vantage datasets.Vantage
}

// See returns what there is to see of rec in one role and draw, with its truth.
// An error is the defense's, or says what it did that Check forbids.
func (w Observer) See(rec *datasets.Recording, r Role, draw int) (attacks.Labeled, error) {
	p := pipeline{seed: w.Seed, link: w.Link, defense: w.Defense, id: defenses.ID(w.Defense), draws: defenses.DrawID(w.Defense), vantage: w.Vantage}
	o := p.observe(rec, func() (cost.Base, error) { return cost.NewBase(rec, w.Link) }, r, draw)
	return o.labeled(datasets.TaskEvent), o.err
}
