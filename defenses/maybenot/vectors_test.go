package maybenot

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
)

// vector is a run of the simulation with machines of our own: what must come out was
// written by the plain executor.
type vector struct {
	Name           string
	Client, Server []string
	DelayMs        int
	PPS            int
	Independent    bool
	Seed           uint64
	Trace          []string // microseconds and who sends
	Events         []string // nanoseconds, side, event, machine, padding
}

// vectors are the runs to be stored, without what comes out.
func vectors() []vector {
	rng := rand.New(rand.NewPCG(7, 7))
	var trace []string
	at := 0
	for range 60 {
		at += []int{0, 0, 300, 2000, 30_000, 200_000}[rng.IntN(6)]
		trace = append(trace, fmt.Sprintf("%d %s", at, []string{"client", "server"}[rng.IntN(2)]))
	}
	strs := func(ms ...*Machine) (out []string) {
		for _, m := range ms {
			out = append(out, m.String())
		}
		return out
	}
	slow, fast := ConstantRate(10*time.Millisecond, 500*time.Millisecond), ConstantRate(4*time.Millisecond, 500*time.Millisecond)
	return []vector{
		{Name: "nothing", DelayMs: 10, Trace: trace},
		{Name: "reply", Client: strs(reply(2)), Server: strs(reply(3)), DelayMs: 10, Seed: 3, Trace: trace},
		{Name: "steady", Client: strs(steady(20 * time.Millisecond)), DelayMs: 0, Seed: 4, Trace: trace},
		{Name: "constant rate", Client: strs(slow...), Server: strs(fast...), DelayMs: 10, Trace: trace},
		{Name: "constant rate, independent", Client: strs(slow...), Server: strs(fast...), DelayMs: 10, Independent: true, Trace: trace},
		{Name: "constant rate and replies", Client: strs(append(slow, reply(1))...), Server: strs(append(fast, reply(2))...), DelayMs: 5, Seed: 5, Trace: trace},
		{Name: "bottleneck", Client: strs(reply(1)), Server: strs(fast...), DelayMs: 10, PPS: 30, Seed: 6, Trace: trace},
		{Name: "front", Client: strs(Front(40, time.Second, 5)), Server: strs(Front(80, time.Second, 5)), DelayMs: 20, Seed: 8, Trace: trace},
	}
}

// run executes a vector with either executor.
func (v *vector) run(t *testing.T, plain bool) []string {
	cfg := Config{
		Machines: [2][]*Machine{machinesOf(t, v.Client), machinesOf(t, v.Server)},
		Delay:    time.Duration(v.DelayMs) * time.Millisecond, PacketsPerSecond: v.PPS, Independent: v.Independent,
		Sources: [2]rand.Source{NewXoshiro(v.Seed), NewXoshiro(v.Seed + 1)},
	}
	var packets []Packet
	for _, line := range v.Trace {
		var at int
		var from string
		if _, err := fmt.Sscan(line, &at, &from); err != nil {
			t.Fatal(err)
		}
		packets = append(packets, Packet{time.Duration(at) * time.Microsecond, Side(slices.Index([]string{"client", "server"}, from))})
	}
	run := Run{MaxEvents: 250}
	var events []Happened
	if plain {
		events = runPlain(cfg, packets, run)
	} else {
		s, err := NewSimulation(cfg, packets)
		if err != nil {
			t.Fatal(err)
		}
		events = s.Record(run)
	}
	var out []string
	for _, h := range events {
		out = append(out, fmt.Sprintf("%d %s %v %d %v", h.Time, []string{"client", "server"}[h.Side], h.Kind, h.Machine, h.Padding))
	}
	return out
}

