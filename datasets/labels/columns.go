package labels

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/params"
)

// synonyms are what people and programs call the columns, the best name first.
// A name may stand for two columns: the kind of file decides.
var synonyms = []struct {
	column string
	names  []string
}{
	{"time", []string{"time", "timestamp", "start", "datetime", "start_time", "time_start", "starttime", "begin", "begin_time", "ts", "date_time", "when", "last_changed", "epoch", "unix_time", "unixtime", "unix_timestamp", "unix", "time_of_event", "event_time", "occurred_at", "from", "last_updated"}},
	{"day", []string{"day", "date"}},
	{"end", []string{"end", "end_time", "time_end", "endtime", "stop", "stop_time", "finish", "until", "to"}},
	{"resolution", []string{"resolution"}},
	{"device", []string{"device", "device_name", "devicename", "device_id", "entity_id", "entity", "friendly_name", "appliance", "dev", "name", "hostname"}},
	{"activity", []string{"activity", "event", "action", "event_type", "activity_name", "state", "label", "event_name", "interaction"}},
	{"actions", []string{"actions"}},
	{"home", []string{"home"}},
	{"asleep", []string{"asleep"}},
	{"mac", []string{"address", "mac", "mac_address", "macaddress", "mac_addr", "hwaddr", "hw_address", "hardware_address", "ethernet", "eui64", "eui_64", "ieee_address", "addr", "addresses", "macs"}},
	{"ip", []string{"ip", "ip_address", "ipaddress", "ip_addr", "ipv4", "ipv4_address"}},
	{"ip6", []string{"ipv6", "ipv6_address"}},
	{"from", []string{"from", "valid_from", "first", "first_seen", "since", "start", "start_time", "begin"}},
	{"to", []string{"to", "valid_to", "last", "last_seen", "until", "end", "end_time", "expires"}},
}

// OneDevice is what the device of a table of events is called that has no column for
// it.
const OneDevice = "device"

// header finds the kind of file by its columns, which may come in any order.
func (p *parser) header(row []string) error {
	p.columns, p.units = map[string]int{}, map[string]time.Duration{}
	names := map[string]int{}
	for i, c := range row {
		name, unit := columnName(c)
		if _, twice := names[name]; twice && name != "" {
			return fmt.Errorf("column %q occurs twice", c)
		}
		names[name] = i
		p.units[name] = unit
	}

	// take gives each column the first of its names that is there.
	used := map[string]bool{}
	units := p.units
	p.units = map[string]time.Duration{}
	take := func(columns ...string) {
		for _, s := range synonyms {
			if !slices.Contains(columns, s.column) {
				continue
			}
			for _, n := range s.names {
				if i, ok := names[n]; ok && !used[n] {
					p.columns[s.column], p.units[s.column], used[n] = i, units[n], true
					break
				}
			}
		}
	}
	has := func(columns ...string) bool {
		for _, s := range synonyms {
			if slices.Contains(columns, s.column) && slices.ContainsFunc(s.names, func(n string) bool { _, ok := names[n]; return ok }) {
				return true
			}
		}
		return false
	}

	// Who recorded one device may have no column for it.
	oneDevice := !slices.ContainsFunc(slices.Collect(maps.Keys(names)), func(n string) bool {
		return !known(n) && params.DidYouMean(n, []string{"device"}) != ""
	})

	// A file of two kinds is refused: half of its columns would be passed over
	// in silence.
	_, plain := names["activity"]
	switch {
	case has("actions") && has("time") && !plain && !has("mac", "ip", "ip6", "end"):
		take("time", "day", "device", "actions")
		p.parse = (*parser).command
	case has("mac", "ip", "ip6") && has("device") && !plain && !has("actions"):
		take("mac", "ip", "ip6", "device", "from", "to")
		p.parse = (*parser).owner
	case has("time", "day") && has("device") && has("activity") && !has("actions", "mac"):
		take("time", "day", "end", "resolution", "device", "activity")
		p.parse = (*parser).event
	case has("time", "day") && has("activity") && oneDevice && !has("device", "actions", "mac", "ip", "ip6"):
		take("time", "day", "end", "resolution", "activity")
		p.parse, p.oneDevice = (*parser).event, true
		p.file.warnings = append(p.file.warnings, p.file.name+": no column names the device: all events are taken for those of one")
	case has("time", "day") && has("end") && has("home") && !has("device", "activity", "actions", "mac", "ip", "ip6"):
		take("time", "day", "end", "home", "asleep")
		p.parse = (*parser).stay
	default:
		want := []string{"time", "device", "activity", "address", "actions"}
		want = slices.DeleteFunc(want, func(c string) bool { _, there := names[c]; return there })
		for _, n := range slices.Sorted(maps.Keys(names)) {
			if hint := params.DidYouMean(n, want); hint != "" && !known(n) {
				return fmt.Errorf("unknown column %q%s (want %s)", n, hint, headers)
			}
		}
		return fmt.Errorf("columns %q; want %s", strings.Join(row, ","), headers)
	}

	var extra []string
	for i, c := range row {
		if name, _ := columnName(c); !used[name] && c != "" {
			extra = append(extra, row[i])
		}
	}
	if len(extra) > 0 {
		p.file.warnings = append(p.file.warnings, fmt.Sprintf("%s: columns that are not used: %s", p.file.name, strings.Join(extra, ", ")))
	}
	return nil
}

