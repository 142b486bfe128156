package rate_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/builtin"
	"veilbench/defenses/defensetest"
	"veilbench/defenses/rate"
)

// oneSession is a random clip without a silence of 2 s, long before End.
func oneSession(rng *rand.Rand) datasets.Trace {
	t := datasets.Trace{End: 5 * time.Minute, Flows: []datasets.Flow{defensetest.Flow(1, 6, "")}}
	now := time.Second
	for range 1 + rng.IntN(60) {
		n := 1 + rng.Int32N(1400)
		t.Packets = append(t.Packets, datasets.Packet{Time: now, Size: 54 + n, Payload: n, Dir: datasets.Dir(rng.IntN(2))})
		now += time.Duration(rng.Int64N(int64(time.Second)))
	}
	return t
}

// BuFLO and Tamaraw show an observer the two padded counts of a session and
// nothing else: what leaves is made again here from the counts and the start
// alone, so no attack can beat one that sees only the counts. They do leak: the
// counts grow with what is sent.
func TestSessionsLeakOnlyCounts(t *testing.T) {
	for _, tt := range []struct {
		id       string
		size     int32
		interval [2]time.Duration
		multiple int
	}{
		{"buflo-home", 526, [2]time.Duration{100 * time.Millisecond, 100 * time.Millisecond}, 1},
		{"tamaraw", 764, [2]time.Duration{40 * time.Millisecond, 12 * time.Millisecond}, 100},
		{"tamaraw-home", 526, [2]time.Duration{100 * time.Millisecond, 100 * time.Millisecond}, 20},
	} {
		d, err := defenses.Parse(builtin.All(), tt.id)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(4, 4))
		seen := map[[2]int]bool{}
		for range 200 {
			in := oneSession(rng)
			out, err := d.Apply(rng, in)
			if err != nil {
				t.Fatal(err)
			}
			var count [2]int
			for _, p := range out.Trace.Packets {
				count[p.Dir]++
			}
			seen[count] = true
			if count[0]%tt.multiple != 0 || count[1]%tt.multiple != 0 {
				t.Fatalf("%s: counts %v are no multiples of %d", tt.id, count, tt.multiple)
			}
			var again []datasets.Packet
			for dir, n := range count {
				for k := range n {
					again = append(again, datasets.Packet{
						Time: in.Packets[0].Time + time.Duration(k)*tt.interval[dir],
						Size: tt.size, Payload: tt.size - 42, Flow: 1, Dir: datasets.Dir(dir),
					})
				}
			}
			slices.SortStableFunc(again, func(a, b datasets.Packet) int { return int(min(max(a.Time-b.Time, -1), 1)) })
			if !slices.Equal(again, out.Trace.Packets) {
				t.Fatalf("%s: more than the counts %v shows", tt.id, count)
			}
		}
		if len(seen) < 3 {
			t.Errorf("%s: only %d different counts, so the leak of total length is not seen", tt.id, len(seen))
		}
	}
}

// A rate that never ends shows nothing at all: for two clips with one End and the
// same draws what leaves is the same.
func TestConstantRateShowsNothing(t *testing.T) {
	d := rate.NewConstant()
	d.Per = "home"
	rng := rand.New(rand.NewPCG(4, 4))
	apply := func() []datasets.Packet {
		in := oneSession(rng)
		out, err := d.Apply(rand.New(rand.NewPCG(1, 1)), in)
		if err != nil || out.Trace.End != in.End {
			t.Fatal(err, out.Trace.End)
		}
		return out.Trace.Packets
	}
	want := apply()
	for range 20 {
		if !slices.Equal(want, apply()) {
			t.Fatal("two clips can be told apart")
		}
	}
}

// A rate that cannot carry the traffic is refused, whatever the stage.
func TestSaturationIsRefused(t *testing.T) {
	in := datasets.Trace{End: time.Minute, Flows: []datasets.Flow{defensetest.Flow(1, 6, "")}}
	for i := range 20000 {
		in.Packets = append(in.Packets, datasets.Packet{Time: time.Duration(i) * 3 * time.Millisecond, Size: 1514, Payload: 1460})
	}
	for _, id := range []string{
		"constant-rate", "buflo-home", "cover-stp",
		"uniform-burst:slots=4",
	} {
		d, err := defenses.Parse(builtin.All(), id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Apply(rand.New(rand.NewPCG(1, 1)), in); !errors.Is(err, defenses.ErrSaturated) {
			t.Errorf("%s: %v, want saturated", id, err)
		}
	}
}
