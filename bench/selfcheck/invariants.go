package selfcheck

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/bench"
	"veilbench/bench/draws"
	"veilbench/bench/results"
	"veilbench/bench/selfcheck/planted"
	"veilbench/datasets"
	"veilbench/defenses"
)

// drawsDiffer holds the harness to other draws in training and test, and looks
// for a defense that ignores the generator it is given: an attacker would
// train on the draws of the test.
func (s *selfCheck) drawsDiffer() (string, error) {
	rec := &datasets.Recording{ID: "even", Trace: evenTrace()}
	from := bench.Observer{Seed: 1, Defense: randomPad{}, Vantage: datasets.WAN}
	var seen [3]attacks.Labeled
	for i, of := range []struct {
		role bench.Role
		draw int
	}{{bench.TrainRole, 0}, {bench.TestRole, 0}, {bench.TestRole, 1}} {
		var err error
		if seen[i], err = from.See(rec, of.role, of.draw); err != nil {
			return "", err
		}
	}

	if reflect.DeepEqual(seen[0].Trace, seen[1].Trace) || reflect.DeepEqual(seen[1].Trace, seen[2].Trace) {
		return "", errors.New("the harness gives the same draw to training and test, or to two draws")
	}

	for _, d := range s.defenses {
		if bench.Fitted(d) {
			continue
		}
		x, errX := d.Apply(rand.New(rand.NewPCG(1, 1)), rec.Trace)
		y, errY := d.Apply(rand.New(rand.NewPCG(2, 2)), rec.Trace)
		if errX != nil || errY != nil || x.Carried != nil {
			continue // an error shows in its own cells
		}
		if reflect.DeepEqual(x.Trace.Packets, y.Trace.Packets) && uneven(x.Trace) {
			return "", fmt.Errorf("%s treats equal packets differently, yet the same way for any generator: it draws from one of its own", defenses.ID(d))
		}
	}
	return fmt.Sprintf("the harness and %d defenses", len(s.defenses)), nil
}

// randomPad pads each packet by a draw.
type randomPad struct{}

func (randomPad) Info() defenses.Info {
	return defenses.Info{Name: "drawn", Doc: "pads by a draw", Place: defenses.AtDevice}
}

func (randomPad) Apply(r *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	in.Packets = slices.Clone(in.Packets)
	for i := range in.Packets {
		n := r.Int32N(256)
		in.Packets[i].Size += n
		in.Packets[i].Payload += n
	}
	return defenses.Defended{Trace: in}, nil
}

// evenTrace holds equal packets at equal distances, in one direction.
func evenTrace() datasets.Trace {
	t := planted.Trace(rand.New(rand.NewPCG(1, 1)), true, 0)
	for i := range t.Packets {
		t.Packets[i] = datasets.Packet{Time: time.Duration(i) * time.Second, Size: 300, Payload: 258}
	}
	return t
}

// uneven tells whether packets after the first have more than one size.
func uneven(t datasets.Trace) bool {
	for i := 2; i < len(t.Packets); i++ {
		if t.Packets[i].Size != t.Packets[1].Size {
			return true
		}
	}
	return false
}

// noMark looks for a field by which the defense's own packets could be told:
// one that the types grew, or a protocol or host name that only they have.
func (s *selfCheck) noMark() (string, error) {
	want := []string{"Time", "Size", "Payload", "Flow", "Dir"}
	for i := range reflect.TypeFor[datasets.Packet]().NumField() {
		if f := reflect.TypeFor[datasets.Packet]().Field(i).Name; !slices.Contains(want, f) {
			return "", fmt.Errorf("packets have a field %s that no observer sees", f)
		}
	}

	trace := planted.Trace(rand.New(rand.NewPCG(1, 1)), true, 0)
	for _, d := range s.defenses {
		if bench.Fitted(d) {
			continue
		}

		// A defense without an account sends no packets of its own, so none can be told.
		out, err := d.Apply(rand.New(rand.NewPCG(1, 1)), trace)
		if err != nil || out.Carried == nil {
			continue
		}
		if mark := markOf(out); mark != "" {
			return "", fmt.Errorf("%s marks its own packets: %s", defenses.ID(d), mark)
		}
	}

	return fmt.Sprintf("packets have %d fields; %d defenses looked at", len(want), len(s.defenses)), nil
}

