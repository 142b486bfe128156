package page

import (
	"bytes"
	"strings"
	"testing"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/reporttest"
	"veilbench/reports/table"
	"veilbench/reports/tables"
)

// What people read says nothing of the disk that recordings lay on: no table of any
// kind, no alarm and no sentence of the page, but for the manifest, which a run is
// made again from.
func TestNoFoldersOfADisk(t *testing.T) {
	const folder = "/home/jane/private/"
	for _, fx := range reporttest.Fixtures() {
		moved := func(name string) string { return "folder=" + folder + name }
		var rs []results.Result
		for _, r := range fx.Set.Results {
			r.Cell.Dataset = moved(r.Cell.Dataset)
			rs = append(rs, r)
		}

		o := fx.Set.Options
		if o.Manifest != nil {
			m := *o.Manifest
			m.Doubts = nil
			for _, d := range o.Manifest.Doubts {
				d.Dataset = moved(d.Dataset)
				m.Doubts = append(m.Doubts, d)
			}
			o.Manifest = &m
		}
		o.Probes = &results.Probes{Verdicts: []results.Verdict{{Name: "leaks of " + rs[0].Cell.Dataset + ", event, wan", Detail: "found"}}}
		s := reports.NewSet(rs, o)

		var b bytes.Buffer
		for _, k := range append(tables.All(), tables.Pairs) {
			if err := table.Write(&b, table.Markdown, k.Tables(s)); err != nil {
				t.Fatal(err)
			}
		}
		b.WriteString(strings.Join(s.Alarms(), "\n") + "\n")
		if err := Write(&b, s); err != nil {
			t.Fatal(err)
		}

		for line := range strings.Lines(b.String()) {
			quoted := strings.Contains(line, "&#34;") || strings.Contains(line, `"dataset"`) // the manifest
			if i := strings.Index(line, folder); i >= 0 && !quoted {
				t.Errorf("%s: %s", fx.Name, line[max(0, i-100):min(len(line), i+60)])
			}
		}
	}
}
