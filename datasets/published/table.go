package published

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"

	"veilbench/datasets"
)

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

// parseTable reads a table. Errors begin with the line, 0 if it is unknown.
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

	// Errors carry the line alone: readText puts the file in front.
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

// readOptionalTable is readTable for a label file that the publisher does not
// have: if it is absent the table is empty and missing is set.
func readOptionalTable(name string, columns ...string) (rows []row, missing bool, err error) {
	rows, err = readTable(name, columns...)
	if errors.Is(err, os.ErrNotExist) {
		return nil, true, nil
	}
	return rows, false, err
}

// parseMAC reads a hardware address such as 20:f8:5e:ca:91:52.
func parseMAC(s string) (datasets.MAC, error) {
	m, err := net.ParseMAC(s)
	if err != nil || len(m) != 6 {
		return datasets.MAC{}, fmt.Errorf("hardware address %q, want six bytes such as 20:f8:5e:ca:91:52", quote(s))
	}
	return datasets.MAC(m), nil
}
