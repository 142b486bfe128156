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
// No Castle"), figure 2. A column of the picture shows its highest bin. Panels
// of the same time have one scale unless the highest rates differ by more than
// 4 times.
type Rates struct {
	// From and To are the time of panels that have none of their own.
	From, To time.Duration
	Panels   []RatePanel
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
}

// plan finds what the panels share. They are not modified.
func (r Rates) plan() ratePlan {
	g := ratePlan{panels: slices.Clone(r.Panels), oneTime: true}
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

// top is the highest rate in view each way, at least an eighth of the other
// and 1.
func (p RatePanel) top() [2]float64 {
	up, down := p.columns(p.Up, 1)[0], p.columns(p.Down, 1)[0]
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

// share gives all panels one scale if that leaves the smallest one readable.
func (g ratePlan) share() {
	const readable = 4 // times that the highest rates may differ
	if !g.oneTime {
		return
	}
	var high [2]float64
	var most, least float64
	for i, t := range g.scaleTop {
		high = [2]float64{max(high[0], t[0]), max(high[1], t[1])}
		most = max(most, t[0], t[1])
		if m := max(t[0], t[1]); i == 0 || m < least {
			least = m
		}
	}
	for i := range g.scaleTop {
		if readable*least >= most {
			g.scaleTop[i] = high
		}
	}
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

// dataHeight is that of the rates of a panel.
func (g ratePlan) dataHeight(width vg.Length) vg.Length {
	return min(max(0.27*width, 50), 1.6*vg.Inch)
}

func (g ratePlan) height(width vg.Length) vg.Length {
	panel := rateTitle + 2*rateRow + g.dataHeight(width) + rateGap
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
		bottom := y - 2*rateRow - g.dataHeight(width)
		for row, marks := range [][]RateMark{p.True, p.Found} {
			at := y - (vg.Length(row)+0.5)*rateRow
			c.FillText(aligned(smallType, right, center), vg.Point{X: x0 - 4, Y: at}, []string{"true", "found"}[row])
			for _, m := range marks {
				if p.shows(m) {
					g.drawMark(c, m, row == 0, x, at, bottom)
				}
			}
		}

		g.drawRates(c, p, g.scaleTop[i], x0, x1, bottom, y-2*rateRow-rateRowMiddle) // room for the highest tick
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
	per := (y1 - y0) / vg.Length(top[0]+top[1]) // points for 1 B/s
	mid := y0 + per*vg.Length(top[1])

	n := max(1, int((x1-x0)/rateColumn))
	for dir, rate := range [][]float64{p.Up, p.Down} {
		sign := vg.Length(1 - 2*dir)
		pts := []vg.Point{{X: x0, Y: mid}}
		for i, v := range p.columns(rate, n) {
			y := mid + sign*per*vg.Length(v)
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
	unit, scale := "B/s", 1.0
	for _, u := range []string{"kB/s", "MB/s"} {
		if max(top[0], top[1])/scale >= 1000 {
			unit, scale = u, scale*1000
		}
	}
	step := roundStep((top[0]+top[1])/scale, 5)
	for v := -math.Floor(top[1]/scale/step) * step; v <= top[0]/scale; v += step {
		y := mid + per*vg.Length(v*scale)
		c.StrokeLine2(axisLine(), x0-tick, y, x0, y)
		c.FillText(aligned(smallType, right, center), vg.Point{X: x0 - tick - 1, Y: y}, strconv.FormatFloat(math.Abs(v), 'g', 3, 64))
	}
	c.FillText(upright(smallType), vg.Point{X: x0 - rateLeft + edge, Y: (y0 + y1) / 2}, unit)
}

// timeAxis draws the axis of a panel in a unit that fits. The last one of the
// figure has a label, in others the unit stands beside the last tick.
func (p RatePanel) timeAxis(c draw.Canvas, x func(time.Duration) vg.Length, y vg.Length, last bool) {
	const steps = 7 // that have room for their labels
	unit, per := "h", time.Hour
	for _, u := range []struct {
		name string
		per  time.Duration
	}{{"min", time.Minute}, {"s", time.Second}} {
		if p.To-p.From < 3*per {
			unit, per = u.name, u.per
		}
	}
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
