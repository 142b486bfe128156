package datasets

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
)

// Clocks that plain numbers in a label file may count from.
const (
	ClockStart = "start" // the recording's Time 0
	ClockEpoch = "epoch" // 1970-01-01 UTC
)

// LabelOptions says how the times of a label file are meant. Nothing is
// guessed. A file may state the same in comment lines before its header,
// "# clock: epoch", "# offset: -2.5s", "# zone: Europe/Berlin"; what is set
// here wins.
type LabelOptions struct {
	// Clock is what plain numbers, in seconds, count from: ClockStart if
	// empty, or ClockEpoch.
	Clock string
	// Offset is added to every time: the recording's clock less the labels'.
	Offset time.Duration
	// Zone is for times like "2021-03-08 12:00:00" that name no zone. Nil
	// refuses them.
	Zone *time.Location
}

// LabelFile is what a label file says, before it meets a recording. It is of
// one kind: of the three lists only one is used.
type LabelFile struct {
	Name     string
	Events   []LabeledEvent
	Owners   []LabeledOwner
	Commands []LabeledCommand
}

// LabeledEvent is a line of a file with columns time (or start), device,
// activity and perhaps end.
type LabeledEvent struct {
	Line             int
	Start, End       Moment
	Device, Activity string
}

// LabeledOwner is a line of a file with columns address and device. The
// address is a hardware or an IP address.
type LabeledOwner struct {
	Line   int
	Link   MAC        // zero if Addr is set
	Addr   netip.Addr // invalid if Link is set
	Device string
}

// LabeledCommand is a line of a file with columns time, actions and perhaps
// device. Actions are written "on:2;color:1"; a count of 1 may be left out.
type LabeledCommand struct {
	Line    int
	Time    Moment
	Device  string
	Actions []ActionCount
}

// Moment is a labeled time: since a recording's Time 0, or on the wall clock.
type Moment struct {
	since time.Duration
	wall  time.Time // zero if since counts
}

// In returns m as a time of a recording that starts at start. It fails for a
// wall clock time if start is unknown.
func (m Moment) In(start time.Time) (time.Duration, error) {
	if m.wall.IsZero() {
		return m.since, nil
	}
	if start.IsZero() {
		return 0, errors.New("a wall-clock time, but the recording's start is unknown")
	}
	return m.wall.Sub(start), nil
}

// ReadLabels reads a CSV file of events, ownership or commands, told apart by
// its header line. Lines that begin with # are comments. Errors begin with
// name and line.
func ReadLabels(r io.Reader, name string, o LabelOptions) (*LabelFile, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := labelParser{file: &LabelFile{Name: name}}
	if err := p.directives(string(text), o); err != nil {
		return nil, err
	}
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
		return nil, fmt.Errorf("%s: no header line; want %s", name, labelHeaders)
	}
	return p.file, nil
}

const labelHeaders = `"time,device,activity", "start,end,device,activity", "address,device" or "time,actions"`

type labelParser struct {
	file    *LabelFile
	o       LabelOptions
	columns map[string]int
	parse   func(p *labelParser, row []string, line int) error
}

// directives reads the comment lines that state clock, offset and zone.
func (p *labelParser) directives(text string, o LabelOptions) error {
	line := 0
	for l := range strings.Lines(text) {
		line++
		rest, ok := strings.CutPrefix(strings.TrimSpace(l), "#")
		key, value, colon := strings.Cut(rest, ":")
		if !ok || !colon {
			continue
		}
		if err := p.directive(strings.TrimSpace(key), strings.TrimSpace(value)); err != nil {
			return fmt.Errorf("%s:%d: %w", p.file.Name, line, err)
		}
	}
	p.o.Clock = cmp.Or(o.Clock, p.o.Clock, ClockStart)
	p.o.Offset = cmp.Or(o.Offset, p.o.Offset)
	p.o.Zone = cmp.Or(o.Zone, p.o.Zone)
	if p.o.Clock != ClockStart && p.o.Clock != ClockEpoch {
		return fmt.Errorf("%s: clock %q; want %q or %q", p.file.Name, p.o.Clock, ClockStart, ClockEpoch)
	}
	return nil
}

func (p *labelParser) directive(key, value string) (err error) {
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

func (p *labelParser) row(row []string, line int) error {
	if p.columns == nil {
		return p.header(row)
	}
	return p.parse(p, row, line)
}

// header finds the kind of file by its columns.
func (p *labelParser) header(row []string) error {
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
			return fmt.Errorf("unknown column %q; want %s", c, labelHeaders)
		}
		if _, twice := p.columns[c]; twice {
			return fmt.Errorf("column %q occurs twice", c)
		}
		p.columns[c] = i
	}
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(n string) bool { _, ok := p.columns[n]; return !ok })
	}
	switch {
	case has("time", "device", "activity") && !has("actions") && !has("address"):
		p.parse = (*labelParser).event
	case has("address", "device") && len(row) == 2:
		p.parse = (*labelParser).owner
	case has("time", "actions") && !has("activity") && !has("end") && !has("address"):
		p.parse = (*labelParser).command
	default:
		return fmt.Errorf("columns %q; want %s", strings.Join(row, ","), labelHeaders)
	}
	return nil
}

