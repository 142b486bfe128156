package bench_test

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"veilbench/attacks"
	allattacks "veilbench/attacks/builtin"
	"veilbench/bench"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
	alldefenses "veilbench/defenses/builtin"
)

// switches are clips of a lamp in six homes that was switched on and off: the
// request of "off" is two bytes longer.
func switches() datasets.Dataset {
	ds := datasets.Dataset{
		Name: "switches", Recorded: datasets.WAN, Tasks: []datasets.Task{datasets.TaskClip},
		Split: "leave-one-group-out",
	}
	flow := datasets.Flow{Proto: 17, Local: netip.MustParseAddrPort("192.168.1.2:40000"), Remote: netip.MustParseAddrPort("198.18.0.1:443")}
	for home := range 6 {
		for i, activity := range []string{"on", "off"} {
			payload := int32(100 + 2*i)
			ds.Recordings = append(ds.Recordings, datasets.Recording{
				ID: fmt.Sprintf("home%d-%s", home, activity), Group: fmt.Sprintf("home%d", home),
				Trace: datasets.Trace{
					Flows: []datasets.Flow{flow}, End: time.Second,
					Packets: []datasets.Packet{
						{Size: 42 + payload, Payload: payload},
						{Time: 20 * time.Millisecond, Size: 42 + 50, Payload: 50, Dir: datasets.Down},
					},
				},
				Labels: datasets.Labels{Devices: []string{"lamp"}, Events: []datasets.Event{{Activity: activity}}},
			})
		}
	}
	return ds
}

// A grid of two defenses and one attack on data made by hand. Results come cell
// by cell, one for each home that is tested; a summary takes the best attacker
// against each defense.
func Example() {
	padded, err := defenses.Parse(alldefenses.All(), "pad-level:to=mtu")
	if err != nil {
		fmt.Println(err)
		return
	}
	nearest, err := attacks.Parse(allattacks.All(), "event-knn:k=1")
	if err != nil {
		fmt.Println(err)
		return
	}
	rs, err := bench.Run(context.Background(), bench.Grid{
		Datasets:  []datasets.Dataset{switches()},
		Defenses:  []defenses.Defense{defenses.None{}, padded},
		Attacks:   []attacks.Attack{nearest},
		Knowledge: []results.Knowledge{results.Adaptive},
		Seed:      1,
	}, bench.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}

	fmt.Println(len(results.Measured(rs)), "cells and", len(rs)-len(results.Measured(rs)), "that hold canaries")
	for _, s := range results.Summaries(rs) {
		fmt.Printf("%s: %s %.2f, floor %.2f\n", s.Defense, results.Headline(s.Task), s.Score, s.Floor)
	}
	// Output:
	// 12 cells and 2 that hold canaries
	// none: macro_recall 1.00, floor 0.50
	// pad-level:acks=keep,size_bytes=1000,to=mtu: macro_recall 0.50, floor 0.50
}
