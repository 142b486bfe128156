package events

import (
	"bufio"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/labels"
	"veilbench/datasets/params"
)

// TakeMinutes makes intervals of the times that are whole minutes, where those are
// the rule, and says so of the file called name.
func TakeMinutes(name string, evs []Event) []datasets.Doubt {
	whole := func(e *Event) bool {
		return !e.Since && e.End.Equal(e.Start) && e.Start.Equal(e.Start.Truncate(time.Minute))
	}
	n := 0
	for i := range evs {
		if whole(&evs[i]) {
			n++
		}
	}
	if !labels.MinutesAreRule(len(evs), n) {
		return nil
	}

	// One minute ends before the next begins.
	for i := range evs {
		if e := &evs[i]; whole(e) {
			e.End, e.Vague = e.Start.Add(time.Minute-time.Millisecond), true
		}
	}
	return []datasets.Doubt{{
		Code: datasets.DoubtMinutes, Where: name, Count: int64(n), Of: int64(len(evs)),
		Detail: fmt.Sprintf("%d of %d event times are whole minutes: each event counts anywhere in its minute", n, len(evs)),
	}}
}

// ParseTriggers reads a text of which every line is a time and nothing else. A
// list of numbers is one only if they count from 1970 or sure says so.
func ParseTriggers(text string, sure bool) ([]Event, bool) {
	var lines []string
	sc := bufio.NewScanner(strings.NewReader(text))
	for sc.Scan() {
		if s := strings.TrimSpace(sc.Text()); s != "" && !strings.HasPrefix(s, "#") {
			lines = append(lines, s)
		}
	}
	if len(lines) == 0 || sc.Err() != nil {
		return nil, false
	}

	// One reading for the whole file: 3/4 and 13/4 cannot be of two orders.
	readings := []func(string) (Event, bool){func(s string) (Event, bool) {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(v) || v < 0 || v > 4e18 || v < epochFrom && !sure {
			return Event{}, false
		}
		if v < epochFrom {
			return Event{Start: time.Unix(0, 0).Add(params.Seconds(v)).UTC(), Since: true}, true
		}
		t, ok := epoch(s, v)
		return Event{Start: t}, ok
	}}
	for i, x := range append(zonedLayouts(), zonelessLayouts()...) {
		readings = append(readings, func(s string) (Event, bool) {
			t, err := time.Parse(x, s)
			if err != nil {
				t, err = time.Parse(x, strings.ToUpper(s))
			}
			return Event{Start: t.UTC(), Zoneless: i >= len(zonedLayouts())}, err == nil
		})
	}
	for _, read := range readings {
		var out []Event
		for _, s := range lines {
			e, ok := read(s)
			if !ok {
				break
			}
			e.End = e.Start
			out = append(out, e)
		}
		if len(out) == len(lines) {
			return out, true
		}
	}
	return nil, false
}
