package knn_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"veilbench/attacks"
	"veilbench/attacks/attacktest"
	"veilbench/attacks/knn"
	"veilbench/datasets"
	"veilbench/datasets/datatest"
	"veilbench/datasets/published"
)

func readCSV(t testing.TB, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

// clipScore runs one fold and counts right answers.
func clipScore(t *testing.T, ds *datasets.Dataset, a attacks.Attack, fold datasets.Fold) (correct, tested int) {
	for _, part := range fold {
		m := attacktest.Train(t, a, attacktest.Clips(ds, part.Train))
		for _, i := range part.Test {
			r := &ds.Recordings[i]
			if tested++; attacktest.Ask(t, m, r.Trace).Clip[0].Class == r.ClipClass() {
				correct++
			}
		}
	}
	return correct, tested
}

// TestEventKNNReference: every row loo_same_count and first80_same_count with
// vote tie lex of the recorded data's reference, per file and pooled.
func TestEventKNNReference(t *testing.T) {
	dir := datatest.Recorded(t, "iotevents")
	sets, err := published.Load(t.Context(), "iotevents", dir)
	if err != nil {
		t.Fatal(err)
	}
	pooled, err := published.Load(t.Context(), "iotevents-pooled", dir)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*datasets.Dataset{"POOLED": &pooled[0]}
	for i := range sets {
		byName[strings.TrimPrefix(sets[i].Name, "iotevents/")+".txt"] = &sets[i]
	}
	split := map[string]datasets.Split{"loo_same_count": "leave-one-out", "first80_same_count": "fixed-80-20"}
	compared := 0
	for _, r := range readCSV(t, filepath.Join(dir, "reference_knn.csv")) {
		s, ok := split[r[3]]
		if !ok || r[5] != "lex" {
			continue
		}
		ds := byName[r[0]]
		folds, err := s.Folds(ds, datasets.TaskClip)
		if err != nil {
			t.Fatal(err)
		}
		var k int
		fmt.Sscan(r[4], &k)
		correct, tested := clipScore(t, ds, knn.EventKNN{K: k, PairS: 5}, folds[0])
		if got := fmt.Sprint(correct, "/", tested); got != r[6]+"/"+r[8] {
			t.Errorf("%s %s k=%d: %s, want %s/%s", r[0], r[3], k, got, r[6], r[8])
		}
		compared++
	}
	if compared != 48 {
		t.Errorf("compared %d rows, want 48", compared)
	}
}

// TestEventKNNSmall holds the rule without the recorded data: leave one out
// over testdata/knn_small.txt, answers worked out by scikit-learn 1.2.1
// (testdata/knn_small.py).
func TestEventKNNSmall(t *testing.T) {
	sets, err := published.Load(t.Context(), "iotevents", filepath.Join("testdata", "knn_small.txt"))
	if err != nil {
		t.Fatal(err)
	}
	ds := &sets[0]
	folds, err := datasets.Split("leave-one-out").Folds(ds, datasets.TaskClip)
	if err != nil {
		t.Fatal(err)
	}
	want := readCSV(t, filepath.Join("testdata", "knn_small.csv"))
	for j, k := range []int{1, 3, 5, 7, 9} {
		for _, part := range folds[0] {
			m := attacktest.Train(t, knn.EventKNN{K: k, PairS: 5}, attacktest.Clips(ds, part.Train))
			i := part.Test[0]
			got := attacktest.Ask(t, m, ds.Recordings[i].Trace).Clip[0].Class
			_, label, ok := strings.Cut(got, "/")
			if !ok {
				label = got
			}
			if label != want[i][2+j] {
				t.Errorf("clip %d, k=%d: %s, want %s", i, k, label, want[i][2+j])
			}
		}
	}
}

// TestEventKNNPrivate: detections of a private activity raise an alert, others
// do not, and the names survive the signature file.
func TestEventKNNPrivate(t *testing.T) {
	a := knn.EventKNN{PairS: 5, Private: "unlock; lamp/off"}
	tr := attacktest.ToyEvents(3)
	var b bytes.Buffer
	m := attacktest.Train(t, a, tr)
	if err := m.(attacks.Saver).Save(&b); err != nil {
		t.Fatal(err)
	}
	back, err := a.Load(&b)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []attacks.Model{m, back} {
		alerts := map[string]bool{}
		for _, e := range attacktest.Ask(t, m, tr.Examples[0].Trace).Events {
			alerts[fmt.Sprint(e.Ranked[0].Class, " ", e.Alert)] = true
		}
		want := []string{"lamp/off true", "lamp/on false", "lock/unlock true", "other false"}
		if got := slices.Sorted(maps.Keys(alerts)); !slices.Equal(got, want) {
			t.Errorf("classes and alerts %q, want %q", got, want)
		}
	}
}

// TestEventKNNMaxEven: with max_even=4 odd bursts and longer ones are not
// looked at, and said to be left out.
func TestEventKNNMaxEven(t *testing.T) {
	tr := attacktest.ToyEvents(3)
	m := attacktest.Train(t, knn.EventKNN{K: 1, GapS: 1, PairS: 5, MaxEven: 4}, tr)
	left := 0
	for _, b := range attacktest.Ask(t, m, tr.Examples[0].Trace).Events {
		// The toy's unlock has 5 packets, on 4, off 6, a heartbeat 2.
		c := b.Ranked[0].Class
		if c == "lock/unlock" || c == "lamp/off" {
			t.Errorf("%s was named", c)
		}
		if b.LeftOut != (c == datasets.Unknown) {
			t.Errorf("%s at %v: left out is %v", c, b.Start, b.LeftOut)
		}
		if b.LeftOut {
			left++
		}
	}
	if left == 0 {
		t.Error("no burst is said to be left out")
	}
}

// FuzzLoadSignatures gives any body the right last line, so that what the
// checksum would refuse reaches the reader.
func FuzzLoadSignatures(f *testing.F) {
	m := attacktest.Train(f, knn.EventKNN{K: 1, GapS: 1, PairS: 5, Private: "on"}, attacktest.ToyEvents(1))
	var b bytes.Buffer
	if err := m.(attacks.Saver).Save(&b); err != nil {
		f.Fatal(err)
	}
	_, body, _ := bytes.Cut(b.Bytes(), []byte("\n"))
	f.Add(body[:bytes.LastIndex(body, []byte("end"))])
	trace := attacktest.ToyEvents(1).Examples[0].Trace
	f.Fuzz(func(t *testing.T, body []byte) {
		file := append([]byte("veilbench-signatures 2\n"), body...)
		file = fmt.Appendf(file, "end %d %08x\n", bytes.Count(file, []byte("\n")), crc32.ChecksumIEEE(file))
		m, err := knn.EventKNN{}.Load(bytes.NewReader(file))
		if err != nil {
			return
		}
		attacktest.Ask(t, m, trace)
		var out bytes.Buffer
		if err := m.(attacks.Saver).Save(&out); err != nil {
			t.Fatal(err)
		}
		if _, err := (knn.EventKNN{}).Load(&out); err != nil {
			t.Errorf("what was written is not read back: %v", err)
		}
	})
}

// TestLoadSignaturesNamesTheLine: what is wrong in a file is said with the line
// that it stands in, and what should be there.
func TestLoadSignaturesNamesTheLine(t *testing.T) {
	m := attacktest.Train(t, knn.EventKNN{K: 1, GapS: 1, PairS: 5}, attacktest.ToyEvents(1))
	var b bytes.Buffer
	if err := m.(attacks.Saver).Save(&b); err != nil {
		t.Fatal(err)
	}
	whole := b.String()
	body := whole[:strings.LastIndex(whole, "end ")]
	ended := func(s string) string {
		return fmt.Sprintf("%send %d %08x\n", s, strings.Count(s, "\n"), crc32.ChecksumIEEE([]byte(s)))
	}
	for _, c := range []struct{ file, want string }{
		{"not a file", `signature file line 1: "not a file": want "veilbench-signatures 2"`},
		{body, "the file is cut short"},
		{strings.Replace(whole, "k 1\n", "k 2\n", 1), "somebody changed it"},
		{ended(strings.Replace(body, "k 1\n", "k 0\n", 1)), "signature file line 4: k 0: want a whole number from 1 to 99"},
		{ended(strings.Replace(body, `task "event"`, `task "dance"`, 1)), `signature file line 3: task "dance": want "clip" or "event"`},
		{ended(strings.Replace(body, `attack "event-knn"`, `attack "signatures"`, 1)), `signature file line 3: signatures of attack "signatures", want those of "event-knn"`},
		{ended(strings.Replace(body, "single false", "single maybe", 1)), "line 9: single maybe: want true or false"},
		{ended(strings.Replace(body, "burst ", "burst x ", 1)), `length "x": want a whole number`},
		{ended(body + "dance 3\n"), `unknown word "dance"`},
		{ended("veilbench-signatures 2\nattack \"event-knn\"\n"), `no line "task"`},
	} {
		if _, err := (knn.EventKNN{}).Load(strings.NewReader(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}
