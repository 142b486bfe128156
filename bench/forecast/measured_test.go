package forecast

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestMeasuredTable prints the lines of measured from the run whose folder
// VEILBENCH_MEASURED names. VEILBENCH_SHARE is the part of a processor that each
// of its workers had, where others worked beside it.
func TestMeasuredTable(t *testing.T) {
	dir := os.Getenv("VEILBENCH_MEASURED")
	if dir == "" {
		t.Skip("no run is named by VEILBENCH_MEASURED")
	}
	share := 1.0
	fmt.Sscan(os.Getenv("VEILBENCH_SHARE"), &share)
	var lines []string
	for k, x := range RatesOf([]string{dir}).own {
		name, _, _ := strings.Cut(k.attack, ":")
		lines = append(lines, fmt.Sprintf("{%q, %q}: {%.3g, %.3g},", name, k.task, x.Train*share, x.Guess*share))
	}
	slices.SortFunc(lines, cmp.Compare)
	t.Log("\n" + strings.Join(lines, "\n"))
}
