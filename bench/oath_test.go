package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/bench/selfcheck/planted"
	"veilbench/datasets"
	"veilbench/defenses"
)

// hostile is a defense made of a function.
type hostile struct {
	name string
	f    func(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error)
}

func (h hostile) Info() defenses.Info {
	return defenses.Info{Name: h.name, Doc: "hostile", Place: defenses.AtGateway}
}

func (h hostile) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	return h.f(rng, in)
}

// learner is a hostile defense that learns, and may claim.
type learner struct {
	hostile
	fit func(recs []datasets.Recording)
}

func (l learner) Fit(_ context.Context, _ *rand.Rand, recs []datasets.Recording) (defenses.Defense, error) {
	l.fit(recs)
	return l.hostile, nil
}

// boaster is a hostile defense that claims what is no number.
type boaster struct{ hostile }

func (boaster) Claims() []defenses.Claim {
	return []defenses.Claim{{Name: "epsilon", Value: math.NaN()}}
}

// changed is what a copy of in becomes.
func changed(in datasets.Trace, change func(t *datasets.Trace)) (defenses.Defended, error) {
	in.Packets, in.Flows = slices.Clone(in.Packets), slices.Clone(in.Flows)
	change(&in)
	return defenses.Defended{Trace: in}, nil
}

// eachPacket is a defense that changes packets one by one.
func eachPacket(name string, change func(rng *rand.Rand, in datasets.Trace, i int, p *datasets.Packet)) hostile {
	return hostile{name, func(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
		return changed(in, func(t *datasets.Trace) {
			for i := range t.Packets {
				change(rng, in, i, &t.Packets[i])
			}
		})
	}}
}

// grow pads p by n bytes.
func grow(p *datasets.Packet, n int32) { p.Size, p.Payload = p.Size+n, p.Payload+n }

// withDummies puts a dummy made by change behind every packet.
func withDummies(in datasets.Trace, change func(t *datasets.Trace, p *datasets.Packet)) (defenses.Defended, error) {
	b := defenses.NewBuilder(2 * len(in.Packets))
	out := in
	out.Packets, out.Flows = nil, slices.Clone(in.Flows)
	for i, p := range in.Packets {
		out.Packets = append(out.Packets, p)
		b.Carry(int32(i), p.Payload)
		b.Next()
		change(&out, &p)
		out.Packets = append(out.Packets, p)
		b.Next()
	}
	return defenses.Defended{Trace: out, Carried: b.Carried()}, nil
}

// inOrder sends the originals of order, each at the time of the packet whose place
// it takes or when it exists, and says so in its account.
func inOrder(in datasets.Trace, order []int) (defenses.Defended, error) {
	b := defenses.NewBuilder(len(order))
	out := in
	out.Packets = nil
	for at, i := range order {
		p := in.Packets[i]
		p.Time = max(p.Time, in.Packets[at].Time)
		if at > 0 {
			p.Time = max(p.Time, out.Packets[at-1].Time)
		}
		out.Packets = append(out.Packets, p)
		b.Carry(int32(i), p.Payload)
		b.Next()
	}
	return defenses.Defended{Trace: out, Carried: b.Carried()}, nil
}

// onLAN moves packets to a new flow like flow 0 that is said to stay in the home.
func onLAN(t *datasets.Trace) int32 {
	f := t.Flows[0]
	f.LAN = true
	t.Flows = append(t.Flows, f)
	return int32(len(t.Flows) - 1)
}

// spy is an attack made of functions.
type spy struct {
	name  string
	train func(t attacks.Training) error
	guess func(t attacks.Training, tr datasets.Trace) (attacks.Answer, error)
}

func (s spy) Info() attacks.Info {
	return attacks.Info{Name: s.name, Doc: "hostile", Tasks: []datasets.Task{datasets.TaskClip}}
}

func (s spy) Train(_ context.Context, _ *rand.Rand, t attacks.Training) (attacks.Model, error) {
	if s.train != nil {
		if err := s.train(t); err != nil {
			return nil, err
		}
	}
	return spied{s, t}, nil
}

type spied struct {
	spy
	t attacks.Training
}

func (s spied) Guess(_ context.Context, tr datasets.Trace) (attacks.Answer, error) {
	if s.guess == nil {
		return sure(s.t.Classes[0], 1), nil
	}
	return s.guess(s.t, tr)
}

// settled is a spy that learns what it answers with.
type settled struct {
	spy
	learn func(t attacks.Training) func(tr datasets.Trace) (attacks.Answer, error)
}

func (s settled) Train(_ context.Context, _ *rand.Rand, t attacks.Training) (attacks.Model, error) {
	answer := s.learn(t)
	return spied{spy{name: s.name, guess: func(_ attacks.Training, tr datasets.Trace) (attacks.Answer, error) { return answer(tr) }}, t}, nil
}

// sure is a clip's answer.
func sure(class string, p float64) attacks.Answer {
	return attacks.Answer{Clip: []attacks.Ranked{{Class: class, P: p}}}
}

// guesser is a spy that only misbehaves when asked.
func guesser(name string, f func(t attacks.Training, tr datasets.Trace) (attacks.Answer, error)) spy {
	return spy{name: name, guess: f}
}

