package rates

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/datasets"
)

func TestSparseMedianIsTheMedianOfAllBins(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for range 500 {
		n := 1 + rng.IntN(20)
		rest := float64(rng.IntN(4))
		values := make([]float64, rng.IntN(n+1))
		all := slices.Repeat([]float64{rest}, n)
		for i := range values {
			values[i] = float64(rng.IntN(6))
			all[i] = values[i]
		}
		slices.Sort(all)
		if got, want := sparseMedian(values, rest, int64(n)), all[(n-1)/2]; got != want {
			t.Fatalf("median %v of %v, want %v", got, all, want)
		}
	}
}

// pulses sends 100 bytes up every second, and 1,000 down in the seconds given.
func pulses(end int, raised ...int) datasets.Trace {
	tr := datasets.Trace{End: time.Duration(end) * time.Second}
	tr.Flows = []datasets.Flow{{Proto: 6, Host: "cloud.example", Remote: netip.MustParseAddrPort("198.18.0.1:443")}}
	for s := range end {
		at := time.Duration(s)*time.Second + time.Millisecond
		tr.Packets = append(tr.Packets, datasets.Packet{Time: at, Size: 100})
		if slices.Contains(raised, s) {
			tr.Packets = append(tr.Packets, datasets.Packet{Time: at + time.Millisecond, Size: 1000, Dir: datasets.Down})
		}
	}
	return tr
}

func TestTrackJoinsRaisedBins(t *testing.T) {
	tr := pulses(100, 10, 11, 14, 60)
	b := binRates(tr, bursts.AllPackets(tr), time.Second)
	// 96 of 100 bins hold 100 bytes: median 100, deviation 0, so scale 1 and
	// z = 1000 in the raised bins.
	if b.median != 100 || b.scale != 1 {
		t.Fatalf("median %v scale %v, want 100 and 1", b.median, b.scale)
	}
	for _, c := range []struct {
		gap  time.Duration
		want []int // first seconds
	}{{0, []int{10, 11, 14, 60}}, {time.Second, []int{10, 14, 60}}, {5 * time.Second, []int{10, 60}}} {
		var got []int
		for _, r := range b.track(b.bins, 500, 500, c.gap) {
			got = append(got, int(r.start/time.Second))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("gap %v: intervals at %v, want %v", c.gap, got, c.want)
		}
	}
}

// A trace that a state fills has no rest of its own to compare with.
func TestRebase(t *testing.T) {
	var full []int
	for i := range 100 {
		full = append(full, i)
	}
	bin := func(tr datasets.Trace) binnedRates { return binRates(tr, bursts.AllPackets(tr), time.Second) }
	rest, raised := bin(pulses(100, 10)), bin(pulses(100, full...))
	usual := usualBaseline([]binnedRates{raised, rest, rest})
	if usual != (rateBaseline{100, 1}) {
		t.Fatalf("usual baseline %v, want that of the two at rest", usual)
	}
	// 1,100 bytes in each bin: all at the median of their own trace, and 1,000
	// above the usual one.
	if raised.bins[5].z != 0 {
		t.Fatalf("z %v before", raised.bins[5].z)
	}
	raised.rebase(usual)
	if is := raised.track(raised.bins, 500, 500, time.Second); len(is) != 1 || is[0].peak != 1000 {
		t.Errorf("intervals %v, want one of peak 1000", is)
	}
	other := rest
	other.rebase(rateBaseline{95, 1}) // a little higher than usual is still rest
	if other.median != 100 {
		t.Errorf("median %v of a trace at rest, want its own", other.median)
	}
}

// A rule for services outside the home leaves out what stays inside, and takes
// all where nothing leaves.
func TestAwayLeavesOutWhatStaysInside(t *testing.T) {
	tr := pulses(3)
	tr.Flows = append(tr.Flows, datasets.Flow{Proto: 17, LAN: true})
	tr.Packets[1].Flow = 1
	sources := []rateSource{{trace: tr, packets: bursts.AllPackets(tr)}}
	if got := hostsOf(sources); !slices.Equal(got, []string{away}) {
		t.Errorf("services %q, want only those outside: the named one is all of them", got)
	}
	if got := (&rateRule{host: away}).ofHost(tr, bursts.AllPackets(tr)); !slices.Equal(got, []int32{0, 2}) {
		t.Errorf("packets %v, want 0 and 2", got)
	}
	tr.Flows[0].LAN = true
	if got := (&rateRule{host: away}).ofHost(tr, bursts.AllPackets(tr)); len(got) != 3 {
		t.Errorf("packets %v of a trace that stays inside, want all", got)
	}
}

