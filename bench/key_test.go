package bench

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/bench/cost"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
)

// changesNoByte are the fields of a grid that may change without any cell being
// another, with the reason. Every other field must be in the key.
var changesNoByte = map[string]string{
	"Datasets[].LabelZone":        "words a doubt; the times of labels themselves are in the key",
	"Test":                        "the word for the data set to test on, whose recordings are in Datasets",
	"Datasets[].Preset":           "how data were made is told in tables; the name and the packets tell them apart",
	"Datasets[].Settings":         "as Preset",
	"Datasets[].Settings[].Key":   "as Preset",
	"Datasets[].Settings[].Value": "as Preset",
	"Datasets[].Question":         "is part of the name",
	"Datasets[].Source":           "is cited beside the tables and stands in no cell",
	"Captured":                    "the words for captured devices; what they left is in the key by Builds, or in Datasets",
	"Captured[].Name":             "as Captured",
	"Captured[].After":            "as Captured",
	"Captured[].Pairing":          "as Captured",
	"Captured[].OneClock":         "as Captured: it is in the digest of what was matched",
	"NoCanaries":                  "leaves out planted cells and changes no other",
}

// TestEveryFieldIsInTheKey changes each field of a grid and of its data set, one
// by one, and sees other keys, so that no cell computed before can be taken for
// one of the changed grid. A new field is found here, and fails until it is in
// the key or in the list of those that change no byte.
func TestEveryFieldIsInTheKey(t *testing.T) {
	g := Grid{
		Datasets:   []datasets.Dataset{small(t, "home:event_signatures:homes=3,hours=0.3")},
		Tasks:      []datasets.Task{datasets.TaskEvent},
		Vantages:   []datasets.Vantage{datasets.WAN},
		Knowledge:  []results.Knowledge{results.Unaware},
		Defenses:   []defenses.Defense{defense(t, "pad-level")},
		Attacks:    []attacks.Attack{attack(t, "guess-exact")},
		Draws:      1, // the default, as it is when it is left out
		TrainDraws: 1,
		Link:       cost.DefaultLink(),
	}
	w := keyWalk{t: t, grid: &g, seen: map[string]bool{}}
	w.before = w.keys()
	w.walk(reflect.ValueOf(&g).Elem(), "")

	for path := range changesNoByte {
		if !w.seen[path] {
			t.Errorf("%s is in the list, and no field of a grid", path)
		}
	}
	if len(w.seen) < 50 {
		t.Errorf("only %d fields changed", len(w.seen))
	}
}

type keyWalk struct {
	t      *testing.T
	grid   *Grid
	before []string
	seen   map[string]bool
}

// keys are what names the grid's cells in a store; a grid that is refused has
// none.
func (w *keyWalk) keys() []string {
	g, err := w.grid.withDefaults()
	if err != nil {
		return nil
	}
	units, err := g.units()
	if err != nil {
		return nil
	}
	plan := ManifestOf(g, "", nil)
	var out []string
	for _, u := range units {
		for _, j := range u.jobs {
			out = append(out, fmt.Sprintf("%+v %s %s", j.cell, plan.DataDigest(j.cell.Dataset), plan.Setup(j.cell)))
		}
	}
	return out
}

// try sets v to another value, looks at the keys, and puts v back.
func (w *keyWalk) try(v reflect.Value, path string, to reflect.Value) {
	w.seen[path] = true
	old := reflect.New(v.Type()).Elem()
	old.Set(v)
	v.Set(to)
	same := slices.Equal(w.keys(), w.before)
	v.Set(old)

	if _, free := changesNoByte[path]; same != free {
		w.t.Errorf("%s: the key stays: %v; listed as changing no byte: %v", path, same, free)
	}
}

// walk tries v and everything below it: of lists the first element, for others
// are treated alike.
func (w *keyWalk) walk(v reflect.Value, path string) {
	if to, ok := otherValue(v); ok {
		w.try(v, path, to)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			w.walk(v.Field(i), strings.TrimPrefix(path+"."+v.Type().Field(i).Name, "."))
		}
	case reflect.Slice:
		first := reflect.MakeSlice(v.Type(), 1, 1)
		if v.Len() == 0 {
			// A list that is empty here is not so elsewhere: what an element has is
			// walked with one in it.
			old := reflect.New(v.Type()).Elem()
			old.Set(v)
			w.try(v, path, first)
			v.Set(first)
			was := w.before
			w.before = w.keys()
			w.walk(v.Index(0), path+"[]")
			w.before = was
			v.Set(old)
			return
		}
		// Names of devices are indexed by others, so none goes.
		other := reflect.Append(v.Slice3(0, v.Len(), v.Len()), first.Index(0))
		if to, ok := otherValue(v.Index(0)); ok && to.Type() != reflect.TypeFor[string]() {
			first.Index(0).Set(to)
			other = first
		}
		w.try(v, path, other)
		w.walk(v.Index(0), path+"[]")
	case reflect.Map:
		m := reflect.MakeMap(v.Type())
		value := reflect.New(v.Type().Elem()).Elem()
		if to, ok := otherValue(value); ok {
			value = to
		}
		// Labels are by ID; the keys of other maps are free.
		m.SetMapIndex(reflect.ValueOf(defenses.ID(w.grid.Defenses[0])), value)
		w.try(v, path, m)
	default:
		w.t.Fatalf("%s: %s is a kind that this test cannot change", path, v.Type())
	}
}

