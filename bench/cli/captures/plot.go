package captures

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"veilbench/datasets"
	"veilbench/datasets/atomicfile"
	"veilbench/defenses"
)

// plotFormat refuses file names that no picture can have; "" is no picture.
func plotFormat(file string) error {
	switch filepath.Ext(file) {
	case ".svg", ".png", ".pdf":
		return nil
	}
	if file == "" {
		return nil
	}
	return fmt.Errorf("--plot %s: want a file that ends in .svg, .png or .pdf", file)
}

// plotColors are of the palette of Okabe and Ito, which people with any color
// vision tell apart.
func plotColors() (up, down, cover color.Color) {
	return color.RGBA{0, 114, 178, 255}, color.RGBA{213, 94, 0, 255}, color.RGBA{170, 170, 170, 255}
}

// plotBeforeAfter draws, side by side, every packet by time and size and the
// rate over time, of a trace and of what leaves instead. Up is above the axis,
// Down below. Both sides have the same scales. Only what leaves the home is
// drawn, unless nothing does.
func plotBeforeAfter(file, title string, in datasets.Trace, out defenses.Defended) error {
	// Both sides have the scales of the longer and the higher of the two, so that
	// they can be compared by eye.
	keep := leaving(in.Flows)
	scale, unit := timeScale(max(in.End, out.Trace.End))
	end := float64(max(in.End, out.Trace.End)) / scale
	width := binWidth(max(in.End, out.Trace.End))

	sides := []defenses.Defended{{Trace: in}, out}
	plots := [][]*plot.Plot{make([]*plot.Plot, 2), make([]*plot.Plot, 2)}
	low, high := 0.0, 0.0
	for k, d := range sides {
		name := []string{"before: ", "after " + title + ": "}[k] + count(d.Trace, keep)
		seq, err := sequencePlot(d, keep, scale, end)
		if err != nil {
			return err
		}
		rate, lo, hi, err := ratePlot(d.Trace, keep, width, scale)
		if err != nil {
			return err
		}
		seq.Title.Text = name
		rate.X.Label.Text = "time (" + unit + ")"
		plots[0][k], plots[1][k] = seq, rate
		low, high = min(low, lo), max(high, hi)
	}

	for row := range plots {
		for k, p := range plots[row] {
			p.X.Min, p.X.Max = 0, math.Max(end, 1e-9)
			p.X.Tick.Marker, p.Y.Tick.Marker = plot.TickerFunc(roundTicks), plot.TickerFunc(roundTicks)
			if row == 1 {
				p.Y.Min, p.Y.Max = low*1.05, math.Max(high*1.05, 1)
			}
			if k == 0 {
				p.Y.Label.Text = []string{"down   size (bytes)   up", fmt.Sprintf("down   bytes/s (bins of %v)   up", width)}[row]
			}
		}
	}
	return savePlots(file, plots)
}

// leaving tells which packets to draw: those on flows that leave the home, all
// if no flow does. Flows of dummy packets come after the ones in flows.
func leaving(flows []datasets.Flow) func(t datasets.Trace, p datasets.Packet) bool {
	all := true
	for _, f := range flows {
		all = all && f.LAN
	}
	return func(t datasets.Trace, p datasets.Packet) bool { return all || !t.Flows[p.Flow].LAN }
}

// count describes the packets that are drawn.
func count(t datasets.Trace, keep func(datasets.Trace, datasets.Packet) bool) string {
	// Bytes are of IP, as in the ledger: headers of links differ.
	n, inside, bytes := 0, 0, 0.0
	for _, p := range t.Packets {
		if keep(t, p) {
			n++
			bytes += float64(p.Size - datasets.EthernetHeader)
		} else {
			inside++
		}
	}

	unit := "bytes"
	for _, u := range []string{"kB", "MB", "GB"} {
		if bytes >= 1000 {
			bytes, unit = bytes/1000, u
		}
	}

	text := fmt.Sprintf("%d packets, %.3g %s", n, bytes, unit)
	if inside > 0 {
		text += fmt.Sprintf(" (%d that stay inside not drawn)", inside)
	}
	return text
}

// roundTicks marks about five round numbers; values below the axis are Down's
// and so are written without their sign.
func roundTicks(low, high float64) []plot.Tick {
	step := math.Pow(10, math.Floor(math.Log10((high-low)/5)))
	for _, f := range []float64{1, 2, 5, 10} {
		if (high-low)/(step*f) <= 6 {
			step *= f
			break
		}
	}
	var ticks []plot.Tick
	for k := math.Ceil(low / step); k*step <= high; k++ {
		ticks = append(ticks, plot.Tick{Value: k * step, Label: strconv.FormatFloat(math.Abs(k*step), 'g', 6, 64)})
	}
	return ticks
}

// timeScale picks the unit of the time axis.
func timeScale(end time.Duration) (nanos float64, unit string) {
	switch {
	case end > 5*time.Hour:
		return float64(time.Hour), "h"
	case end > 10*time.Minute:
		return float64(time.Minute), "min"
	}
	return float64(time.Second), "s"
}

// binWidth is a round width that gives at most 300 bins.
func binWidth(end time.Duration) time.Duration {
	for _, w := range []time.Duration{
		100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second,
		5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
	} {
		if end/w < 300 {
			return w
		}
	}
	return end/300 + 1
}

