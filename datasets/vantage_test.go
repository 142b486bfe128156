package datasets

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func testRNG(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// homeTrace has a TLS flow, a DNS flow that idles for 200 s, a flow within the
// home, an ARP frame, an IPv6 flow, an unused flow and a TCP flow from the same
// port as the first.
func homeTrace() Trace {
	a, b := MAC{2, 0, 0, 0, 0, 1}, MAC{2, 0, 0, 0, 0, 2}
	at := netip.MustParseAddrPort
	s := time.Second
	return Trace{
		Start: time.Unix(1600000000, 0),
		Flows: []Flow{
			{Proto: 6, Local: at("192.168.1.10:40000"), Remote: at("52.1.1.1:443"), Host: "cloud.example.com", MAC: a},
			{Proto: 17, Local: at("192.168.1.10:5000"), Remote: at("8.8.8.8:53"), MAC: a},
			{Proto: 17, Local: at("192.168.1.10:6000"), Remote: at("192.168.1.11:6000"), MAC: a, LAN: true},
			{MAC: b},
			{Proto: 6, Local: at("[2001:db8::5]:40000"), Remote: at("[2001:db8:1::1]:443"), MAC: b},
			{Proto: 6, Local: at("192.168.1.12:1"), Remote: at("1.1.1.1:443"), MAC: b},
			{Proto: 6, Local: at("192.168.1.11:40000"), Remote: at("52.1.1.1:443"), MAC: b},
		},
		Packets: []Packet{
			{Time: 0, Size: 42, Payload: 28, Flow: 3, Dir: Up},
			{Time: s, Size: 74, Payload: 32, Flow: 1, Dir: Up},
			{Time: s, Size: 100, Payload: 58, Flow: 1, Dir: Down},
			{Time: 2 * s, Size: 66, Payload: 0, Flow: 0, Dir: Up},
			{Time: 3 * s, Size: 300, Payload: 258, Flow: 2, Dir: Up},
			{Time: 4 * s, Size: 500, Payload: 434, Flow: 6, Dir: Down},
			{Time: 5 * s, Size: 500, Payload: 426, Flow: 4, Dir: Up},
			{Time: 200 * s, Size: 74, Payload: 32, Flow: 1, Dir: Up},
			{Time: 380 * s, Size: 74, Payload: 32, Flow: 1, Dir: Up},
			{Time: 561 * s, Size: 60, Payload: 6, Flow: 0, Dir: Up},
		},
		End: 600 * s,
	}
}

func TestViewLAN(t *testing.T) {
	in := homeTrace()
	out, kept := LAN.View(testRNG(1), in)
	if err := out.Check(); err != nil {
		t.Fatal(err)
	}
	if len(out.Flows) != 6 || len(kept) != len(in.Packets) || out.End != in.End || out.Start != in.Start {
		t.Fatalf("%d flows, %d packets", len(out.Flows), len(kept))
	}
	for i, p := range out.Packets {
		q := in.Packets[kept[i]]
		if out.Flows[p.Flow] != in.Flows[q.Flow] {
			t.Errorf("packet %d: %v", i, out.Flows[p.Flow])
		}
		p.Flow, q.Flow = 0, 0
		if p != q {
			t.Errorf("packet %d: %v, want %v", i, p, q)
		}
	}
}

func TestViewWiFi(t *testing.T) {
	in := homeTrace()
	out, kept := WiFi.View(testRNG(1), in)
	if err := out.Check(); err != nil {
		t.Fatal(err)
	}
	// In order of appearance: b, a, a within the home.
	want := []Flow{{MAC: MAC{2, 0, 0, 0, 0, 2}}, {MAC: MAC{2, 0, 0, 0, 0, 1}}, {MAC: MAC{2, 0, 0, 0, 0, 1}, LAN: true}}
	if !slices.Equal(out.Flows, want) {
		t.Errorf("flows %v, want %v", out.Flows, want)
	}
	for i, p := range out.Packets {
		q := in.Packets[kept[i]]
		if p.Size != q.Size+36 || p.Payload != q.Size-14 || p.Time != q.Time || p.Dir != q.Dir {
			t.Errorf("packet %d: %v from %v", i, p, q)
		}
	}
	// A pure ACK of 40 bytes of IP: 26 + 8 + 8 + 40 + 8 = 90 on the air.
	if p := out.Packets[9]; p.Size != 60+36 {
		t.Errorf("size %d", p.Size)
	}
}

func TestViewWAN(t *testing.T) {
	in := homeTrace()
	for seed := range uint64(40) {
		out, kept := WAN.View(testRNG(seed), in)
		if err := out.Check(); err != nil {
			t.Fatal(err)
		}
		if want := []int32{1, 2, 3, 5, 6, 7, 8, 9}; !slices.Equal(kept, want) {
			t.Fatalf("kept %v, want %v", kept, want)
		}
		// DNS, TLS, the other device's TLS, IPv6, DNS again after 199 s; the
		// packet 180 s later keeps its port.
		if len(out.Flows) != 5 {
			t.Fatalf("%d flows, want 5: %v", len(out.Flows), out.Flows)
		}
		for i, f := range out.Flows {
			if f.MAC != (MAC{}) || f.LAN {
				t.Errorf("flow %d shows %v", i, f)
			}
			if f.Local.Addr().Is4() && f.Local.Addr() != netip.MustParseAddr("203.0.113.1") {
				t.Errorf("flow %d from %v", i, f.Local)
			}
		}
		if out.Flows[1].Host != "cloud.example.com" || out.Flows[3].Local != in.Flows[4].Local {
			t.Errorf("host %q, IPv6 %v", out.Flows[1].Host, out.Flows[3].Local)
		}
		if out.Flows[0].Local == out.Flows[4].Local || out.Flows[0].Remote != out.Flows[4].Remote {
			t.Errorf("idle UDP flow: %v, then %v", out.Flows[0], out.Flows[4])
		}
		if out.Flows[1].Local == out.Flows[2].Local {
			t.Errorf("two flows from %v to one remote", out.Flows[1].Local)
		}
	}
}

// Seven of ten routers keep a free port: 2,000 routers, three standard
// deviations (0.0102) around 0.7.
func TestNAPTPolicy(t *testing.T) {
	in, keep := homeTrace(), 0
	const n = 2000
	for seed := range uint64(n) {
		out, _ := WAN.View(testRNG(seed), in)
		if out.Flows[0].Local.Port() == 5000 {
			keep++
		}
		if p := out.Flows[4].Local.Port(); p < 1024 {
			t.Fatalf("port %d", p)
		}
	}
	if share := float64(keep) / n; share < 0.669 || share > 0.731 {
		t.Errorf("%.3f of routers keep the port", share)
	}
}

// A capture from outside stays as it is, but for flows without packets.
func TestViewWANOutside(t *testing.T) {
	in := Trace{
		Flows:   []Flow{{Proto: 6}, {Proto: 17, Local: netip.MustParseAddrPort("198.51.100.7:99"), Remote: netip.MustParseAddrPort("1.1.1.1:53")}},
		Packets: []Packet{{Size: 60}, {Size: 60, Flow: 1}, {Time: time.Hour, Size: 60, Flow: 1}}, End: time.Hour,
	}
	out, kept := WAN.View(testRNG(1), in)
	if !reflect.DeepEqual(in, out) || len(kept) != 3 {
		t.Errorf("%v became %v", in, out)
	}
}

// randomTrace is a trace of many flows to a handful of remotes.
func randomTrace(rng *rand.Rand, n int) Trace {
	var t Trace
	for i := range 40 {
		f := Flow{
			Proto:  []uint8{6, 17, 1, 0}[rng.IntN(4)],
			Local:  netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i % 7)}), uint16(5000+rng.IntN(3))),
			Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{9, 9, 9, byte(rng.IntN(3))}), 443),
			MAC:    MAC{2, byte(i % 7)},
			LAN:    rng.IntN(8) == 0,
		}
		if f.Proto < 6 {
			f.Local, f.Remote = netip.AddrPortFrom(f.Local.Addr(), 0), netip.AddrPortFrom(f.Remote.Addr(), 0)
		}
		t.Flows = append(t.Flows, f)
	}
	at := time.Duration(0)
	for range n {
		at += time.Duration(rng.Int64N(int64(20 * time.Second)))
		size := int32(60 + rng.IntN(1454))
		t.Packets = append(t.Packets, Packet{Time: at, Size: size, Payload: size - 60, Flow: int32(rng.IntN(len(t.Flows))), Dir: Dir(rng.IntN(2))})
	}
	t.End = at + time.Second
	return t
}

