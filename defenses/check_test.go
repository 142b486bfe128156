package defenses_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/defensetest"
)

// evil changes what a good copy of the input would be.
func evil(in datasets.Trace, change func(t *datasets.Trace, b *defenses.Carried)) defenses.Defended {
	out := defenses.Defended{Trace: in}
	out.Trace.Packets = slices.Clone(in.Packets)
	out.Trace.Flows = slices.Clone(in.Flows)
	b := defenses.NewBuilder(len(in.Packets))
	for i, p := range in.Packets {
		b.Carry(int32(i), p.Payload)
		b.Next()
	}
	out.Carried = b.Carried()
	change(&out.Trace, out.Carried)
	return out
}

// quartet is four packets of two devices, 100 ms apart.
func quartet() datasets.Trace {
	t := datasets.Trace{End: time.Second, Flows: []datasets.Flow{
		defensetest.Flow(1, 6, "a.example"), defensetest.Flow(2, 6, "b.example"),
	}}
	for i := range 4 {
		t.Packets = append(t.Packets, datasets.Packet{
			Time: time.Duration(i) * 100 * time.Millisecond,
			Size: 154, Payload: 100, Flow: int32(i / 3),
		})
	}
	return t
}

func TestCheckRejects(t *testing.T) {
	tests := []struct {
		name, want string
		change     func(t *datasets.Trace, c *defenses.Carried)
	}{
		{"loses a byte", "original 2 lost 1 of 100 bytes", func(_ *datasets.Trace, c *defenses.Carried) { c.Bytes[2]-- }},
		{"loses a packet", "original 3 lost 100 of 100", func(t *datasets.Trace, c *defenses.Carried) {
			t.Packets = t.Packets[:3]
			c.First, c.Orig, c.Bytes = c.First[:4], c.Orig[:3], c.Bytes[:3]
		}},
		{"invents a byte", "carries 101 bytes of original 1, which has 100 left", func(t *datasets.Trace, c *defenses.Carried) {
			t.Packets[1].Size++
			t.Packets[1].Payload++
			c.Bytes[1]++
		}},
		{"sends early", "before its original 1 exists", func(t *datasets.Trace, _ *defenses.Carried) { t.Packets[1].Time-- }},
		{"exceeds the MTU", "1515 bytes, above the frame limit", func(t *datasets.Trace, _ *defenses.Carried) { t.Packets[2].Size = 1515 }},
		{"reorders", "carries original 0 after 1", func(t *datasets.Trace, c *defenses.Carried) {
			t.Packets[0].Time = t.Packets[1].Time
			c.Orig[0], c.Orig[1] = 1, 0
		}},
		{"turns a packet round", "turns original 2 round", func(t *datasets.Trace, _ *defenses.Carried) { t.Packets[2].Dir = datasets.Down }},
		{"moves it to another device's flow", "on flow 1 carries original 2 of flow 0", func(t *datasets.Trace, _ *defenses.Carried) { t.Packets[2].Flow = 1 }},
		{"carries more than fits", "carries 100 bytes in a payload of 99", func(t *datasets.Trace, _ *defenses.Carried) { t.Packets[0].Payload-- }},
		{"runs backwards", "runs backwards", func(t *datasets.Trace, _ *defenses.Carried) { t.Packets[1].Time = -1 }},
		{"cuts the end", "end moved", func(t *datasets.Trace, _ *defenses.Carried) { t.End-- }},
		{"moves the start", "start moved", func(t *datasets.Trace, _ *defenses.Carried) { t.Start = time.Unix(1, 0) }},
		{"renames a flow", "flow 1 changed", func(t *datasets.Trace, _ *defenses.Carried) { t.Flows[1].Host = "c.example" }},
		{"makes up a look-up", "flow 1 changed", func(t *datasets.Trace, _ *defenses.Carried) { t.Flows[1].Query = "c.example" }},
		{"drops a flow", "fewer than the input's 2", func(t *datasets.Trace, _ *defenses.Carried) {
			t.Flows = t.Flows[:1]
			t.Packets[3].Flow = 0
		}},
		{"carries what is not there", "original 9 of 4", func(_ *datasets.Trace, c *defenses.Carried) { c.Orig[3] = 9 }},
		{"lies about its length", "does not fit 4 packets", func(_ *datasets.Trace, c *defenses.Carried) { c.First = c.First[:4] }},
	}
	in := quartet()
	if err := defenses.Check(in, evil(in, func(*datasets.Trace, *defenses.Carried) {})); err != nil {
		t.Fatal("refused a faithful copy:", err)
	}
	for _, tt := range tests {
		err := defenses.Check(in, evil(in, tt.change))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// The same with a nil account, where packet i carries packet i.
func TestCheckRejectsIdentity(t *testing.T) {
	tests := []struct {
		name, want string
		change     func(t *datasets.Trace)
	}{
		{"loses a byte", "lost 1 of 100", func(t *datasets.Trace) { t.Packets[1].Payload-- }},
		{"loses a packet", "4 packets became 3", func(t *datasets.Trace) { t.Packets = t.Packets[:3] }},
		{"sends early", "before it exists", func(t *datasets.Trace) { t.Packets[1].Time-- }},
		{"exceeds the MTU", "above the frame limit", func(t *datasets.Trace) { t.Packets[2].Size = 1515 }},
		{"turns a packet round", "turned round", func(t *datasets.Trace) { t.Packets[2].Dir = datasets.Down }},
		{"moves it to another device's flow", "moved from flow 0 to flow 1", func(t *datasets.Trace) { t.Packets[2].Flow = 1 }},
	}
	in := quartet()
	for _, tt := range tests {
		out := evil(in, func(tr *datasets.Trace, _ *defenses.Carried) { tt.change(tr) })
		out.Carried = nil
		err := defenses.Check(in, out)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// A second device's packet on a piece of a tunnel, interleaved pieces of one
// flow, and a backlog that never ends.
func TestCheckOrderAndBacklog(t *testing.T) {
	in := quartet()
	halves := func(order []int32) defenses.Defended {
		b := defenses.NewBuilder(8)
		out := defenses.Defended{Trace: in}
		out.Trace.Packets = nil
		for _, o := range order {
			out.Trace.Packets = append(out.Trace.Packets, datasets.Packet{Time: in.End, Size: 104, Payload: 50, Flow: in.Packets[o].Flow})
			b.Carry(o, 50)
			b.Next()
		}
		out.Carried = b.Carried()
		return out
	}
	if err := defenses.Check(in, halves([]int32{0, 3, 0, 1, 3, 1, 2, 2})); err != nil {
		t.Error("refused pieces in order:", err)
	}
	err := defenses.Check(in, halves([]int32{0, 1, 0, 1, 2, 2, 3, 3}))
	if err == nil || !strings.Contains(err.Error(), "before the rest of 0") {
		t.Errorf("interleaved pieces of one flow: %v", err)
	}
	late := evil(in, func(t *datasets.Trace, _ *defenses.Carried) {
		t.End += defenses.MaxBacklog + 1
		t.Packets[3].Time = t.End
	})
	if err := defenses.Check(in, late); !errors.Is(err, defenses.ErrSaturated) {
		t.Errorf("late by more than the backlog: %v, want saturated", err)
	}
}

// editor scribbles on its input.
type editor struct{ defenses.None }

func (editor) Apply(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	if len(in.Packets) > 0 {
		in.Packets[0].Size++
	}
	return defenses.Defended{Trace: in}, nil
}

func TestHoldsFindsEditedInput(t *testing.T) {
	_, err := defensetest.Holds(editor{}, 1, quartet())
	if err == nil || !strings.Contains(err.Error(), "modified its input") {
		t.Errorf("got %v", err)
	}
}

// seer pads by the number of packets still to come; watcher by when observing
// ends.
type seer struct{ defenses.None }

func (seer) Apply(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	out := defenses.Defended{Trace: in}
	out.Trace.Packets = slices.Clone(in.Packets)
	for i := range out.Trace.Packets {
		out.Trace.Packets[i].Size += int32(len(in.Packets) - i)
	}
	return out, nil
}

type watcher struct{ defenses.None }

func (watcher) Apply(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	out := defenses.Defended{Trace: in}
	out.Trace.Packets = slices.Clone(in.Packets)
	for i := range out.Trace.Packets {
		out.Trace.Packets[i].Size += int32(in.End / time.Second)
	}
	return out, nil
}

func TestLooksAhead(t *testing.T) {
	in := quartet()
	in.End = 5 * time.Second
	for _, tt := range []struct {
		d    defenses.Defense
		want string
	}{
		{defenses.None{}, ""},
		{seer{}, "what comes after"},
		{watcher{}, "depends on"},
	} {
		where, err := defenses.LooksAhead(tt.d, 1, in)
		if err != nil || (tt.want == "") != (where == "") || !strings.Contains(where, tt.want) {
			t.Errorf("%T: %q, %v, want %q", tt.d, where, err, tt.want)
		}
	}
}

// With all packets inside the first tenth, only cutting End shows the watcher.
func TestLooksAheadByEndAlone(t *testing.T) {
	in := quartet()
	in.End = 3 * time.Second
	in.Packets[0].Time = 0
	in.Packets = in.Packets[:1]
	where, err := defenses.LooksAhead(watcher{}, 1, in)
	if err != nil || !strings.Contains(where, "when observing ends") {
		t.Errorf("%q, %v", where, err)
	}
}
