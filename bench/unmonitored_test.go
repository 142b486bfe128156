package bench

import (
	"context"
	"strings"
	"testing"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/bench/truth"
	"veilbench/datasets"
	"veilbench/defenses"
)

// Devices that nobody labeled are not truth and not a class; what an attack
// takes them for is a false alarm.
func TestUnmonitoredDevicesAreFalseAlarms(t *testing.T) {
	closed := small(t, "home:event_signatures:hours=1")
	open := closed
	open.Name += ",open"
	open.Unmonitored = []string{"huawei_bulb", "hue_bridge"}
	rs, err := Run(context.Background(), Grid{
		Datasets: []datasets.Dataset{closed, open}, Tasks: []datasets.Task{datasets.TaskEvent},
		Defenses: []defenses.Defense{defenses.None{}}, Knowledge: []results.Knowledge{results.Adaptive}, Seed: 1,
		Attacks: []attacks.Attack{attack(t, "guess-majority"), attack(t, "event-knn:k=1,gap_s=1")},
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	tested := map[string]float64{}
	for _, r := range rs {
		if r.Err != "" {
			t.Fatal(r.Err)
		}
		n, _ := r.Metric("tested")
		tested[r.Cell.Dataset] += n
		for _, it := range r.Items {
			for _, name := range open.Unmonitored {
				if r.Cell.Dataset == open.Name && (strings.HasPrefix(it.Truth, name) || strings.HasPrefix(it.Answer, name)) {
					t.Fatalf("item %+v names a device that nobody labeled", it)
				}
			}
		}
	}
	if a, b := tested[open.Name], tested[closed.Name]; a == 0 || a >= b {
		t.Errorf("%v events in the open world, %v in the closed one", a, b)
	}
	ex := truth.WithoutUnmonitored(attacks.Labeled{Trace: open.Recordings[0].Trace, Labels: open.Recordings[0].Labels}, open.Unmonitored)
	if err := ex.Trace.Check(); err != nil {
		t.Error(err)
	}
	for i, o := range ex.Labels.Owners {
		if o >= 0 && ex.Labels.Devices[o] == "huawei_bulb" {
			t.Fatalf("packet %d of a device that nobody labeled is in training", i)
		}
		if c := ex.Labels.Cause[i]; c >= int32(len(ex.Labels.Events)) {
			t.Fatalf("packet %d has cause %d of %d events", i, c, len(ex.Labels.Events))
		}
	}
	if len(ex.Labels.Owners) != len(ex.Trace.Packets) || len(ex.Trace.Packets) >= len(open.Recordings[0].Trace.Packets) {
		t.Errorf("%d packets and %d owners in training", len(ex.Trace.Packets), len(ex.Labels.Owners))
	}
}
