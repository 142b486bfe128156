package guess

import (
	"testing"
	"time"
)

// TestGuessesAreBounded has a trace of 54 years, as of a clock that was set after
// the capture began. Naming a class every ten seconds took 11 GB.
func TestGuessesAreBounded(t *testing.T) {
	const years = 54 * 365 * 24 * time.Hour
	for _, period := range []time.Duration{10 * time.Second, time.Hour} {
		if n := len(periodic{"plug/on", period}.times(years)); n > maxTimes {
			t.Errorf("every %v: %d times", period, n)
		}
		table := timetable{class: "plug/on", period: period, peaks: make([]clockPeak, maxPeaks)}
		if n := len(table.times(time.Time{}, years)); n > maxTimes {
			t.Errorf("timetable of %v: %d times", period, n)
		}
	}
	if n := len(periodic{"plug/on", 10 * time.Second}.times(7 * 24 * time.Hour)); n != 60480 {
		t.Errorf("a week: %d times", n)
	}
}
