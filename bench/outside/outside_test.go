package outside

import (
	"math"
	"strings"
	"testing"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/datasets"
)

// asked are two test items of a task.
func asked(task datasets.Task) []Asked {
	var out []Asked
	for _, rec := range []string{"a", "b"} {
		out = append(out, Asked{
			Item:    Item{Data: "d", Task: task, Vantage: datasets.WAN, Defense: "none", Seed: 1, Role: Test, Recording: rec},
			Dataset: "lab", Classes: []string{"lamp/off", "lamp/on", "plug/on"}, Same: map[string]string{"lamp/on": "lamp/off"},
		})
	}
	return out
}

// resolve reads text, in which A and B stand for the two items and T for one to train on.
func resolve(task datasets.Task, text string) (Attack, error) {
	tests := asked(task)
	train := tests[0].Item
	train.Role = Train
	text = strings.NewReplacer("A", tests[0].ID(), "B", tests[1].ID(), "T", train.ID()).Replace(text)
	p, err := Read(strings.NewReader(text), "p.csv")
	if err != nil {
		return Attack{}, err
	}
	return Resolve("net", map[results.Knowledge]Predictions{results.Adaptive: p}, tests, map[string]bool{train.ID(): true})
}

func TestWhatIsRefused(t *testing.T) {
	clip, event, device := datasets.TaskClip, datasets.TaskEvent, datasets.TaskDevice
	for _, c := range []struct {
		task       datasets.Task
		text, want string
	}{
		{clip, "", "p.csv: want a first line with the columns item,class,score: it is empty"},
		{clip, "item,class\n", "p.csv:1: no column score"},
		{clip, "item,class,score,clas\n", `p.csv:1: unknown column "clas"; did you mean "class"?`},
		{clip, "item,class,score,score\n", "p.csv:1: column score is there twice"},
		{clip, "item,class,score\n", "no prediction below"},
		{clip, "item,class,score\nA,lamp/on\n", "wrong number of fields"},
		{clip, "item,class,score\nA,lamp/on,much\n", `p.csv:2: score "much": want a number`},
		{clip, "item,class,score\nA,lamp/on,NaN\n", `p.csv:2: score "NaN"`},
		{clip, "item,class,score\nA,lamp/on,inf\n", `p.csv:2: score "inf"`},
		{clip, "item,class,score\n,lamp/on,1\n", "p.csv:2: an item or a class is missing"},
		{clip, "item,class,score\nA,lamb/on,1\n", `p.csv:2: unknown class "lamb/on"; did you mean "lamp/on"?`},
		{clip, "item,class,score\nA,2,1\n", "p.csv:2: class 2: want a number from 0 to 1, or a name"},
		{clip, "item,class,score\nA,0,1\n", "1 test items have no prediction, the first is"},
		{clip, "item,class,score\nA,0,1\nA,lamp/off,0\nB,0,1\n", "lines 2 and 3 both say lamp/off"},
		{clip, "item,class,score\nT,0,1\n", "is one to train on"},
		{clip, "item,class,score\nx,0,1\n", "p.csv:2: item x is none of the 2 test items"},
		{clip, "item,class,score,time\nA,0,1,5\n", "a clip has one class as a whole"},
		{event, "item,class,score\nA,lamp/on,1\n", "an event has a time"},
		{event, "item,class,score,time\nA,lamp/on,1,-1\n", `p.csv:2: time "-1": want a number from 0`},
		{event, "item,class,score,time,end\nA,lamp/on,1,5,4\n", `p.csv:2: end "4": want a number from 5`},
		{event, "item,class,score,time,end\nA,lamp/on,1,,4\n", "an end without a time"},
		{device, "item,class,score\nA,plug/on,1\n", "each packet has a device"},
		{device, "item,class,score,packet\nA,plug/on,1,-1\n", `packet "-1": want a whole number`},
		{device, "item,class,score,packet\nA,plug/on,1,0\nA,lamp/on,1,0\nB,unknown,0,\n", "both say packet 0"},
		{datasets.TaskRoutine, "item,class,score\nA,0,1\n", "predictions of the task routine cannot be imported"},
	} {
		_, err := resolve(c.task, c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q:\n%v\nwant %s", c.task, c.text, err, c.want)
		}
	}
}

