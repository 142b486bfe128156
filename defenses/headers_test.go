package defenses_test

import (
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
)

// shrunk is packet i's headers cut to n bytes.
func shrunk(t *datasets.Trace, i int, n int32) {
	t.Packets[i].Size = t.Packets[i].Payload + n
}

// moved puts every packet on a flow like its own that is said to stay in the home.
func moved(t *datasets.Trace, _ *defenses.Carried) {
	n := int32(len(t.Flows))
	for _, f := range t.Flows {
		f.LAN = true
		t.Flows = append(t.Flows, f)
	}
	for i := range t.Packets {
		t.Packets[i].Flow += n
	}
}

// dummyAfter appends a dummy like the last packet, changed.
func dummyAfter(t *datasets.Trace, c *defenses.Carried, change func(p *datasets.Packet)) {
	p := t.Packets[len(t.Packets)-1]
	change(&p)
	t.Packets = append(t.Packets, p)
	c.First = append(c.First, int32(len(c.Orig)))
}

// What no wire carries, what would be free, and what would tell dummies apart is
// refused, with an account and, where it needs none, without.
func TestCheckRefusesWhatNoWireCarries(t *testing.T) {
	tests := []struct {
		name, want string
		account    bool // it needs one
		change     func(t *datasets.Trace, c *defenses.Carried)
	}{
		{"moves all to flows in the home", "said to stay in the home, carries original 0 of flow 0", false, moved},
		{"sends dummies in the home", "carries no original that does", true, func(t *datasets.Trace, c *defenses.Carried) {
			t.Flows = append(t.Flows, t.Flows[1])
			t.Flows[2].LAN = true
			dummyAfter(t, c, func(p *datasets.Packet) { p.Flow = 2 })
		}},
		{"moves the end far out", "more than 1s after the last packet", false, func(t *datasets.Trace, _ *defenses.Carried) { t.End += time.Hour }},
		{"drops the headers", "packet 2 has 14 bytes of headers", false, func(t *datasets.Trace, _ *defenses.Carried) { shrunk(t, 2, 14) }},
		{"has UDP's headers on TCP", "packet 2 has 42 bytes of headers", false, func(t *datasets.Trace, _ *defenses.Carried) { shrunk(t, 2, 42) }},
		{"has headers of odd length", "packet 1 has 57 bytes of headers", false, func(t *datasets.Trace, _ *defenses.Carried) { shrunk(t, 1, 57) }},
		{"pads headers", "packet 1 has 400 bytes of headers", false, func(t *datasets.Trace, _ *defenses.Carried) { shrunk(t, 1, 400) }},
		{"marks dummies by their headers", "packet 4 is a dummy with 66 bytes of headers", true, func(t *datasets.Trace, c *defenses.Carried) {
			dummyAfter(t, c, func(p *datasets.Packet) { p.Size += 12 })
		}},
		{"has impossible dummies on a new flow", "packet 4 has 14 bytes of headers", true, func(t *datasets.Trace, c *defenses.Carried) {
			t.Flows = append(t.Flows, t.Flows[1])
			dummyAfter(t, c, func(p *datasets.Packet) { p.Flow, p.Size = 2, p.Payload+14 })
		}},
	}
	in := quartet()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := evil(in, tt.change)
			if err := defenses.Check(in, out); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("with an account: %v, want %q", err, tt.want)
			}
			if tt.account {
				return
			}
			out.Carried = nil
			if err := defenses.Check(in, out); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("without: %v, want %q", err, tt.want)
			}
		})
	}
}

// What is allowed stays so: headers as recorded, however odd; LAN
// traffic on new LAN flows; a dummy like its flow's packets.
func TestCheckAllowsWhatWiresCarry(t *testing.T) {
	odd := quartet()
	odd.Packets[1].Size = odd.Packets[1].Payload + 37
	lan := quartet()
	for i := range lan.Flows {
		lan.Flows[i].LAN = true
	}
	for name, out := range map[string]struct {
		in  datasets.Trace
		out defenses.Defended
	}{
		"as recorded":         {odd, evil(odd, func(*datasets.Trace, *defenses.Carried) {})},
		"LAN traffic on LAN":  {lan, evil(lan, moved)},
		"a longer header":     {quartet(), evil(quartet(), func(t *datasets.Trace, _ *defenses.Carried) { shrunk(t, 1, 66) })},
		"a dummy like others": {quartet(), evil(quartet(), func(t *datasets.Trace, c *defenses.Carried) { dummyAfter(t, c, func(*datasets.Packet) {}) })},
		"a second more":       {quartet(), evil(quartet(), func(t *datasets.Trace, _ *defenses.Carried) { t.End += time.Second })},
	} {
		if err := defenses.Check(out.in, out.out); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
