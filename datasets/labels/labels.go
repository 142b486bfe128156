// Package labels reads the truth about a capture from CSV files and lays it
// over the trace: what happened when, who owns which address, which commands
// came, who was home when. Read parses a file, Apply joins any number of them with a trace.
package labels

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/params"
	"veilbench/datasets/sheet"
)

// Options says how the times of a label file are meant. A file may state the
// same in remarks before its header, "# clock: epoch", "# offset: -2.5s", "#
// zone: Europe/Berlin", "# dates: day-first", "# resolution: 60s"; what is set
// here wins.
type Options struct {
	// Clock is what plain numbers, in seconds, count from: "start" for the
	// recording's Time 0, "epoch" for 1970-01-01 UTC (there in milli-, micro- or
	// nanoseconds, too, as their size tells). Empty is "start", but for numbers
	// above 10^9.
	Clock string
	// Offset is added to every time: the recording's clock less the labels'.
	Offset time.Duration
	// Zone is for times like "2021-03-08 12:00:00" that name no zone. Nil takes
	// them for UTC, with a warning.
	Zone *time.Location
	// WholeMinutes makes each time that is a whole minute an interval of it,
	// however few there are, as where they are part of a file of such.
	WholeMinutes bool
}

// File is what a label file says, before it meets a recording. Of its four
// lists only that of its kind is used.
type File struct {
	name     string
	events   []event
	owners   []owner
	commands []command
	stays    []stay
	minutes  bool   // whole minutes are intervals, as was asked
	vague    bool   // ends say how late points may have happened
	zone     string // that times without one were taken for, "" if all name one
	doubts   []datasets.Doubt
	warnings []string
}

// event is a line of a file with columns time (or start), device, activity and
// perhaps end.
type event struct {
	line             int
	start, end       moment
	lasts            bool // it has an end of its own: a state
	stated           bool // the resolution of its time is stated
	guessed          bool // it counts as known to the minute, by a rule
	device, activity string
}

// owner is an address in a file with columns address and device, and perhaps the
// time within which it was that device's.
type owner struct {
	line     int
	mac      datasets.MAC // zero if addr is set
	addr     netip.Addr   // invalid if mac is set
	short    bool         // mac is an 802.15.4 address of any network
	device   string
	from, to *moment // nil: always
}

// address is the text by which an owner's address is known in messages.
func (o owner) address() string {
	switch {
	case o.addr.IsValid():
		return o.addr.String()
	case o.short:
		return shortAddress(o.mac)
	}
	return o.mac.String()
}

// shortAddress is the short 802.15.4 address at the end of m, as people write
// it.
func shortAddress(m datasets.MAC) string { return fmt.Sprintf("0x%02x%02x", m[4], m[5]) }

// command is a line of a file with columns time, actions and perhaps device.
type command struct {
	line    int
	time    moment
	device  string
	actions []datasets.ActionCount
}

// headers are the columns by which the kinds of file are told apart, for
// messages.
const headers = `"time,device,activity", "start,end,device,activity", "address,device", "time,actions" or "start,end,home,asleep"`

// Read reads a table of events, owners of addresses, commands or stays, told apart by
// the header line, in any of the forms that package sheet reads. Lines that
// begin with # are remarks. Columns that mean nothing here are left out, with a
// warning. Errors begin with name and line.
func Read(r io.Reader, name string, o Options) (*File, error) {
	table, err := sheet.Read(r, name)
	if err != nil {
		return nil, err
	}

	// The remarks come first: they say what the numbers below them mean.
	p := parser{file: &File{name: name, minutes: o.WholeMinutes}}
	if err := p.directives(table.Remarks, o); err != nil {
		return nil, err
	}
	if len(table.Rows) == 0 {
		return nil, fmt.Errorf("%s: no header line; want %s", name, headers)
	}
	head, rows := table.Rows[0], table.Rows[1:]
	if err := p.header(head.Cells); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, head.Line, err)
	}
	if d, ok := Misspelt(name, head.Line, head.Cells); ok {
		p.file.doubts = append(p.file.doubts, d)
	}
	if p.order == "" {
		p.order = findOrder(p.times(rows))
	}

	for _, row := range rows {
		if err := p.row(row.Cells, row.Line, len(head.Cells)); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, row.Line, err)
		}
	}
	p.finish()
	return p.file, nil
}

