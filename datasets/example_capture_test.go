package datasets_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/capture/write"
)

// A capture and two label files become a data set: who owns which address, and
// what happened when.
func Example() {
	dir, err := os.MkdirTemp("", "home")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	// Twelve minutes of a plug and a camera, as if tcpdump had written them.
	at := netip.MustParseAddrPort
	trace := datasets.Trace{
		Start: time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC),
		Flows: []datasets.Flow{
			{Proto: 6, Local: at("192.168.1.7:40000"), Remote: at("52.1.1.1:443"), MAC: datasets.MAC{0x50, 0xc7, 0xbf, 1, 2, 3}},
			{Proto: 17, Local: at("192.168.1.8:5000"), Remote: at("52.1.1.2:3478"), MAC: datasets.MAC{0x50, 0xc7, 0xbf, 1, 2, 4}},
		},
		End: 12 * time.Minute,
	}
	events := "time,device,activity\n"
	for m := range 12 {
		t := time.Duration(m)*time.Minute + time.Second
		trace.Packets = append(trace.Packets, datasets.Packet{Time: t, Size: 200, Payload: 146}, datasets.Packet{Time: t, Size: 900, Payload: 858, Flow: 1})
		events += fmt.Sprintf("%d,plug,%s\n", 60*m+1, []string{"on", "off"}[m%2])
	}
	file, err := os.Create(filepath.Join(dir, "home.pcap"))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := write.Capture(file, trace); err != nil {
		fmt.Println(err)
		return
	}
	file.Close()
	os.WriteFile(filepath.Join(dir, "devices.csv"), []byte("address,device\n50:c7:bf:01:02:03,plug\n192.168.1.8,camera\n"), 0o600)
	os.WriteFile(filepath.Join(dir, "events.csv"), []byte(events), 0o600)

	ds, err := capture.Dataset(context.Background(), file.Name(), capture.DatasetOptions{
		Labels: []string{filepath.Join(dir, "devices.csv"), filepath.Join(dir, "events.csv")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ds.Tasks, ds.Recorded, ds.Split)
	r := ds.Recordings[0]
	fmt.Println(len(ds.Recordings), "recordings; the first has", len(r.Trace.Packets), "packets of", r.Labels.Devices)
	fmt.Println(r.Labels.Class(r.Labels.Events[0]), "at", r.Labels.Events[0].Start)
	// Output:
	// [event device] lan group-kfold:k=5
	// 5 recordings; the first has 4 packets of [camera plug]
	// plug/on at 1s
}
