package capture_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/netip"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/capture/write"
)

// plugFile stands for a capture of a smart plug: one report and its
// acknowledgment.
func plugFile() io.Reader {
	var file bytes.Buffer
	if err := write.Capture(&file, datasets.Trace{
		Start: time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC),
		End:   time.Second,
		Flows: []datasets.Flow{{
			Proto:  6,
			Local:  netip.MustParseAddrPort("192.168.0.7:50000"),
			Remote: netip.MustParseAddrPort("52.1.2.3:8883"),
		}},
		Packets: []datasets.Packet{
			{Time: 0, Size: 14 + 52 + 69, Payload: 69, Dir: datasets.Up},
			{Time: 40 * time.Millisecond, Size: 14 + 52, Dir: datasets.Down},
		},
	}); err != nil {
		log.Fatal(err)
	}
	return &file
}

// A capture becomes a trace. The report says what the trace does not: which
// format it was, what was skipped and why.
func ExampleRead() {
	trace, report, err := capture.Read(context.Background(), plugFile(), "plug.pcap", capture.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range trace.Packets {
		flow := trace.Flows[p.Flow]
		fmt.Println(p.Time, p.Dir, flow.Local, flow.Remote, p.Size, p.Payload)
	}
	fmt.Println(report.Format, report.Resolution, report.Packets, "of", report.Records)
	fmt.Println(report.Reasons[0].Count, report.Reasons[0].What)
	// Output:
	// 0s up 192.168.0.7:50000 52.1.2.3:8883 135 69
	// 40ms down 192.168.0.7:50000 52.1.2.3:8883 66 0
	// pcap nanoseconds 2 of 4
	// 2 marker of the start or end of observing
}

// Records are what stands in the file, undecoded.
func ExampleReader() {
	r, err := capture.NewReader(plugFile())
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	for {
		var rec capture.Record
		if err := r.Next(&rec); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			log.Fatal(err)
		}
		fmt.Println(time.Unix(0, rec.Time).UTC().Format(time.RFC3339Nano), rec.Length)
	}
	// Output:
	// 2024-05-01T08:00:00Z 60
	// 2024-05-01T08:00:00Z 135
	// 2024-05-01T08:00:00.04Z 66
	// 2024-05-01T08:00:01Z 60
}
