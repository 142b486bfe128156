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

// Files of one name in two folders are told apart by as much of their path as that
// takes, on the page too.
func TestFilesOfOneName(t *testing.T) {
	got := reports.DataNames([]string{"capture=/a/mon/home.pcap:labels=x", "capture=/a/tue/home.pcap:labels=x", "folder=/a/lab", "folder=lab", "folder=./lab", "home:rates:hours=1", "x=/y/z"})
	for name, want := range map[string]string{
		"capture=/a/mon/home.pcap:labels=x": "capture=mon/home.pcap:labels=x", "capture=/a/tue/home.pcap:labels=x": "capture=tue/home.pcap:labels=x",
		"folder=/a/lab": "folder=a/lab", "folder=lab": "folder=lab", "folder=./lab": "folder=./lab", "home:rates:hours=1": "home:rates:hours=1", "x=/y/z": "x=z",
	} {
		if got[name] != want {
			t.Errorf("%s is called %s, want %s", name, got[name], want)
		}
	}

	var rs []results.Result
	for _, r := range reporttest.Study(5) {
		for _, day := range []string{"mon", "tue"} {
			r.Cell.Dataset = "capture=/home/jane/" + day + "/home.pcap"
			rs = append(rs, r)
		}
	}
	var b bytes.Buffer
	if err := Write(&b, reports.NewSet(rs, reports.Options{})); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"capture=mon/home.pcap", "capture=tue/home.pcap"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page does not say %s", want)
		}
	}
	for line := range strings.Lines(b.String()) {
		for _, bad := range []string{"=home.pcap", "jane"} {
			if i := strings.Index(line, bad); i >= 0 && !strings.Contains(line, "&#34;") {
				t.Errorf("the page says %s: %s", bad, line[max(0, i-80):min(len(line), i+60)])
			}
		}
	}
}
