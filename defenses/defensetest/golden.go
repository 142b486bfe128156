package defensetest

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"veilbench/datasets"
	"veilbench/defenses"
)

// Golden holds a folder of defenses to the vectors in its testdata/golden. A
// vector is the ID of a defense from list, the packets that go in and those that
// leave, with what they carry: made by testdata/golden.py here, a program that
// shares nothing with the Go code, or by hand. A defense need not have one.
func Golden(t *testing.T, list []defenses.Defense) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatal("no golden vectors", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) { golden(t, list, file) })
	}
}

// golden holds the defense of a vector to it.
func golden(t *testing.T, list []defenses.Defense, file string) {
	id, in, want := readVector(t, file)
	d, err := defenses.Parse(list, id)
	if err != nil {
		t.Fatal(err)
	}
	if f, ok := d.(defenses.Fitter); ok {
		if d, err = f.Fit(t.Context(), nil, []datasets.Recording{vectorRecording(in)}); err != nil {
			t.Fatal(err)
		}
	}

	// The seed is that of golden.py.
	out, err := d.Apply(rand.New(rand.NewPCG(7, 9)), in)
	if err != nil {
		t.Fatal(err)
	}
	if err := defenses.Check(in, out); err != nil {
		t.Fatal(err)
	}

	var got []string
	for i := range out.Trace.Packets {
		got = append(got, vectorLine(in, out, i))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", id, diff)
	}
}

// vectorRecording is the training that fitted defenses get: device one has flow
// 0, device two flow 1, and an event of device one caused packets 0 and 1.
func vectorRecording(in datasets.Trace) datasets.Recording {
	r := datasets.Recording{Trace: in}
	r.Labels.Devices = []string{"one", "two"}
	at := in.Packets[0].Time
	r.Labels.Events = []datasets.Event{{Start: at, End: at, Activity: "on"}}
	for i, p := range in.Packets {
		cause := int32(-1)
		if i < 2 {
			cause = 0
		}
		r.Labels.Cause = append(r.Labels.Cause, cause)
		r.Labels.Owners = append(r.Labels.Owners, []int32{0, 1, 0}[p.Flow])
	}
	return r
}

// vectorLine is packet i as a vector has it: time in ns, direction, size, payload,
// flow, and original:bytes of each entry, "-" for a dummy packet.
func vectorLine(in datasets.Trace, d defenses.Defended, i int) string {
	var carried []string
	orig, n := d.Entries(in, i)
	for j := range orig {
		carried = append(carried, fmt.Sprintf("%d:%d", orig[j], n[j]))
	}
	if len(carried) == 0 {
		carried = []string{"-"}
	}
	p := d.Trace.Packets[i]
	return fmt.Sprintf("%d %v %d %d %d %s", p.Time, p.Dir, p.Size, p.Payload, p.Flow, strings.Join(carried, ","))
}

// readVector reads a golden file. Its packets are on flow 0, TCP of device one,
// flow 1, UDP of device two, or flow 2, which device one has inside the home.
func readVector(t *testing.T, file string) (id string, in datasets.Trace, want []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	in.End = 2 * time.Second
	in.Flows = []datasets.Flow{Flow(1, 6, "one.example"), Flow(2, 17, "two.example"), Flow(1, 17, "")}
	in.Flows[2].LAN = true

	part := "" // "in" or "out", whichever came last
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		line := s.Text()
		switch {
		case strings.HasPrefix(line, "defense "):
			id = strings.TrimPrefix(line, "defense ")
		case line == "in" || line == "out":
			part = line
		case line != "" && part == "in":
			// A Sscan of Dir would want a number.
			var p datasets.Packet
			var dir string
			if _, err := fmt.Sscan(line, (*int64)(&p.Time), &dir, &p.Size, &p.Payload, &p.Flow); err != nil {
				t.Fatalf("%s: %q: %v", file, line, err)
			}
			if dir == "down" {
				p.Dir = datasets.Down
			}
			in.Packets = append(in.Packets, p)
		case line != "":
			want = append(want, line)
		}
	}
	return id, in, want
}
