package reports

import (
	"cmp"
	"fmt"
	"image/color"
	"maps"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"veilbench/bench"
)

// rankDiagram is a critical-difference diagram.
type rankDiagram struct {
	names []string // by mean rank
	rank  []float64
	joins [][2]int // first and last of neighbors that are not told apart
}

// rankDiagram ranks the defenses of p within each test group, ties sharing
// their mean rank, and reads from t which pairs are told apart.
func (s *Set) rankDiagram(p Panel, t Table, sums map[subject]bench.Summary) rankDiagram {
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
	var r rankDiagram
	for _, d := range ds {
		r.names = append(r.names, s.defenseLabel(d).Text)
		r.rank = append(r.rank, mean[d])
	}
	told := map[[2]string]bool{}
	for _, row := range t.Rows {
		apart := row[6].Text == "leaks less" || row[6].Text == "leaks more"
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

const rankRow = 11

func (r rankDiagram) height(vg.Length) vg.Length {
	return 33 + vg.Length(len(r.joins))*5 + vg.Length((len(r.names)+1)/2)*rankRow + 6
}

func (r rankDiagram) draw(c draw.Canvas) {
	sty := typeStyle(smallType)
	var room vg.Length
	for _, n := range r.names {
		room = max(room, sty.Width(n+" 10.0"))
	}
	room = min(room, 0.38*(c.Max.X-c.Min.X)) + 6
	n := float64(len(r.names))
	x := func(v float64) vg.Length {
		return c.Min.X + room + (c.Max.X-c.Min.X-2*room)*vg.Length((v-1)/max(n-1, 1))
	}
	y := c.Max.Y - 21
	axis := line(color.Black, 0.7)
	c.StrokeLine2(axis, x(1), y, x(n), y)
	c.FillText(aligned(labelType, center, top), vg.Point{X: x((1 + n) / 2), Y: c.Max.Y}, "mean rank")
	for i := range r.names {
		c.StrokeLine2(axis, x(float64(i+1)), y, x(float64(i+1)), y+3)
		if i == 0 || i == len(r.names)-1 || len(r.names) < 12 {
			c.FillText(aligned(smallType, center, bottom), vg.Point{X: x(float64(i + 1)), Y: y + 3}, fmt.Sprint(i+1))
		}
	}
	for k, j := range r.joins {
		yy := y - 4 - vg.Length(k)*5
		c.StrokeLine2(line(color.Gray{90}, 2.2), x(r.rank[j[0]])-2, yy, x(r.rank[j[1]])+2, yy)
	}
	low := y - 8 - vg.Length(len(r.joins))*5
	half := (len(r.names) + 1) / 2
	for i, name := range r.names {
		row, at, align := i, c.Min.X+room-4, float64(right)
		text := fmt.Sprintf("%s  %s", name, fixed(r.rank[i], 1))
		if i >= half {
			row, at, align = len(r.names)-1-i, c.Max.X-room+4, left
			text = fmt.Sprintf("%s  %s", fixed(r.rank[i], 1), name)
		}
		yy := low - vg.Length(row)*rankRow - 3
		lab := aligned(smallType, align, center)
		c.StrokeLines(line(color.Gray{60}, 0.5), []vg.Point{{X: x(r.rank[i]), Y: y}, {X: x(r.rank[i]), Y: yy}, {X: at, Y: yy}})
		c.FillText(lab, vg.Point{X: at + map[bool]vg.Length{true: 2, false: -2}[i >= half], Y: yy}, fit(lab, text, room-7))
	}
}
