package canary

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/datasets"
	"veilbench/datasets/home"
)

// homes are generated recordings as an attacker at the home's border sees them.
func homes(t *testing.T, spec string) []attacks.Labeled {
	t.Helper()
	ds, err := home.Generate(t.Context(), spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	var out []attacks.Labeled
	for _, r := range ds.Recordings {
		out = append(out, attacks.Labeled{Trace: r.Trace, Labels: r.Labels, Group: r.Group})
	}
	return out
}

// check holds a planted trace to the contract of traces and labels, and to the
// promise that nothing of the traffic before is lost or changed.
func check(t *testing.T, before, after attacks.Labeled) {
	t.Helper()
	if err := after.Trace.Check(); err != nil {
		t.Fatal(err)
	}
	n := len(after.Trace.Packets)
	if after.Labels.Owners != nil && len(after.Labels.Owners) != n || after.Labels.Cause != nil && len(after.Labels.Cause) != n {
		t.Fatalf("%d packets, %d owners, %d causes", n, len(after.Labels.Owners), len(after.Labels.Cause))
	}
	if (before.Labels.Owners == nil) != (after.Labels.Owners == nil) {
		t.Error("owners became known or unknown")
	}

	// What was there is a subsequence, with the same owners and the same events.
	i := 0
	for k, p := range after.Trace.Packets {
		if i == len(before.Trace.Packets) || p != before.Trace.Packets[i] {
			continue
		}
		if before.Labels.Owners != nil && before.Labels.Owners[i] != after.Labels.Owners[k] {
			continue
		}
		if before.Labels.Cause != nil {
			was, is := before.Labels.Cause[i], after.Labels.Cause[k]
			if (was < 0) != (is < 0) || was >= 0 && before.Labels.Events[was] != after.Labels.Events[is] {
				continue
			}
		}
		i++
	}
	if i != len(before.Trace.Packets) {
		t.Errorf("only %d of %d packets are still there, in order and with their truth", i, len(before.Trace.Packets))
	}
	if !slices.IsSortedFunc(after.Labels.Events, func(a, b datasets.Event) int { return int(a.Start - b.Start) }) {
		t.Error("events are out of order")
	}
}

// newSizes are frames of after that before did not let out.
func newSizes(before, after attacks.Labeled) int {
	let := map[[3]int32]bool{}
	for _, p := range before.Trace.Packets {
		let[[3]int32{p.Size, p.Payload, int32(p.Dir)}] = true
	}
	n := 0
	for _, p := range after.Trace.Packets {
		if !let[[3]int32{p.Size, p.Payload, int32(p.Dir)}] {
			n++
		}
	}
	return n
}

// TestEvents: every canary is an event with the packets of its shape, in frames
// that the traffic has, and apart from the others.
func TestEvents(t *testing.T) {
	ls := homes(t, "event_signatures:homes=2,hours=0.5")
	device := ls[0].Labels.Devices[ls[0].Labels.Events[0].Device]
	f := FramesOf(ls, device, Unpaired)
	for _, name := range []string{Behind, Through} {
		l := ls[0]
		rng := rand.New(rand.NewPCG(1, 1))
		times := Times(rng, l, Carrier(l, device), 10)
		if len(times) != 10 {
			t.Fatalf("%d moments in half an hour", len(times))
		}
		for i := 1; i < len(times); i++ {
			if times[i]-times[i-1] < spacing {
				t.Errorf("canaries at %v and %v", times[i-1], times[i])
			}
		}
		got := Event(l, device, name, f, times)
		check(t, l, got)
		events := 0
		for i, e := range got.Labels.Events {
			if e.Activity != name {
				continue
			}
			events++
			packets := 0
			for k, c := range got.Labels.Cause {
				if int(c) == i {
					packets++
					if p := got.Trace.Packets[k]; p.Time < e.Start || p.Time > e.End {
						t.Errorf("a packet at %v of an event from %v to %v", p.Time, e.Start, e.End)
					}
				}
			}
			if packets != shapeOf(name).event {
				t.Errorf("%s: %d packets, want %d", name, packets, shapeOf(name).event)
			}
		}
		if events != 10 {
			t.Errorf("%d events", events)
		}
	}
	if got := Event(ls[0], device, Behind, FramesOf(ls[:1], device, Unpaired), []time.Duration{time.Minute}); newSizes(ls[0], got) > 0 {
		t.Error("a canary is made of frames that the traffic does not have")
	}
}

// TestOwnersStayUnknown: on recordings without owners a canary has none either.
func TestOwnersStayUnknown(t *testing.T) {
	l := homes(t, "event_signatures:homes=1,hours=0.2")[0]
	device := l.Labels.Devices[l.Labels.Events[0].Device]
	l.Labels.Owners, l.Labels.Cause = nil, nil
	got := Event(l, device, Behind, FramesOf([]attacks.Labeled{l}, device, Unpaired), []time.Duration{time.Minute, 2 * time.Minute})
	check(t, l, got)
	if len(got.Trace.Packets) != len(l.Trace.Packets)+2*shapeOf(Behind).event {
		t.Errorf("%d packets more", len(got.Trace.Packets)-len(l.Trace.Packets))
	}
}

// TestDevices: the canary's packets are its own, one for four others, and go by a flow
// of their own unless all share one.
func TestDevices(t *testing.T) {
	l := homes(t, "event_signatures:homes=1,hours=0.2")[0]
	got := Device(rand.New(rand.NewPCG(1, 1)), l, Behind, FramesOf([]attacks.Labeled{l}, "", Commonest))
	check(t, l, got)
	if len(got.Trace.Flows) != len(l.Trace.Flows)+1 {
		t.Errorf("%d flows, before %d", len(got.Trace.Flows), len(l.Trace.Flows))
	}
	added := len(got.Trace.Packets) - len(l.Trace.Packets)
	if want := max(len(l.Trace.Packets)/deviceShare/devicePack, 4) * devicePack; added != want {
		t.Errorf("%d packets more, want %d", added, want)
	}

	tunnel := l
	tunnel.Trace.Packets = slices.Clone(l.Trace.Packets)
	for i := range tunnel.Trace.Packets {
		tunnel.Trace.Packets[i].Flow = 0
	}
	got = Device(rand.New(rand.NewPCG(1, 1)), tunnel, Behind, FramesOf([]attacks.Labeled{tunnel}, "", Commonest))
	check(t, tunnel, got)
	if len(got.Trace.Flows) != len(tunnel.Trace.Flows) {
		t.Error("a canary has a flow of its own in a tunnel")
	}
}

// TestCommands: messages of one and of two actions, told apart by their segments.
func TestCommands(t *testing.T) {
	l := homes(t, "gateway:homes=1,hours=0.3")[0]
	got := Command(l, Behind, FramesOf([]attacks.Labeled{l}, "", Largest), []time.Duration{time.Minute, 2 * time.Minute})
	check(t, l, got)
	if len(got.Labels.Commands) != len(l.Labels.Commands)+2 || len(got.Trace.Packets)-len(l.Trace.Packets) != 2*commandBase+3*shapeOf(Behind).segments {
		t.Errorf("%d commands and %d packets more", len(got.Labels.Commands)-len(l.Labels.Commands), len(got.Trace.Packets)-len(l.Trace.Packets))
	}
}

// TestClips: as long as the clip, and nothing of it left.
func TestClips(t *testing.T) {
	l := homes(t, "event_clips:homes=1,hours=0.3")[0]
	got := Clip(l, Behind, FramesOf([]attacks.Labeled{l}, "", Commonest))
	if err := got.Trace.Check(); err != nil || got.Trace.End != l.Trace.End || len(got.Trace.Packets) != shapeOf(Behind).clip || got.Class != "canary/canary" {
		t.Errorf("%v, class %s, %d packets to %v of %v", err, got.Class, len(got.Trace.Packets), got.Trace.End, l.Trace.End)
	}
}

// TestBusiest: the stretch with most events, no longer than asked for.
func TestBusiest(t *testing.T) {
	at := func(minutes ...int) (out []datasets.Event) {
		for _, m := range minutes {
			out = append(out, datasets.Event{Start: time.Duration(m) * time.Minute, End: time.Duration(m) * time.Minute, Activity: "on"})
		}
		return out
	}
	rec := datasets.Recording{ID: "day", Trace: datasets.Trace{End: 24 * time.Hour, Flows: []datasets.Flow{{}}}, Labels: datasets.Labels{Devices: []string{"plug"}, Events: at(5, 300, 304, 306, 700, 900)}}
	got := Busiest(rec, 10*time.Minute, 1000)
	if got.Trace.End != 10*time.Minute || len(got.Labels.Events) != 3 {
		t.Errorf("%v with %d events", got.Trace.End, len(got.Labels.Events))
	}
	short := rec
	short.Trace.End = 6 * time.Minute
	short.Labels.Events = at(5)
	if got := Busiest(short, 10*time.Minute, 1000); got.Trace.End != 6*time.Minute {
		t.Errorf("a short recording is cut to %v", got.Trace.End)
	}
}

// TestNothingToPlantIn: an empty trace gets no canary, and is no error.
func TestNothingToPlantIn(t *testing.T) {
	l := attacks.Labeled{Trace: datasets.Trace{End: time.Minute}, Labels: datasets.Labels{Devices: []string{"plug"}}}
	f := FramesOf([]attacks.Labeled{l}, "plug", Unpaired)
	for _, got := range []attacks.Labeled{
		Event(l, "plug", Behind, f, []time.Duration{time.Second}), Device(rand.New(rand.NewPCG(1, 1)), l, Behind, f),
		Command(l, Behind, f, []time.Duration{time.Second}), Clip(l, Behind, f),
	} {
		if len(got.Trace.Packets) != 0 {
			t.Errorf("%d packets", len(got.Trace.Packets))
		}
	}
	if Carrier(l, "plug") != -1 || Times(rand.New(rand.NewPCG(1, 1)), attacks.Labeled{}, -1, 5) != nil {
		t.Error("a place in nothing")
	}
}
