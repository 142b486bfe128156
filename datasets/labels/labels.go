// Package labels reads the truth about a capture from CSV files and lays it
// over the trace: what happened when, who owns which address, which commands
// came. Read parses a file, Apply joins any number of them with a trace.
package labels

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"veilbench/datasets"
)

// Options says how the times of a label file are meant. Nothing is guessed. A
// file may state the same in comment lines before its header, "# clock:
// epoch", "# offset: -2.5s", "# zone: Europe/Berlin"; what is set here wins.
type Options struct {
	// Clock is what plain numbers, in seconds, count from: "start" (or empty)
	// for the recording's Time 0, "epoch" for 1970-01-01 UTC.
	Clock string
	// Offset is added to every time: the recording's clock less the labels'.
	Offset time.Duration
	// Zone is for times like "2021-03-08 12:00:00" that name no zone. Nil
	// refuses them.
	Zone *time.Location
}

// File is what a label file says, before it meets a recording. Of its three
// lists only that of its kind is used.
type File struct {
	name     string
	events   []event
	owners   []owner
	commands []command
}

// event is a line of a file with columns time (or start), device, activity and
// perhaps end.
type event struct {
	line             int
	start, end       moment
	device, activity string
}

// owner is a line of a file with columns address and device.
type owner struct {
	line   int
	mac    datasets.MAC // zero if addr is set
	addr   netip.Addr   // invalid if mac is set
	device string
}

// address is the text by which an owner's address is known in messages.
func (o owner) address() string {
	if o.addr.IsValid() {
		return o.addr.String()
	}
	return o.mac.String()
}

// command is a line of a file with columns time, actions and perhaps device.
type command struct {
	line    int
	time    moment
	device  string
	actions []datasets.ActionCount
}

// headers are the columns by which the kinds of file are told apart, for
// messages.
const headers = `"time,device,activity", "start,end,device,activity", "address,device" or "time,actions"`

// Read reads a CSV file of events, owners of addresses or commands, told apart
// by the header line. Lines that begin with # are comments. Errors begin with
// name and line.
func Read(r io.Reader, name string, o Options) (*File, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := parser{file: &File{name: name}}

	// The comments come first: they say what the numbers below them mean, and
	// the CSV reader would only drop them.
	if err := p.directives(string(text), o); err != nil {
		return nil, err
	}

	// Spreadsheets put a byte order mark in front of the first column's name.
	c := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), "\ufeff")))
	c.Comment, c.TrimLeadingSpace, c.ReuseRecord = '#', true, true
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := c.FieldPos(0)
		if err := p.row(row, line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
	}

	if p.columns == nil {
		return nil, fmt.Errorf("%s: no header line; want %s", name, headers)
	}
	return p.file, nil
}

// parser reads one file. columns and parse are set by the header line.
type parser struct {
	file    *File
	o       Options
	columns map[string]int
	parse   func(p *parser, row []string, line int) error
}

// directives reads the comment lines that state clock, offset and zone.
func (p *parser) directives(text string, o Options) error {
	line := 0
	for l := range strings.Lines(text) {
		line++
		rest, ok := strings.CutPrefix(strings.TrimSpace(l), "#")
		key, value, colon := strings.Cut(rest, ":")
		if !ok || !colon {
			continue
		}
		if err := p.directive(strings.TrimSpace(key), strings.TrimSpace(value)); err != nil {
			return fmt.Errorf("%s:%d: %w", p.file.name, line, err)
		}
	}

	// What the caller says wins over the file: it was said later.
	p.o.Clock = cmp.Or(o.Clock, p.o.Clock, clockStart)
	p.o.Offset = cmp.Or(o.Offset, p.o.Offset)
	p.o.Zone = cmp.Or(o.Zone, p.o.Zone)
	if p.o.Clock != clockStart && p.o.Clock != clockEpoch {
		return fmt.Errorf("%s: clock %q; want %q or %q", p.file.name, p.o.Clock, clockStart, clockEpoch)
	}
	return nil
}

