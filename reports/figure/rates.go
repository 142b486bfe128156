package figure

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"time"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Rates draws panels below each other: bytes per second sent above the axis and
// received below it, and on top a row of what happened and one of what was
// found, in the manner of Apthorpe, Reisman and Feamster 2017 ("A Smart Home is
// No Castle"), figure 2. A column of the picture shows its highest bin. All panels
// have one unit, those of the same time one scale too: a logarithmic one where the
// highest rates differ by more than 4 times.
type Rates struct {
	// From and To are the time of panels that have none of their own.
	From, To time.Duration
	Panels   []RatePanel
	// NoMarks leaves the rows of what happened and what was found out, for traffic
	// of which neither is known.
	NoMarks bool
}

// RatePanel is what one device or stream sends and receives over time, with
// what happened and what an attack made of it.
type RatePanel struct {
	// Title stands above the panel at the left, Note at the right; where they
	// are too long together the title is cut.
	Title, Note string
	// Bin is the width of a bin; Up and Down are bytes/s in each bin from time
	// Start on. They are read only.
	Bin, Start time.Duration
	Up, Down   []float64
	// From and To are the time that is drawn, the figure's own if To is 0.
	From, To time.Duration
	// True is what happened, Found what was detected, both in order of start.
	True, Found []RateMark
}

// RateMark is an event or a detection; End is Start for a point.
type RateMark struct {
	Start, End time.Duration
	Class      string
}

// Figure draws the panels.
func (r Rates) Figure(title, caption string) Figure { return of(r.plan(), title, caption) }

// ratePlan is Rates with what all panels share.
type ratePlan struct {
	panels   []RatePanel
	oneTime  bool         // all panels are of the same time
	classes  []string     // sorted
	scaleTop [][2]float64 // the highest rates up and down that each panel has room for
	unit     string
	per      float64 // B/s of a unit
	least    float64 // where a logarithmic scale begins; 0 for a linear one
	noMarks  bool
}

// plan finds what the panels share. They are not modified.
func (r Rates) plan() ratePlan {
	g := ratePlan{panels: slices.Clone(r.Panels), oneTime: true, noMarks: r.NoMarks}
	for i := range g.panels {
		p := &g.panels[i]
		if p.To == 0 {
			p.From, p.To = r.From, r.To
		}
		p.To = max(p.To, p.From+1) // a moment without length cannot be drawn
		g.oneTime = g.oneTime && p.From == g.panels[0].From && p.To == g.panels[0].To
		for _, m := range slices.Concat(p.True, p.Found) {
			if p.shows(m) && !slices.Contains(g.classes, m.Class) {
				g.classes = append(g.classes, m.Class)
			}
		}
		g.scaleTop = append(g.scaleTop, p.top())
	}
	slices.Sort(g.classes)
	g.share()
	return g
}

// Sizes in points.
const (
	rateLeft        = 34 // room for the y axis
	rateRow         = 9  // a row of marks
	rateRowMiddle   = 4  // half of it, cut to whole points
	rateTitle       = 11 // the title of a panel
	rateTitleMiddle = 5  // from its top to the middle of its letters
	rateFoot        = 20 // the time axis
	rateTicks       = 11 // that of a panel of its own time
	rateGap         = 6
	rateRight       = 8
	rateColumn      = 0.5 // width of a column of the picture
)

func (p RatePanel) shows(m RateMark) bool { return m.End >= p.From && m.Start <= p.To }

// top is what there must be room for each way: a little more than the highest rate
// in view, at least an eighth of the other and 1.
func (p RatePanel) top() [2]float64 {
	const room = 1.04 // a peak at the edge would look cut
	up, down := room*p.columns(p.Up, 1)[0], room*p.columns(p.Down, 1)[0]
	return [2]float64{max(up, down/8, 1), max(down, up/8, 1)}
}

// columns is the highest bin in each of n equal parts of the panel's time.
func (p RatePanel) columns(rate []float64, n int) []float64 {
	return columns(rate, p.Bin, p.From-p.Start, p.To-p.Start, n)
}

// columns is the highest bin in each of n equal parts of the time: a mean
// would hide the bursts that give events away.
func columns(rate []float64, bin, from, to time.Duration, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		a := from + time.Duration(float64(to-from)*float64(i)/float64(n))
		b := from + time.Duration(float64(to-from)*float64(i+1)/float64(n))
		for k := max(0, int(a/bin)); k < len(rate) && time.Duration(k)*bin < b; k++ {
			out[i] = max(out[i], rate[k])
		}
	}
	return out
}

