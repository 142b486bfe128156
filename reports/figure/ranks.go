package figure

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"veilbench/reports/table"
)

// Ranks is a critical-difference diagram (Demšar, Statistical Comparisons of
// Classifiers over Multiple Data Sets, 2006): mean ranks, and bars that join
// those which no test tells apart.
type Ranks struct {
	// XName is that of the axis, Names are by mean rank, Mean their ranks.
	XName string
	Names []string
	Mean  []float64
	// Joins are first and last of neighbors that are not told apart.
	Joins [][2]int
}

// Figure draws the diagram. One name is in a row: names beside each other above
// one axis, as Demšar has them, would leave no room for it in a column.
func (r Ranks) Figure(title, caption string) Figure { return of(r, title, caption) }

// Sizes in points.
const (
	rankRow    = 11 // height of a row
	rankBar    = 6  // room for a bar that joins neighbors
	rankNumber = 26 // room for the mean rank as a number
	rankAxis   = 27 // height of the axis and its name
	rankName   = 8  // between a name and the first rank, where a mark may stand
	rankTicks  = 12 // numbers that the axis has room for
)

func (r Ranks) height(vg.Length) vg.Length {
	return vg.Length(len(r.Names))*rankRow + rankAxis + rim
}

func (r Ranks) draw(c draw.Canvas) {
	x0 := c.Min.X + rowRoom(r.Names, c.Max.X-c.Min.X) + rankName - nameGap
	x1 := c.Max.X - rankNumber - vg.Length(len(r.Joins))*rankBar
	n := float64(len(r.Names))
	x := func(rank float64) vg.Length { return x0 + (x1-x0)*vg.Length((rank-1)/max(n-1, 1)) }
	y := func(row int) vg.Length { return c.Max.Y - rim - (vg.Length(row)+0.5)*rankRow }

	// The axis stands a little below the rows, or it would be one more of them.
	axis := c.Min.Y + rankAxis - 2
	c.StrokeLine2(frameLine(), x(1), axis, x(n), axis)
	every := 1 + len(r.Names)/rankTicks
	for i := range r.Names {
		at := x(float64(i + 1))
		c.StrokeLine2(frameLine(), at, axis, at, axis-tick)
		if i%every == 0 {
			c.FillText(aligned(smallType, center, top), vg.Point{X: at, Y: axis - tick - 1}, fmt.Sprint(i+1))
		}
	}
	c.FillText(aligned(labelType, center, bottom), vg.Point{X: (x0 + x1) / 2, Y: c.Min.Y + edge}, r.XName)

	label, value := aligned(smallType, right, center), aligned(smallType, left, center)
	for i, name := range r.Names {
		c.StrokeLine2(gridLine(), x(1), y(i), x(n), y(i))
		c.FillText(label, vg.Point{X: x0 - rankName, Y: y(i)}, fit(label, name, x0-rankName-c.Min.X))
		mark(c, 0, vg.Point{X: x(r.Mean[i]), Y: y(i)}, 2.6)
		c.FillText(value, vg.Point{X: x1 + 6, Y: y(i)}, table.Fixed(r.Mean[i], 1))
	}
	for k, j := range r.Joins {
		at := x1 + rankNumber + 2 + vg.Length(k)*rankBar
		c.StrokeLine2(line(color.Gray{60}, 2.4), at, y(j[0])+3, at, y(j[1])-3)
	}
}
