package figure

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"veilbench/reports/table"
)

// Tradeoff is a scatter of shares from 0 to 1 against a ratio of cost, with a
// line through the points that no other beats in both.
type Tradeoff struct {
	XName, YName string
	Points       []TradeoffPoint
}

// TradeoffPoint is one of them. Cost is a ratio: 0.5 adds half.
type TradeoffPoint struct {
	Name        string
	Cost, Share float64
	Lo, Hi      float64 // bounds of Share if HasInterval
	HasInterval bool
}

// Figure draws the scatter.
func (t Tradeoff) Figure(title, caption string) Figure { return of(t, title, caption) }

func (t Tradeoff) key() legend {
	out := make(legend, len(t.Points))
	for i, pt := range t.Points {
		out[i] = entry{fmt.Sprintf("%d  %s", i+1, pt.Name), func(c draw.Canvas, at vg.Point) { mark(c, i, at, 2.6) }}
	}
	return out
}

func (t Tradeoff) height(width vg.Length) vg.Length { return plotHeight(width, 0.68, t.key()) }

func (t Tradeoff) draw(c draw.Canvas) {
	pl := newPlot(t.XName, t.YName)
	pl.Add(tradeoffPlotter(t))
	pl.X.Min, pl.X.Max, pl.X.Tick.Marker = t.axis()
	pl.drawAbove(c, t.key())
}

// alongCost is where a cost stands on its axis: by its logarithm from about a
// hundredth on, by its size below, so that defenses that cost nothing and those
// that cost a hundredfold both find room.
func alongCost(ratio float64) float64 {
	return math.Copysign(math.Log10(1+math.Abs(ratio)*100), ratio)
}

// axis spans the points, none less than 0 to 10 %.
func (t Tradeoff) axis() (lo, hi float64, ticks plot.ConstantTicks) {
	lo, hi = 0, alongCost(0.1)
	for _, pt := range t.Points {
		lo, hi = min(lo, alongCost(pt.Cost)), max(hi, alongCost(pt.Cost))
	}
	room := (hi - lo) * 0.04
	lo, hi = lo-room, hi+2*room // numbers stand right of marks

	add := func(ratio float64, label string) {
		if v := alongCost(ratio); v >= lo && v <= hi {
			ticks = append(ticks, plot.Tick{Value: v, Label: label})
		}
	}
	add(0, "0")
	for _, sign := range []float64{-1, 1} {
		for d := 0.01; d <= 1e4; d *= 10 {
			add(sign*d, table.Group(table.Fixed(sign*d*100, 0))+" %")
			for k := 2.0; k < 10; k++ {
				add(sign*d*k, "")
			}
		}
	}
	return lo, hi, ticks
}

// tradeoffPlotter is Tradeoff as gonum's Plotter.
type tradeoffPlotter Tradeoff

// Sizes of numbers beside marks, in points.
const (
	numberHigh = 6
	numberFar  = 14 // a number farther from its mark is joined to it by a line
)

