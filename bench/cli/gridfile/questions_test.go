package gridfile

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/datasets"
)

// ownData is a data set of two clips and two events, with its tasks.
func ownData(name string) datasets.Loader {
	return datasets.Loader{Name: name, Load: func(_ context.Context, path string, _ uint64) ([]datasets.Dataset, error) {
		if path == "broken" {
			return nil, errors.New("no such bench")
		}
		ds := datasets.Dataset{Name: name, Recorded: datasets.LAN, Split: "leave-one-group-out", Tasks: []datasets.Task{datasets.TaskClip, datasets.TaskEvent}}
		for _, g := range []string{"a", "b"} {
			ds.Recordings = append(ds.Recordings, datasets.Recording{ID: g, Group: g, Labels: datasets.Labels{Devices: []string{"lamp"}, Events: []datasets.Event{{Activity: "on"}}}})
		}
		return []datasets.Dataset{ds}, nil
	}}
}

// questions are one that every data set serves and one that only "mine" does.
func questions() []datasets.Question {
	rename := func(ds datasets.Dataset) (datasets.Dataset, error) {
		for i := range ds.Recordings {
			ds.Recordings[i].Labels.Devices[0] = "any"
		}
		ds.Tasks = []datasets.Task{datasets.TaskClip}
		return ds, nil
	}
	return []datasets.Question{
		{Name: "kind", Of: rename},
		{Name: "rare", Of: func(ds datasets.Dataset) (datasets.Dataset, error) {
			if ds.Name != "mine" {
				return datasets.Dataset{}, nil
			}
			return rename(ds)
		}},
	}
}

// asks is the grid's data sets with the tasks that they are asked, "name:task task".
func asks(t *testing.T, text string) (string, error) {
	t.Helper()
	c, err := Parse("f.yaml", text+"\ndefenses: none\nattacks: guess-exact\n")
	if err != nil {
		return "", err
	}
	p := own()
	p.Datasets, p.Tasks = []datasets.Loader{ownData("mine"), ownData("other")}, questions()
	g, asked, err := c.Grid(t.Context(), p, source.Options{})
	if err != nil {
		return "", err
	}
	var out []string
	for _, d := range bench.ManifestOf(g, "", asked).Data {
		var tasks []string
		for _, task := range d.Tasks {
			tasks = append(tasks, string(task))
		}
		out = append(out, d.Asked+" "+d.Name+":"+strings.Join(tasks, " "))
	}

	// A manifest tells enough to pose the same questions again.
	m := bench.ManifestOf(g, "", asked)
	again, _, err := OfManifest(m).Grid(t.Context(), p, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range bench.ManifestOf(again, "", asked).Data {
		if i >= len(m.Data) || d.Name != m.Data[i].Name || d.Digest != m.Data[i].Digest || !slices.Equal(d.Tasks, m.Data[i].Tasks) {
			t.Errorf("%s: from the manifest %+v, was %+v", text, d, m.Data)
		}
	}
	return strings.Join(out, "; "), nil
}

func TestQuestionsOfOnesOwn(t *testing.T) {
	for _, c := range []struct{ text, want, err string }{
		{"datasets: mine", "mine mine:clip event", ""},
		{"datasets: mine\ntasks: [clip, kind]", "mine mine:clip; mine mine/kind:clip", ""},
		{"datasets: mine\ntasks: kind", "mine mine/kind:clip", ""},
		{"datasets: [mine, other]\ntasks: [kind, rare]", "mine mine/kind:clip; mine mine/rare:clip; other other/kind:clip", ""},
		{"datasets: [mine, other]\ntasks: [event, rare]", "mine mine:event; mine mine/rare:clip; other other:event", ""},
		{"datasets: [{mine: {tasks: [kind, event]}}, other]", "mine mine:event; mine mine/kind:clip; other other:clip event", ""},
		{"datasets: [{mine: {tasks: [kind, event]}}]\ntasks: event", "mine mine:event", ""},
		{"datasets: other\ntasks: rare", "", "task rare: no data set of the run serves it"},
		{"datasets: mine\ntasks: kinds", "", `did you mean "kind"`},
		{"datasets: [{mine: {tasks: kinds}}]", "", `f.yaml:1:27: unknown task "kinds"`},
		{"datasets: mine=broken", "", "data set mine: no such bench"},
		{"datasets: mini", "", `did you mean "mine"`},
	} {
		got, err := asks(t, c.text)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s:\n%s, %v\nwant %s, %s", c.text, got, err, c.want, c.err)
		}
	}
}

// A question relabels what it is given; the truth of the other tasks stays.
func TestQuestionsChangeNoTruth(t *testing.T) {
	ds, _ := ownData("mine").Load(t.Context(), "", 1)
	g := bench.Grid{Datasets: ds, Tasks: []datasets.Task{datasets.TaskClip, "kind"}}
	if err := pose(&g, map[string]string{}, nil, questions()); err != nil {
		t.Fatal(err)
	}
	if a, b := g.Datasets[0].Recordings[0].ClipClass(), g.Datasets[1].Recordings[0].ClipClass(); a != "lamp/on" || b != "any/on" {
		t.Errorf("classes %s and %s", a, b)
	}
}

func TestQuestionsThatCannotBe(t *testing.T) {
	for _, name := range []string{"", "event", "a b", "a=b"} {
		p := command.Plugins{Tasks: []datasets.Question{{Name: name, Of: questions()[0].Of}}}
		if err := mayBeNamed(p.Tasks); err == nil {
			t.Errorf("%q may be named", name)
		}
	}
	ds, _ := ownData("mine").Load(t.Context(), "", 1)
	wrong := datasets.Question{Name: "x", Of: func(ds datasets.Dataset) (datasets.Dataset, error) {
		ds.Tasks = []datasets.Task{"x"}
		return ds, nil
	}}
	if _, err := put(wrong, ds[0]); err == nil || !strings.Contains(err.Error(), "answered by the tasks [x]") {
		t.Errorf("%v", err)
	}
}
