package tunnel_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/datatest"
	"veilbench/defenses"
	"veilbench/defenses/builtin"
	"veilbench/defenses/defensetest"
	"veilbench/defenses/maybenot"
)

// The contract with machines of every kind, and of the other covers.
func TestCoveredContract(t *testing.T) {
	defensetest.RunAll(t, builtin.All(),
		"daita",
		"daita:per=device,mtu_bytes=1000,delay_ms=0",
		"maybenot:machines="+file(t, pairsFile(30))+",quiet_s=1",
		"maybenot-tamaraw:per=home",
		"maybenot:machines=own-daita,max_padding=0.2,max_blocking=0.1,control=false",
		"windscribe:level=low,rate_mbit_s=1,control=false",
		"nym:message_ms=50,loop_ms=0,mix_ms=0",
	)
}

// file writes text to a file and returns its name.
func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "machines.def")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// pairsFile is a .def file of n pairs that block, pad and do both.
func pairsFile(n int) string {
	rng := rand.New(rand.NewPCG(1, 1))
	strs := func(ms ...*maybenot.Machine) string {
		var out []string
		for _, m := range ms {
			out = append(out, `"`+m.String()+`"`)
		}
		return "[" + strings.Join(out, ",") + "]"
	}
	var b strings.Builder
	b.WriteString("pairs of a test\n")
	for range n {
		ms := time.Duration(1+rng.IntN(20)) * time.Millisecond
		client := [][]*maybenot.Machine{maybenot.ConstantRate(ms, time.Second), {maybenot.Answer(2, 0, ms)}, {maybenot.Front(9, time.Second, 3)}}
		b.WriteString(`{"client":` + strs(client[rng.IntN(3)]...) + `,"server":` + strs(client[rng.IntN(3)]...) + "}\n")
	}
	return b.String()
}