// sequencePlot draws every packet; packets of one pixel are drawn once.
func sequencePlot(d defenses.Defended, keep func(datasets.Trace, datasets.Packet) bool, scale, end float64) (*plot.Plot, error) {
	up, down, cover := plotColors()
	var points [3]plotter.XYs
	type pixel struct{ kind, x, y int }
	seen := map[pixel]bool{}

	// A day has millions of packets, and each would be an element of its own in an
	// SVG file. A pixel is 1/900 of the time and 8 bytes.
	for i, p := range d.Trace.Packets {
		if !keep(d.Trace, p) {
			continue
		}
		x, y, kind := float64(p.Time)/scale, float64(p.Size-datasets.EthernetHeader), int(p.Dir)
		if p.Dir == datasets.Down {
			y = -y
		}

		// A packet that carries no original is a dummy packet.
		if d.Carried != nil && d.Carried.First[i] == d.Carried.First[i+1] {
			kind = 2
		}

		at := pixel{kind, int(x / math.Max(end, 1e-9) * 900), int(y / 8)}
		if !seen[at] {
			seen[at] = true
			points[kind] = append(points[kind], plotter.XY{X: x, Y: y})
		}
	}

	p := plot.New()
	p.Y.Min, p.Y.Max = -1600, 2400 // with room for the legend
	p.Legend.Top = true
	p.Legend.XOffs = -vg.Points(4)
	p.Add(plotter.NewGrid(), plotter.NewFunction(func(float64) float64 { return 0 }))
	for _, kind := range []int{2, 0, 1} { // cover lies below
		if len(points[kind]) == 0 {
			continue
		}
		s, err := plotter.NewScatter(points[kind])
		if err != nil {
			return nil, err
		}
		s.GlyphStyle = draw.GlyphStyle{
			Radius: vg.Points([]float64{1.3, 1.3, 1.8}[kind]), Shape: draw.CircleGlyph{},
			Color: []color.Color{up, down, cover}[kind],
		}
		p.Add(s)

		// In the legend a point of that size would hardly be seen.
		thumb := *s
		thumb.GlyphStyle.Radius = vg.Points(3)
		p.Legend.Add([]string{"up", "down", "cover"}[kind], &thumb)
	}
	return p, nil
}

// ratePlot draws bytes per second, Up above the axis and Down below, and
// returns the range of the values.
func ratePlot(t datasets.Trace, keep func(datasets.Trace, datasets.Packet) bool, width time.Duration, scale float64) (p *plot.Plot, low, high float64, err error) {
	n := int(t.End/width) + 1
	sums := [2][]float64{make([]float64, n), make([]float64, n)}
	for _, p := range t.Packets {
		if keep(t, p) {
			bin := p.Time / width
			// The last bin ends with the trace, but not so soon that one packet in it
			// would be the highest rate of all.
			length := max(min(width, t.End-bin*width), width/100)
			sums[p.Dir][bin] += float64(p.Size-datasets.EthernetHeader) / length.Seconds()
		}
	}

	up, down, _ := plotColors()
	p = plot.New()
	p.Add(plotter.NewGrid(), plotter.NewFunction(func(float64) float64 { return 0 }))
	for dir, c := range []color.Color{up, down} {
		sign := 1 - 2*float64(dir)
		var xy plotter.XYs
		for i, y := range sums[dir] {
			x := float64(time.Duration(i)*width) / scale
			xy = append(xy, plotter.XY{X: x, Y: sign * y},
				plotter.XY{X: math.Min(x+float64(width)/scale, float64(t.End)/scale), Y: sign * y})
			low, high = min(low, sign*y), max(high, sign*y)
		}
		l, err := plotter.NewLine(xy)
		if err != nil {
			return nil, 0, 0, err
		}
		l.Color, l.Width = c, vg.Points(0.8)
		p.Add(l)
	}
	return p, low, high, nil
}

// plotRate draws bytes per second over time.
func plotRate(file, title string, t datasets.Trace) error {
	scale, unit := timeScale(t.End)
	width := binWidth(t.End)
	all := func(datasets.Trace, datasets.Packet) bool { return true }
	p, low, high, err := ratePlot(t, all, width, scale)
	if err != nil {
		return err
	}
	p.Title.Text = title
	p.X.Label.Text = "time (" + unit + ")"
	p.Y.Label.Text = fmt.Sprintf("bytes/s, up above and down below (bins of %v)", width)
	p.X.Min, p.X.Max = 0, max(float64(t.End)/scale, 1e-9)
	p.Y.Min, p.Y.Max = low*1.05, max(high*1.05, 1)
	return savePlots(file, [][]*plot.Plot{{p}})
}

// savePlots draws the plots in a grid with common axes.
func savePlots(file string, plots [][]*plot.Plot) error {
	c, err := draw.NewFormattedCanvas(11*vg.Inch, 6*vg.Inch, filepath.Ext(file)[1:])
	if err != nil {
		return err
	}
	dc := draw.New(c)

	pad := vg.Points(6)
	tiles := draw.Tiles{
		Rows: len(plots), Cols: len(plots[0]), PadX: 2 * pad, PadY: 2 * pad,
		PadTop: pad, PadBottom: pad, PadLeft: pad, PadRight: pad,
	}

	// Align gives plots of a column one left edge, however wide their numbers are.
	canvases := plot.Align(plots, tiles, dc)
	for r := range plots {
		for k, p := range plots[r] {
			p.Draw(canvases[r][k])
		}
	}
	return atomicfile.WriteTo(file, func(w io.Writer) error {
		_, err := c.WriteTo(w)
		return err
	})
}
