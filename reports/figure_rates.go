package reports

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

// RateFigure draws the panels below each other over the time from from to to:
// bytes per second sent above the axis and received below it, and on top a row
// of what happened and one of what was found, in the manner of Apthorpe,
// Reisman and Feamster 2017 ("A Smart Home is No Castle"), figure 2. A column
// of the picture shows its highest bin. Panels of the same time have one scale
// unless the highest rates differ by more than 4 times.
func RateFigure(title, caption string, from, to time.Duration, panels []RatePanel) Figure {
	g := rateDrawing{panels: slices.Clone(panels), shared: true}
	for i := range g.panels {
		p := &g.panels[i]
		if p.To == 0 {
			p.From, p.To = from, to
		}
		p.To = max(p.To, p.From+1)
		g.shared = g.shared && p.From == g.panels[0].From && p.To == g.panels[0].To
		for _, m := range slices.Concat(p.True, p.Found) {
			if p.shows(m) && !slices.Contains(g.classes, m.Class) {
				g.classes = append(g.classes, m.Class)
			}
		}
		g.tops = append(g.tops, p.top())
	}
	slices.Sort(g.classes)
	g.share()
	return Figure{Name: "rates", Title: title, Caption: caption, height: g.height, draw: g.draw}
}

type rateDrawing struct {
	panels  []RatePanel
	shared  bool         // all panels are of the same time
	classes []string     // sorted
	tops    [][2]float64 // the highest rates up and down that each panel has room for
}

