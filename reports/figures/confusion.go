package figures

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/figure"
	"veilbench/reports/table"
)

const (
	mostConfused  = 40 // classes of a picture that can be read; commands have more
	mostWithWords = 16 // classes whose squares have room for numbers
)

// Confusion is the confusion matrix of the best attack on each defense.
var Confusion = reports.FigureKind{
	Name: "confusion", Doc: "which class is taken for which",
	Draw: perPanel(figure.Nowhere, confusions),
}

// PublishedConfusion is each confusion matrix of a paper with ours below it, row by
// row.
var PublishedConfusion = reports.FigureKind{
	Name: "published-confusion", Doc: "confusion matrices of papers with ours between their rows",
	Draw: func(s *reports.Set) []figure.Figure {
		var out []figure.Figure
		for _, m := range s.Matrices() {
			h := figure.HeatMap{XName: "named as", YName: "true", Cols: m.Cols, Small: len(m.Cols) > mostWithWords}
			for i, class := range m.Rows {
				for k, shares := range [][]float64{m.Published[i], m.Ours[i]} {
					row := make([]figure.HeatCell, len(shares))
					for j, v := range shares {
						row[j] = figure.HeatCell{Share: v, OK: !math.IsNaN(v)} // a square that the paper leaves out is gray
						if row[j].OK && v > 0 {
							row[j].Text = squareText(v, 1)
						}
					}
					h.Rows, h.Cells = append(h.Rows, class+[]string{"", ", ours"}[k]), append(h.Cells, row)
				}
			}
			what := fmt.Sprintf("%s, and ours below each row: share of each true class that is given each name. Names that the paper has not are left out of ours.", m.Source)
			if m.Calibrated != "" {
				what += " The data are calibrated to it: " + m.Calibrated + "."
			}
			f := h.Figure(m.Source+" beside ours: "+s.About(m.Panel), s.Caption(m.Panel, what, []string{m.Defense}, []string{m.Attack}))
			f.About = about(s, m.Panel)
			out = append(out, f)
		}
		return out
	},
}

func confusions(s *reports.Set, p reports.Panel) []figure.Figure {
	var out []figure.Figure
	for _, d := range s.Defenses[p] {
		at := reports.Subject{Panel: p, Defense: d}
		m := confusionOf(s.BestResults(at))
		if len(m.classes) < 2 || len(m.classes) > mostConfused {
			continue
		}
		by, _ := s.Best(at)
		under := s.Label(d)
		if s.Summaries[at].NoEvidence != "" {
			under += " (" + reports.NoEvidence + ")"
		}
		what := fmt.Sprintf("Confusion under %s by %s (%s): share of each true class (row) that is given each name (column), over all test groups; among events the row \"other\" holds false alarms.", under, s.Label(by.Attack), by.Knowledge)
		f := m.heat().Figure(fmt.Sprintf("Confusion under %s: %s", under, s.About(p)), s.Caption(p, what, []string{d}, []string{by.Attack}))
		f.Defense, f.About = s.DefenseLabel(d), []string{"under " + under + " by " + s.Label(by.Attack)}
		out = append(out, f)
	}
	return out
}

// confusion counts how often each true class is given each name.
type confusion struct {
	classes []string // those of the data first
	count   map[[2]string]int64
}

// confusionOf sums matrices of packets, else counts items.
func confusionOf(rs []*results.Result) confusion {
	m := confusion{count: map[[2]string]int64{}}
	for _, r := range rs {
		for _, c := range r.Confusion {
			for i, row := range c.Counts {
				for j, n := range row {
					if n > 0 {
						m.count[[2]string{c.Classes[i], c.Classes[j]}] += n
					}
				}
			}
		}
		if len(r.Confusion) > 0 {
			continue
		}
		for _, it := range r.Items {
			if it.Truth != "" {
				m.count[[2]string{it.Truth, it.Answer}]++
			}
		}
	}

	// Classes that are no device and no activity stand behind those that are.
	used := map[string]bool{}
	for k := range m.count {
		used[k[0]], used[k[1]] = true, true
	}
	last := []string{datasets.Nobody, datasets.Cover, datasets.Unknown, datasets.Other, results.Missed}
	m.classes = slices.SortedFunc(maps.Keys(used), func(a, b string) int {
		if i, j := slices.Index(last, a), slices.Index(last, b); i != j {
			return i - j
		}
		if a < b {
			return -1
		}
		return 1
	})
	return m
}

// heat draws shares of rows. Rows and columns that count nothing are left out:
// nothing is truly missed, nothing named other.
func (m confusion) heat() figure.HeatMap {
	h := figure.HeatMap{XName: "named as", YName: "true", Small: len(m.classes) > mostWithWords}
	tested, named := map[string]int64{}, map[string]int64{}
	for k, n := range m.count {
		tested[k[0]] += n
		named[k[1]] += n
	}

	for _, c := range m.classes {
		if named[c] > 0 {
			h.Cols = append(h.Cols, c)
		}
	}
	for _, c := range m.classes {
		if tested[c] == 0 {
			continue // its share would be 0 by 0
		}
		var row []figure.HeatCell
		for _, as := range h.Cols {
			n := m.count[[2]string{c, as}]
			share := float64(n) / float64(tested[c])
			cell := figure.HeatCell{Share: share, OK: true, Text: squareText(share, n)}
			if n > 0 {
				cell.Tip = fmt.Sprintf("%s named %s: %d of %d", c, as, n, tested[c])
			}
			row = append(row, cell)
		}
		h.Rows, h.Cells = append(h.Rows, c), append(h.Cells, row)
	}
	return h
}

// squareText writes a share in two characters; nothing where nothing was
// counted.
func squareText(share float64, n int64) string {
	switch {
	case n == 0:
		return ""
	case share < 0.005:
		return "0"
	}
	return table.Short(share)
}
