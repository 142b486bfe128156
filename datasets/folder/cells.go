package folder

import (
	"bufio"
	"fmt"
	"math"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"veilbench/datasets"
	"veilbench/datasets/params"
)

// cellRE is a line of a trace of cells: seconds and a signed size.
var cellRE = regexp.MustCompile(`^-?\d+(\.\d*)?([eE][-+]?\d+)?[ \t,]+[-+]?\d+(\.0*)?\s*$`)

const (
	// cellBytes is the payload of a cell whose size is not stated, as in Tor.
	cellBytes = 512
	// cellHeaders are those of IPv4 and TCP around a cell.
	cellHeaders = 40
	// page is the device that traces of cells are of: nothing says another.
	page = "page"
)

// isCells says whether a text is a trace of cells, by its first lines.
func isCells(text string) bool {
	n := 0
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if !cellRE.MatchString(strings.TrimRight(line, "\r\n")) {
			return false
		}
		if n++; n == 8 {
			break
		}
	}
	return n > 0
}

// planCells makes a unit of every trace of cells: the folder holds no capture.
func (l *loader) planCells() error {
	for _, c := range l.truth.cells {
		u := &unit{stem: strings.TrimSuffix(c, path.Ext(c)), files: []string{c}}
		u.named.Events = []datasets.Event{}
		l.units = append(l.units, u)
	}
	l.f.captures = len(l.units)
	return nil
}

// readCells reads one trace of cells.
func (l *loader) readCells(u *unit, b *budget) error {
	text, err := l.text(u.files[0])
	if err != nil {
		return err
	}
	t, err := parseCells(filepath.Base(u.files[0]), text)
	if err != nil {
		return err
	}
	u.trace = t
	return b.take(int64(len(t.Packets)))
}

// parseCells reads lines of seconds and a signed size, + for up. A size of 1
// stands for a cell; any other is that of the IP packet. There is one flow, of
// TCP, and no address: these sets have none.
func parseCells(name, text string) (datasets.Trace, error) {
	const tcp = 6
	t := datasets.Trace{Flows: []datasets.Flow{{Proto: tcp}}}
	sc := bufio.NewScanner(strings.NewReader(text))
	first := math.NaN()
	for line := 1; sc.Scan(); line++ {
		fields := strings.FieldsFunc(sc.Text(), func(r rune) bool { return r == ' ' || r == '\t' || r == ',' || r == '\r' })
		if len(fields) == 0 {
			continue
		}
		if len(fields) < 2 {
			return t, fmt.Errorf("%s:%d: want seconds and a signed size", name, line)
		}
		at, err1 := strconv.ParseFloat(fields[0], 64)
		size, err2 := strconv.ParseFloat(fields[1], 64)
		if err1 != nil || err2 != nil || math.IsNaN(at) || math.Abs(at) > 4e9 || size != math.Trunc(size) || math.Abs(size) > 1<<20 || size == 0 {
			return t, fmt.Errorf("%s:%d: %q; want seconds and a signed size", name, line, sc.Text())
		}
		if math.IsNaN(first) {
			first = at
		}

		p := datasets.Packet{Time: params.Seconds(at - first), Dir: datasets.Up}
		if size < 0 {
			p.Dir, size = datasets.Down, -size
		}
		if size == 1 {
			size = cellBytes + cellHeaders
		}
		p.Size = int32(size) + datasets.EthernetHeader
		p.Payload = max(int32(size)-cellHeaders, 0)

		// Some sets are rounded, so neighbors change places.
		if n := len(t.Packets); n > 0 {
			p.Time = max(p.Time, t.Packets[n-1].Time)
		}
		t.Packets = append(t.Packets, p)
	}
	if n := len(t.Packets); n > 0 {
		t.End = t.Packets[n-1].Time
	}
	return t, sc.Err()
}
