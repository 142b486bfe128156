package rate

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/defensetest"
	"veilbench/defenses/shaping"
)

// plainPace is pace that keeps all that every stream sends, and sorts it.
func plainPace(rng *rand.Rand, in datasets.Trace, shared bool, size int32, run pacer) (defenses.Defended, error) {
	s := shaping.FindStreams(in, shared)
	pc := pacing{in: in, flows: tunnels(in, s, shared), size: size, run: run}
	for range s.First {
		pc.seeds = append(pc.seeds, [2]uint64{rng.Uint64(), rng.Uint64()})
	}
	pc.qs, pc.pass = queues(in, s)
	end := in.End
	for {
		limit := end
		type sent struct {
			datasets.Packet
			orig, bytes []int32
		}
		all := []sent{}
		for _, i := range pc.pass {
			all = append(all, sent{in.Packets[i], []int32{i}, []int32{in.Packets[i].Payload}})
		}
		for k := range pc.seeds {
			p := pc.part(k, limit)
			p.b, p.out = defenses.NewBuilder(0), make([]datasets.Packet, 0, 1)
			p.hand = func() { p.out = slices.Grow(p.out, len(p.out)) }
			pc.start(k, p)
			if !p.qs[0].empty() || !p.qs[1].empty() {
				return defenses.Defended{}, defenses.ErrSaturated
			}
			end = max(end, p.drained)
			for i, x := range p.out {
				orig, bytes := p.b.Carried().Entries(i)
				all = append(all, sent{x, orig, bytes})
			}
		}
		if end > limit {
			continue
		}

		slices.SortStableFunc(all, func(a, b sent) int { return cmp.Compare(a.Time, b.Time) })
		out := defenses.Defended{Trace: in}
		out.Trace.Flows, out.Trace.End, out.Trace.Packets = pc.flows, end, []datasets.Packet{}
		b := defenses.NewBuilder(0)
		for _, x := range all {
			for j := range x.orig {
				b.Carry(x.orig[j], x.bytes[j])
			}
			b.Next()
			out.Trace.Packets = append(out.Trace.Packets, x.Packet)
		}
		out.Carried = b.Carried()
		return out, nil
	}
}

func TestPaceIsTheMergeOfItsStreams(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	for round := range 40 {
		in := datasets.Trace{End: time.Minute}
		flows := 1 + rng.IntN(9)
		for i := range flows {
			in.Flows = append(in.Flows, datasets.Flow{MAC: datasets.MAC{2, byte(i / 2)}, LAN: i%5 == 4})
		}
		now := time.Duration(0)
		for range rng.IntN(400) {
			now = min(now+time.Duration(rng.IntN(300))*time.Millisecond, in.End)
			n := rng.Int32N(1400)
			in.Packets = append(in.Packets, datasets.Packet{Time: now, Size: 54 + n, Payload: n, Flow: int32(rng.IntN(flows)), Dir: datasets.Dir(rng.IntN(2))})
		}

		// At times of whole milliseconds, so that streams meet.
		run := func(rng *rand.Rand, p *part) {
			for now := time.Duration(0); !p.over(now); now += time.Duration(rng.IntN(9)) * time.Millisecond {
				p.sendSized(datasets.Dir(rng.IntN(2)), now, 100+rng.Int32N(1300))
			}
		}
		want, wantErr := plainPace(rand.New(rand.NewPCG(uint64(round), 1)), in, round%3 == 0, 500, run)
		got, err := pace(rand.New(rand.NewPCG(uint64(round), 1)), in, round%3 == 0, 500, run)
		if (err == nil) != (wantErr == nil) {
			t.Fatal(err, wantErr)
		}
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("round %d: got %d packets until %v, want %d until %v", round, len(got.Trace.Packets), got.Trace.End, len(want.Trace.Packets), want.Trace.End)
		}
		if n := len(got.Trace.Packets); n != cap(got.Trace.Packets) || err == nil && len(got.Carried.Orig) > cap(got.Carried.Orig) {
			t.Errorf("room for %d packets, %d sent", cap(got.Trace.Packets), n)
		}
	}
}

// What waits is what a look at every original says.
func TestQueueCountsWhatWaits(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 200 {
		q := queue{}
		at := time.Duration(0)
		for i := range int32(50) {
			at += time.Duration(rng.IntN(3))
			n := rng.Int32N(100)
			q.packets = append(q.packets, datasets.Packet{Time: at, Size: 14 + 20 + n, Payload: n})
			q.wait = append(q.wait, i)
		}
		for now := time.Duration(0); !q.empty(); now += time.Duration(rng.IntN(4)) {
			var bytes int64
			count := 0
			for k, i := range q.wait[q.at:] {
				p := q.packets[i]
				if p.Time > now {
					break
				}
				count++
				if bytes += ipSize(p); k == 0 && q.begun {
					bytes += int64(q.payload+q.header) - ipSize(p)
				}
			}
			if q.bytes(now) != bytes || q.count(now) != count {
				t.Fatalf("%d bytes of %d originals wait, said to be %d of %d", bytes, count, q.bytes(now), q.count(now))
			}
			q.fill(nil, now, rng.Int32N(200))
		}
	}
}

// The tunnel alone carries each packet in one of its own, at once, or in two where
// it is too large, and nothing else.
func TestPlainTunnelDoesNothing(t *testing.T) {
	for _, per := range []string{"device", "home"} {
		defensetest.Run(t, plainTunnel{Per: per})
	}
	in := datasets.Trace{End: time.Second, Flows: []datasets.Flow{defensetest.Flow(1, 6, "a.example")}, Packets: []datasets.Packet{
		{Time: 5, Size: 54 + 100, Payload: 100}, {Time: 5, Size: 54 + 10, Payload: 10, Dir: datasets.Down}, {Time: 7, Size: 1514, Payload: 1460},
	}}
	out, err := plainTunnel{Per: "home"}.Apply(rand.New(rand.NewPCG(1, 1)), in)
	if err != nil || defenses.Check(in, out) != nil {
		t.Fatal(err, defenses.Check(in, out))
	}
	var got []string
	for _, p := range out.Trace.Packets {
		got = append(got, fmt.Sprint(p.Time.Nanoseconds(), " ", p.Dir, " ", p.Size))
	}
	if want := []string{"5 up 182", "5 down 92", "7 up 1514", "7 up 70"}; !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
}