// otherValue is a value of v's type that v has not; ok is false for what is
// walked element by element.
func otherValue(v reflect.Value) (to reflect.Value, ok bool) {
	var x any
	switch old := v.Interface().(type) {
	case datasets.Task:
		x = datasets.TaskDevice
	case datasets.Vantage:
		x = datasets.LAN
		if old == datasets.LAN {
			x = datasets.WAN
		}
	case datasets.Split:
		x = datasets.Split("group-kfold:k=2")
	case results.Knowledge:
		x = results.Adaptive
	case defenses.Defense:
		x = defenses.None{}
	case attacks.Attack:
		x = anotherAttack{old}
	case time.Time:
		// The same moment on another clock: what an attack reads off it is another.
		x = old.In(time.FixedZone("", 3600))
	case netip.AddrPort:
		x = netip.MustParseAddrPort("192.0.2.7:7")
	case datasets.MAC:
		x = datasets.MAC{1}
	case string:
		x = old + "x"
	case bool:
		x = !old
	default:
		to = reflect.New(v.Type()).Elem()
		switch {
		case v.CanInt():
			to.SetInt(v.Int() + 1)
		case v.CanUint():
			to.SetUint(v.Uint() + 1)
		case v.CanFloat():
			to.SetFloat(v.Float() + 1)
		default:
			return to, false
		}
		return to, true
	}
	to = reflect.New(v.Type()).Elem()
	to.Set(reflect.ValueOf(x))
	return to, true
}

// anotherAttack is one of the same task with another name.
type anotherAttack struct{ attacks.Attack }

func (a anotherAttack) Info() attacks.Info {
	i := a.Attack.Info()
	i.Name += "-2"
	return i
}

// A plug-in that is not of this module is known by its program, and one of the
// module by the version of the methods. Every stage of a chain counts.
func TestForeignPluginsHaveABuild(t *testing.T) {
	foreign := struct{ defenses.None }{} // declared in no package
	for _, c := range []struct {
		name string
		d    defenses.Defense
		has  bool
	}{
		{"built in", defense(t, "pad-random"), false},
		{"built-in chain", defense(t, "pad-random+vpn"), false},
		{"foreign", foreign, true},
		{"pointer", &foreign, true},
		{"in a chain", defenses.Chain{defense(t, "pad-random"), foreign}, true},
	} {
		b := builds(Grid{Defenses: []defenses.Defense{c.d}, Attacks: []attacks.Attack{attack(t, "guess-exact")}})
		if has := len(b) == 1 && len(b[defenses.ID(c.d)]) == 64; has != c.has || len(b) > 1 {
			t.Errorf("%s: builds %v", c.name, b)
		}
	}
}

// A manifest says which zeros of attacks are no numbers: event-knn chooses k in
// training, and a slack of 0 is none.
func TestManifestSaysWhatZerosAre(t *testing.T) {
	m := ManifestOf(Grid{Attacks: []attacks.Attack{attack(t, "event-knn"), attack(t, "decompose")}}, "", nil)
	if got := m.Zeros[results.ZeroKey("event-knn", "k")]; !strings.HasPrefix(got, "chosen inside training") {
		t.Errorf("k of 0 is %q", got)
	}
	if got, ok := m.Zeros[results.ZeroKey("decompose", "slack")]; ok {
		t.Errorf("slack of 0 is %q, want a number", got)
	}
}

// Owners that are known and causes that are not are other data than the other
// way round.
func TestDigestTellsOwnersFromCauses(t *testing.T) {
	ds := datasets.Dataset{Recordings: make([]datasets.Recording, 1)}
	r := &ds.Recordings[0]
	r.Trace.Packets = make([]datasets.Packet, 2)
	r.Labels.Owners = []int32{0, 1}
	a := Digest(&ds)
	r.Labels.Owners, r.Labels.Cause = nil, r.Labels.Owners
	if Digest(&ds) == a {
		t.Error("one digest")
	}
}
