// Package exchange writes traces and vectors in the formats of other people's tools:
// cell files and Maybenot logs, one for each trace, and arrays, JSON lines and CSV of
// many. Nothing of veilbench's own is needed to read any of them.
//
// A size is that of the IP packet in bytes, positive from the home to the Internet and
// negative towards it; a time is in seconds since the recording's start.
package exchange

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"veilbench/datasets"
)

// Format is a kind of file.
type Format string

// The formats. Of cells and Maybenot logs each trace is a file.
const (
	Cells    Format = "cells"    // time, tab, signed size
	Npz      Format = "npz"      // arrays X and y of NumPy
	Maybenot Format = "maybenot" // nanoseconds, comma, s (sent) or r (received)
	NDJSON   Format = "ndjson"   // a line of JSON for each trace
	CSV      Format = "csv"      // a line for each packet
)

// Formats lists them, the usual one first.
func Formats() []Format { return []Format{Npz, Cells, Maybenot, NDJSON, CSV} }

// Ext is the ending of a format's files.
func (f Format) Ext() string {
	switch f {
	case Cells:
		return ".cell"
	case Maybenot:
		return ".log"
	}
	return "." + string(f)
}

// Single says that a file of the format holds one trace alone.
func (f Format) Single() bool { return f == Cells || f == Maybenot }

// Item is a trace under its name.
type Item struct {
	ID string
	// Class is that of the whole trace, "" where it has none, and Label its number.
	Class string
	Label int
	datasets.Trace
	// Owners names the device of each packet; nil where that is not asked.
	Owners []string
}

// signed is the size of a packet with the sign of its direction.
func signed(p datasets.Packet) int {
	size := int(p.Size) - datasets.EthernetHeader
	if p.Dir == datasets.Down {
		return -size
	}
	return size
}

// seconds writes a time to the nanosecond.
func seconds(t time.Duration) string { return strconv.FormatFloat(t.Seconds(), 'f', 9, 64) }

// WriteCells writes a line "time<TAB>signed size" for each packet.
func WriteCells(w io.Writer, t datasets.Trace) error {
	b := bufio.NewWriter(w)
	for _, p := range t.Packets {
		fmt.Fprintf(b, "%s\t%d\n", seconds(p.Time), signed(p))
	}
	return b.Flush()
}

// WriteMaybenot writes a line "nanoseconds,s" or "nanoseconds,r" for each packet, as
// Maybenot's simulator reads a trace. It knows no sizes. Which packets are dummies is
// truth that an observer has not, and is not written.
func WriteMaybenot(w io.Writer, t datasets.Trace) error {
	b := bufio.NewWriter(w)
	for _, p := range t.Packets {
		fmt.Fprintf(b, "%d,%s\n", p.Time.Nanoseconds(), []string{datasets.Up: "s", datasets.Down: "r"}[p.Dir])
	}
	return b.Flush()
}

// line is an item as JSON, its packets as columns of equal length.
type line struct {
	Item    string          `json:"item"`
	Class   string          `json:"class,omitempty"`
	EndS    float64         `json:"end_s"`
	Flows   []datasets.Flow `json:"flows"`
	TimeNS  []int64         `json:"time_ns"`
	Size    []int           `json:"size"`
	Payload []int32         `json:"payload"`
	Flow    []int32         `json:"flow"`
	Owner   []string        `json:"owner,omitempty"`
}

// WriteJSON writes an item as one line of JSON.
func WriteJSON(w io.Writer, i Item) error {
	l := line{Item: i.ID, Class: i.Class, EndS: i.End.Seconds(), Flows: i.Flows, Owner: i.Owners}
	for _, p := range i.Packets {
		l.TimeNS, l.Size = append(l.TimeNS, p.Time.Nanoseconds()), append(l.Size, signed(p))
		l.Payload, l.Flow = append(l.Payload, p.Payload), append(l.Flow, p.Flow)
	}
	return json.NewEncoder(w).Encode(l)
}

// PacketColumns heads the lines of WriteCSV.
func PacketColumns() []string {
	return []string{"item", "packet", "time", "size", "payload", "flow", "protocol", "local", "remote", "host", "owner"}
}

