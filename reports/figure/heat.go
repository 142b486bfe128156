package figure

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// HeatMap is a matrix with named rows and columns. The first row is at the top,
// like in a table.
type HeatMap struct {
	Rows, Cols []string
	// Cells has a row for each of Rows.
	Cells [][]HeatCell
	// XName stands below the columns, YName left of the rows; both may be empty.
	XName, YName string
	// Scale says what the colors mean; empty draws no scale.
	Scale string
	// Small leaves the numbers out, where there are too many for them.
	Small bool
	// Groups name what columns are, and the last Apart of them, which stand a little
	// off; RowsName is what rows are. All may be empty.
	Groups   [2]string
	Apart    int
	RowsName string
}

// HeatCell is a square of a heat map: a share from 0 to 1 if OK, else gray, or
// hatched without a color of the scale. Text is printed on it; that of hatched
// squares too narrow for it stands in a legend, so it must be the same on all.
type HeatCell struct {
	Share       float64
	Text        string
	OK, Hatched bool
	// Tip is what readers of a page see when they point at the square.
	Tip string
}

// Figure draws the map.
func (h HeatMap) Figure(title, caption string) Figure { return of(h, title, caption) }

// Sizes in points.
const (
	heatRow      = 15
	heatFewest   = 4   // rows that there is at least room for, else the scale is too short
	heatScale    = 34  // room for the scale of colors
	heatSide     = 12  // room for YName
	heatFlat     = 10  // room for heads that are not turned
	heatTurned   = 8   // room for turned heads beyond their length
	heatXName    = 11  // room for XName
	heatNarrow   = 12  // columns below have upright heads: slanted ones would run into each other
	heatHeadPart = 0.5 // of the width that a turned head may take
	heatApart    = 6   // between the groups of columns
	heatGroups   = 12  // room for their names
)

// columns is the width of a cell; tilt says that heads must be set at an angle.
func (h HeatMap) columns(width vg.Length) (w vg.Length, tilt bool) {
	w = (width - h.rowRoom(width) - h.yRoom() - h.scaleRoom() - h.gap() - rim) / vg.Length(len(h.Cols))
	return w, widest(typeStyle(smallType), h.Cols) > w-3
}

// angle is that of heads which are too wide for their column.
func (h HeatMap) angle(width vg.Length) float64 {
	if w, _ := h.columns(width); w < heatNarrow {
		return math.Pi / 2
	}
	return math.Pi / 4
}

// rowRoom is the width of the names of rows and of what they are.
func (h HeatMap) rowRoom(width vg.Length) vg.Length {
	return rowRoom(append(h.Rows[:len(h.Rows):len(h.Rows)], h.RowsName), width)
}

// gap is the room between the two groups of columns.
func (h HeatMap) gap() vg.Length {
	if h.Apart == 0 || h.Apart == len(h.Cols) {
		return 0
	}
	return heatApart
}

// column is where column k begins, from the first one on.
func (h HeatMap) column(k int, w vg.Length) vg.Length {
	x := vg.Length(k) * w
	if k >= len(h.Cols)-h.Apart {
		x += h.gap()
	}
	return x
}

func (h HeatMap) yRoom() vg.Length {
	if h.YName == "" {
		return 0
	}
	return heatSide
}

func (h HeatMap) scaleRoom() vg.Length {
	if h.Scale == "" {
		return 0
	}
	return heatScale
}

// headRoom is the height below the cells.
func (h HeatMap) headRoom(width vg.Length) vg.Length {
	room := vg.Length(heatFlat)
	if _, tilt := h.columns(width); tilt {
		long := min(widest(typeStyle(smallType), h.Cols), heatHeadPart*width)
		room = long*vg.Length(math.Sin(h.angle(width))) + heatTurned
	}
	if h.XName != "" {
		room += heatXName
	}
	return room
}

func (h HeatMap) height(width vg.Length) vg.Length {
	return vg.Length(max(len(h.Rows), heatFewest))*heatRow + h.headRoom(width) + nameGap + h.topRoom(width)
}