// cell returns a column's value, "" if the file has no such column.
func (p *labelParser) cell(row []string, column string) string {
	if i, ok := p.columns[column]; ok {
		return strings.TrimSpace(row[i])
	}
	return ""
}

func (p *labelParser) event(row []string, line int) error {
	e := LabeledEvent{Line: line, Device: p.cell(row, "device"), Activity: p.cell(row, "activity")}
	if err := checkDevice(e.Device); err != nil {
		return err
	}
	if e.Activity == "" {
		return errors.New("empty activity")
	}
	var err error
	if e.Start, err = p.moment(p.cell(row, "time")); err != nil {
		return err
	}
	e.End = e.Start
	if s := p.cell(row, "end"); s != "" {
		if e.End, err = p.moment(s); err != nil {
			return err
		}
	}
	if e.End.wall.IsZero() != e.Start.wall.IsZero() {
		return errors.New("start and end are of different clocks")
	}
	if e.End.wall.Before(e.Start.wall) || e.End.since < e.Start.since {
		return errors.New("end is before start")
	}
	p.file.Events = append(p.file.Events, e)
	return nil
}

func checkDevice(name string) error {
	if name == "" || strings.Contains(name, "/") {
		return fmt.Errorf("device %q; want a name without /", name)
	}
	return nil
}

func (p *labelParser) owner(row []string, line int) error {
	w := LabeledOwner{Line: line, Device: p.cell(row, "device")}
	if err := checkDevice(w.Device); err != nil {
		return err
	}
	s := p.cell(row, "address")
	if a, err := netip.ParseAddr(s); err == nil {
		w.Addr = a.Unmap()
	} else if m, err := net.ParseMAC(s); err == nil && len(m) == 6 {
		w.Link = MAC(m)
	} else {
		return fmt.Errorf("%q is neither a hardware nor an IP address", s)
	}
	p.file.Owners = append(p.file.Owners, w)
	return nil
}

func (p *labelParser) command(row []string, line int) error {
	c := LabeledCommand{Line: line, Device: cmp.Or(p.cell(row, "device"), "gateway")}
	if err := checkDevice(c.Device); err != nil {
		return err
	}
	var err error
	if c.Time, err = p.moment(p.cell(row, "time")); err != nil {
		return err
	}
	if c.Actions, err = parseActions(p.cell(row, "actions")); err != nil {
		return err
	}
	p.file.Commands = append(p.file.Commands, c)
	return nil
}

// parseActions reads "on:2;color:1".
func parseActions(s string) ([]ActionCount, error) {
	var as []ActionCount
	for _, part := range strings.Split(s, ";") {
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
		as = append(as, ActionCount{name, n})
	}
	slices.SortFunc(as, func(a, b ActionCount) int { return cmp.Compare(a.Action, b.Action) })
	for i := range as[1:] {
		if as[i].Action == as[i+1].Action {
			return nil, fmt.Errorf("action %q occurs twice", as[i].Action)
		}
	}
	return as, nil
}

// moment parses a time: a number of seconds, RFC 3339, or local time if a zone
// is stated.
func (p *labelParser) moment(s string) (Moment, error) {
	if d, ok := parseSeconds(s); ok {
		if p.o.Clock == ClockEpoch {
			return Moment{wall: time.Unix(0, 0).Add(d + p.o.Offset).UTC()}, nil
		}
		return Moment{since: d + p.o.Offset}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return Moment{wall: t.Add(p.o.Offset).UTC()}, nil
	}
	for _, layout := range []string{"2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999"} {
		zone := p.o.Zone
		if zone == nil {
			zone = time.UTC
		}
		t, err := time.ParseInLocation(layout, s, zone)
		if err != nil {
			continue
		}
		if p.o.Zone == nil {
			return Moment{}, fmt.Errorf("time %q names no zone, and none is stated (# zone: Europe/Berlin)", s)
		}
		return Moment{wall: t.Add(p.o.Offset).UTC()}, nil
	}
	return Moment{}, fmt.Errorf("time %q; want seconds or RFC 3339", s)
}

// parseSeconds reads a decimal number of seconds exactly to the nanosecond;
// a float64 of seconds since 1970 would be off by up to 119 ns.
func parseSeconds(s string) (time.Duration, bool) {
	whole, frac, _ := strings.Cut(s, ".")
	if len(whole) > 10 || len(frac) > 9 || strings.ContainsAny(s, "eExX_+") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || f != f || f > 9e9 || f < -9e9 {
			return 0, false
		}
		return time.Duration(f * float64(time.Second)), true
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", 9-len(frac)), 10, 64)
	return time.Duration(n), err == nil && whole != "" && whole != "-"
}
