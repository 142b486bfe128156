package reports

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"veilbench/bench/results"
)

// heatCell is a square of a heat map: a value from 0 to 1, or a word.
type heatCell struct {
	v    float64
	text string
	ok   bool
}

// heat is a matrix with named rows and columns.
type heat struct {
	rows, cols []string
	cells      [][]heatCell
	xName      string // below the columns
	yName      string // left of the rows
	scale      string // what the colors mean; empty draws no scale
	small      bool   // cells are too many for numbers
}

const (
	heatRow   = 15
	heatGap   = 4
	heatScale = 34 // room for the scale of colors
)

// labelRoom is the width of the row labels at a width of the figure.
func (h heat) labelRoom(width vg.Length) vg.Length {
	sty := typeStyle(smallType)
	var w vg.Length
	for _, r := range h.rows {
		w = max(w, sty.Width(r))
	}
	return min(w, 0.42*width) + heatGap + 2
}

// columnWidth is the width of a cell; tilt says that heads must be set at an
// angle.
func (h heat) columns(width vg.Length) (w vg.Length, tilt bool) {
	w = (width - h.labelRoom(width) - h.yRoom() - h.scaleRoom() - 4) / vg.Length(len(h.cols))
	sty := typeStyle(smallType)
	for _, c := range h.cols {
		tilt = tilt || sty.Width(c) > w-3
	}
	return w, tilt
}

// angle is that of heads which are too wide for their column: upright where
// slanted ones would run into each other.
func (h heat) angle(width vg.Length) float64 {
	if w, _ := h.columns(width); w < 12 {
		return math.Pi / 2
	}
	return math.Pi / 4
}

func (h heat) yRoom() vg.Length {
	if h.yName == "" {
		return 0
	}
	return 12
}

func (h heat) scaleRoom() vg.Length {
	if h.scale == "" {
		return 0
	}
	return heatScale
}

// headRoom is the height below the cells.
func (h heat) headRoom(width vg.Length) vg.Length {
	sty := typeStyle(smallType)
	room := vg.Length(10)
	if _, tilt := h.columns(width); tilt {
		var w vg.Length
		for _, c := range h.cols {
			w = max(w, sty.Width(c))
		}
		room = min(w, 0.4*width)*vg.Length(math.Sin(h.angle(width))) + 8
	}
	if h.xName != "" {
		room += 11
	}
	return room
}

func (h heat) height(width vg.Length) vg.Length {
	return max(vg.Length(len(h.rows))*heatRow, 4*heatRow) + h.headRoom(width) + heatGap + 4
}

// draw paints the first row at the top, like a table.
func (h heat) draw(c draw.Canvas) {
	width := c.Max.X - c.Min.X
	cw, tilt := h.columns(width)
	x0 := c.Min.X + h.labelRoom(width) + h.yRoom()
	y0 := c.Min.Y + h.headRoom(width) + heatGap
	rowH := (c.Max.Y - 4 - y0) / vg.Length(len(h.rows))
	label := aligned(smallType, right, center)
	for i, name := range h.rows {
		y1 := c.Max.Y - 4 - vg.Length(i)*rowH
		c.FillText(label, vg.Point{X: x0 - heatGap, Y: y1 - rowH/2}, fit(label, name, x0-c.Min.X-h.yRoom()-heatGap-1))
		for k, cell := range h.cells[i] {
			h.drawCell(c, cell, x0+vg.Length(k)*cw, y1-rowH, cw, rowH)
		}
	}
	head := aligned(smallType, center, top)
	if tilt {
		head = aligned(smallType, right, center)
		head.Rotation = h.angle(width)
	}
	for k, name := range h.cols {
		c.FillText(head, vg.Point{X: x0 + (vg.Length(k)+0.5)*cw, Y: y0 - 3}, fit(head, name, 0.4*width))
	}
	mid := aligned(labelType, center, bottom)
	if h.xName != "" {
		c.FillText(mid, vg.Point{X: x0 + cw*vg.Length(len(h.cols))/2, Y: c.Min.Y + 1}, h.xName)
	}
	if h.yName != "" {
		side := aligned(labelType, center, top)
		side.Rotation = math.Pi / 2
		c.FillText(side, vg.Point{X: c.Min.X + 1, Y: (y0 + c.Max.Y) / 2}, h.yName)
	}
	if h.scale != "" {
		h.drawScale(c, x0+cw*vg.Length(len(h.cols))+6, y0)
	}
}

