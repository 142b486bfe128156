package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/bench/stats"
	"veilbench/datasets"
)

// boundEstimate is what the vectors of one feature set say of a defense, over
// folds and seeds.
type boundEstimate struct {
	set           string
	wrong, tested int
	classes, n    int
	bits, chance  float64 // of the class, of noise; sums over n
	features      []results.FeatureBits
	train, of     int // largest
	testOf        int
}

func (b *boundEstimate) add(o results.Bound) {
	b.wrong, b.tested, b.testOf = b.wrong+o.Wrong, b.tested+o.Tested, b.testOf+o.TestOf
	b.classes, b.n = max(b.classes, o.Classes), b.n+1
	b.bits, b.chance = b.bits+o.ClassBits, b.chance+o.ChanceBits
	b.train, b.of = max(b.train, o.Train), max(b.of, o.TrainOf)
	for _, f := range o.Features {
		i := slices.IndexFunc(b.features, func(g results.FeatureBits) bool { return g.Name == f.Name })
		if i < 0 {
			i = len(b.features)
			b.features = append(b.features, results.FeatureBits{Name: f.Name})
		}
		b.features[i].Bits += f.Bits
	}
}

// nnError is how often the nearest neighbor is wrong.
func (b boundEstimate) nnError() float64 { return float64(b.wrong) / float64(max(b.tested, 1)) }

// bound is the estimate of the least error.
func (b boundEstimate) bound() float64 { return stats.BayesBound(b.nnError(), b.classes) }

// boundOf is the estimate by the feature set that bounds lowest, nil when no
// attack on the defense has vectors.
func (s *Set) boundOf(p Panel, d string) *boundEstimate {
	var sets []*boundEstimate
	type key struct {
		set        string
		fold       int
		seed       uint64
		trainDraws int
	}
	seen := map[key]bool{} // two attacks may have one set
	for _, r := range s.byDefense[subject{p, d}] {
		for _, o := range r.Bounds {
			k := key{o.Set, r.Cell.Fold, r.Cell.Seed, r.Cell.TrainDraws}
			if seen[k] {
				continue
			}
			seen[k] = true
			i := slices.IndexFunc(sets, func(b *boundEstimate) bool { return b.set == o.Set })
			if i < 0 {
				i = len(sets)
				sets = append(sets, &boundEstimate{set: o.Set})
			}
			sets[i].add(o)
		}
	}
	if len(sets) == 0 {
		return nil
	}
	return slices.MinFunc(sets, func(a, b *boundEstimate) int { return cmp.Compare(a.bound(), b.bound()) })
}

// errorOf is how often an attacker errs, counted as the bound counts; ok is
// false when it failed somewhere.
func (s *Set) errorOf(p Panel, d string, a Attacker) (float64, bool) {
	right := 1.0
	for _, m := range rightMetrics(p.Task) {
		v, _, _, ok := s.compute(Origin{Op: Mean, Metric: m, Panel: p, Defense: d, Attacker: a})
		if !ok {
			return 0, false
		}
		right = min(right, v)
	}
	return 1 - right, true
}

// rightMetrics are shares of things named right; the lowest counts. An attack
// that calls several events where there is one has a high recall, but no
// higher precision for it.
func rightMetrics(t datasets.Task) []string {
	switch t {
	case datasets.Events:
		return []string{"recall", "precision"}
	case datasets.Clip:
		return []string{"accuracy"}
	}
	return []string{results.Headline(t)}
}

// leastError is the attacker, controls aside, that errs least.
func (s *Set) leastError(p Panel, d string) (best Attacker, least float64, ok bool) {
	for _, a := range s.attackers[p] {
		if s.control[a.Attack] {
			continue
		}
		if e, has := s.errorOf(p, d, a); has && (!ok || e < least) {
			best, least, ok = a, e, true
		}
	}
	return best, least, ok
}

// topFeatures is how many features a row of bounds names.
const topFeatures = 3

// bounds is a table for each panel whose attacks have vectors: the bound beside
// what the best attack reaches, and what features tell.
func (s *Set) bounds() []Table {
	var out []Table
	for _, p := range s.panels {
		t := Table{Title: "Bound on the error of any attacker, beside the best attack: " + p.about(), Columns: []Column{
			{Head: "defense"},
			{Head: "1-NN error", Num: true},
			{Head: "bound on error", Num: true},
			{Head: "by"},
			{Head: "best attack's error", Num: true},
			{Head: "best attack"},
			{Head: "class, bits", Num: true},
			{Head: "by chance, bits", Num: true},
			{Head: "features that tell most, bits"},
		}}
		n, withdrawn := 0, 0
		for _, d := range s.defenses[p] {
			b := s.boundOf(p, d)
			if b == nil {
				t.Rows = append(t.Rows, []Value{s.defenseLabel(d), missing(), missing(), missing(), missing(), missing(), missing(), missing(), missing()})
				continue
			}
			n++
			row, beaten := s.boundRow(p, d, b)
			t.Rows = append(t.Rows, row)
			if beaten {
				withdrawn++
			}
		}
		if n == 0 {
			continue
		}
		t.Notes = append([]string{boundNote(p.Task)}, s.boundNotes(p, withdrawn)...)
		t.Notes = append(t.Notes, s.stamps(p)...)
		t.Notes = append(t.Notes, s.idNotes(s.defenses[p], nil)...)
		out = append(out, t)
	}
	return out
}