// Probabilities stay what they are, logits become some in the same order.
func TestClipsAreRanked(t *testing.T) {
	for text, want := range map[string][]float64{
		"A,plug/on,0.2\nA,0,0.7\n":    {0.7, 0.2},
		"A,plug/on,-1\nA,0,1\n":       {1 / (1 + math.Exp(-2)), 1 / (1 + math.Exp(2))},
		"A,plug/on,0.5\nA,0,0.5003\n": {0.5003 / 1.0003, 0.5 / 1.0003},
	} {
		a, err := resolve(datasets.TaskClip, "item,class,score\n"+text+"B,unknown,0\n")
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.Model(results.Adaptive, asked(datasets.TaskClip)[0].Item, nil).Guess(t.Context(), datasets.Trace{})
		if err != nil || len(got.Clip) != 2 || got.Clip[0].Class != "lamp/off" || math.Abs(got.Clip[0].P-want[0]) > 1e-12 || math.Abs(got.Clip[1].P-want[1]) > 1e-12 {
			t.Errorf("%q: %+v, %v, want %v", text, got.Clip, err, want)
		}
	}
}

func TestEventsAndPackets(t *testing.T) {
	a, err := resolve(datasets.TaskEvent, "item,class,score,time,end\nA,plug/on,3,7,\nA,lamp/on,2,5,6\nB,other,0,,\n")
	if err != nil {
		t.Fatal(err)
	}
	got, _ := a.Model(results.Adaptive, asked(datasets.TaskEvent)[0].Item, nil).Guess(t.Context(), datasets.Trace{})
	if e := got.Events; len(e) != 2 || e[0].Ranked[0].Class != "lamp/on" || e[0].End.Seconds() != 6 || e[1].Start != e[1].End || got.Threshold != 2 {
		t.Errorf("%+v", got)
	}
	if got, _ := a.Model(results.Adaptive, asked(datasets.TaskEvent)[1].Item, nil).Guess(t.Context(), datasets.Trace{}); len(got.Events) > 0 {
		t.Errorf("nothing found is %+v", got.Events)
	}

	a, err = resolve(datasets.TaskDevice, "item,class,score,packet\nA,plug/on,0.9,1\nB,unknown,0,\n")
	if err != nil {
		t.Fatal(err)
	}
	m := a.Model(results.Adaptive, asked(datasets.TaskDevice)[0].Item, asked(datasets.TaskDevice)[0].Classes)
	got, err = m.Guess(t.Context(), datasets.Trace{Packets: make([]datasets.Packet, 3)})
	if err != nil || len(got.Devices) != 3 || got.Devices[0].Class != -1 || got.Devices[1].Class != 2 {
		t.Errorf("%+v, %v", got.Devices, err)
	}
	if _, err := m.Guess(t.Context(), datasets.Trace{Packets: make([]datasets.Packet, 1)}); err == nil {
		t.Error("a packet behind the last one")
	}
}

// An attack answers where there are predictions, and by its knowledge.
func TestHas(t *testing.T) {
	a, err := resolve(datasets.TaskClip, "item,class,score\nA,0,1\nB,0,1\n")
	if err != nil {
		t.Fatal(err)
	}
	cell := results.Cell{Dataset: "lab", Task: datasets.TaskClip, Vantage: datasets.WAN, Defense: "none", Knowledge: results.Adaptive}
	unaware, other := cell, cell
	unaware.Knowledge, other.Defense = results.Unaware, "vpn"
	if !a.Has(cell) || a.Has(unaware) || a.Has(other) {
		t.Errorf("has %v, of another knowledge %v, behind another defense %v", a.Has(cell), a.Has(unaware), a.Has(other))
	}
	if i := a.Info(); i.Name != "imported:net" || len(i.Tasks) != 1 {
		t.Errorf("%+v", i)
	}
	if _, err := a.Train(t.Context(), nil, attacks.Training{}); err == nil {
		t.Error("it was trained")
	}
}

// FuzzRead: whatever the text, it is an error with the file's name or predictions that
// can be resolved to answers.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		"item,class,score\nA,0,1\nB,lamp/on,0.5\n", "item,class,score,time,end\nA,plug/on,3,7,\nB,other,0,,\n",
		"\ufeffscore,packet,item,class\n0.1,0,A,plug/on\n", "item,class,score\n\"a\nb\",0,1\n", "item;class;score\n", "item,class,score\nA,0,1e309\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, task := range []datasets.Task{datasets.TaskClip, datasets.TaskEvent, datasets.TaskDevice} {
			a, err := resolve(task, text)
			if err != nil {
				if !strings.Contains(err.Error(), "p.csv") {
					t.Errorf("%v names no file", err)
				}
				continue
			}
			got, err := a.Model(results.Adaptive, asked(task)[0].Item, asked(task)[0].Classes).Guess(t.Context(), datasets.Trace{Packets: make([]datasets.Packet, 4)})
			for _, r := range got.Clip {
				if err == nil && !(r.P >= 0 && r.P <= 1) {
					t.Errorf("probability %v", r.P)
				}
			}
		}
	})
}