// WriteCSV writes a line for each packet of an item, in the order of PacketColumns.
func WriteCSV(w *csv.Writer, i Item) error {
	for n, p := range i.Packets {
		if int(p.Flow) >= len(i.Flows) {
			return fmt.Errorf("item %s: packet %d is of flow %d, there are %d", i.ID, n, p.Flow, len(i.Flows))
		}
		f, owner := i.Flows[p.Flow], ""
		if i.Owners != nil {
			owner = i.Owners[n]
		}
		addr := func(valid bool, text string) string {
			if !valid {
				return "" // radio, or a vantage point that sees none
			}
			return text
		}
		err := w.Write([]string{
			i.ID, strconv.Itoa(n), seconds(p.Time), strconv.Itoa(signed(p)), strconv.Itoa(int(p.Payload)), strconv.Itoa(int(p.Flow)),
			strconv.Itoa(int(f.Proto)), addr(f.Local.IsValid(), f.Local.String()), addr(f.Remote.IsValid(), f.Remote.String()), f.Host, owner,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Kind is what a number of a Tensor says of a packet.
type Kind string

// The kinds. DirectionTime is what the deep website-fingerprinting libraries read as X:
// they take its sign for the direction, its amount for the time, and 0 for no packet.
const (
	DirectionTime Kind = "direction-time" // seconds, negative towards the home
	Direction     Kind = "direction"      // 1 or -1
	Size          Kind = "size"           // bytes, negative towards the home
	TimeSize      Kind = "time-size"      // both, side by side: X has a third axis
)

// Kinds lists them, the usual one first.
func Kinds() []Kind { return []Kind{DirectionTime, Direction, Size, TimeSize} }

// moment stands for time 0, which has no sign and would be read as no packet.
const moment = 1e-6

// Tensor gathers traces for an array of equal rows.
type Tensor struct {
	Kind Kind
	// Length is how many packets a row has: longer traces are cut, shorter ones end in
	// zeros. 0: as many as the longest trace, at most LengthLimit.
	Length int
	rows   [][]float32
	labels []int
	ids    []string
}

// LengthLimit is the length of a Tensor that nobody set: that of the inputs of Deep
// Fingerprinting and its successors.
const LengthLimit = 5000

// Add appends an item as a row.
func (t *Tensor) Add(i Item) {
	most := LengthLimit
	if t.Length > 0 {
		most = t.Length
	}

	// Rows are as long as their trace until all are known, then zeros fill them up.
	packets := i.Packets[:min(most, len(i.Packets))]
	row := make([]float32, 0, len(packets)*t.axes())
	for _, p := range packets {
		sign, at := 1.0, max(p.Time.Seconds(), moment)
		if p.Dir == datasets.Down {
			sign = -1
		}
		switch t.Kind {
		case Direction:
			row = append(row, float32(sign))
		case Size:
			row = append(row, float32(signed(p)))
		case TimeSize:
			row = append(row, float32(at), float32(signed(p)))
		default:
			row = append(row, float32(sign*at))
		}
	}
	t.rows, t.labels, t.ids = append(t.rows, row), append(t.labels, i.Label), append(t.ids, i.ID)
}

// axes is how many numbers a packet has.
func (t *Tensor) axes() int {
	if t.Kind == TimeSize {
		return 2
	}
	return 1
}

// Rows is how many items were added.
func (t *Tensor) Rows() int { return len(t.rows) }

// Write writes X (float32, a row for each item), y (int64, the classes' numbers) and
// item (their IDs) as an .npz file.
func (t *Tensor) Write(w io.Writer) error {
	length := t.Length
	if length == 0 {
		for _, r := range t.rows {
			length = max(length, len(r)/t.axes())
		}
	}
	shape := []int{len(t.rows), length}
	if t.axes() > 1 {
		shape = append(shape, t.axes())
	}
	return writeNpz(w, floatArray("X", shape, t.rows), intArray("y", t.labels), textArray("item", t.ids))
}

// Vectors gathers feature vectors, any number of them for an item.
type Vectors struct {
	Names   []string
	rows    [][]float32
	labels  []int
	ids     []string
	classes []string
}

// Add appends a vector of the item with that ID, of a class and its number.
func (v *Vectors) Add(id, class string, label int, row []float32) error {
	if len(row) != len(v.Names) {
		return fmt.Errorf("item %s: a vector of %d numbers for %d names", id, len(row), len(v.Names))
	}
	v.rows, v.labels, v.ids = append(v.rows, slices.Clone(row)), append(v.labels, label), append(v.ids, id)
	v.classes = append(v.classes, class)
	return nil
}

// Write writes them in a format that knows no packets: npz with the names of features
// as well, ndjson or csv.
func (v *Vectors) Write(w io.Writer, f Format) error {
	switch f {
	case Npz:
		return writeNpz(w, floatArray("X", []int{len(v.rows), len(v.Names)}, v.rows), intArray("y", v.labels), textArray("item", v.ids), textArray("feature", v.Names))
	case NDJSON:
		e := json.NewEncoder(w)
		for i, row := range v.rows {
			x := struct {
				Item     string    `json:"item"`
				Class    string    `json:"class"`
				Features []float32 `json:"features"`
			}{v.ids[i], v.classes[i], row}
			if err := e.Encode(x); err != nil {
				return err
			}
		}
		return nil
	case CSV:
		// The shortest text that reads back as the same float32.
		c := csv.NewWriter(w)
		err := c.Write(append([]string{"item", "class"}, v.Names...))
		for i, row := range v.rows {
			fields := []string{v.ids[i], v.classes[i]}
			for _, x := range row {
				fields = append(fields, strconv.FormatFloat(float64(x), 'g', -1, 32))
			}
			err = errors.Join(err, c.Write(fields))
		}
		c.Flush()
		return errors.Join(err, c.Error())
	}
	return fmt.Errorf("format %s is of packets: want one of %v for features", f, VectorFormats())
}

// VectorFormats are those that Vectors can be written in.
func VectorFormats() []Format { return []Format{Npz, NDJSON, CSV} }
