package bench

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/knn"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/pad"
	"veilbench/defenses/tunnel"
)

// At the radio's vantage, the default of its recordings, defenses that fit a
// frame have figures, and one that needs IP beyond the hub a sentence.
func TestRadioGrid(t *testing.T) {
	ds := datasets.Dataset{Name: "radio", Recorded: datasets.Zigbee, Tasks: []datasets.Task{datasets.TaskClip}, Split: "leave-one-out"}
	for i := range 8 {
		r := datasets.Recording{ID: fmt.Sprint(i), Group: fmt.Sprint(i), Trace: datasets.Trace{
			Flows: []datasets.Flow{{MAC: datasets.MAC{5: 1}, Peer: datasets.MAC{3: 2}, LAN: true}}, End: 10 * time.Second,
		}}
		for k := range 4 {
			size := int32(40 + 10*(i%2) + k)
			r.Trace.Packets = append(r.Trace.Packets, datasets.Packet{Time: time.Duration(k) * time.Second, Size: size, Payload: size - 14, Dir: datasets.Dir(k % 2)})
		}
		r.Labels = datasets.Labels{Devices: []string{"zigbee"}, Owners: make([]int32, 4), Events: []datasets.Event{{Activity: fmt.Sprint("a", i%2)}}, Cause: make([]int32, 4)}
		ds.Recordings = append(ds.Recordings, r)
	}
	g := Grid{
		Datasets:  []datasets.Dataset{ds},
		Defenses:  []defenses.Defense{defenses.None{}, pad.Level{To: "mtu", SizeBytes: 1000, Acks: "keep"}, tunnel.VPN{Kind: "wireguard", Outer: "ipv4", Delay: "uniform", DelayS: 0.005}},
		Attacks:   []attacks.Attack{knn.EventKNN{K: 1, PairS: 5}},
		Knowledge: []results.Knowledge{results.Adaptive},
	}
	rs, err := Run(context.Background(), g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	rs = results.Measured(rs)
	if len(rs) != 3 {
		t.Fatalf("%d cells", len(rs))
	}
	for _, r := range rs {
		if r.Cell.Vantage != datasets.Zigbee {
			t.Errorf("seen from %s", r.Cell.Vantage)
		}
		var right float64
		for _, it := range r.Items {
			if it.Truth == it.Answer {
				right++
			}
		}
		switch name, _, _ := strings.Cut(r.Cell.Defense, ":"); {
		case name == "vpn" && !strings.Contains(r.Err, "vpn cannot defend frames of 802.15.4: its tunnel ends beyond the hub"):
			t.Errorf("vpn: %q", r.Err)
		case name != "vpn" && r.Err != "":
			t.Errorf("%s: %s", name, r.Err)
		case name == "none" && right != 8:
			t.Errorf("none: %v of 8", right)
		}
	}
}
