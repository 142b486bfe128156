package summary_test

import (
	"fmt"
	"net/netip"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture/summary"
)

// A plug that reports its state once a minute, and a server that confirms.
func ExampleSummarize() {
	trace := datasets.Trace{End: 10 * time.Minute, Flows: []datasets.Flow{{
		Proto:  6,
		Local:  netip.MustParseAddrPort("192.168.0.7:50000"),
		Remote: netip.MustParseAddrPort("52.1.2.3:8883"),
		Host:   "mqtt.example.com",
	}}}
	for i := range 10 {
		at := time.Duration(i) * time.Minute
		trace.Packets = append(trace.Packets,
			datasets.Packet{Time: at, Size: 14 + 52 + 69, Payload: 69, Dir: datasets.Up},
			datasets.Packet{Time: at + 40*time.Millisecond, Size: 14 + 52, Dir: datasets.Down})
	}

	s := summary.Summarize(trace)
	fmt.Println(s.Devices[0].Addresses, s.BytesUp, s.BytesDown)
	for _, h := range s.Heartbeats {
		fmt.Printf("%s to %s: %d bytes every %g s\n", h.Device, h.Service, h.Payload, h.PeriodS)
	}
	// Output:
	// [192.168.0.7] 1210 520
	// 192.168.0.7 to TCP 8883 mqtt.example.com: 69 bytes every 60 s
}
