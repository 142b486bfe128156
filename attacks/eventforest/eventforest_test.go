package eventforest_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/attacktest"
	"veilbench/attacks/eventforest"
	"veilbench/datasets"
	"veilbench/datasets/datatest"
	"veilbench/datasets/published"
)

// clipAccuracy is the share of test clips named right, summed over folds, as
// the mean over seeds.
func clipAccuracy(t *testing.T, ds *datasets.Dataset, a attacks.Attack, fold []datasets.Fold, seeds int) (accuracy, macro float64) {
	t.Helper()
	for seed := range seeds {
		right, of := map[string]float64{}, map[string]float64{}
		total, hits := 0., 0.
		for _, f := range fold {
			for _, part := range f {
				m, err := a.Train(context.Background(), rand.New(rand.NewPCG(uint64(seed), 7)), attacktest.Clips(ds, part.Train))
				if err != nil {
					t.Fatal(err)
				}
				for _, i := range part.Test {
					r := &ds.Recordings[i]
					of[r.ClipClass()]++
					total++
					if attacktest.Ask(t, m, r.Trace).Clip[0].Class == r.ClipClass() {
						right[r.ClipClass()]++
						hits++
					}
				}
			}
		}
		recall := 0.
		for _, c := range slices.Sorted(maps.Keys(of)) {
			recall += right[c] / of[c]
		}
		accuracy += hits / total / float64(seeds)
		macro += recall / float64(len(of)) / float64(seeds)
	}
	return accuracy, macro
}

// TestEventForestEcho: spoken commands, features=hist, mean of five seeds. The
// floors stand a little below what a scikit-learn forest of 200 trees reached
// on the same features (0.735, 0.183, 0.237).
func TestEventForestEcho(t *testing.T) {
	if testing.Short() {
		t.Skip("trains 35 forests")
	}
	sets, err := published.Load(t.Context(), "echo-voice", datatest.Recorded(t, "echo_voice"))
	if err != nil {
		t.Fatal(err)
	}
	ds := sets[0]
	a := eventforest.Attack{Features: "hist", PairS: 5}
	within, err := datasets.Split("trial-kfold:k=5").Folds(&ds, datasets.TaskClip)
	if err != nil {
		t.Fatal(err)
	}
	across, err := datasets.Split("leave-one-group-out").Folds(&ds, datasets.TaskClip)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range across {
		from := ds.Recordings[f[0].Train[0]].Group
		floor := map[string]float64{"S": 0.17, "L": 0.22}[from]
		got, _ := clipAccuracy(t, &ds, a, []datasets.Fold{f}, 5)
		t.Logf("train %s, test the other: %.3f", from, got)
		if got < floor {
			t.Errorf("train %s, test the other: accuracy %.3f, want %.2f or more", from, got, floor)
		}
	}
	got, _ := clipAccuracy(t, &ds, a, within, 5)
	t.Logf("within sessions: %.3f", got)
	if got < 0.70 {
		t.Errorf("within sessions: accuracy %.3f, want 0.70 or more", got)
	}
}

// TestEventForestSentinel: set-up traffic in windows of 20 packets, files at
// even positions train. A scikit-learn forest of 100 trees on the 20 signed
// lengths, sorted, with mean and deviation reached accuracy 0.758 and macro
// recall 0.738. The gap to it is one of features, not of the forest: bins of 50
// bytes do not keep lengths apart that the sorted lengths do, and near-twins
// (two plugs, two cameras of one maker) differ by a few bytes.
func TestEventForestSentinel(t *testing.T) {
	sets, err := published.Load(t.Context(), "iot-sentinel-windows", datatest.Recorded(t, "iot_sentinel"))
	if err != nil {
		t.Fatal(err)
	}
	ds := sets[0]
	fold, err := datasets.Split("fixed-even-odd").Folds(&ds, datasets.TaskClip)
	if err != nil {
		t.Fatal(err)
	}
	accuracy, macro := clipAccuracy(t, &ds, eventforest.Attack{Trees: 100, Features: "auto", PairS: 5}, fold, 1)
	t.Logf("accuracy %.3f, macro recall %.3f (reference 0.758, 0.738)", accuracy, macro)
	if accuracy < 0.72 || macro < 0.70 {
		t.Errorf("accuracy %.3f, macro recall %.3f: want 0.72 and 0.70 or more", accuracy, macro)
	}
}

// twoSessions makes clips of two classes in two sessions. Within a session sizes
// tell the classes apart, but those of down are the other way round in the other
// session, which those of up name; how fast packets come says less, and the same in both.
func twoSessions(each int) attacks.Training {
	rng := rand.New(rand.NewPCG(3, 4))
	tr := attacks.Training{Task: datasets.TaskClip, Classes: []string{"lamp/off", "lamp/on"}, Within: true}
	for i := range 4 * each {
		session, class := i/(2*each), i%2
		e := attacks.Labeled{Class: tr.Classes[class], Group: fmt.Sprint("recording", i), Trace: datasets.Trace{Flows: []datasets.Flow{{Proto: 6}}}}
		for p := range 8 + rng.IntN(30) {
			size, dir := int32(200+40*((session+class)%2)), datasets.Down
			if rng.IntN(2) == 0 {
				size, dir = int32(100+1000*session), datasets.Up
			}
			e.Trace.Packets = append(e.Trace.Packets, datasets.Packet{Time: time.Duration(p) * 50 * time.Millisecond, Size: size, Payload: size - 54, Dir: dir})
		}
		e.Trace.End = time.Minute
		tr.Examples = append(tr.Examples, e)
	}
	return tr
}

// TestEventForestAutoWithin: where the split tests sessions that train, features
// are validated that way too. By sessions auto would choose sums over sizes, as it
// chose a set 16 points below the best on spoken commands.
func TestEventForestAutoWithin(t *testing.T) {
	all := twoSessions(20)
	train := all
	train.Examples = nil
	var test []attacks.Labeled
	for i, e := range all.Examples {
		if i%8 < 2 {
			test = append(test, e)
		} else {
			train.Examples = append(train.Examples, e)
		}
	}
	m := attacktest.Train(t, eventforest.Attack{Trees: 50, Features: "auto", PairS: 5}, train)
	right := 0
	for _, e := range test {
		if attacktest.Ask(t, m, e.Trace).Clip[0].Class == e.Class {
			right++
		}
	}
	if right < len(test)*9/10 {
		t.Errorf("auto names %d of %d right: sizes alone name all", right, len(test))
	}
}