// Columns finds the columns of a table of events or commands by which Read would
// read it, in their order, from its header. It reports false for any other table.
// Addresses beside events, and an activity beside actions, are for people: a table
// that Read would refuse for them is read without.
func Columns(row []string) (keep []int, ok bool) {
	is := func(c string, columns ...string) bool {
		name, _ := columnName(c)
		return slices.ContainsFunc(Names(columns...), func(n string) bool { return n == name })
	}
	row = slices.Clone(row)
	timed := slices.ContainsFunc(row, func(c string) bool { return is(c, "time") })
	labeled := slices.ContainsFunc(row, func(c string) bool { name, _ := columnName(c); return name == "activity" })
	for i, c := range row {
		address := is(c, "mac", "ip", "ip6")
		if address && !timed {
			return nil, false // whose it was since which day
		}
		if address || labeled && is(c, "actions") {
			row[i] = ""
		}
	}

	p := parser{file: &File{}}
	if err := p.header(row); err != nil {
		return nil, false
	}
	_, events := p.columns["activity"]
	_, commands := p.columns["actions"]
	return slices.Sorted(maps.Values(p.columns)), events || commands
}

// Names are what people and programs call some of the columns, the best name of
// each first, in small letters with _ between words.
func Names(columns ...string) []string {
	var out []string
	for _, s := range synonyms {
		if slices.Contains(columns, s.column) {
			out = append(out, s.names...)
		}
	}
	return out
}

// Misspelt is a doubt about the columns in line of a label file that mean
// nothing there but that a slip of the pen tells from one of an end, a resolution
// or the time an address was owned. Its silent loss would make points of states
// or give packets to another.
func Misspelt(file string, line int, row []string) (datasets.Doubt, bool) {
	var slips []string
	for _, c := range row {
		name, _ := columnName(c)
		if known(name) {
			continue
		}
		for _, s := range synonyms {
			if i := slices.IndexFunc(s.names, func(n string) bool { return len(n) > 2 && slip(name, n) }); i >= 0 && slices.Contains([]string{"end", "resolution", "from", "to"}, s.column) {
				slips = append(slips, fmt.Sprintf("%q (did you mean %q?)", c, s.names[i]))
				break
			}
		}
	}
	return datasets.Doubt{
		Code: datasets.DoubtMisspelt, Where: file, Count: int64(len(slips)), Of: int64(len(row)), Spoils: datasets.Tasks(),
		Detail: fmt.Sprintf("line %d: columns that are not used look misspelt: %s", line, strings.Join(slips, ", ")),
		Remedy: "correct or rename the column",
	}, len(slips) > 0
}

// slip says whether a and b differ by one letter too many or too few, by two
// that changed places or, in long words, by one that is another: in short ones
// that makes another word, as step of stop.
func slip(a, b string) bool {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	long := len(a) > 5
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	switch [2]int{len(a), len(b)} {
	case [2]int{0, 1}, [2]int{1, 0}:
		return true
	case [2]int{1, 1}:
		return long
	case [2]int{2, 2}:
		return a[0] == b[1] && a[1] == b[0]
	}
	return false
}

// known says whether some column goes by a name.
func known(name string) bool {
	for _, s := range synonyms {
		if slices.Contains(s.names, name) {
			return true
		}
	}
	return false
}

// columnName is a column's name in small letters with _ between words, and the
// unit of the numbers in it where the name ends in one.
func columnName(s string) (name string, unit time.Duration) {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return strings.ContainsRune(" _-.()[]/", r) })
	if n := len(words); n > 1 {
		unit = map[string]time.Duration{
			"s": time.Second, "sec": time.Second, "seconds": time.Second, "ms": time.Millisecond, "milliseconds": time.Millisecond,
			"us": time.Microsecond, "microseconds": time.Microsecond, "ns": time.Nanosecond, "utc": 0,
		}[words[n-1]]
		if unit != 0 || words[n-1] == "utc" {
			words = words[:n-1]
		}
	}
	return strings.Join(words, "_"), unit
}
