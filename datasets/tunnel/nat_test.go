package tunnel_test

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/datatest"
	"veilbench/datasets/tunnel"
)

// seen is what several captures of one home saw leave it, on one clock, and of each
// packet what no translation of addresses would leave: identifier, sequence numbers,
// flags. The same text on both sides is the same packet, or a copy of it.
type seen struct {
	datasets.Trace
	keys []string
}

func union(t *testing.T, dir string, files ...string) seen {
	t.Helper()
	type one struct {
		datasets.Trace
		keys []string
	}
	var all []one
	var out seen
	for _, f := range files {
		path := filepath.Join(dir, f+".pcap.gz")
		tr, _, err := capture.Open(t.Context(), path, capture.Options{WholeFrames: true})
		if err != nil {
			t.Fatal(err)
		}
		keys := keysOf(t, path)
		if len(keys) != len(tr.Packets) {
			t.Fatalf("%s: %d packets, %d keys", path, len(tr.Packets), len(keys))
		}
		if out.Start.IsZero() || tr.Start.Before(out.Start) {
			out.Start = tr.Start
		}
		all = append(all, one{tr, keys})
	}

	type packet struct {
		datasets.Packet
		key string
	}
	var packets []packet
	flows := map[datasets.Flow]int32{}
	for _, x := range all {
		shift := x.Start.Sub(out.Start)
		out.End = max(out.End, x.End+shift)
		for i, p := range x.Packets {
			f := x.Flows[p.Flow]
			f.Host, f.Query = "", ""
			if !tunnel.Leaves(f) {
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
			packets = append(packets, packet{p, x.keys[i]})
		}
	}
	slices.SortStableFunc(packets, func(a, b packet) int { return int(min(max(a.Time-b.Time, -1), 1)) })
	for _, p := range packets {
		out.Packets, out.keys = append(out.Packets, p.Packet), append(out.keys, p.key)
	}
	return out
}

// keysOf reads the headers again, for package capture keeps none of what this needs.
func keysOf(t *testing.T, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var src gopacket.PacketDataSource
	if src, err = pcapgo.NewReader(z); err != nil {
		f.Seek(0, io.SeekStart)
		if z, err = gzip.NewReader(f); err == nil {
			src, err = pcapgo.NewNgReader(z, pcapgo.DefaultNgReaderOptions)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var keys []string
	for {
		b, _, err := src.ReadPacketData()
		if err == io.EOF {
			return keys
		}
		if err != nil {
			t.Fatal(err)
		}
		p := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.DecodeOptions{NoCopy: true, Lazy: true})
		key := ""
		if ip, ok := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4); ok {
			key = fmt.Sprint(ip.SrcIP, ip.DstIP, ip.Protocol, ip.Id, ip.Length)
		}
		if tcp, ok := p.Layer(layers.LayerTypeTCP).(*layers.TCP); ok {
			key += fmt.Sprint(tcp.SrcPort, tcp.DstPort, tcp.Seq, tcp.Ack, tcp.Contents[13])
		}
		if udp, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP); ok {
			key += fmt.Sprint(udp.SrcPort, udp.DstPort)
		}
		keys = append(keys, key)
	}
}