// No view depends on what comes later, edits its input or is different the
// second time; kept ascends and a flow in the view is in order of appearance.
func TestViewProperties(t *testing.T) {
	for seed := range uint64(30) {
		in := randomTrace(testRNG(seed), 400)
		before := Trace{Packets: slices.Clone(in.Packets), Flows: slices.Clone(in.Flows), End: in.End}
		for _, v := range Vantages() {
			out, kept := v.View(testRNG(seed), in)
			if err := out.Check(); err != nil {
				t.Fatalf("%s: %v", v, err)
			}
			again, _ := v.View(testRNG(seed), in)
			if !reflect.DeepEqual(in, before) || !reflect.DeepEqual(out, again) {
				t.Fatalf("%s: input edited or another result", v)
			}
			if !slices.IsSorted(kept) {
				t.Fatalf("%s: kept %v", v, kept)
			}
			next := int32(0)
			for _, p := range out.Packets {
				if p.Flow > next {
					t.Fatalf("%s: flow %d before %d", v, p.Flow, next)
				}
				next = max(next, p.Flow+1)
			}
			if int(next) != len(out.Flows) {
				t.Fatalf("%s: %d flows, %d used", v, len(out.Flows), next)
			}
			n := 200
			prefix := Trace{Packets: in.Packets[:n], Flows: in.Flows, End: in.Packets[n-1].Time}
			part, pk := v.View(testRNG(seed), prefix)
			if !slices.Equal(part.Packets, out.Packets[:len(part.Packets)]) || !slices.Equal(part.Flows, out.Flows[:len(part.Flows)]) || !slices.Equal(pk, kept[:len(pk)]) {
				t.Fatalf("%s looks ahead", v)
			}
		}
	}
}

