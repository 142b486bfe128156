package maybenot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"veilbench/datasets/datatest"
)

func TestReadPairs(t *testing.T) {
	a, b := Idle(time.Second, 2*time.Second).String(), Answer(2, 0, time.Millisecond).String()
	for _, c := range []struct{ text, want string }{
		{"# one\n\nclient " + a + "\nserver 0 " + b + "\nserver 1 " + a + "\n", "[1 2]"},
		{"ten defenses\n{\"client\":[\"" + a + "\"],\"server\":[],\"note\":\"seed 1\"}\n{\"client\":[],\"server\":[\"" + b + "\",\"" + a + "\"]}\n", "[1 0][0 2]"},
		{"client " + a[:len(a)-5], "line 1: machine: base64"},
		{"# x\nclient " + a + "\n{\"client\":[]}", "single machines and of pairs"},
		{"# only this", "no machine in it"},
		{"a title\nand prose", "line 2: \"and prose\""},
		{"{\"client\": 3}", "line 1: json"},
	} {
		pairs, err := ReadPairs(strings.NewReader(c.text))
		got := ""
		for _, p := range pairs {
			got += fmt.Sprint([]int{len(p[Client]), len(p[Server])})
		}
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%.60q: %s, want %s", c.text, got, c.want)
		}
	}
}

// Every file of machines that came with the vectors reads.
func TestGoldenFiles(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(datatest.Recorded(t, "maybenot", "machines"), "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatal(err, "no files")
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if pairs, err := ReadPairs(f); err != nil || len(pairs) != 1 {
			t.Errorf("%s: %d pairs, %v", filepath.Base(name), len(pairs), err)
		}
		f.Close()
	}
}

// A machine of Front sends what it is told, at times of about the right distribution.
func TestFront(t *testing.T) {
	cfg := Config{
		Machines: Pair{{Front(200, 2*time.Second, 20)}}, Independent: true,
		Sources: [2]randSource{NewXoshiro(1), NewXoshiro(2)},
	}
	s, err := NewSimulation(cfg, []Packet{{Time: 0, From: Client}})
	if err != nil {
		t.Fatal(err)
	}
	var times []time.Duration
	for _, h := range s.Record(Run{UntilSilent: true, OnlyClient: true, OnlyNetwork: true}) {
		if h.Padding {
			times = append(times, h.Time)
		}
	}
	// The median of a Rayleigh distribution is 1.18 widths, its 95 % quantile 2.45.
	if len(times) != 200 || times[100] < 2100*time.Millisecond || times[100] > 2600*time.Millisecond ||
		times[190] < 4500*time.Millisecond || times[190] > 5300*time.Millisecond {
		t.Errorf("%d packets, the 100th after %v, the 190th after %v", len(times), times[100], times[190])
	}
}
