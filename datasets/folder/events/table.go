package events

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/labels"
	"veilbench/datasets/sheet"
)

// ReadRows reads a table of any make. lines holds the line of each row; remarks
// and empty rows are left out.
func ReadRows(text string) (rows [][]string, lines []int, err error) {
	t, err := sheet.Read(strings.NewReader(text), "")
	if err != nil {
		return nil, nil, err
	}
	for _, r := range t.Rows {
		rows, lines = append(rows, r.Cells), append(lines, r.Line)
	}
	return rows, lines, nil
}

var captureColumn = regexp.MustCompile(`(?i)^(capture|capture[_ ]?file|file|file[_ ]?name|pcap|pcap[_ ]?file|recording|session)$`)

// IsHeader says whether a first row names a time and what happened then.
func IsHeader(row []string) bool {
	_, ok := labels.Columns(row)
	return ok
}

// Said is what reading a file of events found beside them.
type Said struct {
	Doubts   []datasets.Doubt
	Warnings []string
}

// ParseTable reads a table of events or commands. What package labels makes of
// a file counts; a column that names captures is this package's, so it is taken
// out first and each capture's rows are read alone.
func ParseTable(name, text string, rows [][]string, lines []int, o labels.Options) ([]Event, Said, error) {
	column := slices.IndexFunc(rows[0], func(c string) bool { return captureColumn.MatchString(strings.TrimSpace(c)) })
	keep, _ := labels.Columns(rows[0])
	var said Said
	if d, ok := labels.Misspelt(name, lines[0], rows[0]); ok {
		said.Doubts = append(said.Doubts, d)
	}
	if column < 0 && len(keep) == len(rows[0]) {
		return readLabels(name, text, o)
	}

	// The whole once, with every row on its line, for the sake of messages.
	var comments strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			comments.WriteString(line)
		}
	}
	var whole strings.Builder
	at := 1
	buckets, order := map[string]*bytes.Buffer{}, []string{}
	var head []byte
	source := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n") // as sheet counts lines
	for i, row := range rows {
		for ; at < lines[i]; at++ {
			// Comments state clock and zone; blank lines keep the count.
			if c := strings.TrimSpace(source[min(at, len(source))-1]); strings.HasPrefix(c, "#") {
				whole.WriteString(c)
			}
			whole.WriteByte('\n')
		}
		capture := ""
		if column >= 0 && column < len(row) {
			capture = strings.TrimSpace(row[column])
		}
		row = pick(row, keep)
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		if err := w.Write(row); err != nil {
			return nil, said, err
		}
		w.Flush()
		whole.Write(b.Bytes())
		at = lines[i] + bytes.Count(b.Bytes(), []byte("\n"))
		if i == 0 {
			head = b.Bytes()
			continue
		}
		if buckets[capture] == nil {
			buckets[capture] = bytes.NewBufferString(comments.String() + string(head))
			order = append(order, capture)
		}
		buckets[capture].Write(b.Bytes())
	}
	_, all, err := readLabels(name, whole.String(), o)
	if err != nil {
		return nil, said, err
	}

	// Whether whole minutes are a rule the rows of one capture may be too few to
	// tell; other doubts are theirs, as moments of several captures may be alike.
	minutes := func(d datasets.Doubt) bool { return d.Code == datasets.DoubtMinutes }
	if i := slices.IndexFunc(all.Doubts, minutes); i >= 0 {
		said.Doubts, o.WholeMinutes = append(said.Doubts, all.Doubts[i]), true
	}

	var out []Event
	for _, c := range order {
		evs, more, err := readLabels(name, buckets[c].String(), o)
		if err != nil {
			return nil, said, err
		}
		for i := range evs {
			evs[i].Capture = c
		}
		out, said.Doubts, said.Warnings = append(out, evs...), append(said.Doubts, slices.DeleteFunc(more.Doubts, minutes)...), append(said.Warnings, more.Warnings...)
	}
	return out, said, nil
}

// pick takes some cells of a row; those that it is too short for are empty.
func pick(row []string, keep []int) []string {
	out := make([]string, len(keep))
	for i, k := range keep {
		if k < len(row) {
			out[i] = strings.TrimSpace(row[k])
		}
	}
	return out
}

// readLabels reads events and commands with package labels and finds out what
// their times count from.
func readLabels(name, text string, o labels.Options) ([]Event, Said, error) {
	// Where a zone is all that is missing, the traffic may tell it: times that
	// move along with the zone that they are read in name none.
	stated, err := labels.StatedZone(name, text)
	if err != nil {
		return nil, Said{}, err
	}
	open := o.Zone == nil && stated == nil
	if open {
		o.Zone = time.UTC
	}
	f, err := labels.Read(strings.NewReader(text), name, o)
	if err != nil {
		return nil, Said{}, err
	}

	// A label laid over traces that begin at different times moves along with
	// the clock of a wall and stays where it counts from the start.
	const later = time.Hour
	first, err := labels.Apply(datasets.Trace{Start: time.Unix(0, 0), End: math.MaxInt64}, f)
	if err != nil {
		return nil, Said{}, err
	}
	second, err := labels.Apply(datasets.Trace{Start: time.Unix(0, 0).Add(-later), End: math.MaxInt64}, f)
	if err != nil {
		return nil, Said{}, err
	}
	if len(second.Events) != len(first.Events) || len(second.Commands) != len(first.Commands) {
		return nil, Said{}, fmt.Errorf("%s: times before 1970", name)
	}

	zoneless := false
	if open {
		o.Zone = time.FixedZone("", int(later.Seconds()))
		g, err := labels.Read(strings.NewReader(text), name, o)
		if err != nil {
			return nil, Said{}, err
		}
		moved, err := labels.Apply(datasets.Trace{Start: time.Unix(0, 0).Add(-later), End: math.MaxInt64}, g)
		if err != nil {
			return nil, Said{}, err
		}
		zoneless = len(moved.Events)+len(moved.Commands) > 0 && slices.Equal(moved.Events, first.Events) &&
			slices.EqualFunc(moved.Commands, first.Commands, func(a, b datasets.Command) bool { return a.Time == b.Time })
	}

	var out []Event
	at := func(d time.Duration) time.Time { return time.Unix(0, 0).Add(d).UTC() }
	mixed := false
	for i, e := range first.Events {
		since := second.Events[i].Start == e.Start
		mixed = mixed || !since && second.Events[i].Start != e.Start+later
		out = append(out, Event{
			Start: at(e.Start), End: at(e.End), Since: since, Zoneless: zoneless && !since, Vague: first.Vague && e.End > e.Start,
			Device: first.Devices[e.Device], Activity: e.Activity,
		})
	}
	for i, c := range first.Commands {
		since := second.Commands[i].Time == c.Time
		mixed = mixed || !since && second.Commands[i].Time != c.Time+later
		out = append(out, Event{
			Start: at(c.Time), End: at(c.Time), Since: since, Zoneless: zoneless && !since,
			Device: first.Devices[c.Device], Actions: c.Actions,
		})
	}
	if mixed {
		return nil, Said{}, fmt.Errorf("%s: some times count from the start, some are of the wall clock; want one kind in a file", name)
	}
	return out, Said{first.Doubts, first.Warnings}, nil
}
