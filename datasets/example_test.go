package datasets_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"veilbench/datasets"
)

// lamps are clips of a lamp that was switched by turns, three to a home.
func lamps() *datasets.Dataset {
	ds := &datasets.Dataset{Name: "lamps", Recorded: datasets.LAN, Split: "leave-one-group-out"}
	for i := range 6 {
		ds.Recordings = append(ds.Recordings, datasets.Recording{
			ID:    fmt.Sprintf("clip%d", i),
			Group: fmt.Sprintf("home%d", i/3),
			Trace: datasets.Trace{Packets: []datasets.Packet{{Size: int32(60 + i)}}, Flows: []datasets.Flow{{Proto: 6}}, End: time.Second},
			Labels: datasets.Labels{
				Devices: []string{"lamp"},
				Events:  []datasets.Event{{Activity: []string{"on", "off"}[i%2]}},
			},
		})
	}
	return ds
}

// Across homes, all clips of a home are on one side. A split within them may
// train on one clip of a home and test on another.
func ExampleSplit() {
	ds := lamps()
	for _, id := range []string{"leave-one-group-out", "kfold:k=3"} {
		split, err := datasets.ParseSplit(id)
		if err != nil {
			fmt.Println(err)
			return
		}
		folds, err := split.Folds(ds, datasets.TaskClip)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(split, "within groups:", split.Within())
		for _, part := range folds[0] {
			for _, i := range part.Test {
				fmt.Println("  tests", ds.Recordings[i].ID, "of", ds.Recordings[i].Group)
			}
		}
	}
	_, err := datasets.ParseSplit("kfold:k=1")
	fmt.Println(err)
	// Output:
	// leave-one-group-out within groups: false
	//   tests clip0 of home0
	//   tests clip1 of home0
	//   tests clip2 of home0
	// kfold:k=3 within groups: true
	//   tests clip0 of home0
	//   tests clip1 of home0
	// split kfold: k=1: want 2 to 1000
}

// Outside, the router's address stands for all devices, and what stays at home
// is not seen. The labels follow the packets that are left.
func ExampleVantage_View() {
	at := netip.MustParseAddrPort
	plug := datasets.MAC{0x50, 0xc7, 0xbf, 1, 2, 3}
	trace := datasets.Trace{
		Flows: []datasets.Flow{
			{Proto: 17, Local: at("192.168.1.7:9999"), Remote: at("192.168.1.2:9999"), MAC: plug, LAN: true},
			{Proto: 6, Local: at("192.168.1.7:40000"), Remote: at("52.1.1.1:443"), Host: "cloud.example.com", MAC: plug},
		},
		Packets: []datasets.Packet{
			{Time: 0, Size: 80, Payload: 38, Flow: 0},
			{Time: time.Second, Size: 200, Payload: 146, Flow: 1},
		},
		End: time.Minute,
	}
	truth := datasets.Labels{Devices: []string{"bulb", "plug"}, Owners: []int32{0, 1}}

	for _, v := range []datasets.Vantage{datasets.LAN, datasets.WiFi, datasets.WAN} {
		seen, kept := v.View(rand.New(rand.NewPCG(1, 1)), trace)
		for i, p := range seen.Packets {
			f := seen.Flows[p.Flow]
			owner := truth.Devices[truth.Keep(kept).Owners[i]]
			fmt.Printf("%-4s %3d bytes, %s of %s\n", v, p.Size, f.Local.Addr(), owner)
		}
	}
	// Output:
	// lan   80 bytes, 192.168.1.7 of bulb
	// lan  200 bytes, 192.168.1.7 of plug
	// wifi 116 bytes, invalid IP of bulb
	// wifi 236 bytes, invalid IP of plug
	// wan  200 bytes, 203.0.113.1 of plug
}
