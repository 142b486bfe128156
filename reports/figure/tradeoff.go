package figure

import (
	"fmt"
	"image/color"
	"iter"
	"math"
	"math/rand/v2"
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
	// Tip is what readers of a page see when they point at the mark.
	Tip string
}

// Figure draws the scatter.
func (t Tradeoff) Figure(title, caption string) Figure { return of(t, title, caption) }

// key has an entry for each point whose name has no room in the picture; a number
// stands there in its place.
func (t Tradeoff) key(labels []label) legend {
	var out legend
	for i, pt := range t.Points {
		if labels[i].text != pt.Name {
			out = append(out, entry{labels[i].text + "  " + pt.Name, func(c draw.Canvas, at vg.Point) { mark(c, i, at, 2.6) }})
		}
	}
	return out
}

func (t Tradeoff) height(width vg.Length) vg.Length {
	labels, _ := t.layout(width)
	return plotHeight(width, tradeoffPart, t.key(labels))
}

// tradeoffPart is the height of the plot in parts of its width.
const tradeoffPart = 0.68

func (t Tradeoff) draw(c draw.Canvas) {
	labels, at := t.layout(c.Max.X - c.Min.X)
	t.plot(labels, at).drawAbove(c, t.key(labels))
}

// plot is the picture without a legend.
func (t Tradeoff) plot(labels []label, from vg.Point) axes {
	pl := newPlot(t.XName, t.YName)
	pl.Add(tradeoffPlotter{t, labels, from})
	pl.X.Min, pl.X.Max, pl.X.Tick.Marker = t.axis()
	return pl
}

// layout finds places for the names of all points in a picture so wide, which
// decides how high its legend is, and so comes before anything is drawn. Places are
// those of a picture whose data begin at from.
func (t Tradeoff) layout(width vg.Length) (labels []label, from vg.Point) {
	pl := t.plot(nil, vg.Point{})
	data := pl.dataOf(draw.Canvas{Rectangle: vg.Rectangle{Max: vg.Point{X: width, Y: barePlot(width, tradeoffPart)}}})
	tx, ty := pl.Transforms(&data)
	steps, marks := t.steps(tx, ty), make([]vg.Point, len(t.Points))

	// Names keep off the front, the intervals and all marks, so these are collected
	// before any name is set.
	var taken boxes
	for i := 1; i < len(steps); i++ {
		a, b := steps[i-1], steps[i]
		taken = append(taken, vg.Rectangle{Min: vg.Point{X: min(a.X, b.X), Y: min(a.Y, b.Y)}, Max: vg.Point{X: max(a.X, b.X), Y: max(a.Y, b.Y)}})
	}
	for i, pt := range t.Points {
		marks[i] = vg.Point{X: tx(alongCost(pt.Cost)), Y: ty(pt.Share)}
		taken = append(taken, around(marks[i], 6, 6))
		if pt.HasInterval {
			taken = append(taken, vg.Rectangle{Min: vg.Point{X: marks[i].X - 1, Y: ty(pt.Lo)}, Max: vg.Point{X: marks[i].X + 1, Y: ty(pt.Hi)}})
		}
	}
	names := make([]string, len(t.Points))
	for i, pt := range t.Points {
		names[i] = pt.Name
	}
	return placing{in: data.Rectangle, marks: marks, taken: taken}.all(names), data.Min
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

// tradeoffPlotter is Tradeoff as gonum's Plotter, with its labels.
type tradeoffPlotter struct {
	Tradeoff
	labels []label
	from   vg.Point
}

// steps are those of the front: between two of its points nothing is known to be
// better than the more private one at its cost.
func (t Tradeoff) steps(tx, ty func(float64) vg.Length) []vg.Point {
	var out []vg.Point
	for i, pt := range front(t.Points) {
		at := vg.Point{X: tx(alongCost(pt.Cost)), Y: ty(pt.Share)}
		if i > 0 {
			out = append(out, vg.Point{X: at.X, Y: out[len(out)-1].Y})
		}
		out = append(out, at)
	}
	return out
}

// Plot draws onto c; it implements plot.Plotter.
func (t tradeoffPlotter) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	shareGrid(c, ty)
	c.StrokeLines(line(color.Gray{120}, 0.8, 3, 2), t.steps(tx, ty))
	for i, pt := range t.Points {
		if pt.HasInterval {
			x := tx(alongCost(pt.Cost))
			c.StrokeLine2(line(okabeIto(i), 0.7), x, ty(pt.Lo), x, ty(pt.Hi))
		}
	}

	// A leader ends at its mark, so marks and names come after all leaders.
	labels := slices.Clone(t.labels)
	for i := range labels {
		labels[i].at = labels[i].at.Add(c.Min.Sub(t.from))
		labels[i].mark = labels[i].mark.Add(c.Min.Sub(t.from))
		if l := labels[i]; l.far {
			// A text above or below its mark is met at its edge, not in its middle.
			if l.side == float64(center) {
				l.at.Y += vg.Length(math.Copysign(3.5, float64(l.mark.Y-l.at.Y)))
			}
			c.StrokeLine2(line(color.Gray{130}, 0.3), l.mark.X, l.mark.Y, l.at.X, l.at.Y)
		}
	}
	for i, pt := range t.Points {
		tip(c, pt.Tip, func() { mark(c, i, vg.Point{X: tx(alongCost(pt.Cost)), Y: ty(pt.Share)}, 2.8) })
		c.FillText(aligned(smallType, labels[i].side, center), labels[i].at, labels[i].text)
	}
}

