package anchors

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/attacktest"
	"veilbench/attacks/bursts"
	"veilbench/attacks/match"
	"veilbench/datasets"
)

// Each fast path here stands beside a version that is plainly right.

// randomTrace has n packets of few sizes in two streams, some at the same time.
func randomTrace(rng *rand.Rand, n int) datasets.Trace {
	t := datasets.Trace{Flows: []datasets.Flow{{Host: "a"}, {Host: "b"}, {Host: "a", Proto: 6}}}
	at := time.Duration(0)
	for range n {
		at += time.Duration(rng.IntN(3)) * 40 * time.Millisecond
		t.Packets = append(t.Packets, datasets.Packet{Time: at, Size: 100 + int32(rng.IntN(6)), Flow: int32(rng.IntN(3)), Dir: datasets.Dir(rng.IntN(2))})
	}
	t.End = at + time.Second
	return t
}

// TestIndex: every packet stands once in the list of its size and stream, in order.
func TestIndex(t *testing.T) {
	tr := randomTrace(rand.New(rand.NewPCG(1, 1)), 500)
	for _, w := range []way{{false, 1}, {true, 1}, {true, 64}} {
		x := newIndex(tr, w)
		seen := 0
		for _, l := range x.lists {
			var want []int32
			for i, p := range tr.Packets {
				size := (p.Size + w.step - 1) / w.step * w.step
				if p.Dir == datasets.Down {
					size = -size
				}
				same := !w.apart || bursts.StreamOf(tr.Flows[p.Flow]) == bursts.StreamOf(tr.Flows[tr.Packets[l.packet[0]].Flow])
				if size == l.size && same {
					want = append(want, int32(i))
				}
			}
			seen += len(l.packet)
			if !slices.Equal(l.packet, want) {
				t.Fatalf("%+v, size %d: packets %v, want %v", w, l.size, l.packet, want)
			}
			for i, p := range l.packet {
				if l.at[i] != tr.Packets[p].Time {
					t.Fatalf("%+v: time %v of packet %d", w, l.at[i], p)
				}
			}
		}
		if seen != len(tr.Packets) {
			t.Errorf("%+v: %d packets in lists, want %d", w, seen, len(tr.Packets))
		}
	}
}

// plainNearest is cursor.nearest by looking at all times.
func plainNearest(at []time.Duration, t, far time.Duration) time.Duration {
	best := far
	for _, a := range at {
		if d := a - t; d.Abs() < best.Abs() || d.Abs() == best.Abs() && d > 0 && d != far {
			best = d
		}
	}
	return best
}

func plainCount(at []time.Duration, from, to time.Duration) int {
	n := 0
	for _, a := range at {
		if a >= from && a < to {
			n++
		}
	}
	return n
}

func TestCursor(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 300 {
		var at []time.Duration
		for range rng.IntN(60) {
			at = append(at, time.Duration(rng.IntN(200)))
		}
		slices.Sort(at)
		count, near := cursor{at: at}, cursor{at: at}
		for m := time.Duration(-5); m < 220; m += time.Duration(rng.IntN(30)) {
			if got, want := count.before(m), plainCount(at, -1<<62, m); got != want {
				t.Fatalf("%v before %v: %d, want %d", at, m, got, want)
			}
			if got, want := near.nearest(m, 9), plainNearest(at, m, 9); got != want {
				t.Fatalf("%v nearest to %v: %v, want %v", at, m, got, want)
			}
		}
	}
}

