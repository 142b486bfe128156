package traffic

import (
	"fmt"
	"testing"

	"veilbench/datasets/home/profile"
)

// TestServersHaveTheirOwnAddresses: names map to addresses one to one, inside
// the range for benchmarks.
func TestServersHaveTheirOwnAddresses(t *testing.T) {
	p, err := profile.Load()
	if err != nil {
		t.Fatal(err)
	}
	host := map[string]string{}
	see := func(name string) {
		a := serverAddress(name).String()
		if other, ok := host[a]; ok && other != name {
			t.Errorf("%s and %s share %s", name, other, a)
		}
		host[a] = name
	}
	for _, d := range p.Devices {
		for _, f := range d.Flows {
			if f.Host != "" {
				see(f.Host)
			}
		}
		if d.NTP.Host != "" {
			see(d.NTP.Host)
		}
	}
	for i := range 60 {
		see(fmt.Sprintf("site%d.example", i))
	}
	for _, name := range []string{"video0", "video1", "video2", "video3", "video4", "video5", "call", "play", "files"} {
		see(name + ".example")
	}
}