// label is a text beside a mark, which a line joins to it where it is far.
type label struct {
	text     string
	at, mark vg.Point
	side     float64 // of the text that is at at
	far      bool
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

// placing finds room for texts beside marks.
type placing struct {
	in    vg.Rectangle
	marks []vg.Point
	taken boxes // where no text may lie
	apart boxes // what no leader may cross: texts and other leaders
	texts boxes // what no text may ever lie on
}

// all finds places for the names of all marks, and for their numbers where a name
// has none. Whoever chooses first takes room from others, so many orders are tried,
// and the one is kept that leaves the fewest without a name, then names nearest.
func (g placing) all(names []string) []label {
	const (
		tries    = 40
		unnamed  = 1000 // what a name without room costs, in points of distance
		unplaced = 5000 // what a number without room costs
	)
	order := make([]int, len(names))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(names[b]) - len(names[a]) })

	var best []label
	least := math.Inf(1)
	random := rand.New(rand.NewPCG(1, 1)) // the same each time
	for range tries {
		out, cost := make([]label, len(names)), 0.0
		try := placing{in: g.in, marks: g.marks, taken: slices.Clone(g.taken)}
		for _, i := range order {
			l, ok := try.place(i, names[i])
			if !ok {
				cost += unnamed
				if l, ok = try.place(i, fmt.Sprint(i+1)); !ok {
					l = try.squeeze(i, fmt.Sprint(i+1))
					cost += unplaced
				}
			}
			out[i], cost = l, cost+away(l.at, l.mark)
		}
		if cost < least {
			best, least = out, cost
		}
		random.Shuffle(len(order), func(a, b int) { order[a], order[b] = order[b], order[a] })
	}
	return best
}

// place finds the nearest place for the text of a mark where nothing is yet; it
// becomes taken. Where none is free ok is false.
func (g *placing) place(own int, text string) (l label, ok bool) {
	for l, box := range g.places(own, text) {
		// A text that no line joins to its mark must be nearer to it than to others,
		// and a line must lead past all others.
		leader := l.leader()
		past := func(m vg.Point) bool { return m != l.mark && leader.meets(around(m, 6, 6)) }
		if g.taken.meets(box) || slices.ContainsFunc(leader, g.apart.meets) || !l.far && !g.nearest(l) || slices.ContainsFunc(g.marks, past) {
			continue
		}
		g.take(box, leader)
		return l, true
	}
	return label{}, false
}

// squeeze finds a place for a text that has none which is free: it may lie over
// intervals, the front and leaders, but over no other text. Its line leads to its mark
// past no more than the texts.
func (g *placing) squeeze(own int, text string) label {
	last := label{text, g.marks[own].Add(vg.Point{X: 6, Y: 6}), g.marks[own], left, false}
	for _, past := range []boxes{append(g.around(), g.texts...), g.texts} {
		for l, box := range g.places(own, text) {
			l.far = l.far || !g.nearest(l)
			if leader := l.leader(); !past.meets(box) && !slices.ContainsFunc(leader, g.texts.meets) {
				g.take(box, leader)
				return l
			}
		}
	}
	return last
}

// around are the marks as boxes.
func (g *placing) around() boxes {
	var out boxes
	for _, m := range g.marks {
		out = append(out, around(m, 6, 6))
	}
	return out
}

// nearest says whether no mark is nearer to a text than its own.
func (g *placing) nearest(l label) bool {
	return !slices.ContainsFunc(g.marks, func(m vg.Point) bool { return m != l.mark && away(l.at, m) <= away(l.at, l.mark)+2 })
}

// take notes what a text and its line lie on.
func (g *placing) take(box vg.Rectangle, leader boxes) {
	g.texts = append(g.texts, box)
	g.apart = append(append(g.apart, box), leader...)
	g.taken = append(append(g.taken, box), leader...)
}

// places are those inside of the frame where the text of a mark may stand, with the
// boxes that it fills there: right first, where readers look for a name, then around,
// farther out only behind all that are nearer.
func (g *placing) places(own int, text string) iter.Seq2[label, vg.Rectangle] {
	const (
		near = 14  // farther away a line joins text and mark
		over = 4   // points that a text may stick out of the frame
		high = 7.5 // of a line of text
		off  = 1   // between text and what is beside it
	)
	at := g.marks[own]
	w := typeStyle(smallType).Width(text)
	return func(yield func(label, vg.Rectangle) bool) {
		for _, r := range []float64{6, 9, 12, 17, 23, 30, 38, 47} {
			for _, angle := range []float64{0, 30, -30, 180, 150, -150, 90, -90, 60, -60, 120, -120} {
				sin, cos := math.Sincos(angle * math.Pi / 180)
				q := at.Add(vg.Point{X: vg.Length(r * cos), Y: vg.Length(r * sin)})
				side := float64(center)
				x0 := q.X - w/2
				switch {
				case cos > 0.1:
					side, x0 = left, q.X
				case cos < -0.1:
					side, x0 = right, q.X-w
				}
				box := vg.Rectangle{Min: vg.Point{X: x0 - off, Y: q.Y - high/2}, Max: vg.Point{X: x0 + w + off, Y: q.Y + high/2}}
				inside := box.Min.X > g.in.Min.X && box.Min.Y > g.in.Min.Y && box.Max.X < g.in.Max.X+over && box.Max.Y < g.in.Max.Y+over
				if inside && !yield(label{text, q, at, side, r > near}, box) {
					return
				}
			}
		}
	}
}

// leader is the line from mark to text as boxes so small that they cover little
// else; none for a text that has none.
func (l label) leader() boxes {
	const step, beyond = 2.5, 5 // beyond the mark itself
	var out boxes
	if length := away(l.at, l.mark); l.far {
		for d := float64(beyond); d < length-1; d += step {
			out = append(out, around(l.mark.Add(l.at.Sub(l.mark).Scale(vg.Length(d/length))), 1, 1))
		}
	}
	return out
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
