package builtin_test

import (
	"bytes"
	"context"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/capture/write"
	"veilbench/datasets/datatest"
	"veilbench/datasets/home"
	"veilbench/defenses"
	"veilbench/defenses/builtin"
	"veilbench/defenses/defensetest"
)

// mixed is a device that speaks TCP with options and UDP in turn, so that the
// last packet with payload is never on the flow used last.
func mixed() datasets.Trace {
	t := datasets.Trace{End: 20 * time.Second, Flows: []datasets.Flow{defensetest.Flow(1, 17, "time.example"), defensetest.Flow(1, 6, "cloud.example")}}
	for i := range 10 {
		at := time.Duration(i) * 2 * time.Second
		t.Packets = append(t.Packets,
			datasets.Packet{Time: at, Size: 90, Payload: 48, Dir: datasets.Dir(i % 2)},
			datasets.Packet{Time: at + time.Millisecond, Size: 66, Flow: 1, Dir: datasets.Dir(i % 2)})
	}
	return t
}

func addr6(a string, port int) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(a), 4000+uint16(port))
}

// every calls do with each defense, fitted.
func every(t *testing.T, do func(t *testing.T, name string, d defenses.Defense)) {
	for _, d := range builtin.All() {
		do(t, d.Info().Name, defensetest.Fitted(t, d))
	}
}

// holds applies d to in: a refusal is allowed, a result that Check refuses or
// that no capture can hold is not.
func holds(t *testing.T, name, what string, d defenses.Defense, in datasets.Trace, written bool) {
	t.Helper()
	out, err := d.Apply(rand.New(rand.NewPCG(1, 2)), in)
	if err != nil {
		return
	}
	if err := defenses.Check(in, out); err != nil {
		t.Errorf("%s on %s: %v", name, what, err)
		return
	}
	if !written {
		return
	}
	var b bytes.Buffer
	if err := write.Capture(&b, out.Trace); err != nil {
		t.Errorf("%s on %s: %v", name, what, err)
	}
}

// Dummies on a flow have headers of that flow, whatever their size is taken from:
// Check accepts them, and a capture can hold them.
func TestDummiesHaveHeadersOfTheirFlow(t *testing.T) {
	every(t, func(t *testing.T, name string, d defenses.Defense) { holds(t, name, "TCP and UDP", d, mixed(), true) })
}

// A device whose first flow is of IPv6 gets a tunnel that can be written.
func TestTunnelsOfIPv6Devices(t *testing.T) {
	in := mixed()
	for i := range in.Flows {
		in.Flows[i].Local, in.Flows[i].Remote = addr6("fd00::2", i), addr6("2001:db8::1", i)
	}
	for i := range in.Packets {
		in.Packets[i].Size += 20
	}
	every(t, func(t *testing.T, name string, d defenses.Defense) { holds(t, name, "IPv6", d, in, true) })
}

// Every defense keeps the rules on generated homes.
func TestHomesKeepTheRules(t *testing.T) {
	ds, err := home.Generate(context.Background(), "home:event_signatures:hours=0.1", 1)
	if err != nil {
		t.Fatal(err)
	}
	every(t, func(t *testing.T, name string, d defenses.Defense) {
		for i := range min(2, len(ds.Recordings)) {
			holds(t, name, ds.Recordings[i].ID, d, ds.Recordings[i].Trace, i == 0)
		}
	})
}

// Every defense keeps the rules on recorded captures: a few of each folder, and
// the first minutes of long ones.
func TestRecordingsKeepTheRules(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	var files []string
	for _, folder := range []string{"iot_sentinel", "whole_home"} {
		n := 0
		err := filepath.WalkDir(datatest.Recorded(t, folder), func(p string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() && strings.Contains(filepath.Base(p), "cap") {
				if n++; n%12 == 1 {
					files = append(files, p)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(files)
	for _, f := range files {
		in, _, err := capture.Open(context.Background(), f, capture.Options{})
		if err != nil {
			t.Logf("%s: %v", filepath.Base(f), err)
			continue
		}
		in.End = min(in.End, 5*time.Minute)
		in.Packets = in.Packets[:min(len(in.Packets), 2000)]
		in.Packets = slices.DeleteFunc(in.Packets, func(p datasets.Packet) bool { return p.Time > in.End })
		every(t, func(t *testing.T, name string, d defenses.Defense) {
			holds(t, name, filepath.Base(f), d, in, name == "front" || name == "adaptive-padding")
		})
	}
}
