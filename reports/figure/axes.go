package figure

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"veilbench/reports/table"
)

// axes is a plot whose axis labels are set by us: the library makes room for
// half of a label at the right edge.
type axes struct {
	*plot.Plot
	x, y string
	// wide is more room at the right, for a last label that is.
	wide vg.Length
}

// Room in points around the data for what axes draws itself.
const (
	sideName   = 14 // left: the name of the y axis
	bottomName = 11 // below: that of the x axis
	rightTick  = 6  // right: half of the last label
	topTick    = 5  // above: half of the highest
)

// newPlot is a plot with axes in our type and y from 0 to 1: scores are shares.
// Legends are drawn apart: the library's lie over the data.
func newPlot(x, y string) axes {
	p := plot.New()
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font = liberation(labelType)
		a.Tick.Label.Font = liberation(smallType)
		a.LineStyle.Width = 0.6
		a.Tick.LineStyle.Width = 0.5
		a.Tick.Length = tick
		a.Padding = 3
	}
	p.Y.Min, p.Y.Max, p.Y.Tick.Marker = 0, 1, share01()
	return axes{Plot: p, x: x, y: y}
}

// drawAbove draws the plot and its axis labels into c, and a legend below them.
func (a axes) drawAbove(c draw.Canvas, key legend) {
	kh := key.height(c.Max.X - c.Min.X)
	upper := draw.Crop(c, 0, -a.wide, kh, 0)
	a.Draw(inner(upper))
	data := a.dataOf(upper)
	c.FillText(aligned(labelType, center, bottom), vg.Point{X: (data.Min.X + data.Max.X) / 2, Y: upper.Min.Y + edge}, a.x)
	c.FillText(upright(labelType), vg.Point{X: c.Min.X + edge, Y: (data.Min.Y + data.Max.Y) / 2}, a.y)
	key.draw(draw.Crop(c, 0, 0, 0, -(c.Max.Y - c.Min.Y - kh)))
}

// inner is the part of c that the library draws in.
func inner(c draw.Canvas) draw.Canvas {
	return draw.Crop(c, sideName, -rightTick, bottomName, -topTick)
}

// dataOf is where the data stand in a plot in c without legend, which need not be
// one that can be drawn on.
func (a axes) dataOf(c draw.Canvas) draw.Canvas { return a.DataCanvas(inner(c)) }

// plotHeight is that of a plot with a legend below.
func plotHeight(width vg.Length, part float64, key legend) vg.Length {
	return barePlot(width, part) + key.height(width)
}

// barePlot is the height of a plot without its legend: wider than high, and no
// higher than a third of a page.
func barePlot(width vg.Length, part float64) vg.Length {
	return min(vg.Length(part)*width, 3*vg.Inch)
}

// share01 are the ticks of an axis from 0 to 1.
func share01() plot.ConstantTicks {
	return plot.ConstantTicks{{Value: 0, Label: "0"}, {Value: 0.25}, {Value: 0.5, Label: "0.5"}, {Value: 0.75}, {Value: 1, Label: "1"}}
}

// shareGrid draws lines behind the data at the ticks of share01 above 0.
func shareGrid(c draw.Canvas, y func(float64) vg.Length) {
	for _, t := range share01()[1:] {
		c.StrokeLine2(line(color.Gray{225}, 0.4), c.Min.X, y(t.Value), c.Max.X, y(t.Value))
	}
}

// Axis is the x axis of a figure of lines.
type Axis struct {
	name     string
	min, max float64
	ticks    plot.Ticker // nil for the library's
	log      bool
	wide     vg.Length // room for half of the last label beyond what axes leaves
}

// ValuesAxis has a tick at each of values, which ascend; where they span much
// they stand at equal ratios.
func ValuesAxis(name string, values []float64) Axis {
	const (
		much   = 10 // times the smallest
		labels = 12 // that fit
	)
	lo, hi := values[0], values[len(values)-1]
	a := Axis{name: name, log: lo > 0 && hi/lo >= much}
	at := func(x float64) float64 { return x }
	if a.log {
		at = math.Log
	}

	// A label that would run into the one before is left out, its tick is not.
	span := at(hi) - at(lo)
	var ticks plot.ConstantTicks
	last := math.Inf(-1)
	for _, x := range values {
		t := plot.Tick{Value: x}
		if at(x)-last > span/labels {
			t.Label, last = table.Full(x), at(x)
		}
		ticks = append(ticks, t)
	}
	a.ticks = ticks

	room := 0.04 * span // so that no mark lies on the frame
	a.min, a.max = lo-room, hi+room
	if a.log {
		a.min, a.max = lo*math.Exp(-room), hi*math.Exp(room)
	}
	return a
}

// CountAxis is for counts from 0 to top as OnCountAxis places them: by their
// logarithm, with room for 0. It has a tick at each power of ten.
func CountAxis(name string, top float64) Axis {
	a := Axis{name: name, max: OnCountAxis(top), wide: 8}
	ticks := plot.ConstantTicks{{Value: 0, Label: "0"}}
	for d := 1.0; d <= top*1.001; d *= 10 {
		ticks = append(ticks, plot.Tick{Value: OnCountAxis(d), Label: table.Full(d)})
		for k := 2.0; k < 10 && d*k <= top; k++ {
			ticks = append(ticks, plot.Tick{Value: OnCountAxis(d * k)})
		}
	}
	a.ticks = ticks
	return a
}

// OnCountAxis is where a count stands on a CountAxis.
func OnCountAxis(n float64) float64 { return math.Log10(1 + n) }

// DelayAxis is for logarithms of seconds, base 10, from lo to hi, which are
// whole: a tick at each power of ten; where these are many, every other one has
// a label.
func DelayAxis(name string, lo, hi float64) Axis {
	const most = 6 // labels that fit
	var ticks plot.ConstantTicks
	for d := math.Ceil(lo); d <= hi; d++ {
		label := fmt.Sprintf("%g ms", math.Pow(10, d+3))
		if d >= 0 {
			label = fmt.Sprintf("%g s", math.Pow(10, d))
		}
		if hi-lo > most && int(d)%2 != 0 {
			label = ""
		}
		ticks = append(ticks, plot.Tick{Value: d, Label: label})
	}
	return Axis{name: name, min: lo, max: hi, ticks: ticks, wide: 8} // half of "1000 ms" is wider than what axes leaves
}