func (h heat) drawCell(c draw.Canvas, cell heatCell, x, y, w, rowH vg.Length) {
	col := color.NRGBA{220, 220, 220, 255}
	if cell.ok {
		col = blues(cell.v)
	}
	fillRect(c, col, x, y, x+w, y+rowH)
	c.StrokeLines(line(color.White, 0.5), []vg.Point{{X: x, Y: y}, {X: x + w, Y: y}, {X: x + w, Y: y + rowH}, {X: x, Y: y + rowH}, {X: x, Y: y}})
	if h.small {
		return
	}
	sty := typeStyle(smallType)
	sty.Color = inkOn(col)
	if sty.Width(cell.text) > w-1 {
		sty.Font.Size = max(4.5, sty.Font.Size*(w-1)/sty.Width(cell.text))
	}
	c.FillText(sty, vg.Point{X: x + w/2, Y: y + rowH/2}, fit(sty, cell.text, w))
}

// drawScale draws the colors from 0 to 1 with what they mean.
func (h heat) drawScale(c draw.Canvas, x, y0 vg.Length) {
	const steps = 64
	y1 := c.Max.Y - 4
	for i := range steps {
		lo := y0 + (y1-y0)*vg.Length(i)/steps
		fillRect(c, blues((float64(i)+0.5)/steps), x, lo, x+7, lo+(y1-y0)/steps+0.3)
	}
	num := aligned(smallType, left, center)
	for _, t := range []struct {
		v float64
		s string
	}{{0, "0"}, {0.5, "0.5"}, {1, "1"}} {
		y := y0 + (y1-y0)*vg.Length(t.v)
		c.StrokeLine2(line(color.Black, 0.5), x+7, y, x+9, y)
		c.FillText(num, vg.Point{X: x + 10, Y: min(max(y, y0+3), y1-3)}, t.s)
	}
	side := aligned(smallType, center, top)
	side.Rotation = math.Pi / 2
	c.FillText(side, vg.Point{X: x + 20, Y: (y0 + y1) / 2}, fit(side, h.scale, y1-y0))
}

// heatMaps draws one map for each panel: the headline metric of each attack
// with the knowledge that serves it best.
func (s *Set) heatMaps() []Figure {
	var out []Figure
	for _, p := range s.panels {
		metric, _ := s.headlineOf(p)
		h := heat{scale: metricName(metric)}
		attacks := s.attacksOf(p)
		for _, a := range attacks {
			h.cols = append(h.cols, s.names.of(a))
		}
		for _, d := range s.defenses[p] {
			h.rows = append(h.rows, s.defenseLabel(d).Text)
			row := make([]heatCell, len(attacks))
			for i, a := range attacks {
				row[i] = s.bestOf(p, d, a, metric)
			}
			h.cells = append(h.cells, row)
		}
		out = append(out, Figure{
			Title: fmt.Sprintf("%s of each attack on each defense: %s", firstUpper(metricName(metric)), p.about()),
			Caption: s.caption(p, fmt.Sprintf("%s of each attack on each defense, with the knowledge of the defense that serves the attack best. Darker means that more is learned.",
				firstUpper(metricName(metric))), s.defenses[p], attacks),
			height: h.height, draw: h.draw,
		})
	}
	return out
}

// attacksOf are the attacks of a panel whatever they know, controls last.
func (s *Set) attacksOf(p Panel) []string {
	var out []string
	for _, a := range s.attackers[p] {
		if !slices.Contains(out, a.Attack) {
			out = append(out, a.Attack)
		}
	}
	slices.SortStableFunc(out, func(a, b string) int {
		return s.compareAttackers(Attacker{Attack: a}, Attacker{Attack: b})
	})
	return out
}

// bestOf is the highest score of an attack over what it may know. A failure of
// any of these is said, not left out.
func (s *Set) bestOf(p Panel, d, attack, metric string) heatCell {
	out := heatCell{text: "–"}
	for _, a := range s.attackers[p] {
		if a.Attack != attack {
			continue
		}
		v, n, failed, ok := s.compute(Origin{Op: Mean, Metric: metric, Panel: p, Defense: d, Attacker: a})
		switch {
		case failed > 0:
			return heatCell{text: "failed"}
		case n > 0 && !ok && !out.ok:
			out.text = "n/a"
		case ok && (!out.ok || v > out.v):
			out = heatCell{v: v, text: score(v), ok: true}
		}
	}
	return out
}

// caption adds to what a figure shows whose data it is.
func (s *Set) caption(p Panel, what string, defenses, attacks []string) string {
	_, floor := s.headlineOf(p)
	out := what + " Data " + p.Dataset + ", seen " + whereName(p.Vantage) + ". " + s.countNote(p, floor) + " Seed " + s.seeds() + "."
	for _, n := range append(s.stamps(p), s.idNotes(defenses, attacks)...) {
		out += " " + n
	}
	return out
}

