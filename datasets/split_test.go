package datasets

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// groups of size recordings each, one after the other, an hour apart; the
// class alternates.
func splitData(groups, size int) *Dataset {
	ds := &Dataset{Name: "test", Split: "group-kfold:k=3"}
	start := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for g := range groups {
		for i := range size {
			n := g*size + i
			ds.Recordings = append(ds.Recordings, Recording{
				ID:    fmt.Sprintf("r%03d", n),
				Group: fmt.Sprintf("g%02d", g),
				Trace: Trace{Start: start.Add(time.Duration(n) * time.Hour), End: time.Minute},
				Labels: Labels{
					Devices:  []string{"lamp"},
					Events:   []Event{{Activity: []string{"on", "off"}[n%2]}},
					Commands: []Command{{}},
					Stays:    []Stay{{End: time.Minute, Home: 1}},
				},
			})
		}
	}
	return ds
}

func TestParseSplit(t *testing.T) {
	for _, c := range []struct{ id, want, err string }{
		{"group-kfold", "group-kfold:k=5", ""},
		{"group-kfold:k=3", "group-kfold:k=3", ""},
		{"chronological:purge_s=60", "chronological:purge_s=60,share=0.7", ""},
		{"leave-one-out", "leave-one-out", ""},
		{"leave-one-group-out", "leave-one-group-out", ""},
		{"kfold:k=1", "", "k=1: want 2 to 1000"},
		{"kfold:k=3.7", "", "k=3.7: want a whole number"},
		{"kfold:n=3", "", `unknown parameter "n"`},
		{"chronological:share=1", "", "share=1: want more than 0 and less than 1"},
		{"chronological:purge_s=-1", "", "purge_s=-1"},
		{"group-kflod", "", `unknown split "group-kflod"; did you mean "group-kfold"?`},
		{"", "", "empty name"},
		{"leave-one-out:k=2", "", "has no parameters"},
	} {
		got, err := ParseSplit(c.id)
		if string(got) != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: %q, %v; want %q, %q", c.id, got, err, c.want, c.err)
		}
	}
	for _, s := range Splits() {
		if got, err := ParseSplit(string(s)); got != s || err != nil {
			t.Errorf("%s is not its own canonical form: %s, %v", s, got, err)
		}
	}
}

func TestWithin(t *testing.T) {
	want := map[Split]bool{"group-kfold:k=5": false, "leave-one-group-out": false, "chronological:purge_s=0,share=0.7": false, "fixed-even-odd": false, "train-test": false}
	for _, s := range Splits() {
		if _, across := want[s]; s.Within() == across {
			t.Errorf("%s: within is %v", s, s.Within())
		}
	}
}

// splitsOfOne are the splits of a single data set; that of two has its own test.
func splitsOfOne() []Split {
	return slices.DeleteFunc(Splits(), func(s Split) bool { return s == TrainTestSplit })
}

// Every split uses each recording at most once as test item, puts nothing on
// both sides, and an across split puts no group on both sides.
func TestFoldsGuards(t *testing.T) {
	ds := splitData(7, 10)
	for _, s := range append(splitsOfOne(), "group-kfold:k=2", "kfold:k=7", "group-kfold:k=7", "trial-kfold:k=2") {
		folds, err := s.Folds(ds, TaskClip)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		tested := map[int]int{}
		for _, f := range folds {
			for _, p := range f {
				if !slices.IsSorted(p.Train) || !slices.IsSorted(p.Test) {
					t.Errorf("%s: not sorted: %v", s, p)
				}
				group := map[string]bool{}
				for _, i := range p.Train {
					group[ds.Recordings[i].Group] = true
				}
				for _, i := range p.Test {
					tested[i]++
					if _, both := slices.BinarySearch(p.Train, i); both {
						t.Errorf("%s: recording %d on both sides", s, i)
					}
					if !s.Within() && group[ds.Recordings[i].Group] {
						t.Errorf("%s: group %s on both sides", s, ds.Recordings[i].Group)
					}
				}
			}
		}
		all := !strings.HasPrefix(string(s), "fixed") && !strings.HasPrefix(string(s), "chrono")
		if all && len(tested) != len(ds.Recordings) {
			t.Errorf("%s tests %d of %d recordings", s, len(tested), len(ds.Recordings))
		}
		for i, n := range tested {
			if n != 1 {
				t.Errorf("%s tests recording %d %d times", s, i, n)
			}
		}
	}
}

// Permuting the recordings or renaming the classes gives the same folds.
func TestFoldsInvariant(t *testing.T) {
	ds := splitData(7, 10)
	for i := range ds.Recordings {
		ds.Recordings[i].Trace.End = DetectItem // shorter ones serve no detect task
	}
	perm := *ds
	perm.Recordings = slices.Clone(ds.Recordings)
	rng := rand.New(rand.NewPCG(1, 2))
	rng.Shuffle(len(perm.Recordings), func(i, j int) {
		perm.Recordings[i], perm.Recordings[j] = perm.Recordings[j], perm.Recordings[i]
	})
	for i := range perm.Recordings {
		e := perm.Recordings[i].Labels.Events[0]
		e.Activity = map[string]string{"on": "zz", "off": "aa"}[e.Activity]
		perm.Recordings[i].Labels.Events = []Event{e}
	}
	for _, s := range append(splitsOfOne(), "group-kfold:k=2", "kfold:k=7") {
		for _, task := range Tasks() {
			a, err := s.Folds(ds, task)
			if err != nil {
				t.Fatal(err)
			}
			b, err := s.Folds(&perm, task)
			if err != nil {
				t.Fatal(err)
			}
			if x, y := foldNames(ds, a), foldNames(&perm, b); x != y {
				t.Errorf("%s %s: %s\nbut permuted %s", s, task, x, y)
			}
		}
	}
}

