package window

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"veilbench/attacks"
	"veilbench/datasets"
)

// Ports that several groups have are kept, be they many small files; those
// that are nearly one group's own are not.
func TestSharedPorts(t *testing.T) {
	at := map[string]map[uint16]int{
		"home 1": {443: 20000, 123: 12, 40001: 30000, 40002: 50, 40003: 7, 67: 2},
		"home 2": {443: 70000, 123: 11, 40001: 300, 40002: 5, 67: 2},
		"home 3": {443: 10, 40002: 1, 67: 4},
	}
	// Elsewhere than in home 1, port 40001 has 300 of 30,300 packets, port
	// 40002 6 of 56, more than a tenth.
	want := map[uint16]int{443: 90010, 123: 23, 40002: 56, 67: 8}
	if d := cmp.Diff(want, sharedPorts(at)); d != "" {
		t.Errorf("three homes: (-want +got)\n%s", d)
	}
	delete(at, "home 2")
	delete(at, "home 3")
	if d := cmp.Diff(at["home 1"], sharedPorts(at)); d != "" {
		t.Errorf("one home: (-want +got)\n%s", d)
	}
}

// Inbound, a client's port is that of NAPT, whatever the router made of it; a
// port that the device itself serves keeps its value.
func TestPortValues(t *testing.T) {
	v := windowVocab{Rule: portDst, Ports: []uint16{80, 443, 1194}}
	flow := func(local, remote uint16) datasets.Flow {
		return datasets.Flow{
			Local:  netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), local),
			Remote: netip.AddrPortFrom(netip.MustParseAddr("198.51.100.1"), remote),
		}
	}
	for _, c := range []struct {
		name          string
		local, remote uint16
		want          [2]uint16
	}{
		{"a tunnel whose router keeps the port", 1194, 1194, [2]uint16{6, 3}},
		{"a tunnel whose router draws one", 2211, 1194, [2]uint16{6, 3}},
		{"a client of a learned service", 51234, 443, [2]uint16{5, 3}},
		{"a client of another service", 51234, 6000, [2]uint16{2, 3}},
		{"the same behind a router that draws ports", 2211, 6000, [2]uint16{2, 3}},
		{"a device that serves", 80, 51234, [2]uint16{3, 4}},
		{"a low port of nobody's", 68, 67, [2]uint16{1, 1}},
	} {
		if got := v.portValues(flow(c.local, c.remote)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	v.Rule = portRemote
	if got, want := v.portValues(flow(51234, 443)), [2]uint16{5, 5}; got != want {
		t.Errorf("port=remote: %v, want %v", got, want)
	}
}

// TestClassWeights works (mean count / count)^balance out by hand: 6 packets of
// class 0, 2 of class 1, none of class 2, so 4 are the mean.
func TestClassWeights(t *testing.T) {
	y := []int16{0, 0, 1, -1, 0, 0, 1, 0, 0, -1}
	rare := append(make([]int16, 29999), 1)
	tests := []struct {
		name    string
		y       []int16
		balance float64
		want    []float32
	}{
		{"packets weigh the same", y, 0, []float32{1, 1, 1}},
		{"devices weigh the same", y, 1, []float32{4. / 6, 2, 1}},
		{"between", y, 0.5, []float32{0.8164965809, 1.4142135624, 1}},
		{"at most 100", rare, 1, []float32{15000. / 29999, 100, 1}},
		{"nobody", []int16{-1, -1}, 1, nil},
		{"nothing", nil, 1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := classWeights(tt.y, 3, tt.balance); !slices.Equal(got, tt.want) {
				t.Errorf("weights %v, want %v", got, tt.want)
			}
		})
	}
}

// TestOptionsOfFewWindows: patience grows with the number of epochs where few
// windows are gone through more often.
func TestOptionsOfFewWindows(t *testing.T) {
	a := NewLSTM()
	for _, tt := range []struct{ windows, batch, epochs, patience int }{
		{64 * 1000, 64, 8, 4},
		{64 * 10, 64, 60, 30}, // 600 batches, 10 per epoch
		{4, 1, 150, 75},
	} {
		o := a.options(context.Background(), tt.windows)
		if o.Batch != tt.batch || o.Epochs != tt.epochs || o.Patience != tt.patience {
			t.Errorf("%d windows: batch %d, epochs %d, patience %d, want %+v", tt.windows, o.Batch, o.Epochs, o.Patience, tt)
		}
	}
}

