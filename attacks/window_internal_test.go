package attacks

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A port is learned if it is frequent in two groups; a long conversation's
// NAPT port is not, even if a short one elsewhere happens to share it.
func TestSharedPorts(t *testing.T) {
	at := map[string]map[uint16]int{
		"home 1": {443: 20000, 16384: 9, 40001: 30000, 40002: 50, 40003: 7},
		"home 2": {443: 70000, 16384: 20, 40001: 3, 40002: 13, 40003: 7},
		"home 3": {443: 10, 40002: 1},
	}
	got := sharedPorts(at)
	// Of home 1's 50,066 packets 1 in 5,000 is 10, of home 2's 70,043 it is 14.
	want := map[uint16]int{443: 90010}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("three homes: (-want +got)\n%s", d)
	}
	delete(at, "home 2")
	at["home 3"][16384] = 8
	if d := cmp.Diff(map[uint16]int{443: 20010}, sharedPorts(at)); d != "" {
		t.Errorf("two homes: (-want +got)\n%s", d)
	}
	delete(at, "home 3")
	if d := cmp.Diff(map[uint16]int{443: 20000, 40001: 30000, 40002: 50}, sharedPorts(at)); d != "" {
		t.Errorf("one home: (-want +got)\n%s", d)
	}
}
