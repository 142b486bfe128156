package reports

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/palette/brewer"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"veilbench/bench"
)

// heatRow and heatGap are the heights of a row and of the room between panels.
const (
	heatRow vg.Length = 13
	heatGap vg.Length = 10
)

// HeatMap shows the score of every attack against every defense: one panel for
// each task, data set and vantage point, the better of the attacker's
// knowledges in each cell, controls included.
func HeatMap(rs []bench.Result, o Options) Figure {
	short := names(rs)
	panels := bestKnowledge(matrices(rs, o))
	sty := small(color.Black, draw.XRight, draw.YCenter)
	var left, foot vg.Length
	rows, widest := 0, 1
	for _, m := range panels {
		for _, d := range m.defenses {
			left = max(left, sty.Width(short[d]))
		}
		for _, a := range m.attacks {
			foot = max(foot, sty.Width(short[a]))
		}
		rows += len(m.defenses)
		widest = max(widest, len(m.attacks))
	}
	left = min(left, 2.2*vg.Inch) + 6
	// Attack names stand slanted below each panel.
	const slant = math.Pi / 6
	foot = foot*vg.Length(math.Sin(slant)) + 12
	title := vg.Length(14)
	height := vg.Length(rows)*heatRow + vg.Length(len(panels))*(title+foot+heatGap)
	width := max(ColumnWidth, left+vg.Length(widest)*34+40)
	return Figure{
		Name: "scores", Width: width, Height: height,
		Caption: "Score of each attack against each defense, the better of the attacker's knowledges in each cell. " + provenance(rs),
		Draw: func(c draw.Canvas) {
			y := c.Max.Y
			for _, m := range panels {
				y -= title
				h := small(color.Black, draw.XLeft, draw.YBottom)
				c.FillText(h, vg.Point{X: c.Min.X + 2, Y: y + 3}, fmt.Sprintf("%s, %s (%s, from %s)", taskTitle(m.task), m.metric, m.dataset, m.vantage))
				y = m.draw(c, short, left, y, slant)
				y -= foot + heatGap
			}
		},
	}
}

// draw paints one panel with its upper edge at y and returns the lower edge.
func (m matrix) draw(c draw.Canvas, short map[string]string, left, y vg.Length, slant float64) vg.Length {
	cellW := (c.Max.X - 30 - c.Min.X - left) / vg.Length(len(m.attacks))
	for _, d := range m.defenses {
		y -= heatRow
		c.FillText(small(color.Black, draw.XRight, draw.YCenter), vg.Point{X: c.Min.X + left - 4, Y: y + heatRow/2}, short[d])
		for k, a := range m.attacks {
			x := c.Min.X + left + vg.Length(k)*cellW
			s := m.at[[2]string{d, a}]
			bg := heatColor(s)
			c.FillPolygon(bg, []vg.Point{{X: x, Y: y}, {X: x + cellW, Y: y}, {X: x + cellW, Y: y + heatRow}, {X: x, Y: y + heatRow}})
			label := s.text()
			if s.cells == 0 {
				label = "n/a"
			}
			c.FillText(small(on(bg), draw.XCenter, draw.YCenter), vg.Point{X: x + cellW/2, Y: y + heatRow/2}, label)
		}
	}
	for k, a := range m.attacks {
		sty := small(color.Black, draw.XRight, draw.YCenter)
		sty.Rotation = slant
		c.FillText(sty, vg.Point{X: c.Min.X + left + (vg.Length(k)+0.6)*cellW, Y: y - 5}, short[a])
	}
	return y
}

// heatColor goes from white to dark blue; gray is for no figure.
func heatColor(s score) color.Color {
	if s.cells == 0 || s.failed == s.cells {
		return color.Gray{210}
	}
	p, err := brewer.GetPalette(brewer.TypeSequential, "Blues", 9)
	if err != nil {
		return color.White // the palette is part of the library
	}
	cs := p.Colors()
	return cs[min(int(s.value*float64(len(cs))), len(cs)-1)]
}

// bestKnowledge merges the matrices of one column: each cell takes the better
// knowledge.
func bestKnowledge(ms []matrix) []matrix {
	var out []matrix
	for _, m := range ms {
		i := slices.IndexFunc(out, func(o matrix) bool { return o.column == m.column })
		if i < 0 {
			out = append(out, m)
			continue
		}
		for k, s := range m.at {
			if have, ok := out[i].at[k]; !ok || have.failed == have.cells || s.failed < s.cells && s.value > have.value {
				out[i].at[k] = s
			}
		}
		for _, d := range m.defenses {
			if !slices.Contains(out[i].defenses, d) {
				out[i].defenses = append(out[i].defenses, d)
			}
		}
	}
	return out
}

// provenance is the end of every caption: data, split, seed and n.
func provenance(rs []bench.Result) string {
	data := unique(rs, func(r bench.Result) string { return r.Cell.Dataset }, strings.Compare)
	splits := unique(rs, func(r bench.Result) string { return string(r.Cell.Split) }, strings.Compare)
	seeds := unique(rs, func(r bench.Result) string { return fmt.Sprint(r.Cell.Seed) }, strings.Compare)
	out := fmt.Sprintf("Data %s; split %s; seed %s; %d cells.", list(data), list(splits), list(seeds), len(rs))
	if slices.ContainsFunc(rs, func(r bench.Result) bool { return r.Generated }) {
		out += " Generated data: attack and data share one model."
	}
	return out
}