func TestKeep(t *testing.T) {
	l := Labels{Devices: []string{"a", "b"}, Owners: []int32{0, 1, -1, 1}, Cause: nil, Events: []Event{{Activity: "on"}}}
	got := l.Keep([]int32{1, 3})
	if !slices.Equal(got.Owners, []int32{1, 1}) || got.Cause != nil || len(got.Events) != 1 || len(l.Owners) != 4 {
		t.Errorf("%+v", got)
	}
}

func TestVantageNames(t *testing.T) {
	if v, err := ParseVantage("wifi"); v != WiFi || err != nil {
		t.Errorf("%q, %v", v, err)
	}
	if _, err := ParseVantage("wfi"); err == nil {
		t.Error("wfi is no vantage")
	}
	if !WAN.Sees(LAN) || LAN.Sees(WAN) || !WiFi.Sees(WiFi) {
		t.Error("order of the vantage points")
	}
	for _, v := range Vantages() {
		if v.Sees(Zigbee) != (v == Zigbee) || Zigbee.Sees(v) != (v == Zigbee) {
			t.Errorf("%s and the radio show each other's traffic", v)
		}
	}
}

// The radio's observer sees both addresses and the length of each frame, and
// nothing of any other link.
func TestViewZigbee(t *testing.T) {
	radio := Flow{MAC: MAC{2}, Peer: MAC{4}, LAN: true}
	in := Trace{
		Flows:   []Flow{{Proto: 6, MAC: MAC{2}}, radio},
		Packets: []Packet{{Size: 100, Payload: 46}, {Time: 1, Size: 50, Payload: 36, Flow: 1, Dir: Down}}, End: 2,
	}
	out, kept := Zigbee.View(nil, in)
	if !slices.Equal(kept, []int32{1}) || !slices.Equal(out.Flows, []Flow{radio}) || !slices.Equal(out.Packets, []Packet{{Time: 1, Size: 50, Payload: 36, Dir: Down}}) {
		t.Errorf("%v: %+v", kept, out)
	}
	if !radio.Exposed() || (Flow{LAN: true}).Exposed() {
		t.Error("who can be watched")
	}
}

