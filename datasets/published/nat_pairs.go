package published

import (
	"context"
	"fmt"
	"path/filepath"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/catalog"
	"veilbench/datasets/cite"
)

// natPairs is one home on both sides of its gateway.
func natPairs() Source {
	return Source{
		Entry: catalog.Entry{
			Name:   "nat-pairs",
			Title:  "three recordings of a test home on both sides of its gateway, which bridges",
			Source: "https://github.com/smart-home-network-security/smart-home-firewall",
			Papers: cite.Of("dekeersmaeker2024firewall"),
			Terms:  "AGPL-3.0, as its repository: keep the files apart from code under other licenses",
			Note:   "a before and after pair with known truth (packets lost and added, a small delay): no address is translated, and nothing is labeled",
			From:   github("smart-home-network-security/smart-home-firewall", "3b9c6cb7f01b7b6e8c7f50ae2f4614cc6d115cc2"),
		},
		cited: "smart-home-firewall, github.com/smart-home-network-security/smart-home-firewall commit 3b9c6cb7, eval; De Keersmaeker, Supervising Smart Home Device Interactions, IFIP Networking 2024",
		loaders: []loader{
			{"nat-pairs", one(readNATPairs)},
		},
	}
}

// readNATPairs reads captures of one home on both sides of its gateway: path is
// the folder with plug, home and blocked, each with lan, wlan2.4 and wlan5.0
// (.pcap or .pcap.gz) inside and wan outside. Two recordings come of each, in one
// group: "plug/inside", the three put together, and "plug/outside".
//
// A packet between two devices of the home may be in two of the inside captures,
// and is twice in what is put together; those that cross the gateway are once.
// Nothing is labeled, so no task is served.
func readNATPairs(ctx context.Context, path string) (datasets.Dataset, error) {
	ds := datasets.Dataset{
		Recorded: datasets.LAN,
		Split:    "leave-one-group-out",
		Warnings: []string{"both sides have the same addresses: the gateway bridges, and an address translation seen here is a mistake"},
	}
	for _, set := range []string{"blocked", "home", "plug"} {
		var ts []datasets.Trace
		for _, side := range []string{"lan", "wlan2.4", "wlan5.0", "wan"} {
			names, err := glob(path, set, side+".pcap*")
			if err != nil {
				return ds, err
			}
			if len(names) != 1 {
				return ds, fmt.Errorf("%s: %d captures of this side (want %s.pcap or %s.pcap.gz)", filepath.Join(path, set, side), len(names), side, side)
			}
			t, found, err := openCapture(ctx, names[0], capture.Options{}, set)
			if err != nil {
				return ds, err
			}
			found.tell(&ds)
			ts = append(ts, t)
		}

		// The files of a set begin up to 2.5 s apart, by one clock.
		inside, _ := mergeTraces(ts[:3])
		ds.Recordings = append(ds.Recordings,
			datasets.Recording{ID: set + "/inside", Group: set, Trace: inside},
			datasets.Recording{ID: set + "/outside", Group: set, Trace: ts[3]})
	}
	return ds, nil
}