func apply(t *testing.T, id string, in datasets.Trace) defenses.Defended {
	t.Helper()
	d, err := defenses.Parse(builtin.All(), id)
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.Apply(rand.New(rand.NewPCG(1, 2)), in)
	if err != nil {
		t.Fatal(err)
	}
	if err := defenses.Check(in, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// What DAITA sends has one size, but for what WireGuard sends of itself.
func TestDaitaHasOneSize(t *testing.T) {
	out := apply(t, "daita", defensetest.Busy(1))
	sizes := map[int32]int{}
	for _, p := range out.Trace.Packets {
		if !out.Trace.Flows[p.Flow].LAN {
			sizes[p.Size]++
		}
	}
	for size := range sizes {
		if size != 1494 && size != 14+28+32 && size != 14+28+148 && size != 14+28+92 {
			t.Errorf("%d packets of %d bytes", sizes[size], size)
		}
	}
	if sizes[1494] == 0 {
		t.Error("no packet of the tunnel's MTU")
	}
}

// Machines that do nothing leave what the tunnel alone leaves.
func TestNoMachinesAreATunnel(t *testing.T) {
	noop := (&maybenot.Machine{States: make([]maybenot.State, 1)}).String()
	in := defensetest.Busy(3)
	a := apply(t, "vpn:delay=constant,delay_s=0,control=false", in)
	b := apply(t, "maybenot:per=home,control=false,machines="+file(t, "client "+noop+"\nserver "+noop+"\n"), in)
	if !slices.Equal(a.Trace.Packets, b.Trace.Packets) {
		t.Error("other packets leave")
	}
}

// One packet leaves at a time, and none waits longer than those before it make it.
func TestMachinesHoldBack(t *testing.T) {
	in := datasets.Trace{End: 10 * time.Second, Flows: []datasets.Flow{defensetest.Flow(1, 17, "a.example")}}
	for i := range 10 {
		in.Packets = append(in.Packets, datasets.Packet{Time: time.Second, Size: 142 + int32(i), Payload: 100 + int32(i)})
	}
	out := apply(t, "maybenot-tamaraw:control=false,fill=false", in)
	var got []time.Duration
	for i, p := range out.Trace.Packets {
		if orig, _ := out.Carried.Entries(i); len(orig) > 0 && p.Dir == datasets.Up {
			if int(orig[0]) != len(got) {
				t.Errorf("packet %d leaves at place %d", orig[0], len(got))
			}
			got = append(got, p.Time-time.Second)
		}
	}
	// All ten are there before the machines hear of the first: they leave before
	// blocking begins, as real packets at one instant do in Maybenot's simulator.
	want := make([]time.Duration, 10)
	if !slices.Equal(got, want) {
		t.Errorf("they leave after %v, want %v", got, want)
	}

	for i := range in.Packets {
		in.Packets[i].Time += time.Duration(i) * time.Microsecond
	}
	out = apply(t, "maybenot-tamaraw:control=false,fill=false", in)
	for i, p := range out.Trace.Packets {
		orig, _ := out.Carried.Entries(i)
		if at := p.Time - time.Second; len(orig) > 0 && at.Round(time.Millisecond) != 100*time.Millisecond*time.Duration(orig[0]) {
			t.Errorf("packet %d leaves after %v", orig[0], at)
		}
	}
}

// A file is in the ID with what it holds: changed, it is another defense.
func TestFileIsPartOfTheID(t *testing.T) {
	name := file(t, pairsFile(3))
	d, err := defenses.Parse(builtin.All(), "maybenot:machines="+name)
	if err != nil {
		t.Fatal(err)
	}
	id := defenses.ID(d)
	if !strings.Contains(id, "digest=") || strings.Contains(id, "digest=,") {
		t.Errorf("no digest in %s", id)
	}
	moved, err := defenses.Parse(builtin.All(), "maybenot:machines="+file(t, pairsFile(3)))
	if err != nil || defenses.ID(moved) == id || defenses.DrawID(moved) != defenses.DrawID(d) {
		t.Errorf("the same file elsewhere draws as %s, not as %s (%v)", defenses.DrawID(moved), defenses.DrawID(d), err)
	}
	if err := os.WriteFile(name, []byte(pairsFile(4)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := defenses.Parse(builtin.All(), id); err == nil || !strings.Contains(err.Error(), "digest=") {
		t.Errorf("a file that has changed: %v", err)
	}
	for id, want := range map[string]string{
		"maybenot:machines=/does/not/exist":            "no such file",
		"maybenot:machines=":                           "want a file, or own-front",
		"maybenot:digest=12":                           "own-front is no file",
		"maybenot:machines=" + file(t, "client 02abc"): "machines.def: line 1: machine: base64",
		"daita:delay_ms=900":                           "delay_ms=900: want 0 to 500",
	} {
		if _, err := defenses.Parse(builtin.All(), id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", id, err, want)
		}
	}
}

// Machines that never let time pass, or hold everything back for a day, are errors.
func TestMachinesWithoutEnd(t *testing.T) {
	loop := &maybenot.Machine{AllowedPaddingPackets: 1 << 62, States: make([]maybenot.State, 2)}
	loop.States[0].Transitions[maybenot.NormalSent] = []maybenot.Transition{{State: 1, Probability: 1}}
	loop.States[1].Action = &maybenot.Action{Kind: maybenot.SendPadding}
	loop.States[1].Transitions[maybenot.PaddingSent] = []maybenot.Transition{{State: 1, Probability: 1}}
	block := &maybenot.Machine{AllowedBlockedMicrosec: 1 << 62, States: make([]maybenot.State, 2)}
	block.States[0].Transitions[maybenot.NormalSent] = []maybenot.Transition{{State: 1, Probability: 1}}
	block.States[1].Action = &maybenot.Action{Kind: maybenot.BlockOutgoing, Duration: maybenot.Constant(8e10)}
	for _, c := range []struct {
		m    *maybenot.Machine
		want string
	}{{loop, "without end"}, {block, "saturated"}} {
		d, err := defenses.Parse(builtin.All(), "maybenot:quiet_s=0,machines="+file(t, "client "+c.m.String()))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Apply(rand.New(rand.NewPCG(1, 1)), defensetest.Busy(1)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// Every file of real machines runs over a home, and every byte is accounted for.
func TestRecordedMachines(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(datatest.Recorded(t, "maybenot", "machines"), "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatal(err, "no files")
	}
	in := defensetest.Busy(5)
	for _, name := range files {
		d, err := defenses.Parse(builtin.All(), "maybenot:per=home,machines="+name)
		if err != nil {
			t.Fatal(err)
		}
		out, err := d.Apply(rand.New(rand.NewPCG(1, 2)), in)
		if err == nil {
			err = defenses.Check(in, out)
		}
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(name), err)
			continue
		}
		t.Logf("%s: %d packets became %d", filepath.Base(name), len(in.Packets), len(out.Trace.Packets))
	}
}

// Nym's messages come at random times whatever is sent, and a message is two segments.
func TestNymIsPoisson(t *testing.T) {
	quiet := datasets.Trace{End: time.Minute, Flows: []datasets.Flow{defensetest.Flow(1, 6, "a.example")}}
	for _, in := range []datasets.Trace{quiet, defensetest.Busy(1)} {
		out := apply(t, "nym", in)
		var up, down int
		for i := 0; i < len(out.Trace.Packets); i++ {
			p := out.Trace.Packets[i]
			if out.Trace.Flows[p.Flow].LAN {
				continue
			}
			if p.Size != 66+1448 && p.Size != 66+965 {
				t.Fatalf("a segment of %d bytes", p.Size)
			}
			if p.Dir == datasets.Up {
				up++
			} else {
				down++
			}
		}
		// 50 and 5 messages a second, 4 standard deviations.
		if up/2 < 3300-230 || up/2 > 3300+230 || down < up-900 {
			t.Errorf("%d messages up in a minute, %d down", up/2, down/2)
		}
	}
}

// Windscribe's volume is within its level, whatever the home does.
func TestWindscribeVolume(t *testing.T) {
	in := datasets.Trace{End: time.Hour, Flows: []datasets.Flow{defensetest.Flow(1, 6, "a.example")}}
	out := apply(t, "windscribe:control=false", in)
	var bytes [2]float64
	for _, p := range out.Trace.Packets {
		bytes[p.Dir] += float64(p.Size)
	}
	for dir, n := range bytes {
		if n < 60*5e6 || n > 60*20e6 {
			t.Errorf("%v: %.0f MB in an hour", datasets.Dir(dir), n/1e6)
		}
		t.Logf("%v: %.1f MB a minute", datasets.Dir(dir), n/60e6)
	}
}