// Plot draws onto c; it implements plot.Plotter.
func (t tradeoffPlotter) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	at := func(pt TradeoffPoint) vg.Point { return vg.Point{X: tx(alongCost(pt.Cost)), Y: ty(pt.Share)} }
	shareGrid(c, ty)

	// The front is drawn as steps: between two of its points nothing is known to
	// be better than the more private one at its cost.
	var steps []vg.Point
	for i, pt := range front(t.Points) {
		if i > 0 {
			steps = append(steps, vg.Point{X: at(pt).X, Y: steps[len(steps)-1].Y})
		}
		steps = append(steps, at(pt))
	}
	c.StrokeLines(line(color.Gray{120}, 0.8, 3, 2), steps)

	// Numbers keep off the front, the intervals and all marks, so these are
	// collected before any number is set.
	var taken boxes
	for i := 1; i < len(steps); i++ {
		a, b := steps[i-1], steps[i]
		taken = append(taken, vg.Rectangle{Min: vg.Point{X: min(a.X, b.X), Y: min(a.Y, b.Y)}, Max: vg.Point{X: max(a.X, b.X), Y: max(a.Y, b.Y)}})
	}
	marks := make([]vg.Point, len(t.Points))
	for i, pt := range t.Points {
		marks[i] = at(pt)
		taken = append(taken, around(marks[i], 6, 6))
		if pt.HasInterval {
			x, lo, hi := marks[i].X, ty(pt.Lo), ty(pt.Hi)
			taken = append(taken, vg.Rectangle{Min: vg.Point{X: x - 1, Y: lo}, Max: vg.Point{X: x + 1, Y: hi}})
			c.StrokeLine2(line(okabeIto(i), 0.7), x, lo, x, hi)
		}
	}

	num := typeStyle(smallType)
	for i, at := range marks {
		mark(c, i, at, 2.8)
		name := fmt.Sprint(i + 1)
		spot := taken.place(c, i, marks, num.Width(name)+1)
		if away(spot, at) > numberFar {
			c.StrokeLine2(line(color.Gray{130}, 0.3), at.X, at.Y, spot.X, spot.Y)
			b := around(spot, num.Width(name)+1, numberHigh)
			fillRect(c, color.White, b.Min.X, b.Min.Y, b.Max.X, b.Max.Y)
		}
		c.FillText(num, spot, name)
	}
}

// boxes is what is drawn where no text may lie.
type boxes []vg.Rectangle

// around is a box of the given size.
func around(at vg.Point, w, h vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: at.X - w/2, Y: at.Y - h/2}, Max: vg.Point{X: at.X + w/2, Y: at.Y + h/2}}
}

func away(a, b vg.Point) float64 { return math.Hypot(float64(a.X-b.X), float64(a.Y-b.Y)) }

// meets says whether b lies on any box.
func (t boxes) meets(b vg.Rectangle) bool {
	return slices.ContainsFunc(t, func(o vg.Rectangle) bool {
		return b.Max.X >= o.Min.X && o.Max.X >= b.Min.X && b.Max.Y >= o.Min.Y && o.Max.Y >= b.Min.Y
	})
}

// place is the nearest place for the number of mark own, w wide, where nothing
// is yet; it becomes taken. Where none is free the number lies over something.
func (t *boxes) place(c draw.Canvas, own int, marks []vg.Point, w vg.Length) vg.Point {
	const (
		near = 12 // within it no other mark may be nearer to the number
		over = 4  // points that a number may stick out of the frame
	)
	at := marks[own]

	// Right above first, where readers look for a number, then around; farther
	// out only when all places nearer are taken.
	for _, r := range []float64{9, 12, 16, 21, 27, 34} {
		for _, angle := range []float64{45, 0, -45, 90, 135, 180, 225, 270} {
			sin, cos := math.Sincos(angle * math.Pi / 180)
			q := at.Add(vg.Point{X: vg.Length(r * cos), Y: vg.Length(r * sin)})
			box := around(q, w, numberHigh)
			free := box.Min.X > c.Min.X && box.Min.Y > c.Min.Y && box.Max.X < c.Max.X+over && box.Max.Y < c.Max.Y+over && !t.meets(box)
			for k, m := range marks {
				free = free && (k == own || away(q, m) > away(q, at) || r > near)
			}
			if free {
				*t = append(*t, box)
				return q
			}
		}
	}
	return at.Add(vg.Point{X: 6, Y: 6})
}

// front are the points that no other beats in both, from cheap to private.
func front(pts []TradeoffPoint) []TradeoffPoint {
	var out []TradeoffPoint
	for i, a := range pts {
		beaten := false
		for k, b := range pts {
			better := b.Cost <= a.Cost && b.Share <= a.Share && (b.Cost < a.Cost || b.Share < a.Share)
			twin := b.Cost == a.Cost && b.Share == a.Share && k < i
			beaten = beaten || better || twin
		}
		if !beaten {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b TradeoffPoint) int {
		if a.Cost < b.Cost {
			return -1
		}
		return 1
	})
	return out
}
