package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"veilbench/datasets/labels"
	"veilbench/datasets/params"
)

// ParseJSON reads events as IoT Inspector keeps them: a list of objects with a
// device, an activity, a start and perhaps an end and a hardware address. The
// list may be the text, be anywhere inside it, or be one object a line. A text
// without such a list gives none; one that is no JSON is an error with its line.
func ParseJSON(name, text string) ([]Event, error) {
	// A number as float64 would lose the microseconds of a time. One value after
	// another is what a file with an object a line is.
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var items []map[string]any
	for {
		var v any
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) {
			break
		}
		line := 1 + strings.Count(text[:min(int(d.InputOffset()), len(text))], "\n")
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		items = append(items, eventObjects(v, 0)...)
	}

	var out []Event
	for i, m := range items {
		e, err := eventOf(m)
		if err != nil {
			return nil, fmt.Errorf("%s: Event %d: %w", name, i+1, err)
		}
		out = append(out, e)
	}
	return out, nil
}

// maxDepth bounds how deep a list of events may lie.
const maxDepth = 8

// eventObjects finds the objects that have a start.
func eventObjects(v any, depth int) []map[string]any {
	if depth > maxDepth {
		return nil
	}
	var out []map[string]any
	switch v := v.(type) {
	case map[string]any:
		if field(v, "time") != "" && field(v, "device")+field(v, "activity") != "" {
			return []map[string]any{v}
		}

		// Only lists are looked into, and of several the one with events: their
		// order in an object is left to chance.
		for _, x := range v {
			if found := eventObjects(x, depth+1); len(found) > len(out) {
				out = found
			}
		}
	case []any:
		for _, x := range v {
			out = append(out, eventObjects(x, depth+1)...)
		}
	}
	return out
}

// field is the value of a column, by any of its names, as text.
func field(m map[string]any, column string) string {
	for _, n := range names(column) {
		switch v := m[n].(type) {
		case string:
			if v != "" {
				return strings.TrimSpace(v)
			}
		case json.Number:
			return v.String()
		}
	}
	return ""
}

// names are those of a column: first the ones of programs that keep JSON, then
// those of tables.
func names(column string) []string {
	own := map[string][]string{
		"time": {"start_time", "start"}, "device": {"device_name"}, "activity": {"activity_label"},
		"capture": {"capture", "file", "filename", "pcap", "session"}, "mac": {"mac_address", "mac", "device_mac"},
	}[column]
	if column == "capture" {
		return own
	}
	return append(own, labels.Names(column)...)
}

// eventOf reads one object.
func eventOf(m map[string]any) (Event, error) {
	e := Event{
		Device:   labels.DeviceName(field(m, "device")),
		Activity: field(m, "activity"),
		Capture:  field(m, "capture"),
		MAC:      field(m, "mac"),
	}
	if e.Device == "" || e.Activity == "" {
		return e, errors.New("want a device (device_name) and an activity (activity_label)")
	}

	// Start and end may be spelled differently, but a number since the start and
	// a date cannot be compared.
	var err error
	if e.Start, e.Since, e.Zoneless, err = jsonTime(field(m, "time")); err != nil {
		return e, err
	}
	e.End = e.Start
	if s := field(m, "end"); s != "" {
		var since, zoneless bool
		if e.End, since, zoneless, err = jsonTime(s); err != nil {
			return e, err
		}
		if since != e.Since || zoneless != e.Zoneless {
			return e, errors.New("start and end are of different clocks")
		}
	}
	if e.End.Before(e.Start) {
		return e, errors.New("end is before start")
	}
	return e, nil
}

// jsonTime reads a time; a small number counts from the recording's start.
func jsonTime(s string) (t time.Time, since, zoneless bool, err error) {
	if v, err := strconv.ParseFloat(s, 64); err == nil && v >= 0 && v < epochFrom {
		return time.Unix(0, 0).Add(params.Seconds(v)).UTC(), true, false, nil
	}
	t, zoned, ok := ParseTime(s)
	if !ok {
		return t, false, false, fmt.Errorf("time %q; want seconds since 1970 or a date with a time", s)
	}
	return t, false, !zoned, nil
}
