package figure

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Strips draws days as strips of colored hours, one below the other, in panels: a
// diary as it was, and below it the same days as somebody read them.
type Strips struct {
	// States are what colors stand for, in the order of StripPanel.Days; a state has a
	// height, too, so that the strips read without color.
	States []string
	Panels []StripPanel
}

// StripPanel is some days.
type StripPanel struct {
	// Title stands above the panel at the left, Note at the right.
	Title, Note string
	// Days holds, for each day, an index of States for each of its equal parts from
	// midnight on; below 0 nothing is known. All days have as many parts.
	Days [][]int
	// Lines holds, for each day, the parts that have a line below the strip.
	Lines [][]bool
}

// Figure draws the panels; line is what the line below a strip means, "" for none.
func (s Strips) Figure(title, caption, line string) Figure {
	return of(stripPlan{s, line}, title, caption)
}

// stripPlan is Strips with the meaning of the line.
type stripPlan struct {
	Strips
	line string
}

// Sizes in points.
const (
	stripDay   = 9   // a day with its line
	stripHigh  = 6.5 // the strip of a day
	stripLine  = 1.2 // the line below it
	stripTitle = 11
	stripGap   = 4
	stripFoot  = 20 // hours
	stripLeft  = 22 // numbers of days
	stripRight = 6
)

// stripColor is that of a state, and stripRise the part of the height that it fills:
// the states differ in gray and in shape.
func stripColor(i int) color.Color {
	return []color.Color{okabeIto(0), okabeIto(1), color.Gray{225}, okabeIto(2), okabeIto(5)}[i%5]
}

func stripRise(i int) vg.Length { return []vg.Length{1, 1, 0.35, 0.7, 0.5}[i%5] }

func (s stripPlan) legend() legend {
	var out legend
	for i, name := range s.States {
		out = append(out, swatch(name, stripColor(i), 5))
	}
	if s.line != "" {
		out = append(out, entry{s.line, func(c draw.Canvas, at vg.Point) {
			fillRect(c, color.Black, at.X-5, at.Y-stripLine/2, at.X+5, at.Y+stripLine/2)
		}})
	}
	return out
}

func (s stripPlan) height(width vg.Length) vg.Length {
	h := s.legend().height(width) + stripFoot
	for _, p := range s.Panels {
		h += stripTitle + vg.Length(len(p.Days))*stripDay + stripGap
	}
	return h
}

func (s stripPlan) draw(c draw.Canvas) {
	l := s.legend()
	l.draw(c)
	x0, x1 := c.Min.X+stripLeft, c.Max.X-stripRight
	y := c.Max.Y - l.height(c.Max.X-c.Min.X)
	for _, p := range s.Panels {
		laneHead(c, p.Title, p.Note, x0, x1, y-stripTitle/2)
		y -= stripTitle
		for d := range p.Days {
			p.day(c, d, x0, x1, y)
			y -= stripDay
		}
		y -= stripGap
	}

	// Every six hours are enough for a reader to find noon and midnight.
	for h := 0; h <= 24; h += 6 {
		x := x0 + (x1-x0)*vg.Length(h)/24
		c.StrokeLine2(axisLine(), x, y+stripGap/2, x, y+stripGap/2-tick)
		c.FillText(aligned(smallType, center, top), vg.Point{X: x, Y: y + stripGap/2 - tick}, fmt.Sprint(h))
	}
	c.StrokeLine2(axisLine(), x0, y+stripGap/2, x1, y+stripGap/2)
	c.FillText(aligned(smallType, center, bottom), vg.Point{X: (x0 + x1) / 2, Y: c.Min.Y + edge}, "hour of day")
}

// day draws one day downwards from y. Equal parts side by side are one rectangle,
// which keeps files small.
func (p StripPanel) day(c draw.Canvas, d int, x0, x1, y vg.Length) {
	c.FillText(aligned(smallType, right, center), vg.Point{X: x0 - 3, Y: y - stripHigh/2}, fmt.Sprint(d+1))
	parts := p.Days[d]
	at := func(i int) vg.Length { return x0 + (x1-x0)*vg.Length(i)/vg.Length(len(parts)) }
	bottom := y - stripHigh
	for i := 0; i < len(parts); {
		k := i + 1
		for k < len(parts) && parts[k] == parts[i] {
			k++
		}
		if s := parts[i]; s >= 0 {
			fillRect(c, stripColor(s), at(i), bottom, at(k), bottom+stripHigh*stripRise(s))
		}
		i = k
	}
	if d >= len(p.Lines) {
		return
	}

	// The line touches no strip, or it would be one more height.
	for i := 0; i < len(p.Lines[d]); i++ {
		k := i
		for k < len(p.Lines[d]) && p.Lines[d][k] {
			k++
		}
		if k > i {
			fillRect(c, color.Black, at(i), bottom-0.4-stripLine, at(k), bottom-0.4)
			i = k
		}
	}
}
