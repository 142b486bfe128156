package published

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"veilbench/datasets"
	"veilbench/datasets/capture"
)

const vpnSource = "github.com/Lekensteyn/wireguard-dissector commit 240f0ab2 and github.com/ntop/nDPI commit 3b1286ab"

// VPNSamples reads real tunnel traffic: path is the folder with the captures
// (*.pcap, *.pcapng), each one recording and its own group. None is from a
// smart home and nothing is labeled: they serve to check what a tunnel adds.
func VPNSamples(path string) (datasets.Dataset, error) {
	ds := datasets.Dataset{Name: "vpn-samples", Recorded: datasets.WAN, Split: "leave-one-group-out", Source: vpnSource}
	names, err := glob(path, "*.pcap*")
	if err != nil {
		return ds, err
	}
	slices.Sort(names)
	for _, n := range names {
		id, _, _ := strings.Cut(filepath.Base(n), ".")
		t, warnings, err := openCapture(n, capture.Options{})
		if err != nil {
			return ds, err
		}
		ds.Recordings = append(ds.Recordings, datasets.Recording{ID: id, Group: id, Trace: t})
		ds.Warnings = append(ds.Warnings, warnings...)
	}
	if len(names) == 0 {
		return ds, fmt.Errorf("%s: no captures (want *.pcap or *.pcapng)", path)
	}
	return ds, nil
}