// A view keeps the packets of the flows that are shown, and all of them.
func TestViewsKeepWhatIsShown(t *testing.T) {
	rng := testRNG(18)
	in := randomTrace(rng, 3000)
	for i := range in.Flows {
		f := &in.Flows[i]
		switch rng.IntN(4) {
		case 0:
			f.LAN = true
		case 1:
			f.Proto, f.MAC = 0, MAC{byte(i)}
		case 2:
			*f = Flow{MAC: MAC{2, byte(i)}, Peer: MAC{4}, LAN: true}
		}
	}
	for _, v := range append(Vantages(), "lan+wan", "wifi+wan", "elsewhere") {
		var want []int32
		for i, p := range in.Packets {
			if v.Shows(in.Flows[p.Flow]) {
				want = append(want, int32(i))
			}
		}
		if _, kept := v.View(rng, in); !slices.Equal(kept, want) || len(want) == 0 {
			t.Errorf("%s keeps %d packets, shows %d", v, len(kept), len(want))
		}
	}
}

func BenchmarkView(b *testing.B) {
	in := randomTrace(testRNG(1), 100_000)
	for _, v := range Vantages() {
		b.Run(string(v), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				v.View(testRNG(1), in)
			}
			b.ReportMetric(float64(len(in.Packets))*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
		})
	}
}

func TestDefaultVantageHasABorder(t *testing.T) {
	radio := Flow{MAC: MAC{2}}
	lan := Flow{Proto: 6, MAC: MAC{2}, LAN: true}
	away := Flow{Proto: 6, MAC: MAC{2}}
	sizes := Flow{} // of data that has nothing but sizes
	for name, tc := range map[string]struct {
		recorded Vantage
		flows    []Flow
		want     Vantage
	}{
		"home":         {LAN, []Flow{lan, away}, WAN},
		"radio":        {WiFi, []Flow{radio}, WiFi},
		"Zigbee":       {Zigbee, []Flow{{MAC: MAC{2}, Peer: MAC{4}, LAN: true}}, Zigbee},
		"nothing left": {LAN, []Flow{lan}, LAN},
		"outside":      {WAN, []Flow{{Proto: 6}}, WAN},
		"sizes alone":  {WAN, []Flow{sizes}, WAN},
	} {
		ds := Dataset{Recorded: tc.recorded, Recordings: []Recording{{Trace: Trace{Flows: tc.flows}}}}
		if got := ds.DefaultVantage(); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// Two places are one observer however they are written, who sees what the inner
// one shows where a single view is asked for.
func TestPlaces(t *testing.T) {
	for text, want := range map[string]Vantage{"wan": WAN, "wifi+wan": "wifi+wan", "wan+wifi": "wifi+wan", "wan+lan": "lan+wan"} {
		if v, err := ParsePlaces(text); err != nil || v != want {
			t.Errorf("%s: %q, %v; want %q", text, v, err, want)
		}
	}
	for text, want := range map[string]string{
		"wan+wan": "one place", "lan+wifi+wan": "two places at most", "zigbee+wan": "nobody sees both", "wan+": "unknown vantage", "wifi+wam": "unknown vantage \"wam\"",
	} {
		if _, err := ParsePlaces(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}

	pair := Vantage("wifi+wan")
	for recorded, want := range map[Vantage]bool{LAN: true, WiFi: true, WAN: false, Zigbee: false} {
		if pair.Sees(recorded) != want {
			t.Errorf("%s from %s: %v", pair, recorded, !want)
		}
	}
	out, kept := pair.View(testRNG(1), homeTrace())
	want, wantKept := WiFi.View(testRNG(1), homeTrace())
	if !reflect.DeepEqual(out, want) || !slices.Equal(kept, wantKept) {
		t.Error("the view of two places is not that of the inner one")
	}
}