// legend says what hatched squares mean where their text does not fit them.
func (h HeatMap) legend(width vg.Length) legend {
	w, _ := h.columns(width)
	for _, row := range h.Cells {
		for _, cell := range row {
			if cell.Hatched && !fits(cell.Text, w) {
				return legend{{cell.Text, func(c draw.Canvas, at vg.Point) { hatch(c, at.X-6, at.Y-3, 12, 6) }}}
			}
		}
	}
	return nil
}

// fits says whether a text of hatched squares stands on one so wide in full size.
func fits(text string, w vg.Length) bool { return typeStyle(smallType).Width(text) <= w-1 }

// topRoom is the height above the cells.
func (h HeatMap) topRoom(width vg.Length) vg.Length {
	room := vg.Length(rim)
	if l := h.legend(width); l != nil {
		room += l.height(width)
	}
	if h.Groups[0] != "" {
		room += heatGroups
	}
	return room
}

func (h HeatMap) draw(c draw.Canvas) {
	width := c.Max.X - c.Min.X
	cw, tilt := h.columns(width)
	x0 := c.Min.X + h.rowRoom(width) + h.yRoom()
	y0, y1 := c.Min.Y+h.headRoom(width)+nameGap, c.Max.Y-h.topRoom(width)
	rowH := (y1 - y0) / vg.Length(len(h.Rows))
	h.legend(width).draw(c)

	label := aligned(smallType, right, center)
	for i, name := range h.Rows {
		at := y1 - vg.Length(i)*rowH
		c.FillText(label, vg.Point{X: x0 - nameGap, Y: at - rowH/2}, fit(label, name, x0-c.Min.X-h.yRoom()-nameGap-edge))
		for k, cell := range h.Cells[i] {
			tip(c, cell.Tip, func() { h.drawCell(c, cell, x0+h.column(k, cw), at-rowH, cw, rowH) })
		}
	}

	// A turned head ends below its column, so that it reads upwards to it.
	head := aligned(smallType, center, top)
	if tilt {
		head = aligned(smallType, right, center)
		head.Rotation = h.angle(width)
	}
	for k, name := range h.Cols {
		x := x0 + h.column(k, cw) + cw/2
		room := heatHeadPart * width
		if cos := vg.Length(math.Cos(h.angle(width))); tilt && cos > 0.1 { // a slanted one ends at the edge at the latest
			room = min(room, (x-c.Min.X-edge)/cos)
		}
		c.FillText(head, vg.Point{X: x, Y: y0 - 3}, fit(head, name, room))
	}
	h.drawGroups(c, x0, y1, cw)
	if h.XName != "" {
		c.FillText(aligned(labelType, center, bottom), vg.Point{X: x0 + cw*vg.Length(len(h.Cols))/2, Y: c.Min.Y + edge}, h.XName)
	}
	if h.YName != "" {
		c.FillText(upright(labelType), vg.Point{X: c.Min.X + edge, Y: (y0 + y1 + rim) / 2}, h.YName)
	}
	if h.Scale != "" {
		h.drawScale(c, x0+cw*vg.Length(len(h.Cols))+h.gap()+6, y0, y1)
	}
}

// drawGroups names the rows and the groups of columns above the cells, which end
// at y.
func (h HeatMap) drawGroups(c draw.Canvas, x0, y, cw vg.Length) {
	if h.Groups[0] == "" {
		return
	}
	const above = 7.5 // from the cells to the middle of the letters
	c.FillText(aligned(smallType, right, center), vg.Point{X: x0 - nameGap, Y: y + above}, h.RowsName)
	first := len(h.Cols) - h.Apart
	if first > 0 {
		c.StrokeLine2(axisLine(), x0, y+2, x0+vg.Length(first)*cw, y+2)
		c.FillText(aligned(smallType, left, center), vg.Point{X: x0, Y: y + above}, h.Groups[0])
	}

	// The name of the second group ends where its columns do, for it may be wider.
	if h.Apart > 0 {
		end := x0 + h.column(len(h.Cols), cw)
		c.StrokeLine2(axisLine(), x0+h.column(first, cw), y+2, end, y+2)
		c.FillText(aligned(smallType, right, center), vg.Point{X: end, Y: y + above}, h.Groups[1])
	}
}

