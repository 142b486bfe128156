package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"veilbench/attacks"
	allattacks "veilbench/attacks/builtin"
	"veilbench/bench/cost"
	"veilbench/bench/pack"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/home"
	"veilbench/defenses"
	alldefenses "veilbench/defenses/builtin"
)

// small is a data set that is made in a blink: five homes, a quarter of an
// hour each.
func small(t testing.TB, id string) datasets.Dataset {
	t.Helper()
	ds, err := home.Generate(context.Background(), id, 1)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func defense(t testing.TB, id string) defenses.Defense {
	t.Helper()
	d, err := defenses.Parse(alldefenses.All(), id)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func attack(t testing.TB, id string) attacks.Attack {
	t.Helper()
	a, err := attacks.Parse(allattacks.All(), id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// smallGrid is two defenses by two attacks on small homes.
func smallGrid(t testing.TB) Grid {
	return Grid{
		Datasets: []datasets.Dataset{small(t, "home:event_signatures:hours=0.5")},
		Tasks:    []datasets.Task{datasets.TaskEvent},
		Defenses: []defenses.Defense{defenses.None{}, defense(t, "pad-random"), defense(t, "cover-decoy")},
		Attacks:  []attacks.Attack{attack(t, "guess-exact"), attack(t, "event-knn:k=1,gap_s=1")},
		Seed:     1,
		Link:     cost.DefaultLink(),
	}
}

// run returns the results of g and the bytes of every stored file by name.
func run(t *testing.T, ctx context.Context, g Grid, dir string, opt Options) ([]results.Result, error) {
	t.Helper()
	store, err := results.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	opt.Store = store
	return Run(ctx, g, opt)
}

func storedBytes(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, kind := range []string{"cells", "samples"} {
		err := filepath.WalkDir(filepath.Join(dir, kind), func(p string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			b, err := os.ReadFile(p)
			out[filepath.Join(kind, filepath.Base(p))] = string(b)
			return err
		})
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	return out
}

// storedRows is storedBytes with a record of each cell in place of the segments, which
// hold the cells of all attacks.
func storedRows(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, b := range storedBytes(t, dir) {
		if !strings.HasPrefix(name, "cells") {
			out[name] = b
		}
	}
	rows, err := pack.Read(results.Cells(dir), func(object []byte) (string, error) { return string(object), nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		var r struct{ Cell results.Cell }
		if err := json.Unmarshal([]byte(row), &r); err != nil {
			t.Fatal(err)
		}
		out[fmt.Sprint(r.Cell)] = row
	}
	return out
}

// cells counts the results that are kept in a folder.
func cells(t *testing.T, dir string) int {
	t.Helper()
	rs, err := results.ReadResults(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(rs)
}

func mustRun(t *testing.T, g Grid, opt Options) map[string]string {
	t.Helper()
	return mustRunIn(t, t.TempDir(), g, opt)
}

func mustRunIn(t *testing.T, dir string, g Grid, opt Options) map[string]string {
	t.Helper()
	rs, err := run(t, context.Background(), g, dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if r.Err != "" {
			t.Fatalf("%s against %s: %s", r.Cell.Attack, r.Cell.Defense, r.Err)
		}
	}
	return storedBytes(t, dir)
}

func TestSameBytesForAnyOrderAndNumberOfWorkers(t *testing.T) {
	g := smallGrid(t)
	whole := t.TempDir()
	want := mustRunIn(t, whole, g, Options{Workers: 1})
	all := cells(t, whole)
	if all != 3*2*2*5+3 || len(want) != 3+3 {
		t.Fatalf("%d cells in %d files, want 63 in 3, and 3 of samples", all, len(want))
	}
	t.Run("two workers", func(t *testing.T) {
		if d := cmp.Diff(want, mustRun(t, g, Options{Workers: 2})); d != "" {
			t.Error(d)
		}
	})
	t.Run("recordings permuted", func(t *testing.T) {
		p := g
		p.Datasets = slices.Clone(g.Datasets)
		p.Datasets[0].Recordings = slices.Clone(g.Datasets[0].Recordings)
		slices.Reverse(p.Datasets[0].Recordings)
		if d := cmp.Diff(want, mustRun(t, p, Options{Workers: 2})); d != "" {
			t.Error(d)
		}
	})
	t.Run("another defense in the grid", func(t *testing.T) {
		p := g
		p.Defenses = append([]defenses.Defense{defense(t, "pad-level")}, g.Defenses...)
		got := mustRun(t, p, Options{Workers: 2})
		for name, b := range want {
			if got[name] != b {
				t.Fatalf("cell %s changed", name)
			}
		}
	})
	t.Run("two shards merged", func(t *testing.T) {
		first := defenses.ID(g.Defenses[0])
		got := mustRun(t, g, Options{Workers: 2, Units: func(_, defense string) bool { return defense == first }})
		other := mustRun(t, g, Options{Workers: 2, Units: func(_, defense string) bool { return defense != first }})
		for name, b := range other {
			if _, twice := got[name]; twice {
				t.Fatalf("cell %s is in both shards", name)
			}
			got[name] = b
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
	t.Run("stopped and resumed", func(t *testing.T) {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(context.Background())
		_, err := run(t, ctx, g, dir, Options{Workers: 2, Progress: func(done, _ int, _ bool) {
			if done == 7 {
				cancel()
			}
		}})
		if err == nil {
			t.Fatal("a run that was stopped ended well")
		}
		half := cells(t, dir)
		if half < 7 || half == all {
			t.Fatalf("%d cells after stopping at 7", half)
		}
		fresh := 0
		if _, err := run(t, context.Background(), g, dir, Options{Workers: 2, Progress: func(_, _ int, stored bool) {
			if !stored {
				fresh++
			}
		}}); err != nil {
			t.Fatal(err)
		}
		if fresh != all-half {
			t.Errorf("%d cells computed after the stop, want %d", fresh, all-half)
		}
		if d := cmp.Diff(want, storedBytes(t, dir)); d != "" {
			t.Error(d)
		}
	})
}

func TestRenamingClassesChangesNothing(t *testing.T) {
	g := smallGrid(t)
	g.Defenses = g.Defenses[:1]
	// The new names keep the alphabetical order, by which ties are broken.
	rename := func(ds datasets.Dataset) datasets.Dataset {
		ds.Recordings = slices.Clone(ds.Recordings)
		for i := range ds.Recordings {
			l := &ds.Recordings[i].Labels
			l.Events = slices.Clone(l.Events)
			for k := range l.Events {
				l.Events[k].Activity = "x_" + l.Events[k].Activity
			}
		}
		ds.Same = slices.Clone(ds.Same)
		for i := range ds.Same {
			ds.Same[i] = slices.Clone(ds.Same[i])
			for k, c := range ds.Same[i] {
				ds.Same[i][k] = strings.Replace(c, "/", "/x_", 1)
			}
		}
		return ds
	}
	before, err := Run(context.Background(), g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	g.Datasets = []datasets.Dataset{rename(g.Datasets[0])}
	after, err := Run(context.Background(), g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range before {
		if d := cmp.Diff(before[i].Metrics, after[i].Metrics); d != "" && before[i].Headline != "" {
			// ppv_at_rate needs the rates by class name.
			strip := func(m []results.Metric) []results.Metric {
				return slices.DeleteFunc(slices.Clone(m), func(x results.Metric) bool { return x.Name == "ppv_at_rate" })
			}
			if d := cmp.Diff(strip(before[i].Metrics), strip(after[i].Metrics)); d != "" {
				t.Fatalf("%s: %s", before[i].Cell.Attack, d)
			}
		}
	}
}

func TestNoDefenseCostsNothing(t *testing.T) {
	g := smallGrid(t)
	g.Defenses = g.Defenses[:1]
	rs, err := Run(context.Background(), g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		c := r.Cost
		if c.Overhead() != 0 || c.DelayMax != 0 || c.CoverBytes != 0 || c.InPackets != c.OutPackets {
			t.Errorf("%s: no defense costs %+v", r.Cell.Attack, c)
		}
	}
}

// A failing defense is a failed cell, and nothing else suffers.
func TestFailuresStayInTheirCells(t *testing.T) {
	g := smallGrid(t)
	g.Defenses = []defenses.Defense{defenses.None{}, losing{}, panicking{}}
	rs, err := Run(context.Background(), g, Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		switch {
		case r.Cell.Defense == results.NoDefense && r.Err != "":
			t.Errorf("no defense failed: %s", r.Err)
		case r.Cell.Defense == "losing" && !strings.Contains(r.Err, "packets became"),
			r.Cell.Defense == "panicking" && !strings.Contains(r.Err, "panic: boom, in veilbench/bench.panicking.Apply (run_test.go:"):
			t.Errorf("%s: error %q", r.Cell.Defense, r.Err)
		case r.Err != "" && (len(r.Metrics) > 0 || len(r.Items) > 0):
			t.Errorf("%s: a failed cell has scores", r.Cell.Defense)
		}
	}
}

type losing struct{}

func (losing) Info() defenses.Info {
	return defenses.Info{Name: "losing", Doc: "drops the first packet", Place: defenses.AtDevice}
}

func (losing) Apply(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	in.Packets = in.Packets[1:]
	return defenses.Defended{Trace: in}, nil
}

type panicking struct{}

func (panicking) Info() defenses.Info {
	return defenses.Info{Name: "panicking", Doc: "panics", Place: defenses.AtDevice}
}

func (panicking) Apply(*rand.Rand, datasets.Trace) (defenses.Defended, error) { panic("boom") }

// A defense that knows the future is run, and every one of its results says so.
func TestOraclesAreMarked(t *testing.T) {
	g := smallGrid(t)
	g.Defenses = []defenses.Defense{defense(t, "pad-random"), psychic{}}
	rs, err := Run(context.Background(), g, Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if want := r.Cell.Defense == "psychic"; r.Err != "" || r.Oracle != want {
			t.Errorf("%s: oracle %v, want %v %s", r.Cell.Defense, r.Oracle, want, r.Err)
		}
	}
}

// psychic pads every packet by a figure that depends on how many will come.
type psychic struct{}

func (psychic) Info() defenses.Info {
	return defenses.Info{Name: "psychic", Doc: "knows the future", Place: defenses.AtDevice}
}

func (psychic) Apply(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	n := int32(len(in.Packets) % 100)
	in.Packets = slices.Clone(in.Packets)
	for i := range in.Packets {
		if p := &in.Packets[i]; p.Size+n <= defenses.MaxFrame {
			p.Size += n
			p.Payload += n
		}
	}
	return defenses.Defended{Trace: in}, nil
}
