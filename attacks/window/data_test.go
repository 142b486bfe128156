package window_test

import (
	"maps"
	"slices"
	"testing"

	"veilbench/attacks"
	"veilbench/attacks/attacktest"
	"veilbench/attacks/window"
	"veilbench/datasets"
	"veilbench/datasets/datatest"
	"veilbench/datasets/published"
)

// deviceTask makes the recordings at even positions training and those at odd
// positions test, with the packets of known devices only.
func deviceTask(t testing.TB, ds datasets.Dataset) (tr attacks.Training, test []attacks.Labeled) {
	t.Helper()
	tr.Task = datasets.TaskDevice
	seen := map[string]bool{}
	for i := range ds.Recordings {
		r := &ds.Recordings[i]
		e := attacks.Labeled{
			Trace:  datasets.Trace{Flows: r.Trace.Flows, End: r.Trace.End},
			Labels: datasets.Labels{Devices: r.Labels.Devices}, Group: r.Group,
		}
		for p, o := range r.Labels.Owners {
			if o >= 0 {
				e.Trace.Packets = append(e.Trace.Packets, r.Trace.Packets[p])
				e.Labels.Owners = append(e.Labels.Owners, o)
				seen[r.Labels.Devices[o]] = true
			}
		}
		if i%2 == 0 {
			tr.Examples = append(tr.Examples, e)
		} else {
			test = append(test, e)
		}
	}
	tr.Classes = slices.Sorted(maps.Keys(seen))
	return tr, test
}

// packetScores returns the share of packets named right and the mean over
// classes.
func packetScores(t testing.TB, m attacks.Model, classes []string, test []attacks.Labeled) (overall, mean float64) {
	t.Helper()
	all, right := make([]float64, len(classes)), make([]float64, len(classes))
	for i := range test {
		for p, o := range attacktest.Ask(t, m, test[i].Trace).Devices {
			c := slices.Index(classes, test[i].Labels.Devices[test[i].Labels.Owners[p]])
			all[c]++
			if int(o.Class) == c {
				right[c]++
			}
		}
	}
	n, hits, kinds := 0., 0., 0.
	for c := range all {
		if all[c] > 0 {
			n, hits, kinds = n+all[c], hits+right[c], kinds+1
			mean += right[c] / all[c]
		}
	}
	return hits / n, mean / kinds
}

// TestWindowAttacksOnSetups holds the attacks to what was measured on real
// captures, set-ups of 31 devices, with files at even positions for training:
// a forest over single packets reaches 0.53 overall and 0.47 per class, and a
// network over windows of 20 packets more.
func TestWindowAttacksOnSetups(t *testing.T) {
	sets, err := published.Load(t.Context(), "iot-sentinel", datatest.Recorded(t, "iot_sentinel"))
	if err != nil {
		t.Fatal(err)
	}
	ds := sets[0]
	tr, test := deviceTask(t, ds)
	forest := window.NewForest()
	forest.Trees = 30
	fAll, fMean := packetScores(t, attacktest.Train(t, forest, tr), tr.Classes, test)
	t.Logf("forest %.3f overall, %.3f per class", fAll, fMean)
	net := window.NewBLSTM()
	net.Window, net.Layers, net.Hidden, net.MinSteps, net.Lr = 20, 1, 32, 400, 6e-3
	nAll, nMean := packetScores(t, attacktest.Train(t, net, tr), tr.Classes, test)
	t.Logf("BLSTM %.3f overall, %.3f per class", nAll, nMean)
	if fAll < 0.53 || fMean < 0.47 {
		t.Errorf("forest %.3f overall, %.3f per class: want 0.53 and 0.47", fAll, fMean)
	}
	if nAll <= fAll || nMean <= fMean {
		t.Errorf("BLSTM %.3f overall, %.3f per class: want more than the forest's %.3f and %.3f", nAll, nMean, fAll, fMean)
	}
}
