package bench

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"veilbench/attacks"
	attackprogram "veilbench/attacks/external"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/datatest"
	"veilbench/datasets/process"
	"veilbench/defenses"
	defenseprogram "veilbench/defenses/external"
)

// isDoubt is what becomes of a cheat that gives numbers with a warning.
const isDoubt = "nondeterministic"

// strict are limits that no honest program of these tests is near to.
func strict(t *testing.T) *process.Set {
	s := process.NewSet(t.Context(), nil)
	s.Limit(process.Limits{Silence: 8 * time.Second, LineBytes: 4 << 20})
	t.Cleanup(s.Close)
	return s
}

// A program that cheats is a failed cell, an oracle or a warning, and the rows of all
// others are, byte for byte, those of a run without it.
func TestCheatingDefensePrograms(t *testing.T) {
	python, s := datatest.Python(t), strict(t)
	cheats := []struct{ mode, want string }{
		{"early", "packet 3 leaves at"},
		{"lost", "lost 1 of"},
		{"invented", "which has"},
		{"oversize", "above the frame limit"},
		{"turned", "round"},
		{"reordered", "carries original 0 after 2 of the same flow and direction"},
		{"look-ahead", isOracle},
		{"silent", "says nothing for 8s"},
		{"garbage", `want an object, not "Hello, world!"`},
		{"hanging", "says nothing for 8s"},
		{"crashing", "exited before it answered (exit status 1); the last it said: out of ideas"},
		{"huge", "writes a line of more than 4 MiB"},
		{"nondeterministic", isDoubt},
	}
	if len(cheats) != 13 {
		t.Errorf("%d cheats, the page says 13", len(cheats))
	}

	ds := []defenses.Defense{defenses.None{}}
	for _, c := range cheats {
		d, err := defenseprogram.Open(s, []string{python, "-S", "testdata/cheat.py", c.mode}, nil)
		if err != nil {
			t.Fatal(err)
		}
		ds = append(ds, d)
	}
	ds = append(ds, defense(t, "pad-random"))
	wantRows, wantBytes := tried(t, clipGrid(t, []defenses.Defense{defenses.None{}, defense(t, "pad-random")}, nil))

	g := clipGrid(t, ds, nil)
	rs, stored := tried(t, g)
	for _, c := range cheats {
		t.Run(c.mode, func(t *testing.T) { judgeProgram(t, rs, "exec:"+c.mode, c.want) })
	}
	names := slices.Clone(rs)
	for _, c := range cheats {
		names = slices.DeleteFunc(names, func(r results.Result) bool { return r.Cell.Defense == "exec:"+c.mode })
	}
	unspoiled(t, rows(wantRows, ""), rows(names, ""), wantBytes, stored)
	for _, v := range ProgramVerdicts(g) {
		if v.OK == strings.Contains(v.Name, "nondeterministic") {
			t.Errorf("verdict %+v", v)
		}
	}
}

// The same for attacks.
func TestCheatingAttackPrograms(t *testing.T) {
	python, s := datatest.Python(t), strict(t)
	cheats := []struct{ mode, want string }{
		{"silent", "says nothing for 8s"},
		{"garbage", `want an object, not "Hello, world!"`},
		{"hanging", "says nothing for 8s"},
		{"crashing", "exited before it answered (exit status 1); the last it said: out of ideas"},
		{"huge", "writes a line of more than 4 MiB"},
		{"foreign", `class "device/dim" was never asked for`},
		{"nan", "want a number, not"},
		{"nondeterministic", isDoubt},
	}
	ds := []defenses.Defense{defenses.None{}, defense(t, "pad-random")}
	wantRows, wantBytes := tried(t, clipGrid(t, ds, nil))

	var as []attacks.Attack
	for _, c := range cheats {
		a, err := attackprogram.Open(s, []string{python, "-S", "testdata/cheat.py", c.mode}, nil)
		if err != nil {
			t.Fatal(err)
		}
		as = append(as, a)
	}
	rs, stored := tried(t, clipGrid(t, ds, as))
	for _, c := range cheats {
		t.Run(c.mode, func(t *testing.T) { judgeProgram(t, rs, "exec:"+c.mode, c.want) })
		rs = slices.DeleteFunc(rs, func(r results.Result) bool { return r.Cell.Attack == "exec:"+c.mode })
	}
	unspoiled(t, rows(wantRows, ""), rows(rs, ""), wantBytes, stored)
}

// judgeProgram holds the cells of a program to what the table says.
func judgeProgram(t *testing.T, rs []results.Result, name, want string) {
	t.Helper()
	if want != isDoubt {
		judge(t, rs, name, want)
		return
	}
	n := 0
	for _, r := range rs {
		if r.Cell.Defense != name && r.Cell.Attack != name {
			continue
		}
		n++
		if r.Err != "" || r.Oracle || !slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.HasPrefix(w, "nondeterministic: "+name) }) {
			t.Errorf("error %q, oracle %v, warnings %q of %+v", r.Err, r.Oracle, r.Warnings, r.Cell)
		}
	}
	if n == 0 {
		t.Error("no cells")
	}
}

