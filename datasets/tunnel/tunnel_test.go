package tunnel_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/tunnel"
)

// made sends packets of four devices through a made tunnel that adds bytes,
// rounds to blocks, delays by 1 to 19 ms keeping the order per direction,
// loses a share of the packets and sends some of its own. It returns the
// inner trace with its owners, the outer one and its true owners.
func made(rng *rand.Rand, head, block int32, loss float64) (in datasets.Trace, labels datasets.Labels, out datasets.Trace, truth []int32) {
	labels.Devices = []string{"bulb", "camera", "plug", "tablet"}
	type sent struct {
		p     datasets.Packet
		owner int32
	}
	var packets []sent
	var last [2]time.Duration
	at := time.Duration(0)
	for range 4000 {
		at += time.Duration(rng.ExpFloat64() * float64(8*time.Millisecond))
		owner := int32(rng.IntN(4))
		size := 54 + int32(rng.IntN(40)) + int32(rng.IntN(2))*500
		d := datasets.Dir(rng.IntN(2))
		in.Packets = append(in.Packets, datasets.Packet{Time: at, Size: size, Flow: owner, Dir: d})
		labels.Owners = append(labels.Owners, owner)
		if rng.Float64() < loss {
			continue
		}
		leaves := max(last[d], at+time.Millisecond+time.Duration(rng.Int64N(int64(18*time.Millisecond))))
		last[d] = leaves
		outer := datasets.EthernetHeader + head + (size-datasets.EthernetHeader+block-1)/block*block
		packets = append(packets, sent{datasets.Packet{Time: leaves, Size: outer, Dir: d}, owner})
	}
	for t := time.Second; t < at; t += 10 * time.Second { // keepalives
		packets = append(packets, sent{datasets.Packet{Time: t, Size: 14 + 82}, -1})
	}
	slices.SortStableFunc(packets, func(a, b sent) int { return cmp.Compare(a.p.Time, b.p.Time) })
	for _, p := range packets {
		out.Packets = append(out.Packets, p.p)
		truth = append(truth, p.owner)
	}
	in.End, out.End = at+time.Second, at+time.Second
	return in, labels, out, truth
}

func TestLabel(t *testing.T) {
	tests := []struct {
		name           string
		head, block    int32
		loss           float64
		rule           tunnel.SizeRule
		matched, right float64 // at least
	}{
		{"aead, known", 52, 1, 0, tunnel.AddedBytes(52, 52), 0.99, 0.99},
		{"aead, learned", 52, 1, 0, nil, 0.99, 0.99},
		{"aead, learned, lossy", 52, 1, 0.02, nil, 0.99, 0.98},
		{"cbc, known", 56, 16, 0, tunnel.AddedBytes(56, 71), 0.97, 0.85},
		{"cbc, learned", 56, 16, 0, nil, 0.98, 0.93},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in, labels, out, truth := made(rand.New(rand.NewPCG(4, 4)), tt.head, tt.block, tt.loss)
			got, m := tunnel.Label(in, labels, out, tt.rule)
			right := 0
			for i, o := range got.Owners {
				if o == truth[i] {
					right++
				}
			}
			share := float64(right) / float64(len(truth))
			t.Logf("matched %.4f, right %.4f", m.Share(), share)
			if m.Share() < tt.matched || share < tt.right {
				t.Errorf("matched %.4f, right %.4f: want %v, %v", m.Share(), share, tt.matched, tt.right)
			}
			if m.Inner != len(in.Packets) || m.Outer != len(out.Packets) {
				t.Errorf("match %+v of %d and %d packets", m, len(in.Packets), len(out.Packets))
			}
		})
	}
}

// TestLabelOfStrangers: a capture that has nothing to do with the inner one
// must not look labeled. A learned rule finds more in it than one that is known,
// since it is learned from the strangers themselves.
func TestLabelOfStrangers(t *testing.T) {
	for _, tt := range []struct {
		name        string
		head, block int32
		rule        tunnel.SizeRule
		most        float64
	}{
		{"aead, known", 52, 1, tunnel.AddedBytes(52, 52), 0.1},
		{"aead, learned", 52, 1, nil, 0.25},
		{"cbc, learned", 56, 16, nil, 0.25},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range uint64(8) {
				in, labels, _, _ := made(rand.New(rand.NewPCG(4, seed)), tt.head, tt.block, 0)
				_, _, out, _ := made(rand.New(rand.NewPCG(5, seed)), tt.head, tt.block, 0)
				_, m := tunnel.Label(in, labels, out, tt.rule)
				t.Logf("matched %.3f", m.Share())
				if m.Share() > tt.most {
					t.Errorf("seed %d: matched %.3f of a stranger's tunnel, want at most %v", seed, m.Share(), tt.most)
				}
			}
		})
	}
}

// TestLabelDelay: a packet is carried up to 0.02 s later and never earlier.
func TestLabelDelay(t *testing.T) {
	const sent = time.Second
	in := datasets.Trace{Packets: []datasets.Packet{{Time: sent, Size: 100}}}
	labels := datasets.Labels{Devices: []string{"plug", "bulb"}, Owners: []int32{1}}
	for _, tt := range []struct {
		after time.Duration
		owner int32
	}{
		{-time.Nanosecond, -1},
		{0, 1},
		{20 * time.Millisecond, 1},
		{20*time.Millisecond + time.Nanosecond, -1},
	} {
		out := datasets.Trace{Packets: []datasets.Packet{{Time: sent + tt.after, Size: 152}}}
		if l, _ := tunnel.Label(in, labels, out, tunnel.AddedBytes(52, 52)); l.Owners[0] != tt.owner {
			t.Errorf("seen %v after it was sent: owner %d, want %d", tt.after, l.Owners[0], tt.owner)
		}
	}
}

func TestLabelAlignsClocks(t *testing.T) {
	in, labels, out, _ := made(rand.New(rand.NewPCG(4, 4)), 52, 1, 0)
	in.Start = time.Unix(1_700_000_000, 0)
	out.Start = in.Start.Add(-3 * time.Second)
	for i := range out.Packets {
		out.Packets[i].Time += 3 * time.Second
	}
	if _, m := tunnel.Label(in, labels, out, nil); m.Share() < 0.99 {
		t.Errorf("matched %.3f", m.Share())
	}
}

func TestLabelOfNothing(t *testing.T) {
	in, labels, out, _ := made(rand.New(rand.NewPCG(4, 4)), 52, 1, 0)
	for _, pair := range [][2]datasets.Trace{{in, {}}, {{}, out}, {}} {
		if l, m := tunnel.Label(pair[0], labels, pair[1], nil); m.Matched != 0 || m.Share() != 0 || len(l.Owners) != len(pair[1].Packets) {
			t.Errorf("match %+v, %d owners", m, len(l.Owners))
		}
	}
}

// BenchmarkLabel finds the owners of a tunnel's packets by a rule that is given and by
// one that is learned from the pair.
func BenchmarkLabel(b *testing.B) {
	in, labels, out, _ := made(rand.New(rand.NewPCG(1, 1)), 52, 1, 0)
	for _, c := range []struct {
		name string
		rule tunnel.SizeRule
	}{{"given", tunnel.AddedBytes(52, 52)}, {"learned", nil}} {
		b.Run("rule="+c.name+"/n=4e3", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, m := tunnel.Label(in, labels, out, c.rule); m.Matched == 0 {
					b.Fatal("nothing matched")
				}
			}
			b.ReportMetric(float64(len(out.Packets))*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
		})
	}
}