func (s *Set) boundRow(p Panel, d string, b *boundEstimate) (row []Value, beaten bool) {
	of := func(op Op) Origin { return Origin{Op: op, Metric: b.set, Panel: p, Defense: d} }
	nn := number(b.nnError(), score).of(of(NearestError))
	nn.Text += fmt.Sprintf(" (%s of %s)", amount(float64(b.wrong)), amount(float64(b.tested)))
	bound, least, name := number(b.bound(), score).of(of(LeastError)), missing(), missing()
	if a, e, ok := s.leastError(p, d); ok {
		least, name = number(e, score).of(Origin{Op: BestError, Panel: p, Defense: d, Attacker: a}), word(s.names.of(a.Attack)+" ("+string(a.Knowledge)+")")
		if beaten = e < b.bound(); beaten {
			bound = word("not converged")
		}
	}
	count := float64(b.n)
	return []Value{
		s.defenseLabel(d), nn, bound, word(b.set), least, name,
		number(b.bits/count, bitsText).of(of(ClassBits)), number(b.chance/count, bitsText).of(of(ChanceBits)), word(b.top()),
	}, beaten
}

// top names the features that tell most of the class, none that tell no more
// than noise would.
func (b *boundEstimate) top() string {
	fs := slices.Clone(b.features)
	slices.SortStableFunc(fs, func(x, y results.FeatureBits) int { return cmp.Compare(y.Bits, x.Bits) })
	var out []string
	for _, f := range fs[:min(topFeatures, len(fs))] {
		if f.Bits > b.chance {
			out = append(out, f.Name+" "+bitsText(f.Bits/float64(b.n)))
		}
	}
	if len(out) == 0 {
		return "none above chance"
	}
	return strings.Join(out, ", ")
}

func bitsText(v float64) string { return fixed(v, 2) }

// boundNote says what is estimated.
func boundNote(t datasets.Task) string {
	of := map[datasets.Task]string{
		datasets.Clip:    "of clips named wrong",
		datasets.Events:  "of events that are known to have happened, by the burst of each; of an attack 1 - the lower of recall and precision",
		datasets.Device:  "of packets, every class alike (1 - macro recall)",
		datasets.Gateway: "of commands",
	}[t]
	return "Error: share " + of + ". Bound: estimate (L-1)/L (1 - sqrt(1 - L/(L-1) R)) of the least error that any attacker can reach with these features, from the error R of the nearest training vector under the same defense (other draws, the same split) among L classes; the lowest over feature sets. It is an estimate, not a proof: it holds as vectors grow many."
}

func (s *Set) boundNotes(p Panel, withdrawn int) []string {
	var train, of, tested, testOf int
	for _, d := range s.defenses[p] {
		if b := s.boundOf(p, d); b != nil {
			train, of, tested, testOf = max(train, b.train), max(of, b.of), max(tested, b.tested), max(testOf, b.testOf)
		}
	}
	out := []string{fmt.Sprintf("From at most %s of %s training vectors in a fold and %s of %s test vectors in all, drawn by seed.",
		amount(float64(train)), amount(float64(of)), amount(float64(tested)), amount(float64(testOf)))}
	if slices.ContainsFunc(s.defenses[p], func(d string) bool { return s.boundOf(p, d) == nil }) {
		out = append(out, "–: no bound, for every attack with vectors failed, or the defense learns anew in each part of a fold.")
	}
	if withdrawn > 0 {
		out = append(out, "not converged: an attack errs less than the bound allows, so the bound is withdrawn.")
	}
	return append(out, "Bits: mutual information of a feature, in 8 bins, and the class (plug-in estimate with the Miller-Madow correction), mean over folds; by chance is the most that any feature tells of shuffled classes.")
}

// accounts lists the privacy accounts that defenses state for themselves.
func (s *Set) accounts() []Table {
	t := Table{Title: "What defenses claim of themselves", Columns: []Column{
		{Head: "defense"},
		{Head: "stage"},
		{Head: "figure"},
		{Head: "claimed", Num: true},
		{Head: "unit"},
	}}
	var ds []string
	for _, d := range s.defensesOf(s.panels) {
		cs := s.claimsOf(d)
		if len(cs) > 0 {
			ds = append(ds, d)
		}
		for _, c := range cs {
			t.Rows = append(t.Rows, []Value{s.defenseLabel(d), word(c.Stage), word(c.Name), number(c.Value, claimed), word(c.Unit)})
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	t.Notes = append(t.Notes, "The defense's own account, by its construction; nothing in this table was measured. It says nothing about what the account does not cover: names, addresses, time of day, or traffic that differs by more than it hides.")
	t.Notes = append(t.Notes, s.idNotes(ds, nil)...)
	return []Table{t}
}

// claimed writes a figure of an account; a delta is far below what other
// tables print.
func claimed(v float64) string {
	if v != 0 && v < 1e-3 {
		return fmt.Sprintf("%.3g", v)
	}
	return amount(v)
}

// claimsOf are those of the first cell of a defense that has them.
func (s *Set) claimsOf(d string) []results.Claim {
	for _, p := range s.panels {
		for _, r := range s.byDefense[subject{p, d}] {
			if len(r.Claims) > 0 {
				return r.Claims
			}
		}
	}
	return nil
}
