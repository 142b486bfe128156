package reports

import (
	"cmp"
	"fmt"
	"image/color"
	"maps"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"veilbench/bench/results"
)

// rankDiagram is a critical-difference diagram.
type rankDiagram struct {
	names  []string // by mean rank
	rank   []float64
	joins  [][2]int // first and last of neighbors that are not told apart
	groups int      // over which ranks are means
}

// rankDiagram ranks the defenses of p within each test group, ties sharing
// their mean rank, and reads from t which pairs are told apart.
func (s *Set) rankDiagram(p Panel, t Table, sums map[subject]results.Summary) rankDiagram {
	ds := s.defenses[p]
	scores := map[string]map[string]float64{}
	for _, d := range ds {
		scores[d] = s.groupScores(p, d, sums)
	}
	ds = slices.DeleteFunc(slices.Clone(ds), func(d string) bool { return len(scores[d]) == 0 })
	var groups []string
	for _, g := range slices.Sorted(maps.Keys(scores[ds[0]])) {
		if !slices.ContainsFunc(ds, func(d string) bool { _, ok := scores[d][g]; return !ok }) {
			groups = append(groups, g)
		}
	}
	mean := map[string]float64{}
	for _, g := range groups {
		for _, d := range ds {
			rank := 0.5
			for _, e := range ds {
				switch cmp.Compare(scores[e][g], scores[d][g]) {
				case -1:
					rank++
				case 0:
					rank += 0.5
				}
			}
			mean[d] += rank / float64(len(groups))
		}
	}
	slices.SortStableFunc(ds, func(a, b string) int { return cmp.Compare(mean[a], mean[b]) })
	r := rankDiagram{groups: len(groups)}
	for _, d := range ds {
		r.names = append(r.names, s.defenseLabel(d).Text)
		r.rank = append(r.rank, mean[d])
	}
	told := map[[2]string]bool{}
	for _, row := range t.Rows {
		verdict := row[len(row)-1].Text
		apart := verdict == "leaks less" || verdict == "leaks more"
		told[[2]string{row[0].Text, row[1].Text}] = apart
		told[[2]string{row[1].Text, row[0].Text}] = apart
	}
	last := -1
	for i := range r.names {
		j := i
		for j+1 < len(r.names) && !slices.ContainsFunc(r.names[i:j+1], func(n string) bool { return told[[2]string{n, r.names[j+1]}] }) {
			j++
		}
		if j > i && j > last {
			r.joins = append(r.joins, [2]int{i, j})
			last = j
		}
	}
	return r
}

// Sizes of a rank diagram.
const (
	rankRow  = 11 // height of a row
	rankBar  = 6  // room for a bar that joins neighbors
	rankAxis = 27 // height of the axis and its name
)

func (r rankDiagram) height(vg.Length) vg.Length {
	return vg.Length(len(r.names))*rankRow + rankAxis + 4
}

// draw puts one defense in a row: names beside each other above one axis would
// leave no room for it in a column.
func (r rankDiagram) draw(c draw.Canvas) {
	width := c.Max.X - c.Min.X
	x0 := c.Min.X + heat{rows: r.names}.labelRoom(width) + 4
	x1 := c.Max.X - 26 - vg.Length(len(r.joins))*rankBar
	n := float64(len(r.names))
	x := func(v float64) vg.Length { return x0 + (x1-x0)*vg.Length((v-1)/max(n-1, 1)) }
	y0 := c.Min.Y + rankAxis
	y := func(row int) vg.Length { return c.Max.Y - 4 - (vg.Length(row)+0.5)*rankRow }
	axis := line(color.Black, 0.6)
	c.StrokeLine2(axis, x(1), y0-2, x(n), y0-2)
	every := 1 + len(r.names)/12
	for i := range r.names {
		c.StrokeLine2(axis, x(float64(i+1)), y0-2, x(float64(i+1)), y0-5)
		if i%every == 0 {
			c.FillText(aligned(smallType, center, top), vg.Point{X: x(float64(i + 1)), Y: y0 - 6}, fmt.Sprint(i+1))
		}
	}
	c.FillText(aligned(labelType, center, bottom), vg.Point{X: (x0 + x1) / 2, Y: c.Min.Y + 1}, "mean rank (1: leaks least)")
	label, value := aligned(smallType, right, center), aligned(smallType, left, center)
	for i, name := range r.names {
		c.StrokeLine2(line(color.Gray{215}, 0.4), x(1), y(i), x(n), y(i))
		c.FillText(label, vg.Point{X: x0 - 8, Y: y(i)}, fit(label, name, x0-8-c.Min.X))
		mark(c, 0, vg.Point{X: x(r.rank[i]), Y: y(i)}, 2.6)
		c.FillText(value, vg.Point{X: x1 + 6, Y: y(i)}, fixed(r.rank[i], 1))
	}
	for k, j := range r.joins {
		at := x1 + 28 + vg.Length(k)*rankBar
		c.StrokeLine2(line(color.Gray{60}, 2.4), at, y(j[0])+3, at, y(j[1])-3)
	}
}