// parser reads one file. columns and parse are set by the header line.
type parser struct {
	file    *File
	o       Options
	stated  bool   // somebody said which clock it is
	order   string // of day and month, "" if nothing tells
	layout  string // of the last time that was a date
	unzoned bool   // some time names no zone
	// resolution of all times, as stated; 0 if it is not.
	resolution time.Duration
	columns    map[string]int
	units      map[string]time.Duration // of numbers in a column
	renamed    map[string]string
	parse      func(p *parser, row []string, line int) error
	oneDevice  bool // no column names it
}

// directives reads the remarks that state clock, offset, zone and the order of
// dates.
func (p *parser) directives(remarks []sheet.Row, o Options) error {
	for _, r := range remarks {
		text := r.Cells[0]
		i := strings.IndexAny(text, ":=")
		if i < 0 {
			continue
		}
		key, value := strings.ToLower(strings.TrimSpace(text[:i])), strings.Trim(strings.TrimSpace(text[i+1:]), "\"'")
		if err := p.directive(key, value); err != nil {
			return fmt.Errorf("%s:%d: %w", p.file.name, r.Line, err)
		}
	}

	// What the caller says wins over the file: it was said later.
	p.stated = o.Clock != "" || p.o.Clock != ""
	p.o.Clock = cmp.Or(o.Clock, p.o.Clock, clockStart)
	p.o.Offset = cmp.Or(o.Offset, p.o.Offset)
	p.o.Zone = cmp.Or(o.Zone, p.o.Zone)
	if p.o.Clock != clockStart && p.o.Clock != clockEpoch {
		return fmt.Errorf("%s: clock %q; want %q or %q", p.file.name, p.o.Clock, clockStart, clockEpoch)
	}
	if p.order != "" && p.order != dayFirst && p.order != monthFirst {
		return fmt.Errorf("%s: dates %q; want %q or %q", p.file.name, p.order, dayFirst, monthFirst)
	}
	return nil
}

// StatedZone is the zone that a remark in the text of a table states, nil if none
// does. A zone that is unknown is an error.
func StatedZone(name, text string) (*time.Location, error) {
	table, err := sheet.Read(strings.NewReader(text), name)
	if err != nil {
		return nil, err
	}
	p := parser{file: &File{name: name}}
	err = p.directives(table.Remarks, Options{})
	return p.o.Zone, err
}

// directive takes one "# key: value". Other keys are remarks and pass, but for
// those that only a slip of the pen tells from a directive: its silent loss
// would move every label.
func (p *parser) directive(key, value string) (err error) {
	switch key {
	case "":
	case "clock":
		p.o.Clock = strings.ToLower(value)
	case "offset":
		p.o.Offset, err = parseOffset(value)
	case "zone", "timezone", "time zone", "tz":
		p.o.Zone, err = parseZone(value)
	case "dates":
		p.order = strings.ToLower(value)
	case "resolution":
		if p.resolution, err = parseOffset(value); err == nil && p.resolution <= 0 {
			err = fmt.Errorf("resolution %q; want a time such as 60s", value)
		}
	default:
		// The first letter is rarely the wrong one, and remarks are many.
		for _, known := range []string{"clock", "offset", "zone", "dates", "resolution"} {
			if hint := params.DidYouMean(key, []string{known}); hint != "" && key[0] == known[0] && key != "date" {
				return fmt.Errorf("unknown directive %q%s", key, hint)
			}
		}
	}
	return err
}

