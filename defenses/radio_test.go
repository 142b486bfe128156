package defenses_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/builtin"
)

// radioTrace is a lamp and a sensor that speak with their hub for ten minutes,
// with short frames, and one with long addresses.
func radioTrace() datasets.Trace {
	t := datasets.Trace{Flows: []datasets.Flow{
		{MAC: datasets.MAC{2: 0x44, 3: 0x46, 4: 1}, Peer: datasets.MAC{2: 0x44, 3: 0x46}, LAN: true},
		{MAC: datasets.MAC{2: 0x44, 3: 0x46, 4: 2}, Peer: datasets.MAC{2: 0x44, 3: 0x46}, LAN: true},
	}}
	for i := range 200 {
		p := datasets.Packet{Time: time.Duration(i) * 3 * time.Second, Size: 45 + int32(i%9) + 20*int32(i%2), Flow: int32(i % 2), Dir: datasets.Dir(i / 2 % 2)}
		p.Payload = p.Size - 14
		if i%10 == 9 {
			p.Payload = p.Size - 21
		}
		if i%50 == 7 {
			p.Size, p.Payload = 12, 0
		}
		t.Packets = append(t.Packets, p)
	}
	t.End = 10 * time.Minute
	return t
}

// On the radio of 802.15.4 a defense changes the traffic within a frame of 127
// bytes, or says in a sentence why it cannot.
func TestRadioDefensesFitTheFrameOrRefuse(t *testing.T) {
	in := radioTrace()
	owners := make([]int32, len(in.Packets))
	for i, p := range in.Packets {
		owners[i] = p.Flow
	}
	training := []datasets.Recording{{ID: "r", Group: "r", Trace: in, Labels: datasets.Labels{
		Devices: []string{"lamp", "sensor"}, Owners: owners, Events: []datasets.Event{{Start: time.Minute, End: time.Minute, Activity: "on"}},
	}}}
	refused := map[string]string{
		"uniform-burst": "its tunnel ends beyond the hub", "constant-rate": "its tunnel ends beyond the hub", "regulator": "its tunnel ends beyond the hub",
		"vpn": "its tunnel ends beyond the hub", "cover-stp": "its tunnel ends beyond the hub", "cover-noise": "its tunnel ends beyond the hub",
		"dp-shape": "its tunnel ends beyond the hub", "hide-names": "there are no host names",
		"anonymity-sets": "its tunnel ends beyond the hub", "activity-stp": "its tunnel ends beyond the hub",
		"maybenot": "its tunnel ends beyond the hub", "windscribe": "its tunnel ends beyond the hub", "nym": "its tunnel ends beyond the hub",
	}
	for _, d := range builtin.All() {
		name := d.Info().Name
		err := defenses.RefusesRadio(d)
		if why := refused[name]; why != "" {
			if err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("%s: %v, want %q", name, err, why)
			}
			if _, err := (defenses.Chain{d}).Apply(rand.New(rand.NewPCG(1, 1)), in); err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("%s in a chain: %v, want %q", name, err, why)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if f, ok := d.(defenses.Fitter); ok {
			if d, err = f.Fit(t.Context(), rand.New(rand.NewPCG(1, 1)), training); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
		}
		out, err := (defenses.Chain{d}).Apply(rand.New(rand.NewPCG(1, 1)), in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}

		changed := len(out.Trace.Packets) != len(in.Packets)
		for i, p := range out.Trace.Packets {
			if p.Size > 127 {
				t.Errorf("%s: a frame of %d bytes", name, p.Size)
			}
			changed = changed || p != in.Packets[i]
		}
		if changed == (name == "none") {
			t.Errorf("%s: changed is %v", name, changed)
		}
	}
}

// A frame that no radio could send is found.
func TestCheckKnowsTheRadiosFrame(t *testing.T) {
	in := radioTrace()
	grown := func(size int32) defenses.Defended {
		out := defenses.Defended{Trace: in}
		out.Trace.Packets = append([]datasets.Packet{}, in.Packets...)
		p := &out.Trace.Packets[0]
		p.Payload += size - p.Size
		p.Size = size
		return out
	}
	if err := defenses.Check(in, grown(127)); err != nil {
		t.Error(err)
	}
	if err := defenses.Check(in, grown(128)); err == nil || !strings.Contains(err.Error(), "above the frame limit 127") {
		t.Error(err)
	}
}
