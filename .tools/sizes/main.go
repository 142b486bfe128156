//go:build unix

// Command sizes measures how the cost of the parts grows with what they are given:
// defenses, the check and the readers with packets, attacks with recordings and
// classes, reports with cells, and work that is spread with workers. It fits the
// exponent of each by least squares on logarithms, and writes DIR/size.md and
// DIR/size.svg. It fails where an exponent above most has no reason in the table.
//
// CPU time of one core is measured, the least of several tries, so that what else
// the machine does counts little. Where time passes, for workers, it is said.
package main

import (
	"bytes"
	"context"
	"fmt"
	"image/color"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"veilbench/attacks"
	"veilbench/attacks/attacktest"
	attacklist "veilbench/attacks/builtin"
	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/capture/summary"
	"veilbench/datasets/capture/write"
	"veilbench/datasets/parallel"
	"veilbench/defenses"
	defenselist "veilbench/defenses/builtin"
	"veilbench/defenses/defensetest"
	"veilbench/reports"
	"veilbench/reports/reporttest"
	"veilbench/reports/table"
	"veilbench/reports/tables"
)

const (
	// most is the largest exponent that needs no reason: n log n over the sizes
	// here has 1.1, and tries scatter.
	most = 1.15
	// enough is when a series grows no further, in seconds of one try.
	enough = 1.5
)

// reasons are why some grow faster than n log n, by what a row's name begins with.
var reasons = [][2]string{
	{"event-align", "tuning compares events with each other, all of them until there are as many as its bounds on questions and others"},
	{"cover-noise", "its packets are sorted by time, n log n, and those of a long trace outgrow the cache of the processor"},
	{"event-forest, training, by classes", "rows grow with the classes, and every node of a tree counts all classes"},
}

// series is the cost of one thing by size.
type series struct {
	name, of string
	sizes    []float64
	seconds  []float64
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: sizes DIR")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string) error {
	runtime.GOMAXPROCS(1)
	var all []series
	for _, part := range []func(context.Context) ([]series, error){packets, recordings, classes, cells, workers} {
		s, err := part(ctx)
		if err != nil {
			return err
		}
		all = append(all, s...)
	}
	if err := picture(filepath.Join(dir, "size.svg"), all); err != nil {
		return err
	}
	return page(filepath.Join(dir, "size.md"), all)
}

// cpu is the seconds that this process has computed.
func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // there is no other clock
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// rounds is how often each size has its turn. A machine that is shared is fast in one
// second and slow in the next: what was measured in one moment for one size and in
// another for the next has an exponent of the machine's.
const rounds = 8

// job is what is measured of one size: do, so many turns at once that the clock sees it.
type job struct {
	do    func() error
	turns int
	best  float64 // seconds of one turn
}

// try times the turns of j once and keeps the least.
func (j *job) try() error {
	runtime.GC()
	at := cpu()
	for range j.turns {
		if err := j.do(); err != nil {
			return err
		}
	}
	j.best = min(j.best, (cpu()-at)/float64(j.turns))
	return nil
}

// measure times do for each size until one takes enough, in rounds over all sizes.
// prepare makes what it works on, which is not timed.
func measure(name, of string, sizes []int, prepare func(n int) (do func() error, err error)) (series, error) {
	s := series{name: name, of: of}
	var jobs []*job
	for _, n := range sizes {
		do, err := prepare(n)
		j := &job{do: do, turns: 1, best: math.Inf(1)}
		if err == nil {
			err = j.try()
		}
		if err != nil {
			return s, fmt.Errorf("%s of %d %s: %w", name, n, of, err)
		}
		j.turns = min(1<<12, 1+int(0.03/max(j.best, 1e-6)))
		jobs, s.sizes = append(jobs, j), append(s.sizes, float64(n))
		if j.best > enough {
			break
		}
	}

	for range rounds {
		for i, j := range jobs {
			if j.best > enough/4 {
				continue // so long a try has seen the machine fast and slow
			}
			if err := j.try(); err != nil {
				return s, fmt.Errorf("%s of %d %s: %w", name, sizes[i], of, err)
			}
		}
	}
	for _, j := range jobs {
		s.seconds = append(s.seconds, j.best)
	}
	fmt.Fprintf(os.Stderr, "%s: %s of %s, exponent %.2f\n", of, name, strings.Trim(fmt.Sprint(s.sizes), "[]"), s.exponent())
	return s, nil
}

// exponent is the slope of the line through the logarithms.
func (s series) exponent() float64 {
	var x, y []float64
	for i := range s.sizes {
		x, y = append(x, math.Log(s.sizes[i])), append(y, math.Log(s.seconds[i]))
	}
	_, slope := stat.LinearRegression(x, y, nil, false)
	return slope
}

