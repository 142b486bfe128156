package events

import (
	"math"
	"strconv"
	"strings"
	"time"

	"veilbench/datasets/labels"
	"veilbench/datasets/params"
)

// Spellings of times that name a zone, and of those that do not. Of day and
// month the American order comes first; a file in which it does not fit every
// line is read in the other.
func zonedLayouts() []string {
	return []string{
		time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999 -0700",
		"2006-01-02T15:04:05.999999999-0700", "2006-01-02 15:04:05.999999999 MST",
	}
}

func zonelessLayouts() []string {
	return []string{
		"2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04", "2006-01-02T15:04",
		"2006/01/02 15:04:05.999999999", "2006-01-02 3:04:05 PM", "2006/01/02 3:04:05 PM",
		"1/2/2006 3:04:05.999999999 PM", "1/2/2006 3:04 PM", "1/2/2006 15:04:05.999999999", "1/2/2006 15:04",
		"2/1/2006 3:04:05.999999999 PM", "2/1/2006 3:04 PM", "2/1/2006 15:04:05.999999999", "2/1/2006 15:04",
		"2.1.2006 15:04:05.999999999", "2.1.2006 15:04", "Jan 2, 2006 3:04:05 PM", "Jan 2 2006 15:04:05",
		"Mon Jan _2 15:04:05 2006", "20060102-150405", "20060102150405", "20060102T150405",
	}
}

// epochFrom is the least number that is taken for a time since 1970: it is in
// 1973, and as a time since a recording's start it would be three years.
const epochFrom = 1e8

// ParseTime reads one time. Numbers are seconds, milliseconds, microseconds or
// nanoseconds since 1970, told apart by their size.
func ParseTime(s string) (t time.Time, zoned, ok bool) {
	if v, err := strconv.ParseFloat(s, 64); err == nil {
		if v < epochFrom || v > 4e18 {
			return t, false, false
		}
		t, ok = epoch(s, v)
		return t, true, ok
	}

	// Months are spelled in mixed case, AM and PM in any: both are tried.
	for _, x := range zonedLayouts() {
		if t, err := time.Parse(x, s); err == nil {
			return t.UTC(), true, true
		}
	}
	for _, x := range zonelessLayouts() {
		if t, err := time.Parse(x, strings.ToUpper(s)); err == nil {
			return t, false, true
		}
		if t, err := time.Parse(x, s); err == nil {
			return t, false, true
		}
	}
	return labels.ParseTime(s)
}

// epoch reads a number since 1970 exactly: a float64 of it is off by 119 ns.
func epoch(s string, v float64) (time.Time, bool) {
	unit := time.Second
	for ; v >= 1e11; v /= 1000 {
		unit /= 1000
	}
	if unit < time.Nanosecond {
		return time.Time{}, false
	}

	// The whole and the broken part are read apart, as neither needs more
	// digits than its type has.
	whole, frac, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Unix(0, 0).Add(params.Seconds(v)).UTC(), true
	}
	ns := int64(0)
	if frac != "" {
		f, err := strconv.ParseFloat("0."+frac, 64)
		if err != nil {
			return time.Time{}, false
		}
		ns = int64(math.Round(f * float64(unit)))
	}
	return time.Unix(0, n*int64(unit)+ns).UTC(), true
}

// InZone takes the digits of t, which stand as if they were UTC, for a clock in
// zone.
func InZone(t time.Time, zone *time.Location) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone).UTC()
}
