package figure

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"veilbench/reports/table"
)

// Bars are shares from 0 to 1 as horizontal bars, in groups below each other:
// names of groups are too long to stand below a bar.
type Bars struct {
	// Groups names the groups, Keys the bars of each.
	Groups, Keys []string
	XName        string
	// Series has for each of Keys a bar in each of Groups.
	Series [][]Bar
	// Controls is how many of the last Keys are set apart in gray.
	Controls int
}

// Bar is one bar with its interval. One that is not OK is marked by a cross, or
// by Word where that says why.
type Bar struct {
	Share, Lo, Hi   float64
	OK, HasInterval bool
	Word            string
	// Tip is what readers of a page see when they point at the bar.
	Tip string
}

// Figure draws the bars.
func (g Bars) Figure(title, caption string) Figure { return of(g, title, caption) }

// Sizes in points.
const (
	barHeight = 6
	barGap    = 5   // between groups
	barAxis   = 24  // the axis and its name
	barRight  = 8   // half of the last label of the axis
	barSpace  = .4  // above and below a bar
	barTiny   = 1   // a bar shorter than that has its number beside it: nobody would see it
	barTip    = 1.3 // half of the stroke at an end of an interval
)

func (g Bars) key() legend {
	var out legend
	for i, k := range g.Keys {
		out = append(out, swatch(k, g.color(i), 4))
	}
	return out
}

// color is that of bar i of each group.
func (g Bars) color(i int) color.Color {
	if i >= len(g.Keys)-g.Controls {
		return color.Gray{170}
	}
	return okabeIto(i)
}

func (g Bars) height(width vg.Length) vg.Length {
	group := vg.Length(len(g.Series))*barHeight + barGap + 1
	return vg.Length(len(g.Groups))*group + barAxis + 2 + g.key().height(width)
}

func (g Bars) draw(c draw.Canvas) {
	key := g.key()
	key.draw(c)
	c = draw.Crop(c, 0, -barRight, 0, -key.height(c.Max.X-c.Min.X))
	x0, y0 := c.Min.X+rowRoom(g.Groups, c.Max.X-c.Min.X), c.Min.Y+barAxis
	x := func(share float64) vg.Length { return x0 + (c.Max.X-x0)*vg.Length(share) }

	// The grid lies behind the bars, the axis above their ends.
	for _, t := range share01() {
		c.StrokeLine2(gridLine(), x(t.Value), y0, x(t.Value), c.Max.Y)
		if t.Label != "" {
			c.FillText(aligned(smallType, center, top), vg.Point{X: x(t.Value), Y: y0 - 3}, t.Label)
		}
	}
	c.FillText(aligned(labelType, center, bottom), vg.Point{X: x(0.5), Y: c.Min.Y + edge}, g.XName)

	step := (c.Max.Y - y0) / vg.Length(len(g.Groups))
	h := (step - barGap) / vg.Length(len(g.Series))
	label := aligned(smallType, right, center)
	for i, name := range g.Groups {
		yTop := c.Max.Y - vg.Length(i)*step - barGap/2.
		c.FillText(label, vg.Point{X: x0 - nameGap, Y: yTop - (step-barGap)/2}, fit(label, name, x0-c.Min.X-nameGap-edge))
		for k, row := range g.Series {
			tip(c, row[i].Tip, func() { row[i].draw(c, g.color(k), x, yTop-vg.Length(k)*h, h) })
		}
	}
	c.StrokeLine2(frameLine(), x0, y0, x0, c.Max.Y)
}

// draw draws a bar of height h down from y.
func (b Bar) draw(c draw.Canvas, col color.Color, x func(float64) vg.Length, y, h vg.Length) {
	mid := y - h/2
	if !b.OK {
		sty, word := aligned(smallType, left, center), "×"
		if b.Word != "" {
			sty, word = aligned(smallType-2, left, center), b.Word
		}
		c.FillText(sty, vg.Point{X: x(0) + 2, Y: mid}, word)
		return
	}
	fillRect(c, col, x(0), y-h+barSpace, x(b.Share), y-barSpace)
	if x(b.Share)-x(0) < barTiny {
		c.FillText(aligned(smallType-2, left, center), vg.Point{X: max(x(0), x(b.Hi)) + 3, Y: mid}, table.Score(b.Share))
	}
	if b.HasInterval {
		c.StrokeLine2(frameLine(), x(b.Lo), mid, x(b.Hi), mid)
		for _, end := range []float64{b.Lo, b.Hi} {
			c.StrokeLine2(frameLine(), x(end), mid-barTip, x(end), mid+barTip)
		}
	}
}