// traffic is n packets of five devices, at a rate that does not depend on n.
func traffic(n int) datasets.Trace {
	rng := rand.New(rand.NewPCG(5, 5))
	t := datasets.Trace{End: time.Duration(n) * 400 * time.Millisecond, Packets: make([]datasets.Packet, 0, n)}
	for i := range byte(5) {
		t.Flows = append(t.Flows, defensetest.Flow(i, 6, string('a'+rune(i))+".example"))
	}
	now := time.Duration(0)
	for range n {
		now = min(now+time.Duration(rng.ExpFloat64()*float64(390*time.Millisecond)), t.End)
		p := datasets.Packet{Time: now, Flow: rng.Int32N(5), Dir: datasets.Dir(rng.IntN(2)), Size: 54}
		if rng.IntN(3) > 0 {
			p.Payload = 1 + rng.Int32N(400)
			p.Size += p.Payload
		}
		t.Packets = append(t.Packets, p)
	}
	return t
}

func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 1)) }

// packets are what works on a trace.
func packets(ctx context.Context) ([]series, error) {
	sizes := []int{5000, 15_000, 45_000, 135_000}
	var out []series
	add := func(name string, prepare func(n int) (func() error, error)) error {
		s, err := measure(name, "packets", sizes, prepare)
		out = append(out, s)
		return err
	}

	for _, d := range defenselist.All() {
		if f, ok := d.(defenses.Fitter); ok {
			var err error
			if d, err = f.Fit(ctx, seeded(), defensetest.Recordings()); err != nil {
				return nil, err
			}
		}
		if d.Info().Name == (defenses.None{}).Info().Name {
			continue // hands back what it got
		}
		err := add(d.Info().Name, func(n int) (func() error, error) {
			in := traffic(n)
			return func() error { _, err := d.Apply(seeded(), in); return err }, nil
		})
		if err != nil {
			return nil, err
		}
	}

	err := add("the check", func(n int) (func() error, error) {
		in := traffic(n)
		d, err := defenses.Parse(defenselist.All(), "fragment")
		if err != nil {
			return nil, err
		}
		out, err := d.Apply(seeded(), in)
		return func() error { return defenses.Check(in, out) }, err
	})
	if err != nil {
		return nil, err
	}
	err = add("reading a capture", func(n int) (func() error, error) {
		var file bytes.Buffer
		err := write.Capture(&file, traffic(n))
		return func() error {
			_, _, err := capture.Read(ctx, bytes.NewReader(file.Bytes()), "made.pcap", capture.Options{})
			return err
		}, err
	})
	if err != nil {
		return nil, err
	}
	return out, add("summing it up", func(n int) (func() error, error) {
		in := traffic(n)
		return func() error { summary.Summarize(in); return nil }, nil
	})
}