// Sizes in points.
const (
	rateLeft  = 34 // room for the y axis
	rateRow   = 9  // a row of marks
	rateHead  = 11 // the title of a panel
	rateFoot  = 20 // the time axis
	rateTicks = 11 // that of a panel of its own time
	rateGap   = 6
	rateRight = 8
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

// share gives all panels one scale if that leaves the smallest one readable.
func (g rateDrawing) share() {
	if !g.shared {
		return
	}
	var high [2]float64
	var most, least float64
	for i, t := range g.tops {
		high = [2]float64{max(high[0], t[0]), max(high[1], t[1])}
		most = max(most, t[0], t[1])
		if m := max(t[0], t[1]); i == 0 || m < least {
			least = m
		}
	}
	for i := range g.tops {
		if 4*least >= most {
			g.tops[i] = high
		}
	}
}

// columns is the highest bin in each of n equal parts of the time.
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

func (g rateDrawing) key() []keyEntry {
	out := []keyEntry{}
	for i, name := range []string{"sent", "received"} {
		out = append(out, keyEntry{name, func(c draw.Canvas, at vg.Point) {
			fillRect(c, rateInk(i), at.X-5, at.Y-3, at.X+5, at.Y+3)
		}})
	}
	for _, class := range g.classes {
		out = append(out, keyEntry{class, func(c draw.Canvas, at vg.Point) { g.mark(c, class, at) }})
	}
	return out
}

// rateInk is dark for what is sent and light for what is received, so that
// they differ in gray.
func rateInk(dir int) color.Color {
	if dir == 0 {
		return okabeIto(0)
	}
	return okabeIto(1)
}

// mark draws the sign of a class.
func (g rateDrawing) mark(c draw.Canvas, class string, at vg.Point) {
	i := slices.Index(g.classes, class)
	c.DrawGlyph(draw.GlyphStyle{Color: color.White, Radius: 2.9, Shape: glyph(i)}, at) // sets neighbors apart
	c.DrawGlyph(draw.GlyphStyle{Color: []color.Color{okabeIto(2), okabeIto(3), okabeIto(6), okabeIto(5), okabeIto(4)}[i%5], Radius: 2.4, Shape: glyph(i)}, at)
}

func (g rateDrawing) data(width vg.Length) vg.Length {
	return min(max(0.27*width, 50), 1.6*vg.Inch)
}

func (g rateDrawing) height(width vg.Length) vg.Length {
	panel := rateHead + 2*rateRow + g.data(width) + rateGap
	if !g.shared {
		panel += rateTicks
	}
	return keyHeight(g.key(), width) + vg.Length(len(g.panels))*panel + rateFoot
}

func (g rateDrawing) draw(c draw.Canvas) {
	width := c.Max.X - c.Min.X
	key := g.key()
	drawKey(c, key)
	y := c.Max.Y - keyHeight(key, width)
	x0, x1 := c.Min.X+rateLeft, c.Max.X-rateRight
	for i, p := range g.panels {
		x := func(t time.Duration) vg.Length {
			return x0 + (x1-x0)*vg.Length(min(1, max(0, float64(t-p.From)/float64(p.To-p.From))))
		}
		sty := aligned(smallType, left, center)
		c.FillText(sty, vg.Point{X: x0, Y: y - rateHead/2}, fit(sty, p.Title, x1-x0-sty.Width(p.Note)-6))
		c.FillText(aligned(smallType, right, center), vg.Point{X: x1, Y: y - rateHead/2}, p.Note)
		y -= rateHead
		bottom := y - 2*rateRow - g.data(width)
		for row, marks := range [][]RateMark{p.True, p.Found} {
			at := y - (vg.Length(row)+0.5)*rateRow
			c.FillText(aligned(smallType, right, center), vg.Point{X: x0 - 4, Y: at}, []string{"true", "found"}[row])
			for _, m := range marks {
				if p.shows(m) {
					g.drawMark(c, m, row == 0, x, at, bottom)
				}
			}
		}
		g.drawRates(c, p, g.tops[i], x0, x1, bottom, y-2*rateRow-rateRow/2) // room for the highest tick
		last := i == len(g.panels)-1
		if last || !g.shared {
			p.timeAxis(c, x, bottom, last)
		}
		y = bottom - rateGap
		if !g.shared {
			y -= rateTicks
		}
	}
}

// drawMark draws one event or detection in its row, and the time of an event
// as a pale line through the rates.
func (g rateDrawing) drawMark(c draw.Canvas, m RateMark, truth bool, x func(time.Duration) vg.Length, at, bottom vg.Length) {
	a, b := x(m.Start), x(m.End)
	if truth {
		fillRect(c, color.Gray{228}, a-0.2, bottom, max(b, a+0.2), at-rateRow/2)
	}
	if b-a > 5 {
		c.StrokeLine2(line(color.Gray{90}, 1.4), a, at, b, at)
	}
	g.mark(c, m.Class, vg.Point{X: a, Y: at})
}

// drawRates draws the data of a panel and its y axis.
func (g rateDrawing) drawRates(c draw.Canvas, p RatePanel, top [2]float64, x0, x1, y0, y1 vg.Length) {
	per := (y1 - y0) / vg.Length(top[0]+top[1]) // points for 1 B/s
	mid := y0 + per*vg.Length(top[1])
	n := max(1, int((x1-x0)/0.5))
	for dir, rate := range [][]float64{p.Up, p.Down} {
		sign := vg.Length(1 - 2*dir)
		pts := []vg.Point{{X: x0, Y: mid}}
		for i, v := range p.columns(rate, n) {
			y := mid + sign*per*vg.Length(v)
			a, b := x0+(x1-x0)*vg.Length(i)/vg.Length(n), x0+(x1-x0)*vg.Length(i+1)/vg.Length(n)
			if last := len(pts) - 1; last > 0 && pts[last].Y == y {
				pts[last].X = b
				continue
			}
			pts = append(pts, vg.Point{X: a, Y: y}, vg.Point{X: b, Y: y})
		}
		c.FillPolygon(rateInk(dir), append(pts, vg.Point{X: x1, Y: mid}))
	}
	axis := line(color.Black, 0.5)
	c.StrokeLine2(axis, x0, mid, x1, mid)
	c.StrokeLine2(axis, x0, y0, x0, y1)
	unit, scale := "B/s", 1.0
	for _, u := range []string{"kB/s", "MB/s"} {
		if max(top[0], top[1])/scale >= 1000 {
			unit, scale = u, scale*1000
		}
	}
	step := roundStep((top[0]+top[1])/scale, 5)
	for v := -math.Floor(top[1]/scale/step) * step; v <= top[0]/scale; v += step {
		y := mid + per*vg.Length(v*scale)
		c.StrokeLine2(axis, x0-3, y, x0, y)
		c.FillText(aligned(smallType, right, center), vg.Point{X: x0 - 4, Y: y}, strconv.FormatFloat(math.Abs(v), 'g', 3, 64))
	}
	side := aligned(smallType, center, -1)
	side.Rotation = math.Pi / 2
	c.FillText(side, vg.Point{X: x0 - rateLeft + 1, Y: (y0 + y1) / 2}, unit)
}

// roundStep is the smallest round step that goes at most n times into v.
func roundStep(v float64, n int) float64 {
	step := math.Pow(10, math.Floor(math.Log10(v/float64(n))))
	for _, f := range []float64{1, 2, 5} {
		if v/(step*f) <= float64(n) {
			return step * f
		}
	}
	return step * 10
}

// timeAxis draws the axis of a panel in a unit that fits. The last one of the
// figure has a label, in others the unit stands beside the last tick.
func (p RatePanel) timeAxis(c draw.Canvas, x func(time.Duration) vg.Length, y vg.Length, last bool) {
	unit, step := "h", time.Duration(roundStep((p.To-p.From).Hours(), 7)*float64(time.Hour))
	per := time.Hour
	for _, u := range []struct {
		name string
		per  time.Duration
	}{{"min", time.Minute}, {"s", time.Second}} {
		if p.To-p.From < 3*per {
			unit, per = u.name, u.per
			step = time.Duration(roundStep(float64(p.To-p.From)/float64(per), 7) * float64(per))
		}
	}
	step = max(step, 1)
	axis := line(color.Black, 0.5)
	c.StrokeLine2(axis, x(p.From), y, x(p.To), y)
	for t := (p.From + step - 1) / step * step; t <= p.To; t += step {
		c.StrokeLine2(axis, x(t), y, x(t), y-3)
		text := strconv.FormatFloat(float64(t)/float64(per), 'g', 6, 64)
		at, sty := x(t), aligned(smallType, center, top)
		if !last && t+step > p.To {
			text += " " + unit
			at = min(at, x(p.To)+rateRight-sty.Width(text)/2)
		}
		c.FillText(sty, vg.Point{X: at, Y: y - 4}, text)
	}
	if !last {
		return
	}
	c.FillText(aligned(labelType, center, bottom), vg.Point{X: (x(p.From) + x(p.To)) / 2, Y: y - rateFoot - rateGap + 2}, fmt.Sprintf("time (%s)", unit))
}
