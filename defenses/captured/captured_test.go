package captured_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/captured"
	"veilbench/defenses/defensetest"
)

// later is t as a device leaves it that holds packets up back by 2 ms, seen by the
// same clock.
func later(t datasets.Trace) datasets.Trace {
	t.Packets = slices.Clone(t.Packets)
	for i := range t.Packets {
		if t.Packets[i].Dir == datasets.Up {
			t.Packets[i].Time += 2 * time.Millisecond
		}
	}
	slices.SortStableFunc(t.Packets, func(a, b datasets.Packet) int { return int(min(max(a.Time-b.Time, -1), 1)) })
	t.End += 2 * time.Millisecond
	return t
}

// A device is a defense like any other: what left instead is looked up.
func Example() {
	before := []datasets.Recording{{ID: "monday", Trace: defensetest.Busy(1)}}
	after := []datasets.Recording{{ID: "monday", Trace: later(before[0].Trace)}}
	box, err := captured.Paired("box", before, after, true)
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := box.Apply(nil, before[0].Trace)
	fmt.Println(defenses.ID(box), len(out.Trace.Packets) == len(before[0].Trace.Packets), err)
	_, err = box.Apply(nil, defensetest.Busy(2))
	fmt.Println(err)
	// Output:
	// box true <nil>
	// what a captured device would do to other traffic than it was captured with is not known
}

// Stretches of a recording, as canaries are planted in, and pieces, as a recording is
// cut into that stands alone, find what left in their time, in shape, and the same
// packets as the whole.
func TestStretches(t *testing.T) {
	rec := datasets.Recording{ID: "a", Trace: defensetest.Busy(3)}
	rec.Trace.Start = time.Unix(1_700_000_000, 0)
	after := []datasets.Recording{{ID: "a", Trace: later(rec.Trace)}}
	pieces := rec.Cut([]time.Duration{rec.Trace.End / 3, rec.Trace.End / 2})
	for i := range pieces {
		pieces[i].ID = fmt.Sprintf("a#%02d", i+1)
	}
	for name, before := range map[string][]datasets.Recording{"whole": {rec}, "pieces": pieces} {
		box, err := captured.Paired("box", before, after, true)
		if err != nil {
			t.Fatal(name, err)
		}
		n := 0
		for _, p := range pieces {
			out, err := box.Apply(nil, p.Trace)
			if err == nil {
				err = defenses.CheckObserved(p.Trace, out)
			}
			if err != nil {
				t.Fatal(name, p.ID, err)
			}
			for i := range out.Trace.Packets {
				if orig, _ := out.Carried.Entries(i); len(orig) > 0 {
					n++
				}
			}
		}

		// A packet that is on its way at a cut carries nothing on either side of it.
		if n < len(rec.Trace.Packets)-2 {
			t.Errorf("%s: %d of %d packets carry something", name, n, len(rec.Trace.Packets))
		}
		if !captured.Together(before, after) {
			t.Errorf("%s: before and after are not taken as one", name)
		}
	}
	elsewhere := []datasets.Recording{{ID: "a", Trace: rec.Trace}}
	elsewhere[0].Trace.Start = rec.Trace.Start.Add(time.Hour)
	if captured.Together([]datasets.Recording{rec}, elsewhere) {
		t.Error("recordings of other times are taken as one")
	}
	if _, err := captured.Paired("box", []datasets.Recording{rec, {ID: "b"}}, after, true); err == nil || !strings.Contains(err.Error(), "recording b has no counterpart") {
		t.Error(err)
	}
}

// No program can pass for a device: an account that says it was observed is refused
// where accounts are proved.
func TestObservedIsNoExcuse(t *testing.T) {
	in := defensetest.Busy(1)
	out := defenses.Defended{Trace: in, Carried: &defenses.Carried{First: make([]int32, len(in.Packets)+1), Observed: &defenses.Observed{}}}
	if err := defenses.CheckObserved(in, out); err != nil {
		t.Error("a device that loses everything is one:", err)
	}
	if err := defenses.Check(in, out); err == nil || !strings.Contains(err.Error(), "observed") {
		t.Error("a program may lose everything:", err)
	}
}

// Equal captures have equal digests, others have others: results are kept by them.
func TestDigest(t *testing.T) {
	rec := datasets.Recording{ID: "a", Trace: defensetest.Busy(3)}
	digest := func(tr datasets.Trace) string {
		d, err := captured.Paired("box", []datasets.Recording{rec}, []datasets.Recording{{ID: "a", Trace: tr}}, true)
		if err != nil {
			t.Fatal(err)
		}
		return d.Digest()
	}
	if a, b := digest(rec.Trace), digest(rec.Trace); a != b {
		t.Error("one capture has two digests")
	}
	if digest(rec.Trace) == digest(later(rec.Trace)) {
		t.Error("two captures have one digest")
	}
}

// Sessions were recorded behind the device: they leave as they are.
func TestSessions(t *testing.T) {
	in := defensetest.Busy(1)
	out, err := captured.Sessions("box").Apply(rand.New(rand.NewPCG(1, 1)), in)
	if err != nil || len(out.Trace.Packets) != len(in.Packets) || out.Carried != nil {
		t.Error(err)
	}
}
