package labels_test

import (
	"fmt"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/labels"
)

// Owners of addresses and times of events are laid over a trace.
func Example() {
	plug := datasets.MAC{0x50, 0xc7, 0xbf, 1, 2, 3}
	trace := datasets.Trace{
		Start:   time.Date(2021, 3, 8, 17, 0, 0, 0, time.UTC),
		Flows:   []datasets.Flow{{Proto: 6, MAC: plug}},
		Packets: []datasets.Packet{{Time: time.Second, Size: 60}},
		End:     time.Hour,
	}

	owners, err := labels.Read(strings.NewReader("address,device\n50:c7:bf:01:02:03,plug\n"), "devices.csv", labels.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	events, err := labels.Read(strings.NewReader("# zone: UTC\ntime,device,activity\n2021-03-08 17:00:01,plug,on\n2021-03-09 17:00:01,plug,off\n"), "events.csv", labels.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}

	l, err := labels.Apply(trace, owners, events)
	fmt.Println(l.Devices, l.Owners, l.Class(l.Events[0]), l.Events[0].Start, err)
	fmt.Println(l.Doubts[0].Detail)
	// Output:
	// [plug] [0] plug/on 1s <nil>
	// 1 of 2 labels lie outside of the recording (2021-03-08T17:00:00Z to 2021-03-08T18:00:00Z): line 4
}