// TestSplit compares split with the same done one window after the other, and
// says that its arrays have no room to spare.
func TestSplit(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	h := windowHead{Window: 7, Vocab: windowVocab{Rule: portRemote}}
	for _, groups := range []int{1, 3, 9, 10, 25} {
		tr := attacks.Training{Classes: []string{"a", "b"}}
		for range 30 {
			e := attacks.Labeled{Group: fmt.Sprint(rng.IntN(groups)), Labels: datasets.Labels{Devices: []string{"b", "c", "a"}}}
			e.Trace.Flows = make([]datasets.Flow, 1)
			at := time.Duration(0)
			for range rng.IntN(200) {
				at += time.Duration(rng.IntN(1e6))
				e.Trace.Packets = append(e.Trace.Packets, datasets.Packet{Time: at, Size: int32(rng.IntN(1500)), Dir: datasets.Dir(rng.IntN(2))})
				e.Labels.Owners = append(e.Labels.Owners, int32(rng.IntN(4)-1))
			}
			tr.Examples = append(tr.Examples, e)
		}
		train, valid := h.split(rand.New(rand.NewPCG(1, 1)), tr)
		held := heldGroups(rand.New(rand.NewPCG(1, 1)), tr)
		var wantTrain, wantValid []string // of one window each, in any order for validation
		for _, e := range tr.Examples {
			x, y := h.Vocab.windows(e.Trace, h.Window).X, deviceClasses(&e, tr.Classes)
			n := len(x) / (h.Window * windowFeatures)
			y = append(y, slices.Repeat([]int16{-1}, n*h.Window-len(y))...)
			for i := range n {
				w := fmt.Sprint(x[i*h.Window*windowFeatures:][:h.Window*windowFeatures], y[i*h.Window:][:h.Window])
				if held == nil && i >= n-n/heldShare || held[e.Group] {
					wantValid = append(wantValid, w)
				} else {
					wantTrain = append(wantTrain, w)
				}
			}
		}
		text := func(x []uint16, y []int16) (all []string) {
			for i := range len(y) / h.Window {
				all = append(all, fmt.Sprint(x[i*h.Window*windowFeatures:][:h.Window*windowFeatures], y[i*h.Window:][:h.Window]))
			}
			return all
		}
		if got := text(train.X, train.Y); !slices.Equal(got, wantTrain) {
			t.Errorf("%d groups: other training windows", groups)
		}
		got := text(valid.X, valid.Y)
		slices.Sort(got)
		slices.Sort(wantValid)
		if !slices.Equal(got, wantValid) || len(got) == 0 {
			t.Errorf("%d groups: other validation windows, %d instead of %d", groups, len(got), len(wantValid))
		}
		if n := len(wantTrain) + len(wantValid); cap(train.X)+cap(valid.X) != n*h.Window*windowFeatures || cap(train.Y)+cap(valid.Y) != n*h.Window {
			t.Errorf("%d groups: room for more than %d windows", groups, n)
		}
	}
}

// With 1,024 ports a row is 1,024 columns for them, one for the rest, eight for
// protocols and three: 1,036, five bytes each, and its class: 5,184 bytes. 2 GiB
// hold 414,252 of these and not quite one more.
func TestWindowForestRefusesWhatDoesNotFit(t *testing.T) {
	const most = 414252
	if _, err := forestFits(most, 1036); err != nil {
		t.Error(err)
	}
	if left, err := forestFits(100, 62); err != nil || left != 2<<30-100*314 {
		t.Errorf("%d bytes left for trees, error %v", left, err)
	}
	e := attacks.Labeled{Group: "home", Labels: datasets.Labels{Devices: []string{"a"}, Owners: make([]int32, most+1)}}
	for i := range maxWindowPorts {
		e.Trace.Flows = append(e.Trace.Flows, datasets.Flow{
			Proto: 6, Local: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 1}), 50000),
			Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 2}), uint16(1+i)),
		})
	}
	e.Trace.Packets = make([]datasets.Packet, most+1)
	for i := range e.Trace.Packets {
		e.Trace.Packets[i].Flow = int32(i % maxWindowPorts)
	}
	a := NewForest()
	a.Ports, a.MaxRows = maxWindowPorts, 1e8
	_, err := a.Train(context.Background(), rand.New(rand.NewPCG(1, 1)), attacks.Training{Task: datasets.TaskDevice, Classes: []string{"a"}, Examples: []attacks.Labeled{e}})
	if want := "max_rows=100000000, ports=1024: training on 414253 packets with 1036 columns needs 2048 MB, allowed are 2048 MB: at most 414252 packets fit"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

