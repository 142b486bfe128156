package write_test

import (
	"bytes"
	"fmt"
	"log"
	"net/netip"
	"os"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture/write"
)

// A trace becomes a pcap file. The name of its first flow is in the hello that
// the payload becomes; the second flow has no packet that could carry a name, so
// it goes into a names file.
func ExampleCapture() {
	local := netip.MustParseAddrPort("192.168.0.7:50000")
	trace := datasets.Trace{
		Start: time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC),
		End:   time.Second,
		Flows: []datasets.Flow{
			{Proto: 6, Local: local, Remote: netip.MustParseAddrPort("52.1.2.3:443"), Host: "api.example.com"},
			{Proto: 17, Local: local, Remote: netip.MustParseAddrPort("52.1.2.4:5683"), Host: "coap.example.com"},
		},
		Packets: []datasets.Packet{
			{Time: 0, Size: 14 + 52 + 200, Payload: 200, Flow: 0, Dir: datasets.Up},
			{Time: time.Millisecond, Size: 14 + 28 + 30, Payload: 30, Flow: 1, Dir: datasets.Up},
		},
	}

	var file bytes.Buffer
	if err := write.Capture(&file, trace); err != nil {
		log.Fatal(err)
	}
	fmt.Println(file.Len(), "bytes")
	fmt.Println(bytes.Contains(file.Bytes(), []byte("api.example.com")))

	if _, err := write.Names(os.Stdout, trace); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 546 bytes
	// true
	// address,name
	// 52.1.2.4,coap.example.com
}
