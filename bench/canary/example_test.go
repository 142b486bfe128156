package canary_test

import (
	"fmt"
	"time"

	"veilbench/attacks"
	"veilbench/bench/canary"
	"veilbench/datasets"
)

// A canary is a burst of frames that the traffic has anyway.
func Example() {
	l := attacks.Labeled{
		Trace: datasets.Trace{
			End:     time.Minute,
			Flows:   []datasets.Flow{{Proto: 17}},
			Packets: []datasets.Packet{{Time: time.Second, Size: 90, Payload: 48}, {Time: 2 * time.Second, Size: 120, Payload: 78, Dir: datasets.Down}},
		},
		Labels: datasets.Labels{Devices: []string{"plug"}, Owners: []int32{0, 0}},
	}
	frames := canary.FramesOf([]attacks.Labeled{l}, "plug", canary.Commonest)
	planted := canary.Event(l, "plug", canary.Behind, frames, []time.Duration{30 * time.Second})
	fmt.Println(len(planted.Trace.Packets)-2, "packets of", frames[datasets.Up].Size, "and", frames[datasets.Down].Size, "bytes")
	fmt.Println(planted.Labels.Class(planted.Labels.Events[0]))
	// Output:
	// 60 packets of 90 and 120 bytes
	// plug/canary
}
