package page

import (
	"bytes"
	"fmt"
	"os"
	"runtime/pprof"
	"strconv"
	"testing"
	"time"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/reporttest"
	"veilbench/reports/tables"
	"veilbench/reports/figures"
)

func TestZZ(t *testing.T) {
	var ds, as []string
	for i := range 20 {
		ds = append(ds, "defense:x="+strconv.Itoa(i))
	}
	for i := range 50 {
		as = append(as, "attack:y="+strconv.Itoa(i))
	}
	rs := reporttest.Grid(1, ds, as)
	s := reports.NewSet(rs, reports.Options{})
	for _, k := range append(tables.All(), tables.Pairs) {
		start := time.Now()
		b := builder{s: s}
		b.kind(section{}, k)
		n := 0
		for _, x := range b.out {
			for _, h := range x.Tables {
				n += len(h)
			}
		}
		fmt.Println(k.Name, n, time.Since(start))
	}
	for _, k := range figures.All() {
		start := time.Now()
		p, _ := drawFigures(s, []reports.FigureKind{k})
		n := 0
		for _, x := range p {
			n += len(x.Source)
		}
		fmt.Println("figure", k.Name, n, time.Since(start))
	}
	_ = bytes.Buffer{}
}

func TestZY(t *testing.T) {
	var ds, as []string
	for i := range 20 {
		ds = append(ds, "defense:x="+strconv.Itoa(i))
	}
	ds[0] = "none"
	for i := range 10 {
		as = append(as, "attack:y="+strconv.Itoa(i))
	}
	rs := reporttest.WithCanaries(reporttest.Grid(5, ds, as), 40)
	start := time.Now()
	ss := results.Summaries(rs)
	fmt.Println("summaries", len(rs), len(ss), time.Since(start))
	start = time.Now()
	s := reports.NewSet(rs, reports.Options{})
	fmt.Println("newset", time.Since(start))
	f, _ := os.Create("/work/h/show.prof")
	pprof.StartCPUProfile(f)
	start = time.Now()
	reports.WriteAll(t.TempDir(), s, contents())
	fmt.Println("writeall", time.Since(start))
	pprof.StopCPUProfile()
}