// TestRows holds likelihoods and features to their definitions, packet by packet.
func TestRows(t *testing.T) {
	tr := randomTrace(rand.New(rand.NewPCG(3, 3)), 400)
	const window = 300 * time.Millisecond
	a := anchor{size: 102, cut: math.Inf(-1), template: []element{
		{size: -101, lag: 80 * time.Millisecond, tol: 20 * time.Millisecond, share: 0.9},
		{size: 103, lag: -120 * time.Millisecond, tol: 45 * time.Millisecond, share: 0.4},
		{size: 999, lag: time.Millisecond, tol: 5 * time.Millisecond, share: 0.2},
	}}
	x := newIndex(tr, way{true, 1})
	found := a.candidates(x, window)
	rows := a.rows(x, found, window)
	for i, c := range found {
		l := x.lists[c.list]
		at := l.at[c.number]
		llr := 0.0
		var want []float32
		for _, e := range a.template {
			times := x.times(sizeIn{l.stream, e.size})
			chance := max(1-math.Exp(-2*(float64(len(times))+0.5)/tr.End.Seconds()*e.tol.Seconds()), 1e-6)
			if plainNearest(times, at+e.lag, window).Abs() <= e.tol {
				llr += math.Log(e.share / chance)
			} else {
				llr += math.Log((1 - e.share) / (1 - chance))
			}
			want = append(want, float32(plainNearest(times, at+e.lag, 2*window).Seconds()),
				float32(plainCount(times, at-near, at+near)), rate(plainCount(times, at-local, at+local), 2*local.Seconds()))
		}
		if math.Abs(llr-c.llr) > 1e-9 {
			t.Fatalf("candidate %d: likelihood %v, want %v", i, c.llr, llr)
		}
		want = append(want, float32(c.llr), float32(plainCount(l.at, at-near, at+near)), rate(plainCount(l.at, at-local, at+local), 2*local.Seconds()))
		for j, w := range want {
			if rows[j][i] != w {
				t.Fatalf("candidate %d, column %d: %v, want %v", i, j, rows[j][i], w)
			}
		}
		for j, w := range plainNeighbors(x, int(l.packet[c.number]), window) {
			if k := ofElement*len(a.template) + ofAnchor + j; rows[k][i] != w {
				t.Fatalf("candidate %d, neighbor %d: %v, want %v", i, j, rows[k][i], w)
			}
		}
	}
	if want := len(x.bySize[102]); want != 2 || len(found) == 0 {
		t.Errorf("%d candidates of %d streams, want those of 2", len(found), want)
	}
}

// plainNeighbors is index.neighbors by listing the stream first.
func plainNeighbors(x *index, p int, window time.Duration) []float32 {
	ps := x.trace.Packets
	var before, after []datasets.Packet // nearest first
	for i, q := range ps {
		if x.stream[q.Flow] == x.stream[ps[p].Flow] && (q.Time-ps[p].Time).Abs() <= window {
			switch {
			case i < p:
				before = append([]datasets.Packet{q}, before...)
			case i > p:
				after = append(after, q)
			}
		}
	}
	out := make([]float32, behind+ahead+sums)
	for i, q := range before[:min(behind, len(before))] {
		out[i] = float32(bursts.SignedSize(q))
	}
	for i, q := range after {
		if i < ahead {
			out[behind+i] = float32(bursts.SignedSize(q))
		}
		out[behind+ahead+int(q.Dir)]++
		out[behind+ahead+2+int(q.Dir)] += float32(q.Size)
	}
	return out
}

// plainContest is contest by comparing every pair.
func plainContest(all []detection) []detection {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b detection) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.at, b.at), cmp.Compare(a.class, b.class), cmp.Compare(a.packet, b.packet))
	})
	var out []detection
	for _, d := range all {
		if !slices.ContainsFunc(out, func(o detection) bool {
			apart := (o.at - d.at).Abs()
			return o.packet == d.packet || o.class == d.class && apart <= match.Tolerance ||
				match.ByDevice(o.class) == match.ByDevice(d.class) && apart <= deviceApart
		}) {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b detection) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.class, b.class)) })
	return out
}

func TestContest(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 300 {
		var all []detection
		for range rng.IntN(40) {
			n := rng.IntN(100)
			all = append(all, detection{time.Duration(n) * 500 * time.Millisecond, int32(n), []string{"a/on", "a/off", "b/on"}[rng.IntN(3)], float64(rng.IntN(8)) / 8})
		}
		want := plainContest(all)
		if got := contest(all); !slices.Equal(got, want) {
			t.Fatalf("contest left %v, want %v", got, want)
		}
	}
}