// trainings is the cost of learning by every attack of a task that stands alone.
func trainings(ctx context.Context, task datasets.Task, of string, sizes []int, training func(n int) attacks.Training) ([]series, error) {
	var out []series
	for _, a := range attacklist.All() {
		name := a.Info().Name
		if !slices.Contains(a.Info().Tasks, task) || strings.HasPrefix(name, "guess-") || strings.HasPrefix(name, "fusion") || strings.Contains(name, "cover") {
			continue // floors cost nothing, and the others are made of these
		}
		s, err := measure(name+", training", of, sizes, func(n int) (func() error, error) {
			tr := training(n)
			return func() error { _, err := a.Train(ctx, seeded(), tr); return err }, nil
		})
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func recordings(ctx context.Context) ([]series, error) {
	return trainings(ctx, datasets.TaskEvent, "recordings", []int{3, 6, 12, 24}, attacktest.ToyEvents)
}

// classes are clips of n classes, twelve of each.
func classes(ctx context.Context) ([]series, error) {
	return trainings(ctx, datasets.TaskClip, "classes", []int{4, 8, 16, 32}, func(n int) attacks.Training {
		rng := seeded()
		tr := attacks.Training{Task: datasets.TaskClip}
		for c := range n {
			class := fmt.Sprintf("plug%03d/on", c)
			tr.Classes = append(tr.Classes, class)
			for i := range 12 {
				t := datasets.Trace{End: 10 * time.Second, Flows: []datasets.Flow{defensetest.Flow(1, 6, "a.example")}}
				for k := range 12 {
					size := int32(60 + (c*37+k*101)%1200 + rng.IntN(4))
					t.Packets = append(t.Packets, datasets.Packet{Time: time.Duration(k) * 50 * time.Millisecond, Size: size + 54, Payload: size, Dir: datasets.Dir(k % 2)})
				}
				tr.Examples = append(tr.Examples, attacks.Labeled{
					Trace: t, Class: class, Group: fmt.Sprint(i % 4),
					Labels: datasets.Labels{Devices: []string{class[:7]}, Events: []datasets.Event{{Device: 0, Activity: "on"}}},
				})
			}
		}
		return tr
	})
}

// cells are made-up results of which all tables are drawn.
func cells(context.Context) ([]series, error) {
	s, err := measure("all tables of a report", "cells", []int{120, 240, 480, 960}, func(n int) (func() error, error) {
		var names []string
		for i := range n / 60 {
			names = append(names, fmt.Sprintf("pad-level:level=%d", i))
		}
		rs := reporttest.Grid(3, names, []string{"guess-majority", "event-forest"})
		return func() error {
			set := reports.NewSet(rs, reports.Options{})
			return table.Write(&bytes.Buffer{}, table.Markdown, reports.TablesOf(set, tables.All()))
		}, nil
	})
	return []series{s}, err
}

// workers is the time that passes for work that is spread.
func workers(ctx context.Context) ([]series, error) {
	d, err := defenses.Parse(defenselist.All(), "constant-rate")
	if err != nil {
		return nil, err
	}
	in := traffic(5000)
	s := series{name: "24 traces defended, time that passes", of: "workers"}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, w := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(w)
		best := math.Inf(1)
		for range 5 {
			at := time.Now()
			err := parallel.For(ctx, w, 24, func(int, int) error { _, err := d.Apply(seeded(), in); return err })
			if err != nil {
				return nil, err
			}
			best = min(best, time.Since(at).Seconds())
		}
		s.sizes, s.seconds = append(s.sizes, float64(w)), append(s.seconds, best)
	}
	return []series{s}, nil
}

// picture draws every series from its first point on, beside the lines of n, n log n
// and n squared.
func picture(path string, all []series) error {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "size, times the first", "CPU time, times the first"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	var ticks []plot.Tick
	for _, v := range []float64{1, 3, 10, 30, 100} {
		ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprint(v)})
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.ConstantTicks(ticks), plot.ConstantTicks(ticks)
	p.Legend.Top, p.Legend.Left, p.Legend.Padding = true, true, vg.Points(3)

	colors := map[string]color.Color{"packets": color.RGBA{0, 114, 178, 255}, "recordings": color.RGBA{213, 94, 0, 255}, "classes": color.RGBA{0, 158, 115, 255}, "cells": color.RGBA{204, 121, 167, 255}}
	seen := map[string]bool{}
	for _, s := range all {
		if colors[s.of] == nil || len(s.sizes) < 2 {
			continue // workers shorten time
		}
		var xy plotter.XYs
		for i := range s.sizes {
			xy = append(xy, plotter.XY{X: s.sizes[i] / s.sizes[0], Y: s.seconds[i] / s.seconds[0]})
		}
		l, err := plotter.NewLine(xy)
		if err != nil {
			return err
		}
		l.Color = colors[s.of]
		p.Add(l)
		if !seen[s.of] {
			p.Legend.Add("by "+s.of, l)
			seen[s.of] = true
		}
	}
	for e, far := range []float64{1: 27, 2: 8} {
		if e == 0 {
			continue
		}
		l, err := plotter.NewLine(plotter.XYs{{X: 1, Y: 1}, {X: far, Y: math.Pow(far, float64(e))}})
		if err != nil {
			return err
		}
		l.Dashes = []vg.Length{vg.Length(2 * e), 2}
		p.Add(l)
		p.Legend.Add([]string{1: "n", 2: "n squared"}[e], l)
	}
	return p.Save(15*vg.Centimeter, 11*vg.Centimeter, path)
}

// page writes the table. What grows faster than most without a reason is an error,
// once the page is written.
func page(path string, all []series) error {
	t := table.Table{Title: "Cost against size", Columns: table.Columns("what", "by", "#from", "#to", "#seconds at most", "#exponent", "why above n log n")}
	var without []string
	for _, s := range all {
		n := len(s.sizes) - 1
		e, why := s.exponent(), ""
		if e > most && s.of != "workers" {
			why = "unknown"
			for _, r := range reasons {
				if strings.HasPrefix(s.name+", by "+s.of, r[0]) {
					why = r[1]
				}
			}
			if why == "unknown" {
				without = append(without, s.name)
			}
		}
		t.Rows = append(t.Rows, []table.Value{
			table.Word(s.name), table.Word(s.of), table.Count(int(s.sizes[0])), table.Count(int(s.sizes[n])),
			table.Number(s.seconds[n], table.Seconds), table.Number(e, table.Three), table.Word(why),
		})
	}

	var b bytes.Buffer
	fmt.Fprintf(&b, "# What grows how\n\nWritten by `make bench-sizes`: %s, %s/%s, %s. CPU seconds of one core, the least of several tries;\nthe exponent is that of the power of the size that fits best, 1.1 for n log n here. Where it is above %v\nthe last column says why. For workers it is time that passes on %d cores, and the best is -1.\n\n![cost against size](size.svg)\n\n",
		machine(), runtime.GOOS, runtime.GOARCH, runtime.Version(), most, runtime.NumCPU())
	if err := table.Write(&b, table.Markdown, []table.Table{t}); err != nil {
		return err
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		return err
	}
	if len(without) > 0 {
		return fmt.Errorf("grow faster than n log n without a reason: %s", strings.Join(without, ", "))
	}
	return nil
}

// machine is the processor's name, where the system tells it.
func machine() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.Trim(name, " \t:\n")
		}
	}
	return "unnamed processor"
}
