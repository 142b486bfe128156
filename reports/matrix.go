package reports

import (
	"math"
	"slices"
	"strings"

	"veilbench/bench/results"
)

// Matrix is a confusion matrix of a paper and ours for the same attack, as shares
// of the true class: [row][column], rows and columns named.
type Matrix struct {
	Pair
	Source, Calibrated string
	Rows, Cols         []string
	Published, Ours    [][]float64
	// Others is the share of each row that ours gives to names that the paper has
	// not, such as nobody; Tested is how many items of the row there were.
	Others []float64
	Tested []int64
}

// Matrices are the matrices among the published figures, once for each panel that
// computes them. Rows of which nothing was tested are left out.
func (s *Set) Matrices() []Matrix {
	var quoted [][]results.Published
	for _, q := range s.Options.Published {
		if q.Metric != results.Recall || q.Class == "" {
			continue
		}
		i := slices.IndexFunc(quoted, func(m []results.Published) bool { return sameMatrix(m[0], q) })
		if i < 0 {
			i, quoted = len(quoted), append(quoted, nil)
		}
		quoted[i] = append(quoted[i], q)
	}

	var out []Matrix
	for _, qs := range quoted {
		// Figures of classes alone are no matrix.
		if !slices.ContainsFunc(qs, func(q results.Published) bool { return q.As != "" }) {
			continue
		}
		for _, p := range s.Panels {
			if p.Task != qs[0].Task || !results.OfData(p.Dataset, qs[0].Data) {
				continue
			}
			if k, ok := s.KnowsMost(p, qs[0].Defense, qs[0].Attack); ok {
				if m := matrixOf(s, k, qs); len(m.Rows) > 0 {
					out = append(out, m)
				}
			}
		}
	}
	return out
}

// sameMatrix says whether two shares are squares of one matrix.
func sameMatrix(a, b results.Published) bool {
	return a.Task == b.Task && a.Data == b.Data && a.Defense == b.Defense && a.Attack == b.Attack && a.Source == b.Source
}

// matrixOf puts the squares of a paper's matrix and those of k side by side.
func matrixOf(s *Set, k Pair, qs []results.Published) Matrix {
	m := Matrix{Pair: k, Source: qs[0].Source, Calibrated: qs[0].Calibrated}
	rs, _ := Good(s.ByPair[k])
	var rows []string
	for _, q := range qs {
		if !slices.Contains(rows, q.Class) {
			rows = append(rows, q.Class)
		}
		as := q.Class
		if q.As != "" {
			as = q.As
		}
		if !slices.Contains(m.Cols, as) {
			m.Cols = append(m.Cols, as)
		}
	}

	// A square that the paper leaves out is not 0, and counts in no mean.
	for _, class := range rows {
		published, ours := make([]float64, len(m.Cols)), make([]float64, len(m.Cols))
		var tested int64
		rest := 1.0
		for i, as := range m.Cols {
			published[i] = math.NaN()
			for _, q := range qs {
				if q.Class == class && (q.As == as || q.As == "" && class == as) {
					published[i] = q.Value
				}
			}
			t := Taken(rs, class, as)
			tested = t.N
			ours[i] = float64(t.Right) / float64(t.N)
			rest -= ours[i]
		}
		if tested > 0 {
			m.Rows, m.Published, m.Ours = append(m.Rows, class), append(m.Published, published), append(m.Ours, ours)
			m.Others, m.Tested = append(m.Others, max(rest, 0)), append(m.Tested, tested)
		}
	}
	return m
}

// Distance is the mean over squares off the diagonal of how far ours is from the
// paper's, and Blank what it would be for a matrix without errors: the most that
// nearness can be worth.
func (m Matrix) Distance() (ours, blank float64) {
	n := 0.0
	for i, class := range m.Rows {
		for j, as := range m.Cols {
			if p := m.Published[i][j]; class != as && !math.IsNaN(p) {
				ours, blank, n = ours+math.Abs(p-m.Ours[i][j]), blank+p, n+1
			}
		}
	}
	return ours / n, blank / n
}

// Taken counts the items or packets of a class in rs, N, and those of them that
// were named as another. A class may be a device, whose activities count together.
func Taken(rs []*results.Result, class, as string) Tally {
	in := func(name, class string) bool { return name == class || strings.HasPrefix(name, class+"/") }
	var t Tally
	count := func(truth, answer string, n int64) {
		if !in(truth, class) {
			return
		}
		t.N += n
		if in(answer, as) {
			t.Right += n
		}
	}
	// Packets have matrices and no items, for there are millions.
	for _, r := range rs {
		for _, c := range r.Confusion {
			for i, row := range c.Counts {
				for j, n := range row {
					count(c.Classes[i], c.Classes[j], n)
				}
			}
		}
		if len(r.Confusion) == 0 {
			for _, it := range r.Items {
				count(it.Truth, it.Answer, 1)
			}
		}
	}
	return t
}

// KnowsMost is the attacker with an attack on a defense that knows most short of
// transfer; ok is false where none was run.
func (s *Set) KnowsMost(p Panel, defense, attack string) (k Pair, ok bool) {
	for _, knows := range []results.Knowledge{results.Adaptive, results.Unaware} {
		k = Pair{Panel: p, Defense: defense, Attacker: Attacker{Attack: attack, Knowledge: knows}}
		if len(s.ByPair[k]) > 0 {
			return k, true
		}
	}
	return k, false
}
