package figure

import (
	"image/color"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Dots are shares from 0 to 1 of named rows: several signs in a row, one below the
// other and joined by a line, so that a short line says that they are alike. Names
// and notes of rows stand beside them and need no legend.
type Dots struct {
	// Rows names the rows, RowsName what they are; NotesName is what Notes are.
	XName, RowsName, NotesName string
	// Keys are what the signs stand for, in the order of DotRow.Points.
	Keys []string
	Rows []DotRow
}

// DotRow is a row. A point that is Missing is not drawn; Word stands in place of
// points where there is none.
type DotRow struct {
	Name, Note, Word string
	Points           []Point
}

// Figure draws the rows.
func (d Dots) Figure(title, caption string) Figure { return of(d, title, caption) }

// Sizes in points.
const (
	dotStep  = 4.2 // from one sign of a row to the next below it
	dotRow   = 6.5 // what a row is higher than its signs
	dotAxis  = 24  // the axis and its name
	dotHead  = 9   // the names of columns
	dotRight = 6   // half of the last label of the axis
	dotMark  = 2
)

func (d Dots) key() legend {
	var out legend
	for i, k := range d.Keys {
		out = append(out, entry{k, func(c draw.Canvas, at vg.Point) { mark(c, i, at, dotMark) }})
	}
	return out
}

// rowHigh is the height of a row.
func (d Dots) rowHigh() vg.Length { return dotRow + dotStep*vg.Length(len(d.Keys)-1) }

func (d Dots) height(width vg.Length) vg.Length {
	return d.key().height(width) + dotHead + vg.Length(len(d.Rows))*d.rowHigh() + dotAxis
}

// rooms are what names and notes take at the sides.
func (d Dots) rooms(width vg.Length) (names, notes vg.Length) {
	const notesPart = 0.25 // of the width
	left, right := []string{d.RowsName}, []string{d.NotesName}
	for _, r := range d.Rows {
		left, right = append(left, r.Name), append(right, r.Note)
	}
	notes = min(widest(typeStyle(smallType), right), notesPart*width)
	if notes > 0 {
		notes += nameGap
	}
	return rowRoom(left, width), notes + dotRight
}

func (d Dots) draw(c draw.Canvas) {
	width := c.Max.X - c.Min.X
	key := d.key()
	key.draw(c)
	names, notes := d.rooms(width)
	x0, x1 := c.Min.X+names, c.Max.X-notes
	y1, y0 := c.Max.Y-key.height(width)-dotHead, c.Min.Y+dotAxis
	x := func(v float64) vg.Length { return x0 + (x1-x0)*vg.Length(v) }

	// The grid lies behind all signs, the axis above them: many are at 0.
	for _, t := range share01() {
		c.StrokeLine2(gridLine(), x(t.Value), y0, x(t.Value), y1)
		if t.Label != "" {
			c.FillText(aligned(smallType, center, top), vg.Point{X: x(t.Value), Y: y0 - 3}, t.Label)
		}
	}
	c.FillText(aligned(labelType, center, bottom), vg.Point{X: (x0 + x1) / 2, Y: c.Min.Y + edge}, d.XName)
	name, note := aligned(smallType, right, center), aligned(smallType, left, center)
	c.FillText(name, vg.Point{X: x0 - nameGap, Y: y1 + dotHead/2}, d.RowsName)
	c.FillText(note, vg.Point{X: x1 + dotRight, Y: y1 + dotHead/2}, fit(note, d.NotesName, notes-dotRight))

	for i, r := range d.Rows {
		y := y1 - (vg.Length(i)+0.5)*d.rowHigh()
		if i > 0 {
			c.StrokeLine2(gridLine(), x0, y+d.rowHigh()/2, x1, y+d.rowHigh()/2)
		}
		c.FillText(name, vg.Point{X: x0 - nameGap, Y: y}, fit(name, r.Name, names-nameGap-edge))
		c.FillText(note, vg.Point{X: x1 + dotRight, Y: y}, fit(note, r.Note, notes-dotRight))
		r.draw(c, x, y, note)
	}
	c.StrokeLine2(frameLine(), x0, y0, x0, y1)
}

// draw draws the signs of a row around y.
func (r DotRow) draw(c draw.Canvas, x func(float64) vg.Length, y vg.Length, word text.Style) {
	var known []vg.Point
	at := make([]vg.Point, len(r.Points))
	for k, p := range r.Points {
		at[k] = vg.Point{X: x(p.Y), Y: y + dotStep*(vg.Length(len(r.Points)-1)/2-vg.Length(k))}
		if !p.Missing {
			known = append(known, at[k])
		}
	}
	if len(known) == 0 {
		c.FillText(word, vg.Point{X: x(0) + 3, Y: y}, r.Word)
		return
	}

	// The line lies below all signs, and each interval below its own.
	c.StrokeLines(line(color.Gray{190}, 1.2), known)
	for k, p := range r.Points {
		if p.Missing {
			continue
		}
		tip(c, p.Tip, func() {
			if p.HasInterval {
				c.StrokeLine2(line(okabeIto(k), 0.7), x(p.Lo), at[k].Y, x(p.Hi), at[k].Y)
			}
			mark(c, k, at[k], dotMark)
		})
	}
}
