//go:build unix

package shards

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/datatest"
)

// store writes the folders of n shards with cells results in units of 100, as runs
// write them, and returns their names.
func store(t testing.TB, n, cells int) []string {
	t.Helper()
	const perUnit = 100
	m := results.Manifest{Method: results.Method, Arch: "amd64", Kernel: "plain", Data: []results.DataEntry{{Name: "d", Digest: "x"}}}
	p := Plan{Shards: n}
	of := make([][]results.Result, cells/perUnit)
	for i := range of {
		u := Unit{Dataset: "d", Defense: fmt.Sprintf("pad:x=%d", i), Shard: i % n, Seconds: 1}
		for k := range perUnit {
			c := results.Cell{Dataset: "d", Task: datasets.TaskEvent, Defense: u.Defense, Attack: fmt.Sprintf("knn:k=%d", k/10), Fold: k % 10, Seed: 1}
			r := results.Result{
				Cell: c, Data: "x", Setup: m.Setup(c), Method: results.Method, Headline: results.F1, Floor: .1,
				Metrics: []results.Metric{{Name: results.F1, Value: math.Sin(float64(i*perUnit + k))}},
			}
			of[i] = append(of[i], r)
			u.Cells = append(u.Cells, m.Name(c))
		}
		p.Units = append(p.Units, u)
	}

	dirs := make([]string, n)
	for s := range dirs {
		dirs[s] = filepath.Join(t.TempDir(), fmt.Sprint("shard-", s))
		st, err := results.OpenStore(dirs[s])
		if err != nil {
			t.Fatal(err)
		}
		p.Shard = s
		if err := errors.Join(m.Write(dirs[s]), p.Write(dirs[s])); err != nil {
			t.Fatal(err)
		}
		for i := s; i < len(of); i += n {
			u, err := st.Unit("d", p.Units[i].Defense)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range of[i] {
				if err := u.Put(r, results.Timing{TrainSeconds: 1}); err != nil {
					t.Fatal(err)
				}
			}
			if err := u.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dirs
}

// Ten thousand cells, and a hundred thousand with VEILBENCH_FULL=1, are written in
// less than a millisecond each, told in two seconds, and merged in a minute. The
// smaller number has a tenth of the time.
func TestManyCells(t *testing.T) {
	cells := 10_000
	if os.Getenv("VEILBENCH_FULL") != "" {
		cells = 100_000
	}
	if testing.Short() {
		cells = 1000
	}
	within := func(what string, limit time.Duration, do func()) {
		start, before := time.Now(), datatest.CPU(t)
		do()
		took := datatest.CPU(t) - before
		t.Logf("%d cells: %s in %s of CPU, %s by the clock", cells, what, took.Round(time.Millisecond), time.Since(start).Round(time.Millisecond))
		if took > limit {
			t.Errorf("%s took %s of CPU, want %s", what, took, limit)
		}
	}
	share := time.Duration(100_000 / cells)

	var dirs []string
	within("written", time.Duration(cells)*time.Millisecond, func() { dirs = store(t, 4, cells) })
	within("status", 2*time.Second/share, func() {
		st, err := StatusOf(dirs)
		if err != nil || len(st) != 4 || st[0].Done != cells/4 || st[3].Missing() != 0 {
			t.Fatalf("%+v, %v", st, err)
		}
	})
	out := t.TempDir()
	within("merge", time.Minute/share, func() {
		if missing, err := Merge(context.Background(), dirs, out); err != nil || len(missing) > 0 {
			t.Fatalf("%v, %v", missing, err)
		}
	})
	within("read", 20*time.Second/share, func() {
		if rs, err := results.ReadResults(out); err != nil || len(rs) != cells {
			t.Fatalf("%d results, %v", len(rs), err)
		}
	})
}

// BenchmarkStatus tells how status grows with the cells: its time a cell should not.
func BenchmarkStatus(b *testing.B) {
	for _, cells := range []int{1000, 4000, 16000} {
		dirs := store(b, 2, cells)
		b.Run(fmt.Sprint(cells), func(b *testing.B) {
			for b.Loop() {
				if _, err := StatusOf(dirs); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*cells), "ns/cell")
		})
	}
}
