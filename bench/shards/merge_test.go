package shards

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"veilbench/bench/results"
)

// folder is that of a shard with the cells of some of its units, by fold.
func folder(t *testing.T, m results.Manifest, p Plan, cells ...results.Result) string {
	t.Helper()
	dir := t.TempDir()
	s, err := results.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Write(dir); err != nil {
		t.Fatal(err)
	}
	if err := p.Write(dir); err != nil {
		t.Fatal(err)
	}
	for _, c := range cells {
		u, err := s.Unit(c.Cell.Dataset, c.Cell.Defense)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(u.Put(c, results.Timing{}), u.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// shardsOf are four cells behind two defenses, dealt to two shards.
func shardsOf() (m results.Manifest, plans [2]Plan, cells [4]results.Result) {
	m = results.Manifest{Method: results.Method, Arch: "amd64", Kernel: "plain", Data: []results.DataEntry{{Name: "d", Digest: "x"}}}
	p := Plan{Shards: 2, Units: []Unit{{Dataset: "d", Defense: "none", Seconds: 3}, {Dataset: "d", Defense: "vpn", Shard: 1, Seconds: 5}}}
	for i := range cells {
		c := results.Cell{Dataset: "d", Defense: p.Units[i/2].Defense, Fold: i % 2}
		cells[i] = results.Result{Cell: c, Data: "x", Setup: m.Setup(c), Method: results.Method}
		p.Units[i/2].Cells = append(p.Units[i/2].Cells, m.Name(c))
	}
	q := p
	q.Shard = 1
	return m, [2]Plan{p, q}, cells
}

func TestMergeNamesWhatIsMissing(t *testing.T) {
	m, plans, cells := shardsOf()
	failed := cells[3]
	failed.Err = "no power"
	a := folder(t, m, plans[0], cells[0], cells[1])
	b := folder(t, m, plans[1], failed)
	out := t.TempDir()

	missing, err := Merge(t.Context(), []string{a, b}, out)
	if err != nil || len(missing) != 1 || missing[0] != (Missing{"d", "vpn", 1, 2, 1, 1}) {
		t.Fatalf("%+v, %v", missing, err)
	}
	if rs, err := results.ReadResults(out); err != nil || len(rs) != 3 {
		t.Errorf("%d results, %v", len(rs), err)
	}

	// Another machine computed what failed, and what was missing.
	c := folder(t, m, plans[1], cells[2], cells[3])
	if missing, err = Merge(t.Context(), []string{a, b, c}, out); err != nil || len(missing) != 0 {
		t.Errorf("%+v, %v", missing, err)
	}
	if rs, err := results.ReadResults(out); err != nil || len(rs) != 4 || rs[3].Err != "" {
		t.Errorf("%+v, %v", rs, err)
	}
	if st, err := StatusOf([]string{out}); err != nil || len(st) != 1 || st[0].Done != 4 || st[0].Cells != 4 || st[0].Left != 0 {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestMergeRefuses(t *testing.T) {
	m, plans, cells := shardsOf()
	a := folder(t, m, plans[0], cells[0], cells[1])

	other := cells[1]
	other.Warnings = []string{"another"}
	elsewhere := m
	elsewhere.Kernel = "avx512"
	grown := plans[1]
	grown.Units = append(grown.Units[:1:1], Unit{Dataset: "d", Defense: "front", Shard: 1})
	twice := plans[1]
	twice.Units = append(twice.Units[:2:2], twice.Units[1])
	bad := folder(t, m, plans[1], cells[2])
	flip(t, bad)

	for _, c := range []struct{ name, dir, want string }{
		{"two results of one cell", folder(t, m, plans[1], other), "differently"},
		{"two kinds of processor", folder(t, elsewhere, plans[1]), "avx512"},
		{"another plan", folder(t, m, grown), "front on d"},
		{"a cell dealt twice", folder(t, m, twice), "vpn on d is dealt twice"},
		{"a plan of nothing", folder(t, m, Plan{Shards: 2}), "without units"},
		{"no run", t.TempDir(), "plan.json"},
		{"a damaged file", bad, "delete the file"},
	} {
		if _, err := Merge(t.Context(), []string{a, c.dir}, t.TempDir()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want one with %q", c.name, err, c.want)
		}
	}

	b := folder(t, m, plans[1], cells[2], cells[3])
	if _, err := Merge(t.Context(), []string{a, b}, a+"/."); err == nil || !strings.Contains(err.Error(), "is a shard itself") {
		t.Errorf("merged into a shard: %v", err)
	}
	var p Plan
	if _, err := p.read(a, nil, nil); err != nil || p.Shards != 2 {
		t.Errorf("after that its plan is %+v, %v", p, err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Merge(ctx, []string{a}, t.TempDir()); err == nil {
		t.Error("stopped before it began, and yet merged")
	}
}

// flip changes a byte of the one segment in a folder.
func flip(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "cells", "*.gz"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(files[0], b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Time left goes by expected seconds: of 8 s the two that are done took one each by
// the clock, so the pace is that of the plan.
func TestTimeLeft(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := Status{Cells: 4, Done: 2, Seconds: 8, Left: 4, First: at, Last: at.Add(8 * time.Second)}
	if d, ok := s.TimeLeft(); !ok || d != 8*time.Second {
		t.Errorf("%v, %v", d, ok)
	}
	if r, ok := s.Rate(); !ok || r != 450 {
		t.Errorf("%v cells an hour, %v: one came in 8 s after the first", r, ok)
	}
	if _, ok := (Status{Cells: 4, Done: 1, First: at, Last: at}).Rate(); ok {
		t.Error("one cell tells no rate")
	}
	if _, ok := (Status{Cells: 4, Done: 2, First: at, Last: at.Add(time.Millisecond)}).Rate(); ok {
		t.Error("a millisecond tells no rate: that would be millions of cells an hour")
	}
	if d, ok := (Status{Cells: 4000, Done: 2, Seconds: 8000, Left: 7999, First: at.AddDate(-200, 0, 0), Last: at}).TimeLeft(); ok {
		t.Errorf("%v left by a clock that jumped two hundred years", d)
	}
	if _, ok := (Status{Cells: 4, Done: 1, Seconds: 8, Left: 6, First: at, Last: at}).TimeLeft(); ok {
		t.Error("one cell tells no pace")
	}
}