// drawCell draws a square with its text, in smaller type where it is long.
func (h HeatMap) drawCell(c draw.Canvas, cell HeatCell, x, y, w, rowH vg.Length) {
	col := color.NRGBA{220, 220, 220, 255}
	switch {
	case cell.OK:
		col = blues(cell.Share)
	case cell.Hatched:
		col = color.NRGBA{255, 255, 255, 255}
	}
	fillRect(c, col, x, y, x+w, y+rowH)
	c.StrokeLines(line(color.White, 0.5), []vg.Point{{X: x, Y: y}, {X: x + w, Y: y}, {X: x + w, Y: y + rowH}, {X: x, Y: y + rowH}, {X: x, Y: y}})
	if cell.Hatched {
		hatch(c, x, y, w, rowH)
	}
	if h.Small || cell.Hatched && !fits(cell.Text, w) {
		return
	}

	const smallest = 4.5 // of a square only: a column of them is as narrow as its numbers
	sty := typeStyle(smallType)
	sty.Color = textOn(col)
	text := cell.Text
	if sty.Width(text) > w-2 {
		sty.Font.Size = max(smallest, sty.Font.Size*(w-2)/sty.Width(text))
	}
	if cell.Hatched {
		sty.Color = color.Black // the square has the color of the page

		// The lines would run through the letters.
		half := min(sty.Width(text)+2, w) / 2
		fillRect(c, col, x+w/2-half, y+rowH/2-hatchBlank, x+w/2+half, y+rowH/2+hatchBlank)
	}
	c.FillText(sty, vg.Point{X: x + w/2, Y: y + rowH/2}, fit(sty, text, w))
}

// Sizes of a hatched square, in points.
const (
	hatchStep  = 4   // between lines
	hatchBlank = 3.5 // above and below the text
)

// hatch draws slanted lines over a square, as one path: a page may hold thousands.
func hatch(c draw.Canvas, x, y, w, h vg.Length) {
	var path vg.Path
	for d := hatchStep - h; d < w; d += hatchStep {
		// Of the line from (d, 0) to (d+h, h), what lies in the square.
		lo, hi := max(d, 0), min(d+h, w)
		path.Move(vg.Point{X: x + lo, Y: y + lo - d})
		path.Line(vg.Point{X: x + hi, Y: y + hi - d})
	}
	c.SetLineStyle(line(color.Gray{170}, 0.4))
	c.Stroke(path)
}

// drawScale draws the colors from 0, at y0, to 1, at y1, with what they mean.
func (h HeatMap) drawScale(c draw.Canvas, x, y0, y1 vg.Length) {
	const (
		steps = 64 // of color: more than eyes tell apart
		wide  = 7
		num   = wide + tick // where numbers begin
		name  = 20          // where the name of the scale stands
	)
	for i := range steps {
		lo := y0 + (y1-y0)*vg.Length(i)/steps
		fillRect(c, blues((float64(i)+0.5)/steps), x, lo, x+wide, lo+(y1-y0)/steps+overlap)
	}

	// The numbers at the ends are moved inwards: half of each would stick out.
	for _, t := range share01() {
		if t.Label == "" {
			continue
		}
		y := y0 + (y1-y0)*vg.Length(t.Value)
		c.StrokeLine2(axisLine(), x+wide, y, x+wide+2, y)
		c.FillText(aligned(smallType, left, center), vg.Point{X: x + num, Y: min(max(y, y0+3), y1-3)}, t.Label)
	}
	side := upright(smallType)
	c.FillText(side, vg.Point{X: x + name, Y: (y0 + y1) / 2}, fit(side, h.Scale, y1-y0))
}