// foldNames writes folds by recording ID, the test sides only as train is the
// rest; parts within a fold keep their order.
func foldNames(ds *Dataset, folds []Fold) string {
	var b strings.Builder
	for _, f := range folds {
		for _, p := range f {
			for _, side := range [][]int{p.Train, p.Test} {
				var ids []string
				for _, i := range side {
					ids = append(ids, ds.Recordings[i].ID)
				}
				slices.Sort(ids)
				fmt.Fprint(&b, ids, " ")
			}
			b.WriteString("| ")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestFoldsKnown(t *testing.T) {
	ds := splitData(4, 5) // r000..r019, classes on (even) and off (odd), ten each
	for _, c := range []struct {
		split       Split
		task        Task
		train, test int
		folds       int
		parts       int
	}{
		{"", TaskClip, 10, 10, 3, 1}, // the data's own; 4 groups in 3 folds: 2, 1, 1
		{"leave-one-group-out", TaskClip, 15, 5, 4, 1},
		{"leave-one-out", TaskClip, 19, 1, 1, 20},
		{"fixed-80-20", TaskClip, 16, 4, 1, 1},
		{"fixed-even-odd", TaskClip, 10, 10, 1, 1},
		{"kfold:k=5", TaskClip, 16, 4, 5, 1},
		{"trial-kfold:k=3", TaskClip, 12, 8, 3, 1}, // in a group of 5 one class has 3, the other 2
		{"chronological:share=0.5", TaskEvent, 10, 10, 1, 1},
		{"chronological:share=0.51", TaskEvent, 10, 10, 1, 1},
		{"chronological:share=0.55", TaskEvent, 15, 5, 1, 1},
		{"chronological:share=0.99", TaskEvent, 15, 5, 1, 1},
		{"chronological:share=0.01", TaskEvent, 5, 15, 1, 1},
		// r010 starts at 10:00, so r007 (07:00 to 07:01) may train with a
		// gap of 2:59 and r008 may not.
		{"chronological:share=0.5,purge_s=10740", TaskEvent, 8, 10, 1, 1},
	} {
		folds, err := c.split.Folds(ds, c.task)
		if err != nil {
			t.Errorf("%s: %v", c.split, err)
			continue
		}
		p := folds[0][0]
		if len(folds) != c.folds || len(folds[0]) != c.parts || len(p.Train) != c.train || len(p.Test) != c.test {
			t.Errorf("%s: %d folds of %d parts, first %d|%d; want %+v", c.split, len(folds), len(folds[0]), len(p.Train), len(p.Test), c)
		}
	}
	folds, _ := Split("fixed-80-20").Folds(ds, TaskClip)
	if want := []int{16, 17, 18, 19}; !slices.Equal(folds[0][0].Test, want) {
		t.Errorf("fixed-80-20 tests %v, want %v: the last two of each class", folds[0][0].Test, want)
	}
	// Ten of each class in five folds: two of each.
	folds, _ = Split("kfold:k=5").Folds(ds, TaskClip)
	for _, f := range folds {
		on := 0
		for _, i := range f[0].Test {
			on += 1 - i%2
		}
		if on != 2 {
			t.Errorf("kfold tests %d of class on in %v, want 2", on, f[0].Test)
		}
	}
}

func TestFoldsErrors(t *testing.T) {
	one, two, none := splitData(1, 6), splitData(2, 3), splitData(2, 1)
	none.Recordings[1].Labels.Events = nil
	overlap := splitData(2, 3)
	overlap.Recordings[1].Trace.End = 5 * time.Hour
	unknown := splitData(2, 3)
	unknown.Recordings[4].Trace.Start = time.Time{}
	for _, c := range []struct {
		ds    *Dataset
		split Split
		want  string
	}{
		{one, "group-kfold:k=2", "one group only"},
		{one, "leave-one-group-out", "needs two groups"},
		{one, "chronological", "cut long recordings into days first"},
		{two, "group-kfold:k=3", "k=3 needs as many groups, there are 2"},
		{two, "kfold:k=7", "k=7 needs as many recordings, there are 6"},
		{none, "leave-one-out", "needs two recordings, there are 1"},
		{none, "fixed-80-20", "1 recordings train and 0 test"},
		{overlap, "chronological", `groups "g00" and "g01" overlap in time`},
		{unknown, "chronological", `group "g01" has no start time`},
		{two, "chronological:share=0.5,purge_s=1e7", "0 recordings train"},
		{two, "halves", "unknown split"},
	} {
		if _, err := c.split.Folds(c.ds, TaskClip); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.split, err, c.want)
		}
	}
}

// The guard is independent of the splitters: a part made by hand that has a
// group on both sides is refused.
func TestSplitGuard(t *testing.T) {
	v := newSplitView(splitData(2, 2), TaskClip)
	err := v.check(Part{Train: []int{0, 2}, Test: []int{1}}, false)
	if err == nil || !strings.Contains(err.Error(), `group "g00" is on both sides`) {
		t.Errorf("got %v", err)
	}
	if err := v.check(Part{Train: []int{0, 2}, Test: []int{1}}, true); err != nil {
		t.Errorf("within: %v", err)
	}
}
