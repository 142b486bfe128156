package captured_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/capture/write"
	"veilbench/datasets/home"
	"veilbench/datasets/tunnel"
	"veilbench/defenses"
	"veilbench/defenses/builtin"
)

// recorded is t as a capture of it says.
func recorded(t *testing.T, tr datasets.Trace) datasets.Trace {
	t.Helper()
	var b bytes.Buffer
	if err := write.Capture(&b, tr); err != nil {
		t.Fatal(err)
	}
	out, _, err := capture.Read(t.Context(), &b, "x.pcap", capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// delaysOf are what the account says each exposed original took.
func delaysOf(in datasets.Trace, out defenses.Defended) [2][]time.Duration {
	left := make([]time.Duration, len(in.Packets))
	for i, p := range out.Trace.Packets {
		orig, _ := out.Entries(in, i)
		for _, o := range orig {
			left[o] = p.Time
		}
	}
	var d [2][]time.Duration
	for i, p := range in.Packets {
		if !in.Flows[p.Flow].LAN {
			d[p.Dir] = append(d[p.Dir], left[i]-p.Time)
		}
	}
	return d
}

func p95(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	d = slices.Sorted(slices.Values(d))
	return d[(len(d)*95+99)/100-1]
}

func TestExplore(t *testing.T) {
	ds, err := home.Generate(context.Background(), "home:small:homes=3,hours=1", 1)
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for _, d := range builtin.All() {
		ids = append(ids, defenses.ID(d))
	}
	for _, k := range []string{"openvpn-udp", "openvpn-udp-cbc", "openvpn-tcp", "esp-gcm", "esp-gcm-natt", "esp-cbc"} {
		ids = append(ids, "vpn:kind="+k)
	}
	ids = append(ids, "vpn:delay=constant", "fragment:by=bytes", "fragment:by=thirds", "pad-level:to=linear", "pad-random:set=mtu,acks=pad", "pad-random:max_bytes=128+vpn")
	if x := os.Getenv("ONLY"); x != "" {
		ids = slices.DeleteFunc(ids, func(s string) bool { return !strings.Contains(s, x) })
	}
	rec := ds.Recordings[0]
	in := recorded(t, rec.Trace)
	for _, id := range ids {
		d, err := defenses.Parse(builtin.All(), id)
		if err != nil {
			t.Fatal(err)
		}
		if f, ok := d.(defenses.Fitter); ok {
			if d, err = f.Fit(t.Context(), rand.New(rand.NewPCG(1, 2)), ds.Recordings[1:]); err != nil {
				t.Fatal(err)
			}
		}
		out, err := d.Apply(rand.New(rand.NewPCG(3, 4)), rec.Trace)
		if err != nil {
			t.Error(id, err)
			continue
		}
		start := time.Now()
		seen := recorded(t, out.Trace)
		p := tunnel.Pair(in, seen, true)
		took := time.Since(start)
		truth := delaysOf(rec.Trace, out)
		wrong := 0
		j := -1
		for k, q := range out.Trace.Packets {
			if out.Trace.Flows[q.Flow].LAN {
				continue
			}
			j++
			orig, _ := out.Entries(rec.Trace, k)
			if i := p.Of[j]; i >= 0 && !slices.Contains(orig, i) {
				wrong++
			}
		}
		// Two clocks: the outer one is 7.3 s ahead and gains 40 ppm.
		skew := seen
		skew.Packets = slices.Clone(seen.Packets)
		for i := range skew.Packets {
			q := &skew.Packets[i]
			q.Time += time.Duration(float64(q.Time)*40e-6) + 7300*time.Millisecond
		}
		skew.End += 10 * time.Second
		p2 := tunnel.Pair(in, skew, false)
		t.Logf("%-60s share %.4f out %d own %d amb %d re %d wrong %d took %v\n   true %v %v\n   notes %q\n   two: %+v share %.4f inward %v least %v notes %q", id, p.Share(), p.Outside[0]+p.Outside[1], p.Own, p.Ambiguous, p.Reordered, wrong, took.Round(time.Millisecond), p95(truth[0]), p95(truth[1]), p.Notes, p2.Clock, p2.Share(), p2.Inward, p2.Least, p2.Notes)
		for k, x := range []tunnel.Pairing{p, p2} {
			left := map[int32]time.Duration{}
			for j, i := range x.Of {
				if i >= 0 {
					left[i] = x.Outer.Packets[j].Time
				}
			}
			var dd [2][]time.Duration
			for i, tm := range left {
				q := in.Packets[i]
				dd[q.Dir] = append(dd[q.Dir], tm-q.Time)
			}
			t.Logf("   found%d p95 %v %v", k, p95(dd[0])-x.Least[0], p95(dd[1])-x.Least[1])
		}
	}
}
