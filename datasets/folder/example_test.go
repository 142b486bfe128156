package folder

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture/write"
)

// Twelve captures with the label in the file's name, on three days, become a
// data set of clips whose groups are days.
func Example() {
	dir, err := os.MkdirTemp("", "lab")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	for i := range 12 {
		trace := datasets.Trace{
			Start: time.Date(2024, 5, 1+i/4, 12, i, 0, 0, time.UTC),
			Flows: []datasets.Flow{{
				Proto: 6, MAC: datasets.MAC{0x50, 0xc7, 0xbf, 1, 2, 3},
				Local: netip.MustParseAddrPort("192.168.1.7:40000"), Remote: netip.MustParseAddrPort("52.1.1.1:443"),
			}},
			Packets: []datasets.Packet{{Size: 200, Payload: 146}, {Time: time.Second, Size: 80, Payload: 26, Dir: datasets.Down}},
			End:     2 * time.Second,
		}
		file, err := os.Create(filepath.Join(dir, fmt.Sprintf("smart_plug_%s_%d.pcap", []string{"on", "off"}[i%2], i/2+1)))
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := write.Capture(file, trace); err != nil {
			fmt.Println(err)
			return
		}
		file.Close()
	}

	f, err := Open(context.Background(), dir, Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	said, err := f.YAML() // what dataset.yaml would say
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(said))
	ds := f.Dataset()
	r := ds.Recordings[0]
	fmt.Println(len(ds.Recordings), "recordings for", ds.Tasks, "by", ds.Split)
	fmt.Println(r.ID, "is", r.ClipClass(), "of", r.Group)
	// Output:
	// captures: "{device}_{activity}_{n}.pcap"
	// group: "{day}"
	// devices:
	// - smart_plug
	// 12 recordings for [clip] by group-kfold:k=3
	// smart_plug/off/1 is smart_plug/off of 2024-05-01
}