// Real captures on both sides of a gateway give the counts of their README, the
// losses of the authors' firewall among them, with clocks that are known and with
// clocks that are not, and no more look-alikes than a matcher that looks at the same.
func TestRealGateway(t *testing.T) {
	dir := datatest.Recorded(t, "nat_pairs")
	f, err := os.Open(filepath.Join(dir, "reference_match.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		want := map[string]float64{}
		for k, name := range rows[0] {
			want[name], _ = strconv.ParseFloat(row[k], 64)
		}
		set := filepath.Join(dir, row[0])
		in, out := union(t, set, "lan", "wlan2.4", "wlan5.0"), union(t, set, "wan")

		// Were most keys the same, nothing would be a look-alike.
		apart := map[string]bool{}
		for _, k := range out.keys {
			apart[k] = true
		}
		if len(apart)*10 < len(out.keys)*9 {
			t.Fatalf("%s: %d different keys of %d packets", row[0], len(apart), len(out.keys))
		}

		for _, tt := range []struct {
			name             string
			oneClock, hidden bool
			ahead            time.Duration
			drift            float64
		}{
			{name: "one clock", oneClock: true},
			{name: "two clocks", ahead: -3700 * time.Millisecond, drift: 35e-6},
			{name: "translated", oneClock: true, hidden: true},
		} {
			t.Run(row[0]+"/"+tt.name, func(t *testing.T) {
				outer := out.Trace
				outer.Packets = slices.Clone(outer.Packets)
				for i := range outer.Packets {
					p := &outer.Packets[i]
					p.Time += time.Duration(float64(p.Time)*tt.drift) + tt.ahead
				}
				if tt.hidden {
					outer.Flows = translated(outer.Flows)
				}
				p := tunnel.Pair(in.Trace, outer, tt.oneClock)
				alike := 0
				for j, i := range p.Of {
					if i >= 0 && in.keys[i] != out.keys[j] {
						alike++
					}
				}
				t.Logf("inside %v, outside %v, matched %v, only outside %d, look-alikes %d (%d could be), clock %v and %.2f ppm",
					p.Inner, p.Outside, p.Matched, p.Own, alike, p.Ambiguous, p.Clock.Offset, 1e6*p.Clock.Drift)
				for what, x := range map[string][2]float64{
					"inside":      {float64(p.Inner[0] + p.Inner[1]), want["inside_internet"]},
					"outside":     {float64(p.Outside[0] + p.Outside[1]), want["wan_internet"]},
					"matched":     {float64(p.Matched[0] + p.Matched[1]), want["matched"]},
					"lost up":     {float64(p.Inner[0] - p.Matched[0]), want["inside_only_up"]},
					"lost down":   {float64(p.Inner[1] - p.Matched[1]), want["inside_only_down"]},
					"own":         {float64(p.Own), want["wan_only"]},
					"out of turn": {float64(p.Reordered), 0},
				} {
					if x[0] != x[1] {
						t.Errorf("%s: %v, want %v", what, x[0], x[1])
					}
				}
				if float64(alike) > want["blind_wrong"] {
					t.Errorf("%d look-alikes, more than %v", alike, want["blind_wrong"])
				}
				if !p.Inward {
					t.Error("packets down are not seen outside first")
				}
				if tt.oneClock {
					checkDelays(t, in.Trace, p, want)
				} else if e := p.Clock.Drift - tt.drift; e > 1e-6 || e < -1e-6 {
					t.Errorf("drift %v, want %v", p.Clock.Drift, tt.drift)
				}
			})
		}
	}
}

// translated are flows behind one public address.
func translated(flows []datasets.Flow) []datasets.Flow {
	out := slices.Clone(flows)
	for i := range out {
		out[i].Local = netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, 7}), uint16(20000+i))
		out[i].MAC = datasets.MAC{}
	}
	return out
}

// checkDelays holds the quantiles of delays to those of exact pairs. Look-alikes may
// have others, and are few.
func checkDelays(t *testing.T, in datasets.Trace, p tunnel.Pairing, want map[string]float64) {
	t.Helper()
	var d [2][]float64
	for j, i := range p.Of {
		if i >= 0 {
			q := in.Packets[i]
			d[q.Dir] = append(d[q.Dir], float64(p.Outer.Packets[j].Time-q.Time)/1e6)
		}
	}
	for dir, name := range []string{"up", "down"} {
		v := d[dir]
		if dir == 1 {
			for k := range v {
				v[k] *= -1
			}
		}
		slices.Sort(v)
		for q, at := range map[string]int{"p5": len(v) * 5 / 100, "median": len(v) / 2, "p95": len(v) * 95 / 100} {
			if w := want[name+"_ms_"+q]; v[at] < w-0.004 || v[at] > w+0.004 {
				t.Errorf("%s %s: %.3f ms, want %.3f", name, q, v[at], w)
			}
		}
	}
}
