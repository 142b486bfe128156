package published

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture"
)

// openCapture reads a capture; what the reader found odd comes back with the
// file's name in front.
func openCapture(name string, o capture.Options) (datasets.Trace, []string, error) {
	t, rep, err := capture.Open(context.Background(), name, o)
	if err != nil {
		return t, nil, err
	}
	var warnings []string
	for _, w := range rep.Warnings {
		warnings = append(warnings, filepath.Base(name)+": "+w)
	}
	return t, warnings, nil
}

// openDevice reads a capture that was filtered to one device. Where its
// hardware address is not given it is the home side's most frequent one.
func openDevice(name string, mac datasets.MAC) (datasets.Trace, datasets.MAC, []string, error) {
	if mac == (datasets.MAC{}) {
		t, _, err := openCapture(name, capture.Options{})
		if err != nil {
			return t, mac, nil, err
		}
		mac = commonLink(t)
	}
	t, warnings, err := openCapture(name, capture.Options{MACs: []datasets.MAC{mac}})
	return t, mac, warnings, err
}

// commonLink is the hardware address of the home side that most packets have.
func commonLink(ts ...datasets.Trace) datasets.MAC {
	count := map[datasets.MAC]int{}
	var best datasets.MAC
	for _, t := range ts {
		for _, p := range t.Packets {
			m := t.Flows[p.Flow].Link
			count[m]++
			if c := cmp.Compare(count[m], count[best]); c > 0 || c == 0 && slices.Compare(m[:], best[:]) < 0 {
				best = m
			}
		}
	}
	return best
}

// ownersByLink gives the packets of flows with hardware address mac to device,
// the others to nobody.
func ownersByLink(t datasets.Trace, mac datasets.MAC, device int32) []int32 {
	owners := make([]int32, len(t.Packets))
	for i, p := range t.Packets {
		if owners[i] = -1; t.Flows[p.Flow].Link == mac {
			owners[i] = device
		}
	}
	return owners
}

// merge puts traces of known start together into one, in order of time and at
// the same time in order of the traces. from holds the trace of each packet.
func merge(ts []datasets.Trace) (out datasets.Trace, from []int32) {
	type at struct {
		p    datasets.Packet
		from int32
	}
	var all []at
	for k, t := range ts {
		if k == 0 || t.Start.Before(out.Start) {
			out.Start = t.Start
		}
		base := int32(len(out.Flows))
		out.Flows = append(out.Flows, t.Flows...)
		for _, p := range t.Packets {
			p.Flow += base
			all = append(all, at{p, int32(k)})
		}
	}
	for i := range all {
		all[i].p.Time += ts[all[i].from].Start.Sub(out.Start)
	}
	slices.SortStableFunc(all, func(a, b at) int { return cmp.Compare(a.p.Time, b.p.Time) })
	for _, t := range ts {
		out.End = max(out.End, t.Start.Sub(out.Start)+t.End)
	}
	for _, a := range all {
		out.Packets = append(out.Packets, a.p)
		from = append(from, a.from)
	}
	out, _ = datasets.LAN.View(nil, out)
	return out, from
}

// row is one line of a label file.
type row struct {
	line   int
	fields []string // in the order of the columns asked for
}

// readTable reads a CSV file with a header and returns the columns asked for.
// A missing column is an error that names the line.
func readTable(name string, columns ...string) ([]row, error) {
	return readText(name, func(r io.Reader) ([]row, error) { return parseTable(r, columns) })
}

func parseTable(r io.Reader, columns []string) ([]row, error) {
	cr := csv.NewReader(r)
	head, err := cr.Read()
	if err != nil {
		return nil, fmt.Errorf("1: no header line (want the columns %s)", strings.Join(columns, ","))
	}
	at := make([]int, len(columns))
	for i, c := range columns {
		if at[i] = slices.Index(head, c); at[i] < 0 {
			return nil, fmt.Errorf("1: no column %q (the header is %s)", c, quote(strings.Join(head, ",")))
		}
	}
	var out []row
	for {
		rec, err := cr.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		var pe *csv.ParseError
		if errors.As(err, &pe) {
			return nil, fmt.Errorf("%d: %w", pe.Line, pe.Err)
		}
		if err != nil {
			return nil, fmt.Errorf("0: %w", err)
		}
		line, _ := cr.FieldPos(0)
		x := row{line: line}
		for _, c := range at {
			x.fields = append(x.fields, rec[c])
		}
		out = append(out, x)
	}
}

// optional is readTable for a label file that the publisher does not have: if
// it is absent the table is empty and missing is set.
func optional(name string, columns ...string) (rows []row, missing bool, err error) {
	rows, err = readTable(name, columns...)
	if errors.Is(err, os.ErrNotExist) {
		return nil, true, nil
	}
	return rows, false, err
}

// parseMAC reads a hardware address such as 20:f8:5e:ca:91:52.
func parseMAC(s string) (datasets.MAC, error) {
	var m datasets.MAC
	n, err := fmt.Sscanf(s, "%02x:%02x:%02x:%02x:%02x:%02x", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5])
	if err != nil || n != 6 || len(s) != 17 {
		return m, fmt.Errorf("hardware address %q, want six bytes such as 20:f8:5e:ca:91:52", quote(s))
	}
	return m, nil
}

// sortEvents orders events by start.
func sortEvents(events []datasets.Event) {
	slices.SortStableFunc(events, func(a, b datasets.Event) int { return cmp.Compare(a.Start, b.Start) })
}

// every lists the multiples of d below end.
func every(d, end time.Duration) []time.Duration {
	var at []time.Duration
	for t := d; t < end; t += d {
		at = append(at, t)
	}
	return at
}
