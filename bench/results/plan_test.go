package results

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
)

// planned is a manifest and the one result that it plans.
func planned() (Manifest, Result) {
	m := Manifest{
		Method: Method, Seed: 1, Draws: 1, TrainDraw: 1, Defenses: []string{"none", "pad"}, Attacks: []string{"knn"},
		Vantages: []datasets.Vantage{datasets.WAN}, Knowledge: []Knowledge{Adaptive}, Link: LinkSettings{UpMbitS: 20},
		Labels: map[string]string{"pad": "pad"}, Builds: map[string]string{"pad": "b1"},
		Data: []DataEntry{{Name: "d", Digest: "x", Tasks: []datasets.Task{datasets.TaskEvent}, Split: "leave-one-out"}},
	}
	c := Cell{
		Dataset: "d", Task: datasets.TaskEvent, Vantage: datasets.WAN, Defense: "pad", Attack: "knn", Knowledge: Adaptive,
		TrainDefense: "pad", Split: "leave-one-out", TrainDraws: 1, Seed: 1,
	}
	return m, Result{Cell: c, Data: "x", Setup: m.Setup(c), Method: Method, Headline: "f1"}
}

// What a folder holds of other runs is named and left out: of other data, other
// draws, another seed, another link or build.
func TestRunIsWhatItsManifestPlans(t *testing.T) {
	m, want := planned()
	dir := t.TempDir()
	s, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	put := func(r Result, k SampleKey) {
		t.Helper()
		keep(t, s, r)
		if err := s.PutSample(Sample{SampleKey: k, Data: r.Data, Setup: m.SampleSetup(k), Method: Method}); err != nil {
			t.Fatal(err)
		}
	}
	key := SampleKey{Dataset: "d", Task: datasets.TaskEvent, Vantage: datasets.WAN, Split: "leave-one-out", Defense: "pad", Seed: 1}
	put(want, key)

	why := []string{}
	other := func(reason string, change func(*Result)) {
		r := want
		change(&r)
		k := key
		k.Seed = 99
		put(r, k)
		why = append(why, "1 of "+reason)
	}
	other("other content of data set d", func(r *Result) { r.Data = "y" })
	other("data set e", func(r *Result) { r.Cell.Dataset = "e" })
	other("seed 2", func(r *Result) { r.Cell.Seed = 2 })
	other("draw 1", func(r *Result) { r.Cell.Draw = 1 })
	other("train_draws 8", func(r *Result) { r.Cell.TrainDraws = 8 })
	other("knowledge unaware", func(r *Result) { r.Cell.Knowledge = Unaware })
	other("attack cnn", func(r *Result) { r.Cell.Attack = "cnn"; r.Setup = m.Setup(r.Cell) })
	other("training on vpn", func(r *Result) { r.Cell.TrainDefense = "vpn" })
	other("defense vpn", func(r *Result) { r.Cell.Defense = "vpn" })
	other("split within", func(r *Result) { r.Cell.Split = "within" })
	other("task device", func(r *Result) { r.Cell.Task = datasets.TaskDevice })
	other("vantage lan", func(r *Result) { r.Cell.Vantage = datasets.LAN })
	other("another link, label or build of a plug-in", func(r *Result) { r.Setup = "z" })

	all, err := ReadRun(dir)
	if err != nil || len(all.Results) != len(why)+1 || len(all.Notes) != 1 || !strings.Contains(all.Notes[0], "no manifest.json") {
		t.Fatalf("without a manifest: %d results, notes %q, %v", len(all.Results), all.Notes, err)
	}
	if err := m.Write(dir); err != nil {
		t.Fatal(err)
	}
	run, err := ReadRun(dir)
	if err != nil || len(run.Results) != 1 || run.Results[0].Cell != want.Cell || len(run.Samples) != 1 || len(run.Notes) != 1 {
		t.Fatalf("%d results, %d samples, notes %q, %v", len(run.Results), len(run.Samples), run.Notes, err)
	}
	for _, w := range why {
		if !strings.Contains(run.Notes[0], w) {
			t.Errorf("%q does not name %q", run.Notes[0], w)
		}
	}
}

// keep puts a result into the store as a run does.
func keep(t *testing.T, s *Store, r Result) {
	t.Helper()
	u, err := s.Unit(r.Cell.Dataset, r.Cell.Defense)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(u.Put(r, Timing{TrainSeconds: 1}), u.Close()); err != nil {
		t.Fatal(err)
	}
}