func (s *Set) seeds() string {
	var out []string
	for i := range s.results {
		out = append(out, fmt.Sprint(s.results[i].Cell.Seed))
	}
	return list(out)
}

// tradePoint is a defense in the plane of cost and leak.
type tradePoint struct {
	label  string
	x, y   float64 // place of the bytes added on their axis; advantage
	lo, hi float64
	bars   bool
}

// tradeoffs draws one scatter for each panel.
func (s *Set) tradeoffs() []Figure {
	sums := s.summaries()
	var out []Figure
	for _, p := range s.panels {
		var pts []tradePoint
		var left []string
		for _, d := range s.defenses[p] {
			m, ok := sums[subject{p, d}]
			over, _, _, costOK := s.compute(Origin{Op: Overhead, Metric: "overhead", Panel: p, Defense: d})
			if !ok || !costOK || m.Attack == "" {
				left = append(left, s.names.of(d))
				continue
			}
			pts = append(pts, tradePoint{label: s.defenseLabel(d).Text, x: alongCost(over), y: m.Advantage, lo: m.Lo, hi: m.Hi, bars: m.HasInterval})
		}
		if len(pts) == 0 {
			continue
		}
		out = append(out, s.tradeoff(p, pts, left))
	}
	return out
}

func (s *Set) tradeoff(p Panel, pts []tradePoint, left []string) Figure {
	what := fmt.Sprintf("What the best attack learns against what the defense sends, with %.0f %% intervals where there are enough groups. The line joins the defenses that no other beats in both.", 100*results.Level)
	if len(left) > 0 {
		what += fmt.Sprintf(" Not shown, for want of a result: %s.", list(left))
	}
	key := make([]keyEntry, len(pts))
	for i, pt := range pts {
		key[i] = keyEntry{fmt.Sprintf("%d  %s", i+1, pt.label), func(c draw.Canvas, at vg.Point) { mark(c, i, at, 2.6) }}
	}
	return Figure{
		Title:   "Privacy against cost: " + p.about(),
		Caption: s.caption(p, what, s.defenses[p], nil),
		height:  func(w vg.Length) vg.Length { return min(0.68*w, 3*vg.Inch) + keyHeight(key, w) },
		draw: func(c draw.Canvas) {
			kh := keyHeight(key, c.Max.X-c.Min.X)
			pl := newPlot("bytes added by the defense", "advantage of the best attack")
			pl.Add(tradeMarks{pts})
			pl.Y.Min, pl.Y.Max = 0, 1
			pl.Y.Tick.Marker = share01()
			pl.X.Min, pl.X.Max, pl.X.Tick.Marker = addedAxis(pts)
			pl.draw(draw.Crop(c, 0, 0, kh, 0))
			drawKey(draw.Crop(c, 0, 0, 0, -(c.Max.Y-c.Min.Y-kh)), key)
		},
	}
}

// mark draws the sign of series i.
func mark(c draw.Canvas, i int, at vg.Point, r vg.Length) {
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: okabeIto(i), Radius: r, Shape: glyph(i)}, at)
}

// alongCost is where an overhead stands on its axis: by its logarithm from about a
// hundredth on, by its size below, so that defenses that cost nothing and those
// that cost a hundredfold both find room.
func alongCost(over float64) float64 {
	return math.Copysign(math.Log10(1+math.Abs(over)*100), over)
}

// addedAxis spans the points, none less than 0 to 10 %.
func addedAxis(pts []tradePoint) (lo, hi float64, ticks plot.ConstantTicks) {
	lo, hi = 0, alongCost(0.1)
	for _, pt := range pts {
		lo, hi = min(lo, pt.x), max(hi, pt.x)
	}
	room := (hi - lo) * 0.04
	lo, hi = lo-room, hi+2*room
	add := func(over float64, label string) {
		if v := alongCost(over); v >= lo && v <= hi {
			ticks = append(ticks, plot.Tick{Value: v, Label: label})
		}
	}
	add(0, "0")
	for _, sign := range []float64{-1, 1} {
		for d := 0.01; d <= 1e4; d *= 10 {
			add(sign*d, group(fixed(sign*d*100, 0))+" %")
			for k := 2.0; k < 10; k++ {
				add(sign*d*k, "")
			}
		}
	}
	return lo, hi, ticks
}

// tradeMarks draws the points, their intervals, numbers and the front.
type tradeMarks struct{ pts []tradePoint }

