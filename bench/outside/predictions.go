package outside

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"veilbench/datasets/params"
)

// Predictions are what somebody said about items, as it was read: no item and no class
// of them is known yet.
type Predictions struct {
	name   string // of the file
	digest string
	rows   []row
}

// row is one line: a class for an item, or for a stretch or a packet of it.
type row struct {
	line        int
	item, class string
	score       float64
	timed       bool // start and end are said
	start, end  time.Duration
	packet      int // -1 for none
}

// Columns of a file of predictions; the first three are needed.
const (
	itemColumn   = "item"
	classColumn  = "class"
	scoreColumn  = "score"
	timeColumn   = "time"
	endColumn    = "end"
	packetColumn = "packet"
)

func columns() []string {
	return []string{itemColumn, classColumn, scoreColumn, timeColumn, endColumn, packetColumn}
}

// longest is more seconds than any recording has.
const longest = 1e9

// Read reads CSV with the columns item, class and score in any order; time and end
// (seconds since the item's start) say when an event was, packet (from 0) whose packet
// is meant. Errors name the file and the line.
func Read(r io.Reader, name string) (Predictions, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return Predictions{}, fmt.Errorf("%s: %w", name, err)
	}
	sum := sha256.Sum256(text)
	p := Predictions{name: name, digest: hex.EncodeToString(sum[:])}

	// Spreadsheets write the mark of UTF-8.
	lines := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	head, err := lines.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return p, fmt.Errorf("%s: want a first line with the columns item,class,score: %w", name, err)
	}
	at, err := columnsOf(head)
	if err != nil {
		return p, fmt.Errorf("%s:1: %w", name, err)
	}
	lines.ReuseRecord = true
	for {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return p, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := lines.FieldPos(0)
		x, err := rowOf(fields, at)
		if err != nil {
			return p, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		x.line = line
		p.rows = append(p.rows, x)
	}
	if len(p.rows) == 0 {
		return p, fmt.Errorf("%s: no prediction below the line of columns", name)
	}
	return p, nil
}

// columnsOf finds the place of each column.
func columnsOf(head []string) (map[string]int, error) {
	at := map[string]int{}
	for i, h := range head {
		h = strings.ToLower(strings.TrimSpace(h))
		if !slices.Contains(columns(), h) {
			return nil, fmt.Errorf("unknown column %q%s (has %s)", h, params.DidYouMean(h, columns()), strings.Join(columns(), ", "))
		}
		if _, twice := at[h]; twice {
			return nil, fmt.Errorf("column %s is there twice", h)
		}
		at[h] = i
	}
	for _, need := range columns()[:3] {
		if _, ok := at[need]; !ok {
			return nil, fmt.Errorf("no column %s: want item,class,score", need)
		}
	}
	return at, nil
}

// rowOf reads the fields of a line.
func rowOf(fields []string, at map[string]int) (row, error) {
	field := func(name string) string {
		if i, ok := at[name]; ok {
			return strings.TrimSpace(fields[i])
		}
		return ""
	}
	number := func(name string, least, most float64) (float64, error) {
		v, err := strconv.ParseFloat(field(name), 64)
		if err != nil || math.IsNaN(v) || v < least || v > most {
			return 0, fmt.Errorf("%s %q: want a number from %v to %v", name, field(name), least, most)
		}
		return v, nil
	}

	x := row{item: strings.Clone(field(itemColumn)), class: strings.Clone(field(classColumn)), packet: -1}
	if x.item == "" || x.class == "" {
		return x, errors.New("an item or a class is missing")
	}

	// A logit is a score as good as a probability, as long as it is a number.
	var err error
	if x.score, err = number(scoreColumn, -math.MaxFloat32, math.MaxFloat32); err != nil {
		return x, err
	}
	if x.timed = field(timeColumn) != ""; x.timed {
		s, err := number(timeColumn, 0, longest)
		if err != nil {
			return x, err
		}
		end := s
		if field(endColumn) != "" {
			if end, err = number(endColumn, s, longest); err != nil {
				return x, err
			}
		}
		x.start, x.end = params.Seconds(s), params.Seconds(end)
	} else if field(endColumn) != "" {
		return x, errors.New("an end without a time")
	}
	if text := field(packetColumn); text != "" {
		if x.packet, err = strconv.Atoi(text); err != nil || x.packet < 0 {
			return x, fmt.Errorf("packet %q: want a whole number from 0", text)
		}
	}
	return x, nil
}