// Each byte of a file of cells that is changed is an error that names the file, as is
// one that was cut or has another's name.
func TestChangedCellIsRefused(t *testing.T) {
	_, r := planned()
	dir := t.TempDir()
	s, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, s, r)
	files, err := filepath.Glob(filepath.Join(dir, cellsDir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	path := files[0]
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	refused := func(what, at string, b []byte) {
		t.Helper()
		if err := os.WriteFile(at, b, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := ReadResults(dir)
		if err == nil || !strings.Contains(err.Error(), at) || !strings.Contains(err.Error(), "delete the file") {
			t.Errorf("%s: error %v", what, err)
		}
	}
	const header = 10 // of gzip: flags, time and system, which nothing hangs on
	for i := header; i < len(whole); i++ {
		b := append([]byte(nil), whole...)
		b[i] ^= 1
		refused(fmt.Sprintf("byte %d", i), path, b)
	}
	if _, err := s.Unit(r.Cell.Dataset, r.Cell.Defense); err == nil {
		t.Error("a run goes on with a damaged file")
	}
	refused("cut", path, whole[:len(whole)/2])
	refused("empty", path, nil)

	if err := os.WriteFile(path, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	if rs, err := ReadResults(dir); err != nil || len(rs) != 1 {
		t.Fatalf("whole: %d results, %v", len(rs), err)
	}
	refused("under another name", strings.Replace(path, ".ndjson.gz", "0.ndjson.gz", 1), whole)
}

// Folders of earlier versions, a file for each cell, are refused with what to do.
func TestOldFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, cellsDir, "aa"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadRun(dir); err == nil || !strings.Contains(err.Error(), "report it with the program that made it") {
		t.Errorf("%v", err)
	}
}

// Reading a folder makes, sweeps and needs nothing in it, and a run writes on
// although another one that starts sweeps what it has in the making.
func TestReadersLeaveARunAlone(t *testing.T) {
	_, r := planned()
	dir := t.TempDir()
	s, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, s, r)
	half := filepath.Join(dir, cellsDir, ".tmp-1")
	if err := os.WriteFile(half, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadRun(dir); err != nil {
		t.Fatal(err)
	}
	if ts, err := ReadTimings(dir); err != nil || len(ts) != 1 {
		t.Errorf("%v, %v", ts, err)
	} else if x, ok := ts.Of(r); !ok || x.TrainSeconds != 1 {
		t.Errorf("%v, %v", x, ok)
	}
	if _, err := os.Stat(half); err != nil {
		t.Errorf("a reader swept: %v", err)
	}
	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(half, old, old); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStore(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(half); err == nil {
		t.Error("a run left what one before it left half written")
	}

	// Other runs start, and sweep, all the time.
	stop, done := make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := OpenStore(dir); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	for i := range 100 {
		r.Cell.Fold = i
		keep(t, s, r)
	}
	close(stop)
	<-done
	if rs, err := ReadResults(dir); err != nil || len(rs) != 100 {
		t.Errorf("%d results, %v", len(rs), err)
	}
}

// A sample whose lists do not fit each other would be indexed out of range by a
// picture.
func TestUnevenSampleIsRefused(t *testing.T) {
	for _, x := range []Sample{
		{Sequences: []Sequence{{TimesUS: []int64{1, 2}, Sizes: []int32{1}}}},
		{Sequences: []Sequence{{TimesUS: []int64{1, 2}, Sizes: []int32{1, 2}, Whose: "e"}}},
		{Rates: []RateSample{{Up: []int64{1}}}},
	} {
		dir := t.TempDir()
		x.Method = Method
		if err := (&Store{dir}).PutSample(x); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadSamples(dir); err == nil || !strings.Contains(err.Error(), "delete the file") {
			t.Errorf("%+v: error %v", x, err)
		}
	}
}

func TestDiffersAndGrows(t *testing.T) {
	was := Manifest{
		Version: "1", Seed: 1, Draws: 1, TrainDraw: 1, Defenses: []string{"none"}, Attacks: []string{"a"},
		Data: []DataEntry{{Name: "d", Digest: "x", Split: "kfold:k=5", Tasks: []datasets.Task{datasets.TaskClip}}},
	}
	grown := was
	grown.Version, grown.Draws, grown.Defenses, grown.Attacks = "2", 3, []string{"none", "vpn", "pad"}, []string{"b"}
	grown.Data = []DataEntry{{Name: "d", Digest: "x", Split: "kfold:k=5", Tasks: []datasets.Task{datasets.TaskClip, datasets.TaskEvent}}}
	if d := grown.Differs(was); d != nil {
		t.Errorf("one that grows differs: %v", d)
	}
	if g := strings.Join(grown.Grows(was), ", "); g != "2 defenses, 1 attack, 1 task, 2 draws" {
		t.Errorf("grows by %s", g)
	}
	if g := was.Grows(grown); len(g) != 1 { // its attack, no less of anything
		t.Errorf("one that asks for less grows by %v", g)
	}

	for want, change := range map[string]func(*Manifest){
		"seed is 1 there, 2 here":                                func(m *Manifest) { m.Seed = 2 },
		"train_draws is 1 there, 2 here":                         func(m *Manifest) { m.TrainDraw = 2 },
		"link is {0 0 false} there, {20 0 false} here":           func(m *Manifest) { m.Link.UpMbitS = 20 },
		"split is the data's own there, kfold:k=2 here":          func(m *Manifest) { m.Split = "kfold:k=2"; m.Data[0].Split = "kfold:k=2" },
		"split of d is kfold:k=5 there, kfold:k=3 here":          func(m *Manifest) { m.Data[0].Split = "kfold:k=3" },
		"data set d has other content":                           func(m *Manifest) { m.Data[0].Digest = "y" },
		"data set d is not in this run; data set e is not there": func(m *Manifest) { m.Data[0].Name = "e" },
	} {
		m := was
		m.Data = slices.Clone(was.Data)
		change(&m)
		if got := strings.Join(m.Differs(was), "; "); got != want {
			t.Errorf("differs in %q, want %q", got, want)
		}
	}
}