// reference starts a reference program, whose source is text.
func reference(t *testing.T, text string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "p.py")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return []string{datatest.Python(t), "-S", file}
}

// Attacks that draw, and an observer outside, whose view is drawn, see other draws behind
// the program: its ID is another one. What they reach is within each other's intervals.
func TestReferenceDefenseWithinIntervals(t *testing.T) {
	d, err := defenseprogram.Open(strict(t), reference(t, defenseprogram.Mirror), map[string]string{"to": "linear"})
	if err != nil {
		t.Fatal(err)
	}
	rs, err := Run(t.Context(), Grid{
		Datasets: []datasets.Dataset{small(t, "home:event_signatures:homes=6,hours=0.5")}, Tasks: []datasets.Task{datasets.TaskEvent},
		Defenses: []defenses.Defense{defenses.None{}, defense(t, "pad-level:to=linear"), d},
		Attacks:  []attacks.Attack{attack(t, "event-forest:trees=20"), attack(t, "event-knn:k=3")},
		Seed:     1,
	}, Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	var both []results.Summary
	for _, s := range results.Summaries(rs) {
		if s.Defense != results.NoDefense {
			both = append(both, s)
		}
	}
	if len(both) != 2 || !both[0].HasInterval || !both[1].HasInterval {
		t.Fatalf("%+v", both)
	}
	for i, s := range both {
		if x := both[1-i].Advantage; x < s.Lo || x > s.Hi || s.Failed > 0 {
			t.Errorf("%s: %.2f [%.2f, %.2f], the other one %.2f", s.Defense, s.Advantage, s.Lo, s.Hi, x)
		}
	}
}

// The reference programs in Python are pad-level and guess-exact: the same traces, so
// the same costs, and at lan, where nothing is drawn beyond the defense, the same scores
// of attacks that draw nothing; the same answers of the attack, behind every defense.
func TestReferenceProgramsAreTheBuiltIn(t *testing.T) {
	s := strict(t)
	d, err := defenseprogram.Open(s, reference(t, defenseprogram.Mirror), map[string]string{"to": "linear"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := attackprogram.Open(s, reference(t, attackprogram.Mirror), nil)
	if err != nil {
		t.Fatal(err)
	}
	pad, exact := defense(t, "pad-level:to=linear"), attack(t, "guess-exact")

	for _, id := range []string{"home:event_signatures:hours=0.5", "home:event_clips:homes=3,hours=0.1"} {
		rs, err := Run(t.Context(), Grid{
			Datasets: []datasets.Dataset{small(t, id)}, Vantages: []datasets.Vantage{datasets.LAN},
			Defenses: []defenses.Defense{defenses.None{}, pad, d}, Attacks: []attacks.Attack{exact, a, attack(t, "event-knn:k=1")},
			Seed: 1, NoCanaries: true,
		}, Options{Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		by := map[results.Cell]results.Result{}
		for _, r := range rs {
			by[r.Cell] = r
		}
		n := 0
		for _, r := range rs {
			// Under the names of the built-in ones it must be their result.
			c := r.Cell
			for _, at := range []*string{&c.Defense, &c.TrainDefense} {
				if *at == defenses.ID(d) {
					*at = defenses.ID(pad)
				}
			}
			if c.Attack == attacks.ID(a) {
				c.Attack = attacks.ID(exact)
			}
			if c == r.Cell {
				continue
			}
			n++
			want := by[c]
			if c.Defense != r.Cell.Defense {
				// What a control draws hangs on the ID of the defense, and so do floors.
				want, r = withoutFloors(want), withoutFloors(r)
			}
			r.Cell, r.Setup, r.Control = want.Cell, want.Setup, want.Control
			if diff := gocmp.Diff(want, r); diff != "" || r.Err != "" {
				t.Errorf("%+v: %.800s %s", c, diff, r.Err)
			}
		}
		if n < 10 {
			t.Errorf("%d cells compared", n)
		}
	}
	for _, v := range ProgramVerdicts(Grid{Defenses: []defenses.Defense{d}, Attacks: []attacks.Attack{a}}) {
		if !v.OK {
			t.Errorf("verdict %+v", v)
		}
	}
}

// withoutFloors is r without what the controls reached beside it.
func withoutFloors(r results.Result) results.Result {
	r.Floor, r.FloorBy = 0, ""
	r.Groups, r.Devices = slices.Clone(r.Groups), slices.Clone(r.Devices)
	for i := range r.Groups {
		r.Groups[i].Floor, r.Groups[i].PooledFloor = 0, 0
		r.Groups[i].Devices = slices.Clone(r.Groups[i].Devices)
		for k := range r.Groups[i].Devices {
			r.Groups[i].Devices[k].Floor = 0
		}
	}
	for i := range r.Devices {
		r.Devices[i].Floor = 0
	}
	return r
}
