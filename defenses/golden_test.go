package defenses_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/defensetest"
)

// TestGolden holds every defense to the vectors in testdata/golden, which
// testdata/golden.py worked out: an independent program, see its head.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatal("no golden vectors", err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			id, in, want := readVector(t, file)
			d, err := defenses.Parse(defenses.All(), id)
			if err != nil {
				t.Fatal(err)
			}
			seen[d.Info().Name] = true
			if f, ok := d.(defenses.Fitter); ok {
				if d, err = f.Fit(t.Context(), nil, []datasets.Recording{vectorRecording(in)}); err != nil {
					t.Fatal(err)
				}
			}
			out, err := d.Apply(rand.New(rand.NewPCG(7, 9)), in)
			if err != nil {
				t.Fatal(err)
			}
			if err := defenses.Check(in, out); err != nil {
				t.Fatal(err)
			}
			for i := range max(len(want), len(out.Trace.Packets)) {
				got, w := "nothing", "nothing"
				if i < len(out.Trace.Packets) {
					got = vectorLine(in, out, i)
				}
				if i < len(want) {
					w = want[i]
				}
				if got != w {
					t.Fatalf("packet %d of %d: got %s, want %s", i, len(want), got, w)
				}
			}
		})
	}
	for _, d := range defenses.All() {
		if !seen[d.Info().Name] {
			t.Errorf("no golden vector for %s", d.Info().Name)
		}
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

func vectorLine(in datasets.Trace, d defenses.Defended, i int) string {
	p := d.Trace.Packets[i]
	var carried string
	if d.Carried == nil {
		carried = fmt.Sprintf("%d:%d", i, in.Packets[i].Payload)
	} else {
		var parts []string
		orig, bytes := d.Carried.Entries(i)
		for j := range orig {
			parts = append(parts, fmt.Sprintf("%d:%d", orig[j], bytes[j]))
		}
		if carried = strings.Join(parts, ","); carried == "" {
			carried = "-"
		}
	}
	return fmt.Sprintf("%d %v %d %d %d %s", p.Time, p.Dir, p.Size, p.Payload, p.Flow, carried)
}

// readVector reads a golden file.
func readVector(t *testing.T, file string) (id string, in datasets.Trace, want []string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in.End = 2 * time.Second
	in.Flows = []datasets.Flow{defensetest.Flow(1, 6, "one.example"), defensetest.Flow(2, 17, "two.example"), defensetest.Flow(1, 17, "")}
	in.Flows[2].LAN = true
	part := ""
	for s := bufio.NewScanner(f); s.Scan(); {
		text := s.Text()
		switch {
		case strings.HasPrefix(text, "defense "):
			id = strings.TrimPrefix(text, "defense ")
		case text == "in" || text == "out":
			part = text
		case text != "" && part == "in":
			var p datasets.Packet
			var dir string
			if _, err := fmt.Sscan(text, (*int64)(&p.Time), &dir, &p.Size, &p.Payload, &p.Flow); err != nil {
				t.Fatalf("%s: %q: %v", file, text, err)
			}
			if dir == "down" {
				p.Dir = datasets.Down
			}
			in.Packets = append(in.Packets, p)
		case text != "":
			want = append(want, text)
		}
	}
	return id, in, want
}