// markOf names a host or protocol that only packets without originals have, ""
// if there is none.
func markOf(d defenses.Defended) string {
	type kind struct {
		proto uint8
		host  string
	}
	real, dummy := map[kind]bool{}, map[kind]bool{}
	for i, p := range d.Trace.Packets {
		f := d.Trace.Flows[p.Flow]
		if d.Carried.First[i] < d.Carried.First[i+1] {
			real[kind{f.Proto, f.Host}] = true
		} else {
			dummy[kind{f.Proto, f.Host}] = true
		}
	}

	// If no packet carries an original there is nothing to tell the others from.
	for k := range dummy {
		if !real[k] && len(real) > 0 {
			return fmt.Sprintf("protocol %d, host %q", k.proto, k.host)
		}
	}
	return ""
}

// answersApart asks each model for one trace, then others, then the first again:
// an answer that changed was fitted on test traffic.
func (s *selfCheck) answersApart() (string, error) {
	ds := planted.Clips(true)
	half := len(ds.Recordings) / 2
	tr := attacks.Training{Task: datasets.TaskClip, Classes: bench.Classes(&ds, datasets.TaskClip)}
	for i := range half {
		r := &ds.Recordings[i]
		tr.Examples = append(tr.Examples, attacks.Labeled{Trace: r.Trace, Labels: r.Labels, Group: r.Group, Class: r.ClipClass()})
	}

	for _, a := range s.attacks {
		m, err := a.Train(s.ctx, draws.New(1, "pure"), tr)
		if err != nil {
			return "", fmt.Errorf("%s: %w", attacks.ID(a), err)
		}

		// The second pass asks in reverse: a model that adapts to what it saw has seen
		// other traces before each one.
		first := make([]attacks.Answer, half)
		for pass := range 2 {
			for k := range half {
				i := k
				if pass == 1 {
					i = half - 1 - k
				}
				ans, err := m.Guess(s.ctx, ds.Recordings[half+i].Trace)
				if err != nil {
					return "", fmt.Errorf("%s: %w", attacks.ID(a), err)
				}
				if pass == 0 {
					first[i] = ans
				} else if !reflect.DeepEqual(first[i], ans) {
					return "", fmt.Errorf("%s answers the same trace in two ways: its model learns from test traffic", attacks.ID(a))
				}
			}
		}
	}

	return fmt.Sprintf("%d attacks answer the same in any order", len(s.attacks)), nil
}

// newAddress trains on one server's address and tests on another's, as when a
// tunnel has a new end. Saying nothing would look like privacy.
func (s *selfCheck) newAddress() (string, error) {
	if len(s.events) == 0 {
		return "skipped: no attack of the list answers the event task", nil
	}

	ds := datasets.Dataset{Name: "self-check-events", Recorded: datasets.WAN, Tasks: []datasets.Task{datasets.TaskEvent}, Split: "group-kfold:k=3", Generated: true}
	r := draws.New(1, "addresses")
	for g := range 3 {
		ds.Recordings = append(ds.Recordings, eventRecording(r, g, time.Minute))
	}

	// Each fold's server is in one group alone, so training never has the address of
	// the test.
	rs, err := bench.Run(s.ctx, bench.Grid{
		Datasets: []datasets.Dataset{ds}, Defenses: []defenses.Defense{defenses.None{}}, Attacks: s.events,
		Knowledge: []results.Knowledge{results.Adaptive}, Seed: 1, NoCanaries: true,
	}, bench.Options{Workers: 1, PluginTimeout: s.limit})
	if err != nil {
		return "", err
	}

	for _, res := range rs {
		if n, _ := res.Metric(results.Detections); res.Err != "" || n == 0 {
			return "", fmt.Errorf("%s finds nothing in traffic of a server it has not seen %s", res.Cell.Attack, res.Err)
		}
	}
	return fmt.Sprintf("%d attacks detect events", len(s.events)), nil
}

