package likeness

import (
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"veilbench/datasets"
)

// made is a recording of so many packets of each length of each device, one every
// millisecond, a negative length for down.
func made(lengths map[string][]int32, port map[string]uint16) datasets.Dataset {
	r := datasets.Recording{ID: "r", Group: "g"}
	for _, name := range []string{"cam_a", "cam_b", "plug_a", "phone"} {
		if lengths[name] == nil {
			continue
		}
		f := int32(len(r.Trace.Flows))
		r.Labels.Devices = append(r.Labels.Devices, name)
		r.Trace.Flows = append(r.Trace.Flows, datasets.Flow{Proto: 6, Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{1, 2, 3, byte(f)}), port[name])})
		for _, n := range lengths[name] {
			p := datasets.Packet{Time: time.Duration(len(r.Trace.Packets)) * time.Millisecond, Size: max(n, -n), Flow: f}
			if n < 0 {
				p.Dir = datasets.Down
			}
			r.Trace.Packets = append(r.Trace.Packets, p)
			r.Labels.Owners = append(r.Labels.Owners, f)
		}
	}
	r.Trace.End = time.Hour
	return datasets.Dataset{Recordings: []datasets.Recording{r}}
}

// The cameras have half of their packets in common: p = (1/2, 1/2, 0), q = (0, 1/2,
// 1/2), whose divergence is 1/2 bit. The plug sends the same lengths the other way,
// which is nothing in common.
func TestLengthsByHand(t *testing.T) {
	ds := made(map[string][]int32{"cam_a": {100, 200, 100, 200}, "cam_b": {200, 300}, "plug_a": {-100, -200}}, nil)
	s := Of(&ds, CategoryOf)
	by := map[string]Device{}
	for _, d := range s.Devices {
		by[d.Name] = d
	}
	for _, c := range []struct {
		a, b string
		want float64
	}{{"cam_a", "cam_b", 0.5}, {"cam_a", "cam_a", 1}, {"cam_a", "plug_a", 0}} {
		if got, ok := Lengths(by[c.a], by[c.b]); !ok || math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s and %s: %v, want %v", c.a, c.b, got, c.want)
		}
	}
	if s.Packets != 8 || s.Windows != 1 || s.Bytes != 600+500+300 || s.Seconds != 3600 {
		t.Errorf("%d packets, %d windows, %d bytes, %v s", s.Packets, s.Windows, s.Bytes, s.Seconds)
	}

	// One pair of a category (0.5), two across (0 and 0). Of the three ways to choose
	// which two are of a kind one is as good: a third of the deals.
	c, ok := Compare(s.Devices, Lengths)
	if !ok || c.Within != 0.5 || c.Across != 0 || c.WithinPairs != 1 || c.AcrossPairs != 2 || math.Abs(c.P-1./3) > 0.03 {
		t.Errorf("%+v, %v", c, ok)
	}
}

// After each event both cameras send 1,000 bytes up at once and get 500 back after
// a second, the second at twice the size, which is the same course; a plug that
// sends when they get has another.
func TestCoursesByHand(t *testing.T) {
	r := datasets.Recording{ID: "r", Group: "g", Trace: datasets.Trace{Flows: []datasets.Flow{{Proto: 6}}, End: time.Hour}}
	r.Labels.Devices = []string{"cam_a", "cam_b", "plug_a"}
	add := func(at time.Duration, who int32, size int32, dir datasets.Dir) {
		r.Trace.Packets = append(r.Trace.Packets, datasets.Packet{Time: at, Size: size, Dir: dir})
		r.Labels.Owners = append(r.Labels.Owners, who)
	}
	for k := range 5 {
		at := time.Duration(k) * time.Minute
		for who := range 3 {
			r.Labels.Events = append(r.Labels.Events, datasets.Event{Start: at, End: at, Device: who})
		}
		add(at, 0, 1000, datasets.Up)
		add(at, 1, 1000, datasets.Up)
		add(at, 2, 1000, datasets.Down)
		add(at+time.Second, 0, 500, datasets.Down)
		add(at+time.Second, 1, 500, datasets.Down)
		add(at+time.Second, 2, 500, datasets.Up)
	}
	s := Of(&datasets.Dataset{Recordings: []datasets.Recording{r}}, CategoryOf)
	if same, ok := Courses(s.Devices[0], s.Devices[1]); !ok || math.Abs(same-1) > 1e-12 {
		t.Errorf("cameras: %v", same)
	}
	// Of 40 seconds two are not empty, and they are two others: near 0.
	if other, ok := Courses(s.Devices[0], s.Devices[2]); !ok || math.Abs(other+2./38) > 0.01 {
		t.Errorf("camera and plug: %v, want about -0.05", other)
	}
}

// Port 443 is the cameras' and the phone's, 9999 the plug's alone: six of eight
// packets are on a shared port, and of the six of smart-home devices four.
func TestPortsAndProtocols(t *testing.T) {
	ds := made(map[string][]int32{"cam_a": {1, 2}, "cam_b": {1, 2}, "plug_a": {1, 2}, "phone": {1, 2}},
		map[string]uint16{"cam_a": 443, "cam_b": 443, "plug_a": 9999, "phone": 443})
	s := Of(&ds, CategoryOf)
	if s.SharedPorts != 6./8 || s.SharedWithOthers != 4./6 {
		t.Errorf("shared %v, with others %v", s.SharedPorts, s.SharedWithOthers)
	}
	if want := []Protocol{{"TLS", 4. / 6, 1}, {"other TCP", 2. / 6, 0}}; !slices.Equal(s.Protocols, want) {
		t.Errorf("%v, want %v", s.Protocols, want)
	}
}

func TestCategoryOf(t *testing.T) {
	for name, want := range map[string]string{
		"EdimaxCam2": "camera", "TP-LinkPlugHS100": "plug", "HueBridge": "hub", "echo_dot": "voice assistant", "non_iot": computer, "mystery": "",
	} {
		if got := CategoryOf(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
