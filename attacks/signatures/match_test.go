package signatures

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/attacktest"
	"veilbench/datasets"
)

// plainMatch is the definition of a match written out: each next element is the
// first later packet in time that fits, and logP the mean over all.
func plainMatch(s signature, f flowPackets, i int) (end time.Duration, logP float64, ok bool) {
	at := i
	logP = s.elements[0].logP(f.size[i])
	for _, e := range s.elements[1:] {
		found := -1
		for j := len(f.size) - 1; j > at; j-- {
			if f.time[j]-f.time[i] <= s.duration && f.size[j] >= e.lo && f.size[j] <= e.hi {
				found = j
			}
		}
		if found < 0 {
			return 0, 0, false
		}
		at = found
		logP += e.logP(f.size[at])
	}
	return f.time[at], logP / float64(len(s.elements)), true
}

func TestFindIsThePlainMatch(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for range 3000 {
		var m signatureModel
		for range 1 + rng.IntN(3) {
			s := signature{class: "d/x", duration: time.Duration(rng.IntN(12)), trust: 1}
			for range 1 + rng.IntN(3) {
				lo := int32(1 + rng.IntN(4))
				e := newRange(lo, lo+int32(rng.IntN(2)))
				e.count[0] = rng.IntN(5)
				s.elements = append(s.elements, e)
			}
			if rng.IntN(2) == 0 { // one pair again and again
				s.elements = slices.Repeat(s.elements[:min(2, len(s.elements))], 1+rng.IntN(3))
			}
			m.signatures = append(m.signatures, s)
		}
		m.index()
		var f flowPackets
		for i := range rng.IntN(30) {
			f.size = append(f.size, int32(1+rng.IntN(6)))
			f.time = append(f.time, time.Duration(i+rng.IntN(2)))
		}
		var want []sighted
		for n, s := range m.signatures {
			last, before := time.Duration(-1), len(want)
			for i, size := range f.size {
				if size < s.elements[0].lo || size > s.elements[0].hi || f.time[i] <= last {
					continue
				}
				if end, p, ok := plainMatch(s, f, i); ok {
					want, last = append(want, sighted{n, f.time[i], end, p}), end
				}
			}
			l := signatureLearner{flows: [][]flowPackets{{f}}, turns: map[turnKey][]turns{}}
			if got := l.countAll(&s); got != len(want)-before || s.count(f) != got {
				t.Fatalf("%d matches counted and %d, want %d", got, s.count(f), len(want)-before)
			}
		}

		// Those of one signature are in order of time already.
		got := m.matches(f)
		slices.SortStableFunc(got, func(a, b sighted) int { return a.signature - b.signature })
		if !slices.Equal(got, want) {
			t.Fatalf("matches %v, want %v", got, want)
		}
	}
}

// TestCountOutsideIsCountedAnew: what occurs in no trial of a class, from the pairs
// of all flows less those of its trials, is what a walk over all other traffic
// counts.
func TestCountOutsideIsCountedAnew(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 200 {
		l := signatureLearner{s: New(), class: "a/on"}
		ex := attacks.Labeled{Labels: datasets.Labels{Devices: []string{"a", "b"}}}
		for at := time.Duration(0); len(ex.Labels.Events) < 6; at += time.Duration(rng.Int64N(int64(40 * time.Second))) {
			ex.Labels.Events = append(ex.Labels.Events, datasets.Event{Start: at, End: at, Device: rng.IntN(2), Activity: "on"})
		}
		ex.Trace.Flows = make([]datasets.Flow, 4)
		for at := time.Duration(0); len(ex.Trace.Packets) < 300; at += time.Duration(rng.Int64N(int64(2 * time.Second))) {
			f := rng.IntN(4)
			ex.Trace.Packets = append(ex.Trace.Packets, datasets.Packet{Time: at, Size: int32(100 + rng.IntN(3)), Payload: 20, Flow: int32(f), Dir: datasets.Dir(rng.IntN(2))})
			ex.Labels.Owners = append(ex.Labels.Owners, int32(f%2))
		}
		l.t.Examples, l.flows = []attacks.Labeled{ex}, [][]flowPackets{payloadFlows(ex.Trace, true)}
		l.pairs, l.owners = countPairs(l.flows), [][][]int32{ownersOf(ex.Labels, l.flows[0])}
		trials, inside := l.trials()
		clusters := []pairCluster{{lo: sizePair{100, 0}, hi: sizePair{101, 0}}, {lo: sizePair{-102, 100}, hi: sizePair{-100, 102}}}
		countOutside(clusters, l.pairs, inside)

		for _, c := range clusters {
			want := 0
			for f, fl := range l.flows[0] {
				for i := range fl.size {
					pairs, n := pairsAt(fl, i, replyTimeout)
					for _, p := range pairs[:n] {
						in := slices.ContainsFunc(trials, func(tr pairTrial) bool { return slices.Contains(tr.pairs, pairAt{p, f, i}) })
						if c.holds(p) && !in {
							want++
						}
					}
				}
			}
			if c.outside != want {
				t.Fatalf("%d outside, want %d", c.outside, want)
			}
		}
	}
}

// Where all packets have one size, a class is known by how many pairs it has.
func TestRepeats(t *testing.T) {
	tr := attacktest.ToyEvents(4)
	for _, e := range tr.Examples {
		for i := range e.Trace.Packets {
			e.Trace.Packets[i].Size, e.Trace.Packets[i].Payload = 1514, 1460
		}
	}
	m, err := New().Train(context.Background(), nil, tr)
	if err != nil {
		t.Fatal(err)
	}
	pairs := map[string]int{}
	for _, s := range m.(*signatureModel).signatures {
		pairs[s.class] = len(s.elements)
	}
	if pairs["lamp/off"] != 6 || pairs["lock/unlock"] != 4 || pairs["lamp/on"] != 4 {
		t.Errorf("packets by class %v: want three pairs of one class and two of the others", pairs)
	}
}

// BenchmarkRepeats trains and asks behind padding to one size, where signatures are
// one pair so many times over.
func BenchmarkRepeats(b *testing.B) {
	tr := attacktest.ToyEvents(4)
	packets := 0
	for _, e := range tr.Examples {
		packets += len(e.Trace.Packets)
		for i := range e.Trace.Packets {
			e.Trace.Packets[i].Size, e.Trace.Packets[i].Payload = 1514, 1460
		}
	}
	b.Run("do=train/homes=4", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			attacktest.Train(b, New(), tr)
		}
		b.ReportMetric(float64(packets)*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
	})
	b.Run("do=guess/homes=1", func(b *testing.B) {
		m, test := attacktest.Train(b, New(), tr), tr.Examples[0].Trace
		b.ReportAllocs()
		for b.Loop() {
			attacktest.Ask(b, m, test)
		}
		b.ReportMetric(float64(len(test.Packets))*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
	})
}
