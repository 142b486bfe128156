package summary

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"veilbench/datasets"
)

// plainCounts counts packet by packet under names.
func plainCounts(t datasets.Trace) (devices map[string]int, protocols, services, names tally, messages map[message]int) {
	devices, messages = map[string]int{}, map[message]int{}
	protocols, services, names = tally{}, tally{}, tally{}
	last := map[message]time.Duration{}
	for _, p := range t.Packets {
		f, n := t.Flows[p.Flow], int64(p.Size-datasets.EthernetHeader)
		devices[deviceKey(f)]++
		protocols.add(protocolName(f), 1, n)
		services.add(deviceKey(f)+serviceName(f), 1, n)
		if f.Host != "" {
			names.add(f.Host, 1, n)
		}
		m := message{party{deviceKey(f), serviceName(f)}, p.Dir, p.Payload}
		if at, ok := last[m]; p.Payload > 0 && (!ok || p.Time-at >= beatGap) {
			last[m] = p.Time
			messages[m]++
		}
	}
	return devices, protocols, services, names, messages
}

func randomTrace(rng *rand.Rand, flows, packets int) datasets.Trace {
	t := datasets.Trace{}
	for i := range flows {
		f := datasets.Flow{Proto: []uint8{6, 17, 1}[rng.IntN(3)], MAC: datasets.MAC{2, byte(i % 5)}, Local: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i % 5)}), uint16(i))}
		f.Remote = netip.AddrPortFrom(netip.AddrFrom4([4]byte{52, 1, 1, byte(rng.IntN(4))}), uint16(rng.IntN(3)))
		if rng.IntN(2) == 0 {
			f.Host = fmt.Sprintf("h%d.example", rng.IntN(3))
		}
		t.Flows = append(t.Flows, f)
	}
	for range packets {
		t.End += time.Duration(rng.IntN(2000)) * time.Millisecond
		n := rng.Int32N(4)
		t.Packets = append(t.Packets, datasets.Packet{Time: t.End, Size: 54 + n, Payload: n, Flow: int32(rng.IntN(flows)), Dir: datasets.Dir(rng.IntN(2))})
	}
	return t
}

func TestSummarizeIsACountOfPackets(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	for range 50 {
		tr := randomTrace(rng, 1+rng.IntN(30), rng.IntN(500))
		s := Summarize(tr)
		devices, protocols, services, names, messages := plainCounts(tr)
		all := tr.Bytes()
		if d := cmp.Diff(protocols.shares(all), s.Protocols); d != "" {
			t.Fatal(d)
		}
		if d := cmp.Diff(names.shares(all), s.Names); d != "" {
			t.Fatal(d)
		}
		for _, dev := range s.Devices {
			if devices[dev.Link] != dev.Packets {
				t.Fatalf("%d packets of %s, want %d", dev.Packets, dev.Link, devices[dev.Link])
			}
			for _, x := range dev.Services {
				if w := services[dev.Link+x.Name]; w == nil || w.Packets != x.Packets || w.Bytes != x.Bytes {
					t.Fatalf("%+v, want %+v", x, w)
				}
			}
		}
		for _, h := range s.Heartbeats {
			dir := datasets.Up
			if h.Dir != dir.String() {
				dir = datasets.Down
			}
			if n := messages[message{party{h.Device, h.Service}, dir, int32(h.Payload)}]; n != h.Count {
				t.Fatalf("%+v, want %d", h, n)
			}
		}
	}
}

// BenchmarkSummarize describes a trace as inspect does when it is read.
func BenchmarkSummarize(b *testing.B) {
	t := randomTrace(rand.New(rand.NewPCG(4, 2)), 200, 500_000)
	b.ReportAllocs()
	for b.Loop() {
		Summarize(t)
	}
	b.ReportMetric(float64(b.N*len(t.Packets))/b.Elapsed().Seconds(), "packets/s")
}
