package tunnel_test

import (
	"fmt"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/tunnel"
)

// Two packets enter a tunnel that adds 52 bytes, and one of its own leaves it.
func Example() {
	const ms = time.Millisecond
	inner := datasets.Trace{Packets: []datasets.Packet{{Time: 0, Size: 100}, {Time: 5 * ms, Size: 200}}, End: time.Second}
	truth := datasets.Labels{Devices: []string{"plug", "camera"}, Owners: []int32{0, 1}}
	outer := datasets.Trace{Packets: []datasets.Packet{{Time: 1 * ms, Size: 152}, {Time: 6 * ms, Size: 252}, {Time: 7 * ms, Size: 96}}, End: time.Second}

	labels, match := tunnel.Label(inner, truth, outer, tunnel.AddedBytes(52, 52))
	fmt.Printf("%v %.2f\n", labels.Owners, match.Share())
	// Output: [0 1 -1] 0.67
}
