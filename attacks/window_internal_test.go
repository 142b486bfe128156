package attacks

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Ports that several groups have are kept, be they many small files; those
// that are nearly one group's own are not.
func TestSharedPorts(t *testing.T) {
	at := map[string]map[uint16]int{
		"home 1": {443: 20000, 123: 12, 40001: 30000, 40002: 50, 40003: 7, 67: 2},
		"home 2": {443: 70000, 123: 11, 40001: 300, 40002: 5, 67: 2},
		"home 3": {443: 10, 40002: 1, 67: 4},
	}
	// Elsewhere than in home 1, port 40001 has 300 of 30,300 packets, port
	// 40002 6 of 56, more than a tenth.
	want := map[uint16]int{443: 90010, 123: 23, 40002: 56, 67: 8}
	if d := cmp.Diff(want, sharedPorts(at)); d != "" {
		t.Errorf("three homes: (-want +got)\n%s", d)
	}
	delete(at, "home 2")
	delete(at, "home 3")
	if d := cmp.Diff(at["home 1"], sharedPorts(at)); d != "" {
		t.Errorf("one home: (-want +got)\n%s", d)
	}
}