// directive takes one "# key: value". Other keys are remarks and pass.
func (p *parser) directive(key, value string) (err error) {
	switch key {
	case "clock":
		p.o.Clock = value
	case "offset":
		p.o.Offset, err = time.ParseDuration(value)
	case "zone":
		p.o.Zone, err = time.LoadLocation(value)
	}
	return err
}

func (p *parser) row(row []string, line int) error {
	if p.columns == nil {
		return p.header(row)
	}
	return p.parse(p, row, line)
}

// header finds the kind of file by its columns, which may come in any order.
func (p *parser) header(row []string) error {
	p.columns = map[string]int{}
	for i, c := range row {
		c = strings.ToLower(strings.TrimSpace(c))
		switch c {
		case "start":
			c = "time"
		case "mac":
			c = "address"
		case "time", "end", "device", "activity", "address", "actions":
		default:
			return fmt.Errorf("unknown column %q; want %s", c, headers)
		}
		if _, twice := p.columns[c]; twice {
			return fmt.Errorf("column %q occurs twice", c)
		}
		p.columns[c] = i
	}

	// A file of two kinds is refused: half of its columns would be passed over
	// in silence.
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(n string) bool { _, ok := p.columns[n]; return !ok })
	}
	switch {
	case has("time", "device", "activity") && !has("actions") && !has("address"):
		p.parse = (*parser).event
	case has("address", "device") && len(row) == 2:
		p.parse = (*parser).owner
	case has("time", "actions") && !has("activity") && !has("end") && !has("address"):
		p.parse = (*parser).command
	default:
		return fmt.Errorf("columns %q; want %s", strings.Join(row, ","), headers)
	}
	return nil
}

// cell returns a column's value, "" if the file has no such column.
func (p *parser) cell(row []string, column string) string {
	if i, ok := p.columns[column]; ok {
		return strings.TrimSpace(row[i])
	}
	return ""
}

// event takes a line of a file of events.
func (p *parser) event(row []string, line int) error {
	e := event{line: line, device: p.cell(row, "device"), activity: p.cell(row, "activity")}
	if err := checkDevice(e.device); err != nil {
		return err
	}
	if e.activity == "" {
		return errors.New("empty activity")
	}
	var err error
	if e.start, err = p.moment(p.cell(row, "time")); err != nil {
		return err
	}

	// Without an end, or with an empty cell there, the event is a point.
	e.end = e.start
	if s := p.cell(row, "end"); s != "" {
		if e.end, err = p.moment(s); err != nil {
			return err
		}
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

// checkDevice refuses what would make "device/activity" ambiguous.
func checkDevice(name string) error {
	if name == "" || strings.Contains(name, "/") {
		return fmt.Errorf("device %q; want a name without /", name)
	}
	return nil
}

// owner takes a line of a file of owners. An address is a hardware or an IP
// address.
func (p *parser) owner(row []string, line int) error {
	w := owner{line: line, device: p.cell(row, "device")}
	if err := checkDevice(w.device); err != nil {
		return err
	}
	s := p.cell(row, "address")
	if a, err := netip.ParseAddr(s); err == nil {
		w.addr = a.Unmap()
	} else if m, err := net.ParseMAC(s); err == nil && len(m) == 6 {
		w.mac = datasets.MAC(m)
	} else {
		return fmt.Errorf("%q is neither a hardware nor an IP address", s)
	}
	p.file.owners = append(p.file.owners, w)
	return nil
}

// command takes a line of a file of commands, of device "gateway" if the file
// does not say.
func (p *parser) command(row []string, line int) error {
	c := command{line: line, device: cmp.Or(p.cell(row, "device"), "gateway")}
	if err := checkDevice(c.device); err != nil {
		return err
	}
	var err error
	if c.time, err = p.moment(p.cell(row, "time")); err != nil {
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
