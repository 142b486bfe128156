package external

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/diary"
	"veilbench/datasets"
	"veilbench/datasets/wire"
)

// guessed is the answer to a guess. What scoring would stumble over is an error that
// names the entry: a foreign class, a packet without an owner, events out of order.
type guessed struct {
	task    datasets.Task
	classes []string
	trace   datasets.Trace
	out     attacks.Answer
	have    bool // what the task asks for
	ps      []float64
	havePs  bool
}

// Member takes the part of the answer that belongs to the task; others are skipped.
func (g *guessed) Member(key string, r *wire.Reader) (err error) {
	part := map[datasets.Task]string{
		datasets.TaskClip: "clip", datasets.TaskDetect: "clip", datasets.TaskEvent: "events", datasets.TaskDevice: "devices",
		datasets.TaskCommand: "commands", datasets.TaskRoutine: "slots",
	}[g.task]

	// Members of other tasks are nobody's fault: one program may answer with all that it
	// has.
	if key == part {
		g.have = true
	}
	switch {
	case key == "threshold" && g.task == datasets.TaskEvent:
		g.out.Threshold, err = r.Float()
	case key == "p" && g.task == datasets.TaskDevice:
		g.havePs = true
		g.ps, err = r.Floats(nil)
	case key != part:
		return r.Skip()
	case key == "clip":
		g.out.Clip, err = g.ranked(r)
	case key == "events":
		err = r.Array(func(i int) error { return in("event", i, g.event(r)) })
	case key == "devices":
		err = g.devices(r)
	case key == "commands":
		err = r.Array(func(i int) error { return in("command", i, g.command(r)) })
	case key == "slots":
		err = g.slots(r)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// in says in which entry an error is.
func in(what string, i int, err error) error {
	if err != nil {
		return fmt.Errorf("%s %d: %w", what, i, err)
	}
	return nil
}

// Whole wants the part that the task asks for, with an entry for each packet of a
// device task and each quarter hour of a routine task.
func (g *guessed) Whole() error {
	if !g.have {
		return fmt.Errorf("it holds no answer for the task %s", g.task)
	}

	// Devices and probabilities come as two columns, in any order: only now both are here.
	switch g.task {
	case datasets.TaskDevice:
		n := len(g.trace.Packets)
		if len(g.out.Devices) != n || g.havePs && len(g.ps) != n {
			return fmt.Errorf("%d devices and %d probabilities for %d packets", len(g.out.Devices), len(g.ps), n)
		}
		for i, p := range g.ps {
			if err := probability(p); err != nil {
				return in("packet", i, err)
			}
			g.out.Devices[i].P = float32(p)
		}
	case datasets.TaskRoutine:
		if n := diary.Slots(g.trace.End); len(g.out.Slots) != n {
			return fmt.Errorf("%d slots for %d quarter hours", len(g.out.Slots), n)
		}
	}
	return nil
}

// slack is what rounding may add to a probability.
const slack = 1e-6

// probability refuses what is none.
func probability(p float64) error {
	if p < 0 || p > 1+slack {
		return fmt.Errorf("probability %v: want 0 to 1", p)
	}
	return nil
}

// ranked takes a list of classes with their probabilities, best first.
func (g *guessed) ranked(r *wire.Reader) ([]attacks.Ranked, error) {
	var out []attacks.Ranked
	sum := 0.0 // of probabilities of classes that exclude each other
	err := r.Array(func(i int) error {
		var c attacks.Ranked
		n := 0
		err := r.Array(func(k int) (err error) {
			switch n++; k {
			case 0:
				c.Class, err = r.String()
			case 1:
				c.P, err = r.Float()
			default:
				err = errors.New("want a class and a probability")
			}
			return err
		})
		switch {
		case err != nil:
		case n != 2:
			err = errors.New("want a class and a probability")
		case !slices.Contains(g.classes, c.Class) && c.Class != datasets.Other && c.Class != datasets.Unknown:
			err = fmt.Errorf("class %q was never asked for", c.Class)
		case i > 0 && c.P > out[i-1].P+slack:
			err = fmt.Errorf("probability %v is above the one before, %v: want the best first", c.P, out[i-1].P)
		default:
			err = probability(c.P)
		}
		if err != nil {
			return in("rank", i, err)
		}
		sum += c.P
		out = append(out, c)
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(out) == 0:
		return nil, errors.New("no ranked class; want [[\"unknown\",1]] where it does not know")
	case sum > 1+slack:
		return nil, fmt.Errorf("probabilities sum to %v, more than 1", sum)
	}
	return out, nil
}

// event takes one burst and appends it.
func (g *guessed) event(r *wire.Reader) error {
	var b attacks.Burst
	end, scored := false, false
	err := r.Object(func(key string) (err error) {
		switch key {
		case "start_ns":
			b.Start, err = duration(r)
		case "end_ns":
			end = true
			b.End, err = duration(r)
		case "ranked":
			b.Ranked, err = g.ranked(r)
		case "score":
			scored = true
			b.Score, err = r.Float()
		case "alert":
			b.Alert, err = r.Bool()
		case "left_out":
			b.LeftOut, err = r.Bool()
		default:
			return r.Skip()
		}
		return err
	})
	if err != nil {
		return err
	}

	// What is not said of a burst has the value that says least: a point in time, as sure
	// as its class is.
	if !end {
		b.End = b.Start
	}

	n := len(g.out.Events)
	switch {
	case len(b.Ranked) == 0:
		return errors.New("no ranked class")
	case b.End < b.Start:
		return fmt.Errorf("ends at %v, before it starts at %v", b.End, b.Start)
	case n > 0 && b.Start < g.out.Events[n-1].Start:
		return fmt.Errorf("starts at %v, before the one before it: want them in order of time", b.Start)
	case b.LeftOut && b.Ranked[0].Class != datasets.Unknown:
		return fmt.Errorf("is left out and yet called %s", b.Ranked[0].Class)
	}
	if !scored {
		b.Score = b.Ranked[0].P
	}
	g.out.Events = append(g.out.Events, b)
	return nil
}

// duration takes a time in nanoseconds.
func duration(r *wire.Reader) (time.Duration, error) {
	n, err := r.Int()
	return time.Duration(n), err
}

// devices takes the class of each packet, by its index in the classes.
func (g *guessed) devices(r *wire.Reader) error {
	cs, err := r.Ints(make([]int32, 0, len(g.trace.Packets)))
	if err != nil {
		return err
	}
	g.out.Devices = make([]attacks.Owner, len(cs))
	for i, c := range cs {
		if c < -1 || int(c) >= len(g.classes) {
			return in("packet", i, fmt.Errorf("class %d of %d", c, len(g.classes)))
		}
		g.out.Devices[i] = attacks.Owner{Class: c, P: 1}
		if c < 0 {
			g.out.Devices[i].P = 0
		}
	}
	return nil
}

// command takes one message and appends it. Without bounded all candidates are left,
// without best it names none.
func (g *guessed) command(r *wire.Reader) error {
	m := attacks.Message{Best: -1}
	bounded := false
	err := r.Object(func(key string) (err error) {
		var n int64
		var few []int32
		switch key {
		case "time_ns":
			m.Time, err = duration(r)
		case "bytes":
			n, err = r.Int()
			m.Bytes = int(n)
		case "best":
			n, err = r.Int()
			m.Best = int(n)
		case "candidates":
			err = r.Array(func(i int) error { return in("candidate", i, g.candidate(r, &m)) })
		case "bounded":
			bounded = true
			few, err = r.Ints(nil)
			for _, x := range few {
				m.Bounded = append(m.Bounded, int(x))
			}
		default:
			return r.Skip()
		}
		return err
	})
	if err != nil {
		return err
	}

	// An attack without a second stage has all candidates left.
	for i := range m.Candidates {
		if !bounded {
			m.Bounded = append(m.Bounded, i)
		}
	}

	n := len(g.out.Commands)
	switch {
	case m.Best < -1 || m.Best >= len(m.Candidates):
		return fmt.Errorf("best %d of %d candidates", m.Best, len(m.Candidates))
	case slices.ContainsFunc(m.Bounded, func(i int) bool { return i < 0 || i >= len(m.Candidates) }):
		return fmt.Errorf("bounded %v of %d candidates", m.Bounded, len(m.Candidates))
	case n > 0 && m.Time < g.out.Commands[n-1].Time:
		return fmt.Errorf("is at %v, before the one before it: want them in order of time", m.Time)
	}
	g.out.Commands = append(g.out.Commands, m)
	return nil
}

// candidate takes the counts of one candidate and appends them to those of m.
func (g *guessed) candidate(r *wire.Reader, m *attacks.Message) error {
	counts, err := r.Ints(nil)
	if err != nil {
		return err
	}
	if len(counts) != len(g.classes) {
		return fmt.Errorf("%d counts for %d classes", len(counts), len(g.classes))
	}
	out := make([]uint8, len(counts))
	for i, c := range counts {
		if c < 0 || c > math.MaxUint8 {
			return fmt.Errorf("count %d: want 0 to 255", c)
		}
		out[i] = uint8(c)
	}
	m.Candidates = append(m.Candidates, out)
	return nil
}

// slots takes the columns of a diary: state, p, several and events, of which state
// alone must be there.
func (g *guessed) slots(r *wire.Reader) error {
	var state []int32
	var p, several, events []float64
	err := r.Object(func(key string) (err error) {
		switch key {
		case "state":
			state, err = r.Ints(nil)
		case "p":
			p, err = r.Floats(nil)
		case "several":
			several, err = r.Floats(nil)
		case "events":
			events, err = r.Floats(nil)
		default:
			err = r.Skip()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range [][]float64{p, several, events} {
		if c != nil && len(c) != len(state) {
			return fmt.Errorf("columns of unequal length: %d states, %d numbers", len(state), len(c))
		}
	}

	// A column that is left out is one of zeros.
	at := func(c []float64, i int) float32 {
		if c == nil {
			return 0
		}
		return float32(c[i])
	}
	for i, s := range state {
		x := attacks.Slot{State: s, P: at(p, i), Several: at(several, i), Events: at(events, i)}
		if s < -1 || int(s) >= len(g.classes) || probability(float64(x.P)) != nil || probability(float64(x.Several)) != nil || x.Events < 0 {
			return in("slot", i, fmt.Errorf("state %d of %d, probabilities %v and %v, %v events", s, len(g.classes), x.P, x.Several, x.Events))
		}
		g.out.Slots = append(g.out.Slots, x)
	}
	return nil
}