// parseOffset reads a duration, in seconds if it has no unit.
func parseOffset(s string) (time.Duration, error) {
	if d, ok := parseSeconds(strings.TrimPrefix(s, "+")); ok {
		return d, nil
	}
	d, err := time.ParseDuration(strings.ReplaceAll(decimal(s), " ", ""))
	if err != nil {
		return 0, fmt.Errorf("offset %q; want a time such as -2.5s", s)
	}
	return d, nil
}

// parseZone reads the name of a zone, or an offset from UTC.
func parseZone(s string) (*time.Location, error) {
	zone, err := time.LoadLocation(s)
	if err == nil && s != "" {
		return zone, nil
	}
	for _, layout := range []string{"-07:00", "-0700", "-07", "-7"} {
		text := strings.TrimPrefix(strings.TrimPrefix(strings.ToUpper(s), "UTC"), "GMT")
		if len(text) == 2 { // +1
			text = text[:1] + "0" + text[1:]
		}
		if t, perr := time.Parse(layout, text); perr == nil {
			_, offset := t.Zone()
			return time.FixedZone(s, offset), nil
		}
	}
	if err == nil {
		err = errors.New("no zone is named")
	}
	return nil, fmt.Errorf("%w; want a name such as Europe/Berlin or an offset such as +02:00", err)
}

// row takes a row below a header of so many columns.
func (p *parser) row(row []string, line, columns int) error {
	for len(row) > columns && row[len(row)-1] == "" {
		row = row[:len(row)-1] // what spreadsheets write behind the last column
	}
	if len(row) > columns {
		return fmt.Errorf("%d cells below a header of %d; a comma inside a cell wants quotes", len(row), columns)
	}
	return p.parse(p, row, line)
}

// times lists what stands in the column of times, and of days.
func (p *parser) times(rows []sheet.Row) []string {
	var out []string
	for _, r := range rows {
		out = append(out, p.when(r.Cells, "time"))
	}
	return out
}

// when is the text of a time, whose day may stand in a column of its own.
func (p *parser) when(row []string, column string) string {
	s := p.cell(row, column)
	if day := p.cell(row, "day"); day != "" && column == "time" {
		s = strings.TrimSpace(day + " " + s)
	}
	return s
}

// finish says of the whole file what its rows had in common.
func (p *parser) finish() {
	f := p.file
	if p.unzoned {
		f.zone = cmp.Or(p.o.Zone, time.UTC).String()
	}
	if p.unzoned && p.o.Zone == nil {
		n := int64(len(f.events) + len(f.commands) + len(f.owners) + len(f.stays))
		f.doubts = append(f.doubts, datasets.Doubt{
			Code: datasets.DoubtZone, Where: f.name, Count: n, Of: n,
			Detail: "times name no zone and were taken for UTC", Remedy: "state it (# zone: Europe/Berlin, or --label-zone)",
		})
	}
	for _, from := range slices.Sorted(maps.Keys(p.renamed)) {
		f.warnings = append(f.warnings, fmt.Sprintf("%s: device %q is called %q: a name with / would be taken for device and activity", f.name, from, p.renamed[from]))
	}
	f.findMinutes()
}

// cell returns a column's value, "" if the file has no such column.
func (p *parser) cell(row []string, column string) string {
	if i, ok := p.columns[column]; ok && i < len(row) {
		return row[i]
	}
	return ""
}

// event takes a line of a file of events.
func (p *parser) event(row []string, line int) error {
	e := event{line: line, activity: p.cell(row, "activity")}
	var err error
	if e.device, err = p.device(row); err != nil {
		return err
	}
	if e.activity == "" {
		return errors.New("empty activity")
	}
	if e.start, err = p.moment(p.when(row, "time"), p.units["time"]); err != nil {
		return err
	}

	// Without an end, or with an empty cell there, the event is a point.
	e.end = e.start
	if s := p.cell(row, "end"); s != "" {
		if e.end, err = p.moment(s, p.units["end"]); err != nil {
			return err
		}
		e.end.vague, e.start.vague, e.lasts = 0, 0, true
	} else if err := p.resolve(&e, p.cell(row, "resolution")); err != nil {
		return err
	}
	if e.end.wall.IsZero() != e.start.wall.IsZero() {
		return errors.New("start and end are of different clocks")
	}
	if e.end.wall.Before(e.start.wall) || e.end.since < e.start.since {
		return errors.New("end is before start")
	}
	p.file.events = append(p.file.events, e)
	return nil
}

