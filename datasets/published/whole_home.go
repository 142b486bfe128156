package published

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/catalog"
	"veilbench/datasets/cite"
)

// wholeHome is a test home whose devices were used at once.
func wholeHome() Source {
	return Source{
		Entry: catalog.Entry{
			Name:   "whole-home",
			Title:  "seven devices of a test home used at once, with each one's own traffic",
			Source: "https://github.com/smart-home-network-security/smart-home-firewall",
			Papers: cite.Of("dekeersmaeker2024firewall"),
			Terms:  "AGPL-3.0, as its repository: keep the files apart from code under other licenses",
			Tasks:  []datasets.Task{datasets.TaskDevice},
			Note:   "only the order of events is known; one session, so splits are within it",
			From:   github("smart-home-network-security/smart-home-firewall", "3b9c6cb7f01b7b6e8c7f50ae2f4614cc6d115cc2"),
		},
		cited: "smart-home-firewall, github.com/smart-home-network-security/smart-home-firewall commit 3b9c6cb7, eval/latency; De Keersmaeker, Supervising Smart Home Device Interactions, IFIP Networking 2024",
		loaders: []loader{
			{"whole-home", one(readWholeHome)},
			{"whole-home-devices", one(readWholeHomeDevices)},
		},
	}
}

// homeAddresses are the devices of the home by address.
func homeAddresses() map[string]string {
	return map[string]string{
		"192.168.1.102": "tuya-motion",
		"192.168.1.115": "dlink-cam",
		"192.168.1.135": "tplink-plug",
		"192.168.1.141": "philips-hue",
		"192.168.1.150": "echo",
		"192.168.1.161": "xiaomi-cam",
		"192.168.1.222": "phone",
		"192.168.1.223": "smartthings-hub",
	}
}

// readWholeHome reads the mixed capture of a test home, all_devices/wan.pcap
// below path, taken in front of address translation: one recording for every
// five minutes, with the owner of each packet by local address. There is one
// home and one session, so only a split within it is possible. Only the order
// of the events is known, so none is labeled.
func readWholeHome(ctx context.Context, path string) (datasets.Dataset, error) {
	ds := homeDataset()
	r, found, err := homeRecording(ctx, filepath.Join(path, "all_devices", "wan.pcap"), "all_devices")
	if err != nil {
		return ds, err
	}
	found.tell(&ds)
	pieces := r.Cut(multiples(5*time.Minute, r.Trace.End))
	for i, p := range pieces {
		p.ID += "/" + padded(i, len(pieces))
		ds.Recordings = append(ds.Recordings, p)
	}
	return ds, nil
}

// readWholeHomeDevices reads the captures of single devices, all_devices (the
// same session as whole-home, filtered; raw IP) and tplink_plug_runs below
// path. Each is one recording. The six of all_devices are one group, each run
// of the plug is its own.
func readWholeHomeDevices(ctx context.Context, path string) (datasets.Dataset, error) {
	ds := homeDataset()
	for _, folder := range []string{"all_devices", "tplink_plug_runs"} {
		names, err := glob(path, folder, "*.pcap")
		if err != nil {
			return ds, err
		}
		slices.Sort(names)
		for _, n := range names {
			stem := captureStem(n)
			if stem == "wan" {
				continue
			}

			// The filtered captures of one session share its moments: apart,
			// they would be on both sides of a split.
			id, group := folder+"/"+stem, folder
			if folder != "all_devices" {
				group = id
			}
			r, found, err := homeRecording(ctx, n, id)
			if err != nil {
				return ds, err
			}
			r.Group = group
			ds.Recordings = append(ds.Recordings, r)
			found.tell(&ds)
		}
	}
	if len(ds.Recordings) == 0 {
		return ds, fmt.Errorf("%s: no captures (want all_devices/*.pcap and tplink_plug_runs/*.pcap)", path)
	}
	return ds, nil
}

func homeDataset() datasets.Dataset {
	return datasets.Dataset{
		Recorded: datasets.LAN,
		Tasks:    []datasets.Task{datasets.TaskDevice},
		Split:    "kfold:k=5",
	}
}

// homeRecording reads a capture and finds the owner of each packet: the device
// at the local address, else the one at the remote address (flows in the home).
func homeRecording(ctx context.Context, name, id string) (datasets.Recording, odd, error) {
	t, rep, err := capture.Open(ctx, name, capture.Options{})
	if err != nil {
		return datasets.Recording{}, odd{}, err
	}

	r := datasets.Recording{ID: id, Group: id, Trace: t}
	names := homeAddresses()
	for _, d := range names {
		r.Labels.Devices = append(r.Labels.Devices, d)
	}
	slices.Sort(r.Labels.Devices)

	owner := func(a netip.Addr) int32 {
		if d, ok := names[a.Unmap().String()]; ok {
			return int32(slices.Index(r.Labels.Devices, d))
		}
		return -1
	}

	// A flow inside the home has a device at each end: it goes to the local one,
	// so that no packet is counted for two.
	byFlow := make([]int32, len(t.Flows))
	for i, f := range t.Flows {
		if byFlow[i] = owner(f.Local.Addr()); byFlow[i] < 0 {
			byFlow[i] = owner(f.Remote.Addr())
		}
	}
	for _, p := range t.Packets {
		r.Labels.Owners = append(r.Labels.Owners, byFlow[p.Flow])
	}
	return r, oddOf(id, rep), nil
}