// clips is a grid of planted clips on which every cheat is tried.
func clips(t *testing.T, ds []defenses.Defense, as []attacks.Attack) Grid {
	return Grid{
		Datasets: []datasets.Dataset{planted.Clips(true)}, Defenses: ds,
		Attacks: append(as, attack(t, "guess-majority"), attack(t, "event-knn:k=1")), Seed: 1,
	}
}

// rows are the results of other defenses and attacks.
func rows(rs []results.Result, but string) map[results.Cell]results.Result {
	out := map[results.Cell]results.Result{}
	for _, r := range rs {
		if r.Cell.Defense != but && r.Cell.Attack != but {
			out[r.Cell] = r
		}
	}
	return out
}

// failures are the errors of the cells of one plug-in; "" for a cell without.
func failures(rs []results.Result, of string) []string {
	var out []string
	for _, r := range rs {
		if r.Cell.Defense == of || r.Cell.Attack == of {
			out = append(out, r.Err)
		}
	}
	return out
}

// A run whose plug-in hangs ends soon after it is told to.
func TestHangingPluginLetsTheRunEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	hang := hostile{"hangs", func(*rand.Rand, datasets.Trace) (defenses.Defended, error) {
		cancel()
		select {}
	}}
	start := time.Now()
	_, err := Run(ctx, clips(t, []defenses.Defense{hang}, nil), Options{Workers: 2})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
	if d := time.Since(start); d > 23*time.Second {
		t.Errorf("ended after %v", d)
	}
}

// A plug-in that hung once is not called again: a run of many recordings would
// else wait the limit for each, and leave a goroutine behind each time.
func TestHungPluginIsNotCalledAgain(t *testing.T) {
	var calls atomic.Int32
	hang := hostile{"hangs", func(*rand.Rand, datasets.Trace) (defenses.Defended, error) {
		calls.Add(1)
		select {}
	}}
	rs, err := Run(t.Context(), clips(t, []defenses.Defense{hang}, nil), Options{Workers: 2, PluginTimeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if n := calls.Load(); n > 2 {
		t.Errorf("called %d times by two workers", n)
	}
	for _, r := range rs {
		if !strings.Contains(r.Err, "defense hangs: Apply has not returned after 100ms") || r.Cell.Knowledge == results.Adaptive && !strings.Contains(r.Err, "recording g") {
			t.Errorf("%q does not name plug-in, method and recording", r.Err)
		}
	}
}

// long is a recording of an hour, with far more packets than the first look takes.
func long(seed uint64) datasets.Trace {
	r := rand.New(rand.NewPCG(seed, 1))
	t := planted.Trace(r, true, 0)
	p := t.Packets[0]
	t.Packets, t.End = nil, time.Hour
	for at := time.Second; at < t.End; at += time.Second {
		p.Time, p.Size = at, 100+r.Int32N(900)
		p.Payload = p.Size - 42
		t.Packets = append(t.Packets, p)
	}
	return t
}

// Looking ahead is found where it begins only after the first minutes and packets,
// and in a defense that remembers whole recordings.
func TestLooksAheadAnywhere(t *testing.T) {
	ds := datasets.Dataset{Name: "long"}
	for i := range 4 {
		ds.Recordings = append(ds.Recordings, datasets.Recording{ID: string(rune('a' + i)), Trace: long(uint64(i))})
	}
	ahead := func(all []datasets.Packet, in datasets.Trace) (defenses.Defended, error) {
		return changed(in, func(t *datasets.Trace) {
			for i := range t.Packets {
				if i+20 < len(all) {
					grow(&t.Packets[i], max(0, all[i+20].Size-t.Packets[i].Size))
				}
			}
		})
	}
	known := map[datasets.Packet][]datasets.Packet{}
	for _, d := range []hostile{
		{"only-long", func(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
			if in.End <= 5*time.Minute || len(in.Packets) <= 1000 {
				return defenses.Defended{Trace: in}, nil
			}
			return ahead(in.Packets, in)
		}},
		{"remembers", func(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
			if len(in.Packets) == 0 {
				return defenses.Defended{Trace: in}, nil
			}
			if k := in.Packets[0]; len(in.Packets) > len(known[k]) {
				known[k] = slices.Clone(in.Packets)
			}
			return ahead(known[in.Packets[0]], in)
		}},
	} {
		if oracle, err := examine(d, 1, &ds); !oracle || err != nil {
			t.Errorf("%s: oracle %v, %v", d.name, oracle, err)
		}
	}
	if oracle, err := examine(defense(t, "pad-random"), 1, &ds); oracle || err != nil {
		t.Errorf("pad-random: oracle %v, %v", oracle, err)
	}
}

// What differs from one sight of a recording to the next is an error.
func TestStateBetweenCallsIsFound(t *testing.T) {
	ds := planted.Clips(true)
	seen := map[string]int{}
	d := hostile{"second-sight", func(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
		return changed(in, func(t *datasets.Trace) {
			// Whole recordings only, and not before it knows three of them.
			if len(t.Packets) < 12 || in.End < 20*time.Second {
				return
			}
			k := fmt.Sprint(in.Packets)
			if seen[k]++; seen[k] > 1 && len(seen) == 3 {
				grow(&t.Packets[0], 9)
			}
		})
	}}
	if _, err := examine(d, 1, &ds); err == nil || !strings.Contains(err.Error(), "gave two results") {
		t.Errorf("got %v", err)
	}
}