func TestStreamRates(t *testing.T) {
	s := StreamRates(pulses(20, 4), 2*time.Second)
	if len(s) != 1 || s[0].Name != "cloud.example" || len(s[0].Up) != 11 {
		t.Fatalf("%d series %+v, want cloud.example with 11 bins", len(s), s)
	}
	if s[0].Up[2] != 100 || s[0].Down[2] != 500 || s[0].Down[3] != 0 {
		t.Errorf("rates %v up %v down, want 100 and 500 bytes/s in the third bin", s[0].Up[2], s[0].Down[2])
	}
}

func TestNamesFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "names.csv")
	write := func(s string) {
		if err := os.WriteFile(name, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# reverse lookup\n198.18.0.1, cam.example\n\n")
	names, err := readNames(name)
	if err != nil {
		t.Fatal(err)
	}
	tr := pulses(5)
	tr.Flows[0].Host = ""
	if got := withNames(tr, names).Flows[0].Host; got != "cam.example" || tr.Flows[0].Host != "" {
		t.Errorf("name %q, original %q: want cam.example and nothing", got, tr.Flows[0].Host)
	}
	for _, bad := range []string{"198.18.0.1", "x,y", "198.18.0.1,"} {
		write(bad)
		if _, err := readNames(name); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// A capture of one device with unknown owners says whose its packets are by
// itself, also behind a defense that adds its own device to the list: trained
// there, the attack found nothing at all.
func TestOnlyDeviceBehindADefense(t *testing.T) {
	seconds := []int{20, 60, 95, 140, 180}
	train := func(devices ...string) int {
		tr := attacks.Training{Task: datasets.TaskEvent, Classes: []string{"plug/switch"}}
		for i := range 3 {
			l := datasets.Labels{Devices: devices}
			for _, s := range seconds {
				at := time.Duration(s) * time.Second
				l.Events = append(l.Events, datasets.Event{Start: at, End: at, Device: slices.Index(devices, "plug"), Activity: "switch"})
			}
			tr.Examples = append(tr.Examples, attacks.Labeled{Trace: pulses(200, seconds...), Labels: l, Group: fmt.Sprint(i)})
		}
		m, err := New().Train(t.Context(), nil, tr)
		if err != nil {
			t.Fatal(err)
		}
		a, err := m.Guess(t.Context(), pulses(200, seconds...))
		if err != nil {
			t.Fatal(err)
		}
		return len(a.Events)
	}

	for _, devices := range [][]string{{"plug"}, {datasets.Cover, "plug"}, {"plug", datasets.Cover}} {
		if got := train(devices...); got != len(seconds) {
			t.Errorf("devices %q: %d events found, want %d", devices, got, len(seconds))
		}
	}
}

// TestOneStreamTellsTheState: of a device's two services the one whose rate changes
// with its use is found in training, and only that one is looked at.
func TestOneStreamTellsTheState(t *testing.T) {
	seconds := []int{20, 60, 95, 140, 180}
	with := func(telling string) datasets.Trace {
		tr := pulses(200, seconds...)
		tr.Flows[0].Host = telling
		other := map[string]string{"state.example": "bulk.example", "bulk.example": "state.example"}[telling]
		tr.Flows = append(tr.Flows, datasets.Flow{Proto: 6, Host: other, Remote: netip.MustParseAddrPort("198.18.0.2:443")})
		rng := rand.New(rand.NewPCG(1, 1))
		for s := range 200 {
			for range rng.IntN(8) {
				tr.Packets = append(tr.Packets, datasets.Packet{Time: time.Duration(s)*time.Second + 2*time.Millisecond, Size: 1400, Flow: 1, Dir: datasets.Down})
			}
		}
		slices.SortStableFunc(tr.Packets, func(a, b datasets.Packet) int { return int(a.Time - b.Time) })
		return tr
	}
	tr := attacks.Training{Task: datasets.TaskEvent, Classes: []string{"plug/switch"}}
	for i := range 3 {
		l := datasets.Labels{Devices: []string{"plug"}}
		for _, s := range seconds {
			at := time.Duration(s) * time.Second
			l.Events = append(l.Events, datasets.Event{Start: at, End: at, Activity: "switch"})
		}
		tr.Examples = append(tr.Examples, attacks.Labeled{Trace: with("state.example"), Labels: l, Group: fmt.Sprint(i)})
		for range tr.Examples[i].Trace.Packets {
			tr.Examples[i].Labels.Owners = append(tr.Examples[i].Labels.Owners, 0)
		}
	}
	m, err := New().Train(t.Context(), nil, tr)
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{"state.example": len(seconds), "bulk.example": 1} {
		a, err := m.Guess(t.Context(), with(host))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(a.Events); n > want || host == "state.example" && n < want {
			t.Errorf("%d events where %s tells, want %d and no more", n, host, want)
		}
	}
}

// Two devices behind one address talk to one service; only the port of the
// home side tells them apart.
func TestRatesSplitSharedServiceByPort(t *testing.T) {
	make2 := func(port uint16) attacks.Labeled {
		l := attacks.Labeled{Labels: datasets.Labels{Devices: []string{"cam", "plug"}}}
		for d := range 2 {
			l.Trace.Flows = append(l.Trace.Flows, datasets.Flow{
				Proto: 6, Host: "shared.example",
				Local: netip.AddrPortFrom(netip.MustParseAddr("203.0.113.10"), port+uint16(d)), Remote: netip.MustParseAddrPort("198.18.0.1:443"),
			})
		}
		for s := range 1200 {
			for d, size := range []int32{1200, 90} {
				if s%(1+4*d) == 0 {
					l.Trace.Packets = append(l.Trace.Packets, datasets.Packet{Time: time.Duration(s)*time.Second + time.Duration(d), Size: size, Flow: int32(d)})
					l.Labels.Owners = append(l.Labels.Owners, int32(d))
				}
			}
		}
		l.Trace.End = 1200 * time.Second
		return l
	}
	train, test := make2(40000), make2(50000)
	m, err := New().Train(t.Context(), nil, attacks.Training{Task: datasets.TaskDevice, Classes: []string{"cam", "plug"}, Examples: []attacks.Labeled{train}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := m.Guess(t.Context(), test.Trace)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range a.Devices {
		if o.Class != test.Labels.Owners[i] {
			t.Fatalf("packet %d: device %d, want %d", i, o.Class, test.Labels.Owners[i])
		}
	}
}

func BenchmarkRates(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	const packets = 1_000_000
	tr := pulses(1)
	tr.Packets, tr.End = make([]datasets.Packet, packets), 24*time.Hour
	for i := range tr.Packets {
		tr.Packets[i] = datasets.Packet{Time: tr.End / packets * time.Duration(i), Size: int32(60 + rng.IntN(1400)), Dir: datasets.Dir(i % 2)}
	}
	all := bursts.AllPackets(tr)
	for _, w := range []time.Duration{time.Second, 10 * time.Second} {
		b.Run(fmt.Sprintf("step=bin/bin_s=%d/n=1e6", int(w.Seconds())), func(b *testing.B) {
			for b.Loop() {
				binRates(tr, all, w)
			}
			b.ReportMetric(packets*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
		})
	}
}

// Names of streams are read beside names of devices, which write hardware
// addresses with leading zeros.
func TestStreamKeyString(t *testing.T) {
	for want, k := range map[string]bursts.StreamKey{
		"02:00:00:0a:0b:0c":      {Link: datasets.MAC{2, 0, 0, 10, 11, 12}, Host: "cloud.example"},
		"cloud.example port 443": {Host: "cloud.example", Port: 443},
		"192.0.2.1":              {Remote: netip.MustParseAddr("192.0.2.1")},
		datasets.Unknown:         {},
	} {
		if got := k.String(); got != want {
			t.Errorf("%+v is %q, want %q", k, got, want)
		}
	}
}

// TestByRate: two devices whose services changed names between training and test,
// so that each has the other's. By names they are taken for each other, by rates
// alone they are not.
func TestByRate(t *testing.T) {
	home := func(hosts [2]string) attacks.Labeled {
		l := attacks.Labeled{Labels: datasets.Labels{Devices: []string{"cam", "plug"}}}
		for d, h := range hosts {
			l.Trace.Flows = append(l.Trace.Flows, datasets.Flow{
				Proto: 6, Host: h, Local: netip.AddrPortFrom(netip.MustParseAddr("203.0.113.10"), uint16(40000+d)),
				Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 18, 0, h[0]}), 443),
			})
		}
		for s := range 1200 {
			for d, size := range []int32{1200, 90} {
				if s%(1+9*d) == 0 {
					l.Trace.Packets = append(l.Trace.Packets, datasets.Packet{Time: time.Duration(s)*time.Second + time.Duration(d), Size: size, Flow: int32(d)})
					l.Labels.Owners = append(l.Labels.Owners, int32(d))
				}
			}
		}
		l.Trace.End = 1200 * time.Second
		return l
	}
	train, test := home([2]string{"a.example", "b.example"}), home([2]string{"b.example", "a.example"})
	for _, byRate := range []bool{false, true} {
		r := New()
		r.ByRate = byRate
		m, err := r.Train(t.Context(), nil, attacks.Training{Task: datasets.TaskDevice, Classes: []string{"cam", "plug"}, Examples: []attacks.Labeled{train}})
		if err != nil {
			t.Fatal(err)
		}
		a, err := m.Guess(t.Context(), test.Trace)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range a.Devices {
			if (o.Class == test.Labels.Owners[i]) != byRate {
				t.Fatalf("by_rate=%v, packet %d: device %d, of device %d", byRate, i, o.Class, test.Labels.Owners[i])
			}
		}
	}
}
