package decompose

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/attacktest"
	"veilbench/datasets"
)

// plainPrediction is the range of e for pair i with the pairs of its group left out
// one by one, or where there is one group, itself.
func plainPrediction(r sizeRule, i int) predicted {
	groups := map[string]bool{}
	for _, p := range r.pairs {
		groups[p.group] = true
	}
	lo, hi, ok := r.variationAt(r.pairs[i].size, func(j int) bool {
		return i == j || len(groups) > 1 && r.pairs[i].group == r.pairs[j].group
	})
	return predicted{lo, hi, ok}
}

// plainRecovery lists the candidates of every pair.
func plainRecovery(r sizeRule, l *lister, counts bool, slack int) float64 {
	sum := 0.0
	for i, p := range r.pairs {
		a := plainPrediction(r, i)
		if !a.ok || p.e < a.lo || p.e > a.hi || counts && max(p.actions-p.heard, p.heard-p.actions) > slack {
			continue
		}
		n, all := 0, 0
		for e := a.lo; e <= a.hi && all < maxCandidates; e++ {
			for _, c := range l.list(p.size - r.content - e) {
				all++
				if k := totalCount(c); !counts || max(k-p.heard, p.heard-k) <= slack {
					n++
				}
			}
		}
		sum += 1 / float64(max(1, n))
	}
	return sum / float64(max(1, len(r.pairs)))
}

// TestRecoveryIsThePlainOne: what is predicted once for all pairs of one size and
// group, and counted in the table, is what each pair alone and listing give.
func TestRecoveryIsThePlainOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 2))
	for range 200 {
		r := sizeRule{content: 20, action: []int{7, 11, 13}, k: 1 + rng.IntN(4), spread: rng.IntN(2) == 0}
		groups, step := 1+rng.IntN(3), 1+rng.IntN(30)
		for range rng.IntN(40) {
			n := 1 + rng.IntN(5)
			size := (20+n*10+rng.IntN(20))/step*step + rng.IntN(2)
			r.pairs = append(r.pairs, variation{size, size - 20 - 10*n + rng.IntN(3), string(rune('a' + rng.IntN(groups))), n, n + rng.IntN(3) - 1})
		}
		slices.SortFunc(r.pairs, func(a, b variation) int { return a.size - b.size })

		var want []predicted
		sum := 0.0
		for i, p := range r.pairs {
			want = append(want, plainPrediction(r, i))
			if a := want[i]; a.ok {
				sum += 1 / (1 + math.Abs(float64(a.lo-p.e)))
			}
		}
		if got := r.predicted(); !slices.Equal(got, want) {
			t.Fatalf("predicted %v, want %v", got, want)
		}
		if got, want := r.agreement(), sum/float64(max(1, len(r.pairs))); got != want {
			t.Fatalf("agreement %v, want %v", got, want)
		}
		for name, l := range listers(r.action, 6) {
			for _, counts := range []bool{false, true} {
				if got, want := r.recovery(l, counts, 1), plainRecovery(r, l, counts, 1); got != want {
					t.Fatalf("%s, counts %v: recovery %v, want %v", name, counts, got, want)
				}
			}
		}
	}
}

// plainMessages joins Down packets to messages in one pass over all packets.
func plainMessages(t datasets.Trace, gap time.Duration, empty int32) (out []message, ups []upward) {
	last := map[int32]int{}
	for _, p := range t.Packets {
		if p.Payload <= empty {
			continue
		}
		if p.Dir == datasets.Up {
			ups = append(ups, upward{p.Time, p.Payload})
			continue
		}
		i, open := last[p.Flow]
		if !open || p.Time-out[i].last > gap {
			i = len(out)
			out = append(out, message{start: p.Time})
		}
		out[i].bytes, out[i].last, last[p.Flow] = out[i].bytes+int(p.Payload), p.Time, i
	}
	return out, ups
}

// TestMessagesOfEveryGap: packets set apart once give the messages of each gap, in
// room that is written over.
func TestMessagesOfEveryGap(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 3))
	for range 50 {
		tr := datasets.Trace{Flows: make([]datasets.Flow, 3)}
		at, packets := time.Duration(0), []int32(nil)
		for i := range 200 {
			at += time.Duration(rng.IntN(9))
			tr.Packets = append(tr.Packets, datasets.Packet{Time: at, Payload: int32(rng.IntN(4)), Flow: int32(rng.IntN(3)), Dir: datasets.Dir(rng.IntN(2))})
			packets = append(packets, int32(i))
		}
		d := newDirections(tr, packets, 1)
		var room []message
		for gap := range time.Duration(12) {
			want, ups := plainMessages(tr, gap, 1)
			if room = d.appendMessages(room[:0], gap); !slices.Equal(room, want) || !slices.Equal(d.ups, ups) {
				t.Fatalf("gap %d: %v and %v, want %v and %v", gap, room, d.ups, want, ups)
			}
		}
	}
}

// BenchmarkDecomposeTrain learns from one gateway, in the open and behind padding.
func BenchmarkDecomposeTrain(b *testing.B) {
	train, _ := simulateGateway(1)
	for _, padded := range []bool{false, true} {
		ex := train
		ex.Trace.Packets = slices.Clone(ex.Trace.Packets)
		for i := range ex.Trace.Packets {
			if p := &ex.Trace.Packets[i]; padded {
				p.Payload = (p.Payload + 127) / 128 * 128
			}
		}
		tr := attacks.Training{Task: datasets.TaskCommand, Classes: gatewayClasses(), Examples: []attacks.Labeled{ex}}
		b.Run(fmt.Sprintf("padded=%v", padded), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				attacktest.Train(b, New(), tr)
			}
			b.ReportMetric(float64(len(ex.Trace.Packets))*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
		})
	}
}