// Plot draws onto c; it implements plot.Plotter.
func (t tradeMarks) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	for _, y := range []float64{0.25, 0.5, 0.75, 1} {
		c.StrokeLine2(line(color.Gray{225}, 0.4), c.Min.X, ty(y), c.Max.X, ty(y))
	}
	var steps []vg.Point
	for i, pt := range front(t.pts) {
		at := vg.Point{X: tx(pt.x), Y: ty(pt.y)}
		if i > 0 {
			steps = append(steps, vg.Point{X: at.X, Y: steps[len(steps)-1].Y})
		}
		steps = append(steps, at)
	}
	c.StrokeLines(line(color.Gray{120}, 0.8, 3, 2), steps)
	num := typeStyle(smallType)
	var taken []vg.Rectangle
	for i := 1; i < len(steps); i++ {
		a, b := steps[i-1], steps[i]
		taken = append(taken, vg.Rectangle{Min: vg.Point{X: min(a.X, b.X), Y: min(a.Y, b.Y)}, Max: vg.Point{X: max(a.X, b.X), Y: max(a.Y, b.Y)}})
	}
	marks := make([]vg.Point, len(t.pts))
	for i, pt := range t.pts {
		at := vg.Point{X: tx(pt.x), Y: ty(pt.y)}
		marks[i] = at
		taken = append(taken, around(at, 6, 6))
		if pt.bars {
			taken = append(taken, vg.Rectangle{Min: vg.Point{X: at.X - 1, Y: ty(pt.lo)}, Max: vg.Point{X: at.X + 1, Y: ty(pt.hi)}})
			c.StrokeLine2(line(okabeIto(i), 0.7), at.X, ty(pt.lo), at.X, ty(pt.hi))
		}
	}
	for i, at := range marks {
		mark(c, i, at, 2.8)
		name := fmt.Sprint(i + 1)
		spot := freeSpot(c, i, marks, num.Width(name)+1, &taken)
		if far := spot.Sub(at); math.Hypot(float64(far.X), float64(far.Y)) > 14 {
			c.StrokeLine2(line(color.Gray{130}, 0.3), at.X, at.Y, spot.X, spot.Y)
			b := around(spot, num.Width(name)+1, 6)
			fillRect(c, color.White, b.Min.X, b.Min.Y, b.Max.X, b.Max.Y)
		}
		c.FillText(num, spot, name)
	}
}

// around is a box of the given size.
func around(at vg.Point, w, h vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: at.X - w/2, Y: at.Y - h/2}, Max: vg.Point{X: at.X + w/2, Y: at.Y + h/2}}
}

// freeSpot is the nearest place for the number of a mark where nothing is yet
// and no other mark is nearer; it becomes taken.
func freeSpot(c draw.Canvas, own int, marks []vg.Point, w vg.Length, taken *[]vg.Rectangle) vg.Point {
	at := marks[own]
	away := func(a, b vg.Point) float64 { return math.Hypot(float64(a.X-b.X), float64(a.Y-b.Y)) }
	for _, r := range []float64{9, 12, 16, 21, 27, 34} {
		for _, angle := range []float64{45, 0, -45, 90, 135, 180, 225, 270} {
			sin, cos := math.Sincos(angle * math.Pi / 180)
			q := at.Add(vg.Point{X: vg.Length(r * cos), Y: vg.Length(r * sin)})
			box := around(q, w, 6)
			free := box.Min.X > c.Min.X && box.Min.Y > c.Min.Y && box.Max.X < c.Max.X+4 && box.Max.Y < c.Max.Y+4
			for k, m := range marks {
				free = free && (k == own || away(q, m) > away(q, at) || r > 12)
			}
			for _, o := range *taken {
				free = free && (box.Max.X < o.Min.X || o.Max.X < box.Min.X || box.Max.Y < o.Min.Y || o.Max.Y < box.Min.Y)
			}
			if free {
				*taken = append(*taken, box)
				return q
			}
		}
	}
	return at.Add(vg.Point{X: 6, Y: 6})
}

// DataRange spans the points; it implements plot.DataRanger.
func (t tradeMarks) DataRange() (xmin, xmax, ymin, ymax float64) {
	var xy plotter.XYs
	for _, pt := range t.pts {
		xy = append(xy, plotter.XY{X: pt.x, Y: pt.y})
	}
	return plotter.XYRange(xy)
}

// front are the points that no other beats in both, from cheap to private.
func front(pts []tradePoint) []tradePoint {
	var out []tradePoint
	for i, a := range pts {
		beaten := false
		for k, b := range pts {
			better := b.x <= a.x && b.y <= a.y && (b.x < a.x || b.y < a.y)
			twin := b.x == a.x && b.y == a.y && k < i
			beaten = beaten || better || twin
		}
		if !beaten {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b tradePoint) int {
		if a.x < b.x {
			return -1
		}
		return 1
	})
	return out
}