// TestVectors holds both executors to the stored runs, whose events the plain one
// wrote.
func TestVectors(t *testing.T) {
	file := filepath.Join("testdata", "vectors.json")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		vs := vectors()
		for i := range vs {
			vs[i].Events = vs[i].run(t, true)
		}
		b, err := json.MarshalIndent(vs, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var vs []vector
	if err := json.Unmarshal(b, &vs); err != nil {
		t.Fatal(err)
	}
	if len(vs) != len(vectors()) {
		t.Fatalf("%d vectors stored, want %d", len(vs), len(vectors()))
	}
	for i := range vs {
		for _, plain := range []bool{false, true} {
			got := vs[i].run(t, plain)
			for k := range max(len(got), len(vs[i].Events)) {
				if k >= len(got) || k >= len(vs[i].Events) || got[k] != vs[i].Events[k] {
					t.Errorf("%s (plain %v): event %d of %d differs, of %d stored", vs[i].Name, plain, k, len(got), len(vs[i].Events))
					break
				}
			}
		}
	}
}

// randomMachine is any machine that is valid, with times that coincide often.
func randomMachine(rng *rand.Rand, deterministic bool) *Machine {
	dist := func(values ...float64) Dist {
		x := values[rng.IntN(len(values))]
		if deterministic || rng.IntN(2) == 0 {
			return Constant(x)
		}
		return Dist{Kind: Uniform, Params: [3]float64{0, x}, Start: float64(rng.IntN(2)), Max: float64(rng.IntN(2)) * 5000}
	}
	maybe := func(values ...float64) *Dist {
		if rng.IntN(2) == 0 {
			return nil
		}
		d := dist(values...)
		return &d
	}
	n := 1 + rng.IntN(5)
	m := &Machine{
		AllowedPaddingPackets:  []uint64{0, 3, 100}[rng.IntN(3)],
		MaxPaddingFrac:         []float64{0, 0, 0.5, 1}[rng.IntN(4)],
		AllowedBlockedMicrosec: []uint64{0, 10_000, 1e9}[rng.IntN(3)],
		MaxBlockingFrac:        []float64{0, 0, 0.5, 1}[rng.IntN(4)],
	}
	times := []float64{0, 0, 1, 1000, 5000, 10_000, 50_000}
	for range n {
		var s State
		if rng.IntN(4) > 0 {
			a := &Action{Kind: ActionKind(rng.IntN(4))}
			if a.Kind == Cancel {
				a.Timer = Timer(rng.IntN(3))
			} else {
				a.Replace, a.Limit = rng.IntN(2) == 0, maybe(0, 1, 2, 5)
			}
			if a.Kind == SendPadding || a.Kind == BlockOutgoing {
				a.Bypass, a.Timeout = rng.IntN(2) == 0, dist(times...)
			}
			if a.Kind == BlockOutgoing || a.Kind == UpdateTimer {
				a.Duration = dist(times...)
			}
			s.Action = a
		}
		for _, c := range []**Counter{&s.CounterA, &s.CounterB} {
			if rng.IntN(3) == 0 {
				*c = &Counter{Operation: Operation(rng.IntN(3)), Dist: maybe(0, 1, 2, 4), Copy: rng.IntN(4) == 0}
			}
		}
		for k := range s.Transitions {
			if rng.IntN(2) == 0 {
				continue
			}
			states := rng.Perm(n)[:1+rng.IntN(min(n, 2))]
			var list []Transition
			for _, to := range states {
				list = append(list, Transition{uint32(to), 1 / float32(len(states))})
			}
			switch rng.IntN(12) {
			case 0:
				list[0].State = EndState
			case 1, 2:
				list[0].State = SignalState
			}
			if deterministic {
				list = list[:1]
				list[0].Probability = 1
			}
			s.Transitions[k] = list
		}
		m.States = append(m.States, s)
	}
	return m
}

func randomMachines(rng *rand.Rand, deterministic bool) (out []*Machine) {
	for range rng.IntN(4) {
		out = append(out, randomMachine(rng, deterministic))
	}
	return out
}

// TestFrameworkIsThePlainOne compares the commands of random machines, batches of
// events and machines that are not there included.
func TestFrameworkIsThePlainOne(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		ms := randomMachines(rng, seed%2 == 0)
		limits := Limits{[]float64{0, 0.5}[rng.IntN(2)], []float64{0, 0.5}[rng.IntN(2)]}
		f, err := NewFramework(ms, limits, 0, NewXoshiro(seed))
		if err != nil {
			t.Fatal(err)
		}
		r := newRandom(NewXoshiro(seed))
		p := newPlain(ms, limits, 0, &r)
		now := time.Duration(0)
		for step := range 40 {
			now += time.Duration([]int{0, 0, 1, 5000}[rng.IntN(4)]) * time.Microsecond
			var events []Event
			for range rng.IntN(4) {
				kinds := []EventKind{NormalRecv, PaddingRecv, TunnelRecv, NormalSent, PaddingSent, TunnelSent, BlockingBegin, BlockingEnd, TimerBegin, TimerEnd}
				events = append(events, Event{kinds[rng.IntN(len(kinds))], rng.IntN(len(ms) + 1)})
			}
			got, want := f.Trigger(now, events...), p.trigger(now, events...)
			if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, step %d: %v, want %v", seed, step, got, want)
			}
		}
	}
}

