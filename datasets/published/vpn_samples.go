package published

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/catalog"
)

// vpnSamples is real tunnel traffic, a file from one repository and four from
// another.
func vpnSamples() Source {
	// The repositories are large and the files few, so each is fetched by itself.
	file := func(repository, commit, path string) catalog.Download {
		return catalog.Download{URL: "https://raw.githubusercontent.com/" + repository + "/" + commit + "/" + path}
	}
	nDPI := func(name string) catalog.Download {
		return file("ntop/nDPI", "3b1286ab03b0c9223ac208a01868d8c1f6c0ae00", "tests/cfgs/default/pcap/"+name)
	}

	return Source{
		recorded: datasets.WAN,
		Entry: catalog.Entry{
			Name:   "vpn-samples",
			Title:  "real WireGuard, OpenVPN and IPsec packets",
			Source: "https://github.com/Lekensteyn/wireguard-dissector and https://github.com/ntop/nDPI",
			Terms:  "GPL-2.0 (wireguard_download) and LGPL-3.0 (the others), as their repositories",
			Note:   "not from a smart home; to check what a tunnel adds",
			From: []catalog.Download{
				file("Lekensteyn/wireguard-dissector", "240f0ab22232f33bac55ce3436b56a06042e4614", "pcaps/8-trace.pcap"),
				nDPI("wireguard.pcap"),
				nDPI("openvpn.pcap"),
				nDPI("openvpn_nohmac.pcapng"),
				nDPI("ipsec_isakmp_esp.pcap"),
			},
		},
		cited: "github.com/Lekensteyn/wireguard-dissector commit 240f0ab2 and github.com/ntop/nDPI commit 3b1286ab",
		loaders: []loader{
			{"vpn-samples", one(readVPNSamples)},
		},
	}
}

// readVPNSamples reads real tunnel traffic: path is the folder with the captures
// (*.pcap, *.pcapng), each one recording and its own group. None is from a
// smart home and nothing is labeled: they serve to check what a tunnel adds.
func readVPNSamples(ctx context.Context, path string) (datasets.Dataset, error) {
	ds := datasets.Dataset{Recorded: datasets.WAN, Split: "leave-one-group-out"}
	names, err := glob(path, "*.pcap*")
	if err != nil {
		return ds, err
	}
	slices.Sort(names)
	for _, n := range names {
		id, _, _ := strings.Cut(filepath.Base(n), ".")
		t, found, err := openCapture(ctx, n, capture.Options{})
		if err != nil {
			return ds, err
		}
		ds.Recordings = append(ds.Recordings, datasets.Recording{ID: id, Group: id, Trace: t})
		found.tell(&ds)
	}

	// A folder without captures is more likely the wrong one than an empty set.
	if len(names) == 0 {
		return ds, fmt.Errorf("%s: no captures (want *.pcap or *.pcapng)", path)
	}
	return ds, nil
}
