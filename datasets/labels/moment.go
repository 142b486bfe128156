package labels

import (
	"cmp"
	"errors"
	"fmt"
	"math"
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

// Orders of day and month in dates such as 03/04/2023.
const (
	dayFirst   = "day-first"
	monthFirst = "month-first"
)

// moment is a labeled time: since a recording's Time 0, or on the wall clock.
type moment struct {
	since time.Duration
	wall  time.Time     // zero if since counts
	vague time.Duration // how much later it may have been, as in a time without seconds
	whole bool          // a time of the wall clock that is a whole minute, before any offset
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

// moment parses a time: a number, or a date and a time of day. unit is what a
// number counts where the column's name says so, else seconds.
func (p *parser) moment(s string, unit time.Duration) (moment, error) {
	if d, ok := parseSeconds(s); ok {
		return p.number(s, d, unit), nil
	}
	t, zoned, layout, err := p.date(s)
	if err != nil {
		return moment{}, err
	}
	if !zoned {
		if t, err = p.place(t, s); err != nil {
			return moment{}, err
		}
	}
	m := moment{wall: t.Add(p.o.Offset).UTC(), whole: t.Second() == 0 && t.Nanosecond() == 0}
	if !strings.Contains(layout, "05") {
		m.vague = wholeMinute
	}
	return m, nil
}

// number is a time that is a plain number: d, as seconds. By the clock of 1970 a
// number says itself whether it counts seconds, for in other units a time of
// this century is a thousand times as large. No recording lasts the 31 years
// from which on a number is taken for one of that clock.
func (p *parser) number(s string, d time.Duration, unit time.Duration) moment {
	f, err := strconv.ParseFloat(decimal(s), 64)
	since1970 := p.o.Clock == clockEpoch || !p.stated && err == nil && math.Abs(f) >= 1e9 && unit == 0
	switch a := math.Abs(f); {
	case err != nil:
	case unit != 0 && unit != time.Second:
		d = scaled(s, f, unit)
	case !since1970 || unit == time.Second:
	case a >= 1e17:
		d = scaled(s, f, time.Nanosecond)
	case a >= 1e14:
		d = scaled(s, f, time.Microsecond)
	case a >= 1e11:
		d = scaled(s, f, time.Millisecond)
	}
	if since1970 || unit != 0 && d >= 1e9*time.Second && !p.stated {
		return moment{wall: time.Unix(0, 0).Add(d + p.o.Offset).UTC(), whole: d%time.Minute == 0}
	}
	return moment{since: d + p.o.Offset}
}

// scaled is a number of units, exactly if it is whole: a float64 of nanoseconds
// since 1970 is off by up to 128.
func scaled(s string, f float64, unit time.Duration) time.Duration {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n < math.MaxInt64/int64(unit) && n > math.MinInt64/int64(unit) {
		return time.Duration(n) * unit
	}
	if v := f * float64(unit); math.Abs(v) < 9e18 {
		return time.Duration(v)
	}
	return 0
}

// place is the moment at which the clock of the stated zone showed t, and of UTC
// if none is stated. When summer time ends an hour is shown twice, and when it
// begins one is left out.
func (p *parser) place(t time.Time, s string) (time.Time, error) {
	if p.unzoned = true; p.o.Zone == nil {
		return t, nil
	}

	// Every offset in use around t may be the one: it is if the zone has it then.
	var found []time.Time
	for _, h := range []time.Duration{-26, 26} {
		_, offset := t.Add(h * time.Hour).In(p.o.Zone).Zone()
		u := t.Add(-time.Duration(offset) * time.Second)
		if _, then := u.In(p.o.Zone).Zone(); then == offset && (len(found) == 0 || !found[0].Equal(u)) {
			found = append(found, u)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return t, fmt.Errorf("time %q does not exist in %v: the clock was set forward over it; write its offset behind it, as in %s+01:00", s, p.o.Zone, s)
	}
	early, late := found[0].In(p.o.Zone), found[1].In(p.o.Zone)
	if late.Before(early) {
		early, late = late, early
	}
	return t, fmt.Errorf("time %q happened twice in %v, when summer time ended; write its offset behind it, as in %s%s (the first) or %s%s (the second)",
		s, p.o.Zone, s, early.Format("-07:00"), s, late.Format("-07:00"))
}

// dates are layouts of a day, by whether its parts tell their order. Parts of
// one or two digits are read by the short forms.
var dates = struct{ plain, dayFirst, monthFirst []string }{
	plain: []string{
		"2006-01-02", "2006/1/2", "2006.1.2", "2006-1-2", "20060102", "2.1.2006", "2.1.06", "2 Jan 2006", "2 January 2006", "2-Jan-2006", "2-Jan-06",
		"Jan 2 2006", "January 2 2006", "Mon 2 Jan 2006", "Mon Jan 2 2006", "Monday 2 January 2006", "Monday January 2 2006",
	},
	dayFirst:   []string{"2/1/2006", "2-1-2006", "2/1/06"},
	monthFirst: []string{"1/2/2006", "1-2-2006", "1/2/06"},
}

// clocks are layouts of a time of day. A fraction of a second is read behind
// every 05.
var clocks = []string{"15:04:05", "15:04", "3:04:05 PM", "3:04:05PM", "3:04 PM", "3:04PM", "15.04.05", "150405"}

// zones are layouts of an offset from UTC.
var zones = []string{"", "Z07:00", " Z07:00", "-0700", " -0700", "-07", " -07"}

// ParseTime reads a date with a time of day as Read does. zoned says that it names a
// zone; if not, t has its digits as if they were UTC. Where day and month could be
// either, which Read asks about, ok is false.
func ParseTime(s string) (t time.Time, zoned, ok bool) {
	var p parser
	t, zoned, _, err := p.date(s)
	return t.UTC(), zoned, err == nil
}

// date reads a day and a time of day, in the words of programs and people. zoned
// says that an offset from UTC is there, layout what was read.
func (p *parser) date(s string) (t time.Time, zoned bool, layout string, err error) {
	norm := normal(s)
	if v, perr := time.Parse(p.layout, norm); perr == nil && p.layout != "" {
		return v, strings.Contains(p.layout, "07"), p.layout, nil // as the row before
	}
	defer func() { p.layout = layout }()
	try := func(days []string) bool {
		for _, day := range days {
			for _, clock := range clocks {
				for _, zone := range zones {
					l := day + " " + clock + zone
					if v, perr := time.Parse(l, norm); perr == nil {
						t, zoned, layout = v, zone != "", l
						return true
					}
				}
			}
		}
		return false
	}
	if try(dates.plain) {
		return t, zoned, layout, nil
	}
	// Ctime puts the year behind the time of day.
	for _, l := range []string{"Mon Jan 2 15:04:05 2006", "Jan 2 15:04:05 2006"} {
		if v, perr := time.Parse(l, norm); perr == nil {
			return v, false, l, nil
		}
	}

	day, month := try(dates.dayFirst), false
	if day {
		td, zd, ld := t, zoned, layout
		if month = try(dates.monthFirst); month && !t.Equal(td) && p.order != monthFirst {
			if p.order == "" {
				return t, false, "", fmt.Errorf("time %q: is it day or month first? State it (# dates: day-first, or # dates: month-first)", s)
			}
			t, zoned, layout = td, zd, ld
		}
		return t, zoned, layout, nil
	}
	if try(dates.monthFirst) {
		return t, zoned, layout, nil
	}
	return t, false, "", fmt.Errorf("time %q; want seconds, or a date and a time such as 2021-03-08 12:00:00+01:00", s)
}

// normal writes a time as the layouts have it: one space between the parts, no
// commas but as a point, zones by their offset.
func normal(s string) string {
	b := []byte(strings.Join(strings.Fields(s), " "))
	for i, c := range b {
		digit := func(j int) bool { return j >= 0 && j < len(b) && b[j] >= '0' && b[j] <= '9' }
		switch {
		case (c == 'T' || c == 't') && digit(i-1) && digit(i+1):
			b[i] = ' '
		// Behind seconds a comma begins their fraction; elsewhere it parts words.
		case c == ',' && digit(i-1) && digit(i+1) && i >= 3 && b[i-3] == ':':
			b[i] = '.'
		}
	}
	s = strings.ReplaceAll(string(b), ",", " ")
	s = strings.Join(strings.Fields(s), " ")
	for _, v := range [][2]string{{"a.m.", "AM"}, {"p.m.", "PM"}, {" am", " AM"}, {" pm", " PM"}} {
		if n := len(s) - len(v[0]); n > 0 && strings.EqualFold(s[n:], v[0]) {
			s = s[:n] + v[1]
		}
	}
	if n := len(s) - 2; n > 0 && s[n-1] >= '0' && s[n-1] <= '9' && (strings.EqualFold(s[n:], "am") || strings.EqualFold(s[n:], "pm")) {
		s = s[:n] + strings.ToUpper(s[n:])
	}
	for _, v := range []string{" UTC", " GMT", " utc", "UTC"} {
		if strings.HasSuffix(s, v) {
			s = strings.TrimSpace(strings.TrimSuffix(s, v)) + "Z"
		}
	}
	if strings.HasSuffix(s, "z") {
		s = s[:len(s)-1] + "Z"
	}
	return s
}

// findOrder tells from all times of a column whether the day or the month comes
// first in dates with strokes: no month is above 12, and only who writes the
// month first writes AM and PM.
func findOrder(times []string) string {
	order := ""
	for _, s := range times {
		parts := strings.FieldsFunc(strings.SplitN(strings.TrimSpace(s)+" ", " ", 2)[0], func(r rune) bool { return r == '/' || r == '-' })
		if len(parts) != 3 {
			continue
		}
		a, aerr := strconv.Atoi(parts[0])
		b, berr := strconv.Atoi(parts[1])
		found := ""
		switch {
		case aerr != nil || berr != nil:
		case a > 12 && a <= 31 && b <= 12:
			found = dayFirst
		case b > 12 && b <= 31 && a <= 12:
			found = monthFirst
		}
		if found != "" && order != "" && found != order {
			return "" // both: each row must tell for itself
		}
		order = cmp.Or(found, order)
	}
	if order != "" {
		return order
	}
	for _, s := range times {
		if u := strings.ToUpper(s); strings.Contains(u, "/") && (strings.HasSuffix(u, "AM") || strings.HasSuffix(u, "PM")) {
			return monthFirst
		}
	}
	return ""
}

// Zones are places of which no two have the same clock all year; of those that
// share one, the largest.
func Zones() []string {
	return []string{
		"UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Chicago", "America/Denver",
		"America/Los_Angeles", "America/Phoenix", "America/Anchorage", "America/Halifax", "America/St_Johns",
		"America/Sao_Paulo", "America/Bogota", "America/Caracas", "America/Mexico_City", "America/Santiago",
		"Pacific/Honolulu", "Europe/Helsinki", "Europe/Moscow", "Africa/Cairo", "Africa/Lagos", "Africa/Johannesburg",
		"Asia/Jerusalem", "Asia/Tehran", "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Dhaka",
		"Asia/Yangon", "Asia/Bangkok", "Asia/Shanghai", "Asia/Tokyo", "Australia/Adelaide", "Australia/Brisbane",
		"Australia/Sydney", "Pacific/Noumea", "Pacific/Auckland",
	}
}

// decimal is s with a point where it has a comma.
func decimal(s string) string {
	if strings.Count(s, ",") == 1 && !strings.Contains(s, ".") {
		return strings.Replace(s, ",", ".", 1)
	}
	return s
}

// parseSeconds reads a decimal number of seconds exactly to the nanosecond;
// a float64 of seconds since 1970 would be off by up to 119 ns. A number that
// no time.Duration can hold as seconds is cut to the longest one.
func parseSeconds(s string) (time.Duration, bool) {
	s = decimal(s)
	whole, frac, _ := strings.Cut(s, ".")

	// What the exact way cannot hold goes the other: exponents, more than nine
	// decimals, more than ten digits (with nine decimals they fill an int64).
	if len(whole) > 10 || len(frac) > 9 || strings.ContainsAny(s, "eExX_+") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || f != f || math.Abs(f) > 9e18 || strings.ContainsAny(s, "xX_") {
			return 0, false
		}
		return params.Seconds(min(max(f, -9e9), 9e9)), true
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", 9-len(frac)), 10, 64)
	return time.Duration(n), err == nil && whole != "" && whole != "-"
}