// TestThreshold: F1 and worth are the best of all that scores allow, by counting
// anew for each.
func TestThreshold(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for range 200 {
		l := learner{}
		var held [][]detection
		for range 2 {
			e := attacks.Labeled{Labels: datasets.Labels{Devices: []string{"a"}}}
			var ds []detection
			for k := range 12 {
				at := time.Duration(k) * 20 * time.Second
				if rng.IntN(2) == 0 {
					e.Labels.Events = append(e.Labels.Events, datasets.Event{Start: at, End: at, Activity: []string{"on", "off"}[rng.IntN(2)]})
				}
				if rng.IntN(3) > 0 {
					ds = append(ds, detection{at: at + time.Second, class: "a/on", score: float64(1+rng.IntN(9)) / 10})
				}
			}
			l.t.Examples, held = append(l.t.Examples, e), append(held, ds)
		}

		got, threshold := l.try("a/on", held).best()
		at := func(threshold float64) (f1, worth float64) {
			hits, found, truths := 0, 0, 0
			for i, e := range l.t.Examples {
				truth := slices.DeleteFunc(match.Truth(e.Labels), func(s match.Span) bool { return s.Class != "a/on" })
				var spans []match.Span
				for _, d := range held[i] {
					if d.score >= threshold {
						spans = append(spans, match.Span{From: d.at, Class: d.class})
					}
				}
				hits, found, truths = hits+match.Hits(match.Windows(truth, spans, match.Tolerance, match.ByClass)), found+len(spans), truths+len(truth)
			}
			return match.F1(hits, found, truths), float64(hits) - price*float64(found)
		}
		var f1, worth float64
		for k := range 11 {
			f, w := at(float64(k) / 10)
			f1, worth = max(f1, f), max(worth, w)
		}
		if _, w := at(threshold); math.Abs(got-f1) > 1e-12 || math.Abs(w-worth) > 1e-12 {
			t.Fatalf("best F1 %v, want %v; worth %v at %v, want %v", got, f1, w, threshold, worth)
		}
	}
}

// TestTemplateIsKnown: of the lamp that goes on in the toy homes the anchor and all
// that goes with it are known.
func TestTemplateIsKnown(t *testing.T) {
	m := attacktest.Train(t, New(), attacktest.ToyEvents(4)).(*model)
	for _, c := range m.classes {
		if c.class != "lamp/on" {
			continue
		}
		a := c.anchors[0]
		lags := map[int32]time.Duration{200: 0, -300: 20 * time.Millisecond, 210: 40 * time.Millisecond, -310: 60 * time.Millisecond}
		base, ok := lags[a.size]
		if !ok || len(a.template) != 3 {
			t.Fatalf("anchor %d with %d others: want one of the four sizes of the lamp and the others", a.size, len(a.template))
		}
		for _, e := range a.template {
			if lag, ok := lags[e.size]; !ok || e.lag != lag-base || e.tol != leastTol {
				t.Errorf("%d comes %v after %d, to %v: want %v, to %v", e.size, e.lag, a.size, e.tol, lag-base, leastTol)
			}
		}
		return
	}
	t.Error("nothing was learned about lamp/on")
}

// TestCoarseSteps: exact sizes are kept where they recur, and rounded where they are
// padded at random.
func TestCoarseSteps(t *testing.T) {
	tr := attacktest.ToyEvents(4)
	rng := rand.New(rand.NewPCG(6, 6))
	for _, want := range []int32{1, coarse} {
		m, err := New().Train(context.Background(), rand.New(rand.NewPCG(1, 1)), tr)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.(*model).way.step; got != want {
			t.Errorf("sizes rounded to %d, want %d", got, want)
		}
		for i := range tr.Examples {
			ps := slices.Clone(tr.Examples[i].Trace.Packets)
			for j := range ps {
				ps[j].Size += int32(rng.IntN(60))
			}
			tr.Examples[i].Trace.Packets = ps
		}
	}
}