// TestFiveFeatures: a packet is its port, protocol, direction, length and the gap to
// the one before (the article's five), each of which changes one number alone; and
// a window is of 100 packets.
func TestFiveFeatures(t *testing.T) {
	trace := datasets.Trace{Flows: []datasets.Flow{
		{Proto: 6, Local: netip.MustParseAddrPort("10.0.0.1:50000"), Remote: netip.MustParseAddrPort("1.2.3.4:6000")},
		{Proto: 6, Local: netip.MustParseAddrPort("10.0.0.1:50001"), Remote: netip.MustParseAddrPort("1.2.3.4:6001")},
		{Proto: 17, Local: netip.MustParseAddrPort("10.0.0.1:50000"), Remote: netip.MustParseAddrPort("1.2.3.4:6000")},
	}}
	for i := range 60 {
		trace.Packets = append(trace.Packets, datasets.Packet{Time: time.Duration(i) * time.Second, Size: int32(100 + i%2*300), Flow: int32(i % 3)})
	}
	e := []attacks.Labeled{{Trace: trace, Group: "a"}, {Trace: trace, Group: "b"}}
	v := learnWindowVocab(portRemote, e, 50)
	of := func(gap time.Duration, p datasets.Packet) []uint16 {
		p.Time = gap
		tr := datasets.Trace{Flows: trace.Flows, Packets: []datasets.Packet{{Size: 100}, p}}
		return v.encode(nil, tr)[windowFeatures:]
	}
	plain := of(time.Second, datasets.Packet{Size: 100})
	for feature, x := range map[int][]uint16{
		windowPort:   of(time.Second, datasets.Packet{Size: 100, Flow: 1}),
		windowProto:  of(time.Second, datasets.Packet{Size: 100, Flow: 2}),
		windowDir:    of(time.Second, datasets.Packet{Size: 100, Dir: datasets.Down}),
		windowLength: of(time.Second, datasets.Packet{Size: 400}),
		windowGap:    of(time.Minute, datasets.Packet{Size: 100}),
	} {
		for f := range plain {
			if (x[f] != plain[f]) != (f == feature) {
				t.Errorf("a change of feature %d: %v, was %v", feature, x, plain)
			}
		}
	}
	if len(plain) != 5 || NewForest().Window != 100 || NewLSTM().Window != 100 || NewBLSTM().Window != 100 {
		t.Errorf("%d features, want 5, in windows of 100", len(plain))
	}
}

// Without ports all packets have one value for it, up and down, and the forest one
// column of ones; protocol and all else are as they are with ports.
func TestWithoutPorts(t *testing.T) {
	trace := datasets.Trace{Flows: []datasets.Flow{
		{Proto: 6, Local: netip.MustParseAddrPort("10.0.0.1:50000"), Remote: netip.MustParseAddrPort("1.2.3.4:443")},
		{Proto: 17, Local: netip.MustParseAddrPort("10.0.0.1:50001"), Remote: netip.MustParseAddrPort("1.2.3.5:53")},
	}}
	for i := range 40 {
		trace.Packets = append(trace.Packets, datasets.Packet{Time: time.Duration(i), Size: 100, Flow: int32(i % 2), Dir: datasets.Dir(i / 2 % 2)})
	}
	e := []attacks.Labeled{{Trace: trace, Group: "a"}, {Trace: trace, Group: "b"}}
	with, without := learnWindowVocab(portDst, e, 50), learnWindowVocab(portNone, e, 50)
	if !slices.Equal(without.Ports, []uint16{0}) || slices.Equal(with.Ports, without.Ports) {
		t.Errorf("ports %v without, %v with", without.Ports, with.Ports)
	}
	x, y := with.encode(nil, trace), without.encode(nil, trace)
	ports := map[uint16]bool{}
	for i := range x {
		if i%windowFeatures == windowPort {
			ports[y[i]] = true
		} else if x[i] != y[i] {
			t.Errorf("feature %d of packet %d: %d with ports, %d without", i%windowFeatures, i/windowFeatures, x[i], y[i])
		}
	}
	if len(ports) != 1 {
		t.Errorf("port values %v, want one", ports)
	}
}
