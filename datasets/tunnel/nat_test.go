package tunnel_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/tunnel"
)

// union is what several captures of one home saw that leaves it, on one clock.
func union(t *testing.T, dir string, files ...string) datasets.Trace {
	t.Helper()
	var out datasets.Trace
	var all []datasets.Trace
	for _, f := range files {
		tr, _, err := capture.Open(t.Context(), filepath.Join(dir, f+".pcap.gz"), capture.Options{WholeFrames: true})
		if err != nil {
			t.Fatal(err)
		}
		if out.Start.IsZero() || tr.Start.Before(out.Start) {
			out.Start = tr.Start
		}
		all = append(all, tr)
	}
	flows := map[datasets.Flow]int32{}
	for _, tr := range all {
		shift := tr.Start.Sub(out.Start)
		out.End = max(out.End, tr.End+shift)
		for _, p := range tr.Packets {
			f := tr.Flows[p.Flow]
			f.Host, f.Query = "", ""
			if f.LAN || f.Proto == 0 {
				continue
			}
			k, ok := flows[f]
			if !ok {
				k = int32(len(out.Flows))
				flows[f] = k
				out.Flows = append(out.Flows, f)
			}
			p.Flow = k
			p.Time += shift
			out.Packets = append(out.Packets, p)
		}
	}
	slices.SortStableFunc(out.Packets, func(a, b datasets.Packet) int { return int(min(max(a.Time-b.Time, -1), 1)) })
	return out
}

func TestNat(t *testing.T) {
	for _, set := range []string{"plug", "home", "blocked"} {
		dir := filepath.Join("/work/shared/data/nat_pairs", set)
		in := union(t, dir, "lan", "wlan2.4", "wlan5.0")
		out := union(t, dir, "wan")
		start := time.Now()
		for _, one := range []bool{true, false} {
			p := tunnel.Pair(in, out, one)
			t.Logf("%s in %v out %v matched %v own %d amb %d re %d clock %+v least %v inward %v notes %q took %v", set, p.Inner, p.Outside, p.Matched, p.Own, p.Ambiguous, p.Reordered, p.Clock, p.Least, p.Inward, p.Notes, time.Since(start))
		}
	}
}