// DeviceName is what a device is called whose list or label file says name. In
// "device/activity" the name must be without a stroke: another sign stands for it,
// the same in every kind of file, for else a list would own no event's device.
func DeviceName(name string) string { return strings.ReplaceAll(name, "/", "_") }

// device is the device of a row.
func (p *parser) device(row []string) (string, error) {
	name := p.cell(row, "device")
	if p.oneDevice {
		name = OneDevice
	}
	if name == "" {
		return "", errors.New(`device ""; want a name`)
	}
	if plain := DeviceName(name); plain != name {
		if p.renamed == nil {
			p.renamed = map[string]string{}
		}
		p.renamed[name] = plain
		name = plain
	}
	return name, nil
}

// owner takes a line of a file of owners. A cell may list several addresses.
func (p *parser) owner(row []string, line int) error {
	w := owner{line: line}
	var err error
	if w.device, err = p.device(row); err != nil {
		return err
	}
	for column, bound := range map[string]**moment{"from": &w.from, "to": &w.to} {
		if s := p.cell(row, column); s != "" {
			m, err := p.moment(s, p.units[column])
			if err != nil {
				return fmt.Errorf("column %s: %w", column, err)
			}
			*bound = &m
		}
	}

	// A device with several radios has as many addresses, which lists put into
	// one cell or into several columns: each is an owner of its own.
	found := false
	for _, column := range []string{"mac", "ip", "ip6"} {
		for _, s := range strings.FieldsFunc(p.cell(row, column), func(r rune) bool { return strings.ContainsRune(" ,;|", r) }) {
			if err := w.setAddress(s); err != nil {
				return err
			}
			p.file.owners = append(p.file.owners, w)
			found = true
		}
	}
	if !found {
		return errors.New(`"" is neither a hardware nor an IP address`)
	}
	return nil
}

// command takes a line of a file of commands, of device "gateway" if the file
// does not say.
func (p *parser) command(row []string, line int) error {
	c := command{line: line, device: "gateway"}
	var err error
	if p.cell(row, "device") != "" {
		if c.device, err = p.device(row); err != nil {
			return err
		}
	}
	if c.time, err = p.moment(p.when(row, "time"), p.units["time"]); err != nil {
		return err
	}
	if c.actions, err = parseActions(p.cell(row, "actions")); err != nil {
		return err
	}
	p.file.commands = append(p.file.commands, c)
	return nil
}

// parseActions reads "on:2;color:1"; a count of 1 may be left out.
func parseActions(s string) ([]datasets.ActionCount, error) {
	var as []datasets.ActionCount
	for part := range strings.SplitSeq(s, ";") {
		name, count, has := strings.Cut(strings.TrimSpace(part), ":")
		n := 1
		if has {
			var err error
			if n, err = strconv.Atoi(strings.TrimSpace(count)); err != nil || n < 1 {
				return nil, fmt.Errorf("action count %q; want a whole number from 1", count)
			}
		}
		if name == "" {
			return nil, fmt.Errorf("actions %q; want names with counts such as on:2;color:1", s)
		}
		as = append(as, datasets.ActionCount{Action: name, Count: n})
	}

	// Equal multisets must be equal slices: scores compare them so.
	slices.SortFunc(as, func(a, b datasets.ActionCount) int { return cmp.Compare(a.Action, b.Action) })
	for i := range as[1:] {
		if as[i].Action == as[i+1].Action {
			return nil, fmt.Errorf("action %q occurs twice", as[i].Action)
		}
	}
	return as, nil
}
