package folder

import (
	"strings"
	"testing"
)

// A pattern either is refused or matches within its bounds, and every match
// fills it to the path it came from.
func FuzzPattern(f *testing.F) {
	f.Add("{home}/{device}/{activity}/{trial}.pcap", "us/echo/voice_alexa/2018-10-23_05:11:22.20s")
	f.Add("{device}_{activity}_{n}.pcap", "a_b_c_d_1")
	f.Add("{a}{n}-{a}", "x1-x")
	f.Fuzz(func(t *testing.T, text, path string) {
		p, err := parsePattern(text)
		if err != nil {
			return
		}
		ways := p.matches(path)
		if len(ways) > maxMatches {
			t.Fatalf("%d matches", len(ways))
		}
		for _, w := range ways {
			if got, err := p.fill(w); err != nil || got != path {
				t.Fatalf("%q with %v fills to %q (%v), want %q", text, w, got, err, path)
			}
		}
	})
}

// What is taken for a dataset.yaml can be written and is then taken for the
// same.
func FuzzSpec(f *testing.F) {
	f.Add("captures: \"{home}/{device}.pcap\"\ngroup: \"{home}\"\nlabels: {file: e.csv, zone: Europe/Berlin, offset: -2s}\n")
	f.Add("devices: {a: [00:11:22:33:44:55], b: 10.0.0.1}\nsame: [[a/b, a/c]]\n")
	f.Add("labels: events.csv\ndevices: [a, b]\npairs: {before: a, after: b}\nhome: 10.0.0.0/8\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSpec(specFile, []byte(text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), specFile) {
				t.Fatalf("error without the file: %v", err)
			}
			return
		}
		b, err := s.yaml()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseSpec(specFile, b); err != nil {
			t.Fatalf("%v in\n%s", err, b)
		}
	})
}

// Traces of cells are whole traces or an error.
func FuzzCells(f *testing.F) {
	f.Add("0.0\t1\n0.5\t-1500\n")
	f.Fuzz(func(t *testing.T, text string) {
		if tr, err := parseCells("x", text); err == nil {
			if err := tr.Check(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