// share gives all panels one unit, and those of the same time one scale, on which
// the smallest one is readable.
func (g *ratePlan) share() {
	const (
		readable = 4    // times that the highest rates may differ on a linear scale
		decades  = 1000 // that a logarithmic one spans at least
	)
	var high [2]float64
	var most, least float64
	for i, t := range g.scaleTop {
		high = [2]float64{max(high[0], t[0]), max(high[1], t[1])}
		most = max(most, t[0], t[1])
		if m := max(t[0], t[1]); i == 0 || m < least {
			least = m
		}
	}
	g.unit, g.per = "B/s", 1
	for _, u := range []string{"kB/s", "MB/s"} {
		if most/g.per >= 1000 {
			g.unit, g.per = u, g.per*1000
		}
	}
	if !g.oneTime {
		return
	}
	for i := range g.scaleTop {
		g.scaleTop[i] = high
	}
	if readable*least < most {
		g.least = math.Pow(10, math.Floor(math.Log10(min(least, most/decades))))
	}
}

// along is where a rate stands on the scale: 0 at 0.
func (g ratePlan) along(rate float64) float64 {
	if g.least == 0 {
		return rate
	}
	return math.Log10(1 + rate/g.least)
}

func (g ratePlan) key() legend {
	out := legend{swatch("sent", directionColor(true), 5), swatch("received", directionColor(false), 5)}
	for _, class := range g.classes {
		out = append(out, entry{class, func(c draw.Canvas, at vg.Point) { g.mark(c, class, at) }})
	}
	return out
}

// mark draws the sign of a class, with a white rim that sets neighbors apart.
// Its colors are those that the rates do not have.
func (g ratePlan) mark(c draw.Canvas, class string, at vg.Point) {
	i := slices.Index(g.classes, class)
	series := []int{2, 3, 6, 5, 4}
	c.DrawGlyph(draw.GlyphStyle{Color: color.White, Radius: 2.9, Shape: glyph(i)}, at)
	c.DrawGlyph(draw.GlyphStyle{Color: okabeIto(series[i%len(series)]), Radius: 2.4, Shape: glyph(i)}, at)
}

// rows is the height of what stands above the rates: the marks, or half of the
// highest number.
func (g ratePlan) rows() vg.Length {
	if g.noMarks {
		return rateRowMiddle
	}
	return 2 * rateRow
}

// dataHeight is that of the rates of a panel.
func (g ratePlan) dataHeight(width vg.Length) vg.Length {
	return min(max(0.27*width, 50), 1.6*vg.Inch)
}

func (g ratePlan) height(width vg.Length) vg.Length {
	panel := rateTitle + g.rows() + g.dataHeight(width) + rateGap
	if !g.oneTime {
		panel += rateTicks
	}
	return g.key().height(width) + vg.Length(len(g.panels))*panel + rateFoot
}

func (g ratePlan) draw(c draw.Canvas) {
	width := c.Max.X - c.Min.X
	key := g.key()
	key.draw(c)
	y := c.Max.Y - key.height(width)
	x0, x1 := c.Min.X+rateLeft, c.Max.X-rateRight
	for i, p := range g.panels {
		x := func(t time.Duration) vg.Length {
			return x0 + (x1-x0)*vg.Length(min(1, max(0, float64(t-p.From)/float64(p.To-p.From))))
		}
		laneHead(c, p.Title, p.Note, x0, x1, y-rateTitleMiddle)
		y -= rateTitle

		// Lines of events reach down through the rates, so they come first.
		bottom := y - g.rows() - g.dataHeight(width)
		for row, marks := range [][]RateMark{p.True, p.Found} {
			if g.noMarks {
				break
			}
			at := y - (vg.Length(row)+0.5)*rateRow
			c.FillText(aligned(smallType, right, center), vg.Point{X: x0 - 4, Y: at}, []string{"true", "found"}[row])
			for _, m := range marks {
				if p.shows(m) {
					g.drawMark(c, m, row == 0, x, at, bottom)
				}
			}
		}

		g.drawRates(c, p, g.scaleTop[i], x0, x1, bottom, y-g.rows()-rateRowMiddle) // room for the highest tick
		last := i == len(g.panels)-1
		if last || !g.oneTime {
			p.timeAxis(c, x, bottom, last)
		}
		y = bottom - rateGap
		if !g.oneTime {
			y -= rateTicks
		}
	}
}

// drawMark draws one event or detection in its row, and the time of an event
// as a pale line through the rates.
func (g ratePlan) drawMark(c draw.Canvas, m RateMark, truth bool, x func(time.Duration) vg.Length, at, bottom vg.Length) {
	const visible = 5 // a shorter interval would hide behind its mark
	a, b := x(m.Start), x(m.End)
	if truth {
		fillRect(c, color.Gray{228}, a-0.2, bottom, max(b, a+0.2), at-rateRowMiddle)
	}
	if b-a > visible {
		c.StrokeLine2(line(color.Gray{90}, 1.4), a, at, b, at)
	}
	g.mark(c, m.Class, vg.Point{X: a, Y: at})
}