// eventRecording holds forty bursts of two activities, one each so often, at most
// half of that later, with a server of group g's own.
func eventRecording(r *rand.Rand, g int, every time.Duration) datasets.Recording {
	rec := datasets.Recording{ID: fmt.Sprintf("home%d", g), Group: fmt.Sprintf("home%d", g)}

	rec.Labels.Devices = []string{"device"}
	for e := range 40 {
		parity := int32(r.IntN(2))
		burst := planted.Trace(r, true, 10*parity)

		// In the first half of its stretch: bursts never run into each other.
		at := time.Duration(e)*every + time.Duration(r.Int64N(int64(every/2)))
		rec.Labels.Events = append(rec.Labels.Events, datasets.Event{
			Start: at + burst.Packets[0].Time, End: at + burst.Packets[0].Time,
			Activity: []string{"even", "odd"}[parity],
		})

		for _, p := range burst.Packets {
			p.Time += at
			rec.Trace.Packets = append(rec.Trace.Packets, p)
			rec.Labels.Owners = append(rec.Labels.Owners, 0)
			rec.Labels.Cause = append(rec.Labels.Cause, int32(e))
		}
		rec.Trace.Flows = burst.Flows
	}

	// Over TCP, which every attack looks at: PingPong as published looks at no UDP,
	// and is none that a new address silences.
	f := &rec.Trace.Flows[0]
	f.Proto = 6
	for i := range rec.Trace.Packets {
		rec.Trace.Packets[i].Payload = rec.Trace.Packets[i].Size - 54 // no options
	}
	f.Remote = netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 18, 1, byte(g)}), 443)
	rec.Trace.End = 41 * every
	return rec
}

// splits looks for groups on both sides of every across split there is.
func (s *selfCheck) splits() (string, error) {
	ds := planted.Clips(true)
	n := 0
	for _, sp := range datasets.Splits() {
		folds, err := sp.Folds(&ds, datasets.TaskClip)
		if err != nil || sp.Within() {
			continue // a split that these data cannot serve
		}

		n++
		for _, f := range folds {
			for _, part := range f {
				if g := sharedGroup(&ds, part); g != "" {
					return "", fmt.Errorf("split %s: group %s is in training and test", sp, g)
				}
			}
		}
	}
	if n == 0 {
		return "", errors.New("0 splits")
	}
	return fmt.Sprintf("%d splits", n), nil
}

// sharedGroup is a group that a part both trains on and tests, "" for none.
func sharedGroup(ds *datasets.Dataset, p datasets.Part) string {
	in := map[string]bool{}
	for _, i := range p.Train {
		in[ds.Recordings[i].Group] = true
	}
	for _, i := range p.Test {
		if g := ds.Recordings[i].Group; in[g] {
			return g
		}
	}
	return ""
}

// anyOrder runs the same cells on reversed recordings and with two workers.
func (s *selfCheck) anyOrder() (string, error) {
	ds := planted.Clips(true)
	a, err := s.run(ds, randomPad{}, 1)
	if err != nil {
		return "", err
	}

	ds.Recordings = slices.Clone(ds.Recordings)
	slices.Reverse(ds.Recordings)
	b, err := s.run(ds, randomPad{}, 2)
	if err != nil {
		return "", err
	}

	for i := range a {
		if !reflect.DeepEqual(a[i], b[i]) {
			return "", fmt.Errorf("%s gives other results for another order or number of workers", a[i].Cell.Attack)
		}
	}
	return fmt.Sprintf("%d cells the same", len(a)), nil
}
