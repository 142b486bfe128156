package reporttest

import (
	"fmt"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
)

// Devices is a device task of five homes with three classes, an assistant, a plug
// and other traffic, each of 10 packets in each home, and what a paper says of it.
// Without a defense the forest takes 2 of the assistant's packets for other
// traffic, the network 1; in the tunnel both take 5, the network 1 less or more in
// turn. The control names everything other traffic.
func Devices() *reports.Set {
	const forest, net, control = "window-forest", "window-blstm", "guess-majority"
	var rs []results.Result
	for di, d := range []string{"none", "vpn"} {
		for _, attack := range []string{control, forest, net} {
			for g := range 5 {
				lost := int64(2)
				switch {
				case attack == control:
					lost = 10
				case d == "vpn" && attack == net:
					lost = 5 + int64(g%3) - 1
				case d == "vpn":
					lost = 5
				case attack == net:
					lost = 1
				}
				rs = append(rs, packetsOf(d, attack, g, lost, di))
			}
		}
	}

	// Every kind of entry once: figures of a result and of the data, a matrix, and
	// orders with and without scores for each home, or none at all.
	say := func(q results.Published) results.Published {
		q.Task = datasets.TaskDevice
		return q
	}
	square := func(class, as string, v float64) results.Published {
		return say(results.Published{Defense: "none", Attack: forest, Metric: results.Recall, Class: class, As: as, Value: v, Source: "A, figure 13", Calibrated: "shares of packets"})
	}
	order := func(defense, attack, metric, class string, over results.Place) results.Published {
		return say(results.Published{Defense: defense, Attack: attack, Metric: metric, Class: class, Source: "A, section 4", Over: &over})
	}
	return reports.NewSet(rs, reports.Options{
		Manifest: &results.Manifest{Data: []results.DataEntry{{Name: "home:made_up", Size: &results.DataSize{Seconds: 18000, Packets: 1500, Bytes: 150000, Windows: 15}}}},
		Published: []results.Published{
			say(results.Published{Defense: "none", Attack: net, Metric: results.HammingLoss, Value: 0.12, Source: "B"}),
			say(results.Published{Defense: "none", Attack: control, Metric: results.DataPackets, Value: 2000, Source: "B"}),
			square("echo", "", 0.7), square("echo", "plug", 0), square("echo", "non_iot", 0.3),
			square("plug", "echo", 0), square("plug", "", 1), square("plug", "non_iot", 0),
			square("non_iot", "echo", 0.05), square("non_iot", "plug", 0), square("non_iot", "", 0.95),
			order("none", net, results.MacroRecall, "", results.Place{Defense: "none", Attack: forest}),
			order("vpn", forest, results.Accuracy, "", results.Place{Defense: "vpn", Attack: net}),
			order("none", forest, results.Recall, "echo", results.Place{Defense: "none", Attack: net}),
			order("none", net, results.RecallLength, "echo 66 up", results.Place{Defense: "none", Attack: forest}),
			order("none", "window-lstm", results.MacroRecall, "", results.Place{Defense: "none", Attack: forest}),
		},
	})
}

// packetsOf is the cell of one home: of the assistant's packets so many are taken
// for other traffic.
func packetsOf(defense, attack string, g int, lost int64, di int) results.Result {
	plug := int64(10)
	if attack == "guess-majority" {
		plug = 0
	}
	r := results.Result{
		Cell: results.Cell{
			Dataset: "home:made_up", Task: datasets.TaskDevice, Vantage: datasets.WAN, Defense: defense, Attack: attack,
			Knowledge: results.Adaptive, TrainDefense: defense, Split: "group-kfold:k=5", Fold: g, TrainDraws: 1, Seed: 1,
		},
		Data: "d", Method: 1, Generated: true, Control: attack == "guess-majority", Headline: results.MacroRecall, Floor: 1. / 3,
		Cost: results.Cost{InBytes: [2]int64{10, 10}, OutBytes: [2]int64{10, 10 + int64(di)}, Seconds: 3600},
	}
	home := fmt.Sprintf("home-%d", g)
	r.Confusion = []results.Confusion{{
		Group: home, Classes: []string{"echo", "plug", "non_iot"},
		Counts: [][]int64{{10 - lost, 0, lost}, {0, plug, 10 - plug}, {0, 0, 10}},
	}}
	right := float64(20 - lost + plug)
	recall := right / 30
	r.Groups = []results.GroupScore{{Group: home, Value: recall, Floor: 1. / 3, N: 30}}
	share := func(name string, v float64) { r.Metrics = append(r.Metrics, results.Metric{Name: name, Value: v}) }

	// Names are sorted, as in every result.
	share(results.Accuracy, recall)
	share(results.BusyRight, 0.75)
	share(results.OfClass(results.BusyRight, "echo"), 0.75)
	share(results.BusyKnown, 0.9)
	share(results.OfClass(results.BusyKnown, "echo"), 0.9)
	share(results.OfClass(results.BusyShare, "echo"), 0.2)
	share(results.HammingLoss, 1-recall)
	share(results.MacroRecall, recall)
	share(results.OfClass(results.PacketsLength, "echo 66 up"), 40)
	share(results.OfClass(results.RecallLength, "echo 66 up"), float64(10-lost)/10)
	return r
}