// TestSimulationIsThePlainOne compares whole runs of random machines over traces full
// of coincidences.
func TestSimulationIsThePlainOne(t *testing.T) {
	events := 0
	for seed := range uint64(1500) {
		rng := rand.New(rand.NewPCG(seed, 2))
		deterministic := seed%2 == 0
		cfg := Config{
			Machines: [2][]*Machine{randomMachines(rng, deterministic), randomMachines(rng, deterministic)},
			Delay:    time.Duration(rng.IntN(3)) * 10 * time.Millisecond,
		}
		cfg.PacketsPerSecond = []int{0, 0, 20, 100}[rng.IntN(4)]
		cfg.Independent = rng.IntN(3) == 0
		cfg.Limits[0].MaxPaddingFrac = []float64{0, 0.5}[rng.IntN(2)]
		var packets []Packet
		at := time.Duration(0)
		for range rng.IntN(60) {
			at += time.Duration([]int{0, 0, 100, 1000, 5000, 40_000}[rng.IntN(6)]) * time.Microsecond
			packets = append(packets, Packet{at, Side(rng.IntN(2))})
		}
		run := Run{MaxEvents: 400, MaxIterations: 2000, UntilSilent: rng.IntN(2) == 0}

		cfg.Sources = [2]rand.Source{NewXoshiro(seed), NewXoshiro(seed + 1)}
		s, err := NewSimulation(cfg, packets)
		if err != nil {
			t.Fatal(err)
		}
		got := s.Record(run)
		cfg.Sources = [2]rand.Source{NewXoshiro(seed), NewXoshiro(seed + 1)}
		want := runPlain(cfg, packets, run)
		events += len(got)
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || got[i] != want[i] {
				t.Fatalf("seed %d: event %d of %d, %d: %+v, want %+v", seed, i, len(got), len(want), got[min(i, len(got)-1)], want[min(i, len(want)-1)])
			}
		}
	}
	t.Logf("%d events", events)
}

// TestRestart: machines go with what they had scheduled and blocked, packets do not.
func TestRestart(t *testing.T) {
	packets := []Packet{{0, Client}, {time.Millisecond, Client}, {2 * time.Second, Client}}
	cfg := Config{
		Machines: [2][]*Machine{ConstantRate(400*time.Millisecond, 10*time.Second)}, Delay: time.Millisecond, Independent: true,
		Sources:  [2]rand.Source{NewXoshiro(1), NewXoshiro(2)},
		Restarts: []Restart{{At: time.Second, Side: Client, Machines: []*Machine{reply(1)}}},
	}
	s, err := NewSimulation(cfg, packets)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range s.Record(Run{OnlyClient: true, OnlyNetwork: true}) {
		got = append(got, fmt.Sprint(h.Time, h.Padding))
	}
	// The first leaves before blocking begins, the second in the place of padding after
	// 400 ms; padding alone follows, and none after the restart.
	want := []string{"0s false", "400ms false", "800ms true", "2s false"}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// FuzzParse: no string makes the decoder fail otherwise than by an *Error, and what it
// accepts it writes and reads again as it was.
func FuzzParse(f *testing.F) {
	for _, m := range []*Machine{reply(2), steady(time.Second), Front(10, time.Second, 3), ConstantRate(time.Second, time.Second)[1]} {
		f.Add(m.String())
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		f.Add(randomMachine(rng, false).String())
	}
	f.Add("02")
	f.Add("02eNo=")
	f.Fuzz(func(t *testing.T, s string) {
		m, err := Parse(s)
		if err != nil {
			if _, ok := err.(*Error); !ok {
				t.Errorf("%q: %v is no *Error", s, err)
			}
			return
		}
		again, err := Parse(m.String())
		if err != nil || !slices.Equal(again.Bytes(), m.Bytes()) {
			t.Errorf("%q: comes back as another machine (%v)", s, err)
		}
		if f, err := NewFramework([]*Machine{m}, Limits{}, 0, NewXoshiro(1)); err == nil {
			f.Trigger(0, Event{Kind: NormalSent})
		}
	})
}

// FuzzLayout is FuzzParse without what packs the bytes, which a fuzzer does not get
// through.
func FuzzLayout(f *testing.F) {
	f.Add(reply(2).Bytes())
	f.Add(Front(10, time.Second, 3).Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		r := reader{data: b}
		m := r.machine()
		if r.err != nil || len(r.data) > 0 || m.Validate() != nil {
			return
		}
		r = reader{data: m.Bytes()}
		again := r.machine()
		if r.err != nil || len(r.data) > 0 || !slices.Equal(again.Bytes(), m.Bytes()) {
			t.Errorf("%x comes back as %x (%v)", b, again.Bytes(), r.err)
		}
	})
}

// Nothing is allocated for an event once queues have their size.
func TestNextAllocatesNothing(t *testing.T) {
	cfg := Config{
		Machines: [2][]*Machine{{reply(2), Front(1000000, time.Second, 3)}, ConstantRate(2*time.Millisecond, time.Hour)},
		Delay:    10 * time.Millisecond, Independent: true, Sources: [2]rand.Source{rand.NewPCG(1, 1), rand.NewPCG(2, 2)},
	}
	s, err := NewSimulation(cfg, webTraffic(20_000))
	if err != nil {
		t.Fatal(err)
	}
	next := func() {
		for range 1000 {
			if _, ok := s.Next(); !ok {
				t.Fatal("nothing left")
			}
		}
	}
	next()
	if n := testing.AllocsPerRun(50, next); n > 1 { // a queue that grows now and then
		t.Errorf("%v allocations in 1000 events", n)
	}
}
