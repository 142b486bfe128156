package bench

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"veilbench/attacks"
	"veilbench/bench/outside"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
)

// imported makes an attack of g that says lines about its test items.
func imported(t *testing.T, g Grid, k results.Knowledge, head string, lines func(Shown) []string) outside.Attack {
	t.Helper()
	var text strings.Builder
	text.WriteString(head + "\n")
	var tests []outside.Asked
	training := map[string]bool{}
	err := Show(t.Context(), g, Options{Workers: 2}, func(s Shown) error {
		if s.Err != nil {
			return s.Err
		}
		if s.Role == outside.Train {
			training[s.ID()] = true
			return nil
		}
		tests = append(tests, s.Asked)
		for _, l := range lines(s) {
			text.WriteString(s.ID() + "," + l + "\n")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	// The same list without making a trace.
	items, err := Items(g)
	if err != nil || len(items) != len(tests)+len(training) {
		t.Fatalf("%d items without their traces, %d with them: %v", len(items), len(tests)+len(training), err)
	}
	p, err := outside.Read(strings.NewReader(text.String()), "p.csv")
	if err != nil {
		t.Fatal(err)
	}
	a, err := outside.Resolve("net", map[results.Knowledge]outside.Predictions{k: p}, tests, training)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// What an attack of the grid said, said again from outside, is scored the same: in
// every group, with the same floor.
func TestImportedAnswersScoreAsTheirOwn(t *testing.T) {
	g := Grid{
		Datasets: []datasets.Dataset{small(t, "home:event_clips:homes=3,hours=0.5")}, Tasks: []datasets.Task{datasets.TaskClip},
		Attacks: []attacks.Attack{attack(t, "event-knn:k=3")}, Knowledge: []results.Knowledge{results.Adaptive}, Split: "leave-one-group-out", Seed: 3, Draws: 2,
	}
	for _, id := range []string{"none", "pad-random", "morph"} { // morph learns anew in each fold
		g.Defenses = append(g.Defenses, defense(t, id))
	}
	rs, err := Run(t.Context(), g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, r := range results.Measured(rs) {
		for _, i := range r.Items {
			said[fmt.Sprint(r.Cell.Defense, r.Cell.Draw, i.Recording)] = i.Answer
		}
	}

	g.Attacks = append(g.Attacks, imported(t, g, results.Adaptive, "item,class,score", func(s Shown) []string {
		return []string{said[fmt.Sprint(s.Defense, s.Draw, s.Recording)] + ",1"}
	}))
	again, err := Run(t.Context(), g, Options{Only: func(c results.Cell) bool { return c.Attack == "imported:net" }})
	if err != nil {
		t.Fatal(err)
	}
	if len(again) != 18 { // defenses, folds, draws; no planted cell
		t.Errorf("%d cells", len(again))
	}
	for _, r := range again {
		i := slices.IndexFunc(rs, func(o results.Result) bool {
			own := o.Cell
			own.Attack = r.Cell.Attack
			return own == r.Cell
		})
		if r.Err != "" || i < 0 || r.Floor != rs[i].Floor || fmt.Sprint(r.Groups) != fmt.Sprint(rs[i].Groups) || fmt.Sprint(r.Metrics) != fmt.Sprint(rs[i].Metrics) {
			t.Errorf("%+v: %s\n%v floor %v\nwant\n%v floor %v", r.Cell, r.Err, r.Groups, r.Floor, rs[i].Groups, rs[i].Floor)
		}
	}
}

// Who says the truth about events and packets is right about all of them, behind a
// defense that delays and adds packets.
func TestImportedTruthIsRight(t *testing.T) {
	g := Grid{
		Datasets: []datasets.Dataset{small(t, "home:event_signatures:homes=3,hours=0.5")}, Tasks: []datasets.Task{datasets.TaskEvent},
		Defenses: []defenses.Defense{defense(t, "none"), defense(t, "pad-random+cover-decoy")}, Knowledge: []results.Knowledge{results.Unaware},
		Split: "leave-one-group-out", Seed: 1,
	}
	for _, c := range []struct {
		task  datasets.Task
		head  string
		lines func(Shown) []string
	}{
		{datasets.TaskEvent, "item,class,score,time,end", func(s Shown) []string {
			out := []string{"other,0,,"}
			for _, e := range s.Labels.Events {
				out = append(out, fmt.Sprintf("%s,1,%v,%v", s.Labels.Class(e), e.Start.Seconds(), e.End.Seconds()))
			}
			return out
		}},
		{datasets.TaskDevice, "item,class,score,packet", func(s Shown) []string {
			out := []string{"unknown,0,"}
			for i, o := range s.Labels.Owners {
				if o < 0 {
					out = append(out, fmt.Sprintf("%s,1,%d", datasets.Nobody, i))
				} else {
					out = append(out, fmt.Sprintf("%s,1,%d", s.Labels.Devices[o], i))
				}
			}
			return out
		}},
	} {
		g.Tasks = []datasets.Task{c.task}
		if !slices.Contains(g.Datasets[0].Tasks, c.task) {
			t.Fatalf("the data serve %v", g.Datasets[0].Tasks)
		}
		g.Attacks = nil
		g.Attacks = []attacks.Attack{imported(t, g, results.Unaware, c.head, c.lines)}
		rs, err := Run(t.Context(), g, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rs {
			if v, ok := r.Metric(r.Headline); r.Err != "" || !ok || v != 1 {
				t.Errorf("%s behind %s: %v %s", c.task, r.Cell.Defense, v, r.Err)
			}
		}
	}
}