// drawRates draws the data of a panel and its y axis; top are the rates at its
// upper and lower edge.
func (g ratePlan) drawRates(c draw.Canvas, p RatePanel, top [2]float64, x0, x1, y0, y1 vg.Length) {
	per := (y1 - y0) / vg.Length(g.along(top[0])+g.along(top[1]))
	mid := y0 + per*vg.Length(g.along(top[1]))

	n := max(1, int((x1-x0)/rateColumn))
	for dir, rate := range [][]float64{p.Up, p.Down} {
		sign := vg.Length(1 - 2*dir)
		pts := []vg.Point{{X: x0, Y: mid}}
		for i, v := range p.columns(rate, n) {
			y := mid + sign*per*vg.Length(g.along(v))
			a, b := x0+(x1-x0)*vg.Length(i)/vg.Length(n), x0+(x1-x0)*vg.Length(i+1)/vg.Length(n)
			// Equal columns are one step: most are 0, and a file of all would be large.
			if last := len(pts) - 1; last > 0 && pts[last].Y == y {
				pts[last].X = b
				continue
			}
			pts = append(pts, vg.Point{X: a, Y: y}, vg.Point{X: b, Y: y})
		}
		c.FillPolygon(directionColor(dir == 0), append(pts, vg.Point{X: x1, Y: mid}))
	}

	c.StrokeLine2(axisLine(), x0, mid, x1, mid)
	c.StrokeLine2(axisLine(), x0, y0, x0, y1)
	name := g.unit
	if g.least > 0 {
		name += ", log"
	}
	for _, v := range g.ticks(top) {
		y := mid + per*vg.Length(math.Copysign(g.along(math.Abs(v)), v))
		c.StrokeLine2(axisLine(), x0-tick, y, x0, y)
		c.FillText(aligned(smallType, right, center), vg.Point{X: x0 - tick - 1, Y: y}, strconv.FormatFloat(math.Abs(v)/g.per, 'g', 3, 64))
	}
	c.FillText(upright(smallType), vg.Point{X: x0 - rateLeft + edge, Y: (y0 + y1) / 2}, name)
}

// ticks are rates that have a number, those received below 0.
func (g ratePlan) ticks(top [2]float64) []float64 {
	var out []float64
	if g.least == 0 {
		step := roundStep((top[0]+top[1])/g.per, 5) * g.per
		for k := -math.Floor(top[1] / step); k*step <= top[0]; k++ {
			out = append(out, k*step)
		}
		return out
	}

	// Powers of ten, only every other one where there are many.
	every := 10.0
	if g.along(max(top[0], top[1])) > 3 {
		every = 100
	}
	out = append(out, 0)
	for v := g.least * 10; v <= max(top[0], top[1]); v *= every {
		if v <= top[0] {
			out = append(out, v)
		}
		if v <= top[1] {
			out = append(out, -v)
		}
	}
	return out
}

// timeAxis draws the axis of a panel in a unit that fits. The last one of the
// figure has a label, in others the unit stands beside the last tick.
func (p RatePanel) timeAxis(c draw.Canvas, x func(time.Duration) vg.Length, y vg.Length, last bool) {
	const steps = 7 // that have room for their labels
	unit, per := timeUnit(p.To - p.From)
	step := max(1, time.Duration(roundStep(float64(p.To-p.From)/float64(per), steps)*float64(per)))

	c.StrokeLine2(axisLine(), x(p.From), y, x(p.To), y)
	for t := (p.From + step - 1) / step * step; t <= p.To; t += step {
		c.StrokeLine2(axisLine(), x(t), y, x(t), y-tick)
		text := strconv.FormatFloat(float64(t)/float64(per), 'g', 6, 64)
		at, sty := x(t), aligned(smallType, center, top)
		if !last && t+step > p.To {
			text += " " + unit
			at = min(at, x(p.To)+rateRight-sty.Width(text)/2)
		}
		c.FillText(sty, vg.Point{X: at, Y: y - tick - 1}, text)
	}
	if last {
		c.FillText(aligned(labelType, center, bottom), vg.Point{X: (x(p.From) + x(p.To)) / 2, Y: y - rateFoot - rateGap + 2}, fmt.Sprintf("time (%s)", unit))
	}
}

// timeUnit is one in which a span is a few.
func timeUnit(span time.Duration) (name string, per time.Duration) {
	name, per = "h", time.Hour
	for _, u := range []struct {
		name string
		per  time.Duration
	}{{"min", time.Minute}, {"s", time.Second}} {
		if span < 3*per {
			name, per = u.name, u.per
		}
	}
	return name, per
}
