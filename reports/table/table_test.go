package table

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"veilbench/reports/internal/golden"
)

// hostileTable has every shape of a cell, and names that try to be markup.
func hostileTable() Table {
	t := Table{Name: "hostile", Title: "Of " + golden.Hostile, Columns: append(Columns("name", "#"+golden.Hostile), Column{Head: "score", Num: true, Interval: true})}
	t.Rows = [][]Value{
		{Word(golden.Hostile), Number(12345.678, Amount), Number(0.5, Score).Within(0.4, 0.61, "[.40 .61]")},
		{Word("[-12] \x1b[31m red"), Number(-0.5, Signed), Missing()},
		{Word(strings.Repeat("long:x=1,", 6)), Failed("failed 1/5"), NotApplicable()},
	}
	t.Notes = []string{strings.Repeat("A note. ", 20), InFull + golden.Hostile}
	return t
}

func TestGoldenHostileTable(t *testing.T) {
	var b bytes.Buffer
	for _, f := range []Format{Text, Markdown, LaTeX, CSV, JSON, HTML} {
		fmt.Fprintf(&b, "-- %s --\n", f)
		if err := Write(&b, f, []Table{hostileTable(), hostileTable()}); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []string{"<script>", "\x1b"} {
		if i := strings.LastIndex(b.String(), "-- html --"); strings.Contains(b.String()[i:], bad) {
			t.Errorf("the HTML holds %q", bad)
		}
	}
	golden.Check(t, "hostile.txt", b.Bytes())
}

func TestWriteErrorsAreReported(t *testing.T) {
	want := errors.New("full")
	for _, f := range []Format{Text, Markdown, LaTeX, CSV, JSON, HTML} {
		if err := Write(brokenWriter{want}, f, []Table{hostileTable()}); !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", f, err, want)
		}
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }
