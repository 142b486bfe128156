package labels

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"veilbench/datasets/params"
)

// Clocks that plain numbers in a label file may count from.
const (
	clockStart = "start"
	clockEpoch = "epoch"
)

// moment is a labeled time: since a recording's Time 0, or on the wall clock.
type moment struct {
	since time.Duration
	wall  time.Time // zero if since counts
}

// in returns m as a time of a recording that starts at start. It fails for a
// wall-clock time if start is unknown.
func (m moment) in(start time.Time) (time.Duration, error) {
	if m.wall.IsZero() {
		return m.since, nil
	}
	if start.IsZero() {
		return 0, errors.New("a wall-clock time, but the recording's start is unknown")
	}
	return m.wall.Sub(start), nil
}

// moment parses a time: a number of seconds, RFC 3339, or local time if a zone
// is stated.
func (p *parser) moment(s string) (moment, error) {
	if d, ok := parseSeconds(s); ok {
		if p.o.Clock == clockEpoch {
			return moment{wall: time.Unix(0, 0).Add(d + p.o.Offset).UTC()}, nil
		}
		return moment{since: d + p.o.Offset}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return moment{wall: t.Add(p.o.Offset).UTC()}, nil
	}

	// Parsed before it is refused, so that the message can tell a time without
	// a zone from what is no time at all.
	for _, layout := range []string{"2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999"} {
		t, err := time.ParseInLocation(layout, s, cmp.Or(p.o.Zone, time.UTC))
		if err != nil {
			continue
		}
		if p.o.Zone == nil {
			return moment{}, fmt.Errorf("time %q names no zone, and none is stated (# zone: Europe/Berlin)", s)
		}
		return moment{wall: t.Add(p.o.Offset).UTC()}, nil
	}
	return moment{}, fmt.Errorf("time %q; want seconds or RFC 3339", s)
}

// parseSeconds reads a decimal number of seconds exactly to the nanosecond;
// a float64 of seconds since 1970 would be off by up to 119 ns.
func parseSeconds(s string) (time.Duration, bool) {
	whole, frac, _ := strings.Cut(s, ".")

	// What the exact way cannot hold goes the other: exponents, more than nine
	// decimals, more than ten digits (with nine decimals they fill an int64).
	if len(whole) > 10 || len(frac) > 9 || strings.ContainsAny(s, "eExX_+") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || f != f || f > 9e9 || f < -9e9 {
			return 0, false
		}
		return params.Seconds(f), true
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", 9-len(frac)), 10, 64)
	return time.Duration(n), err == nil && whole != "" && whole != "-"
}
