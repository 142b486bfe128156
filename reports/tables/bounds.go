package tables

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/bench/stats"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Bounds is a table for each panel whose attacks have vectors: the bound beside
// what the best attack reaches, and what features tell.
var Bounds = reports.TableKind{
	Name: "bounds", Doc: "what any attacker must get wrong, beside the best attack",
	Draw: reports.PerPanel(boundTable),
}

// boundEstimate is what the vectors of one feature set say of a defense, over
// folds and seeds.
type boundEstimate struct {
	set           string
	wrong, tested int
	classes, n    int     // the most classes; how many bounds were added
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

// top names the features that tell most of the class, none that tell no more
// than noise would.
func (b boundEstimate) top() string {
	const most = 3
	fs := slices.Clone(b.features)
	slices.SortStableFunc(fs, func(x, y results.FeatureBits) int { return cmp.Compare(y.Bits, x.Bits) })
	var out []string
	for _, f := range fs[:min(most, len(fs))] {
		if f.Bits > b.chance {
			out = append(out, f.Name+" "+bits(f.Bits/float64(b.n)))
		}
	}
	if len(out) == 0 {
		return "none above chance"
	}
	return strings.Join(out, ", ")
}

func bits(v float64) string { return table.Fixed(v, 2) }

// boundOf is the estimate by the feature set that bounds lowest, nil when no
// attack on the defense has vectors.
func boundOf(s *reports.Set, at reports.Subject) *boundEstimate {
	var sets []*boundEstimate
	type key struct {
		set        string
		fold       int
		seed       uint64
		trainDraws int
	}
	seen := map[key]bool{} // two attacks may have one set
	for _, r := range s.BySubject[at] {
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

	// Each set bounds attackers that see no more than it holds; the lowest bound
	// is that of the set that holds most.
	if len(sets) == 0 {
		return nil
	}
	return slices.MinFunc(sets, func(a, b *boundEstimate) int { return cmp.Compare(a.bound(), b.bound()) })
}

// leastError is the attacker, controls aside, that errs least, counted as the
// bound counts; ok is false where all of them failed somewhere.
func leastError(s *reports.Set, at reports.Subject) (best reports.Attacker, least float64, ok bool) {
	for _, a := range s.Attackers[at.Panel] {
		if s.Control[a.Attack] {
			continue
		}
		right, has := 1.0, true
		for _, m := range reports.RightMetrics(at.Task) {
			e := s.Mean(reports.Pair{Panel: at.Panel, Defense: at.Defense, Attacker: a}, m)
			right, has = min(right, e.Num), has && e.OK
		}
		if e := 1 - right; has && (!ok || e < least) {
			best, least, ok = a, e, true
		}
	}
	return best, least, ok
}

func boundTable(s *reports.Set, p reports.Panel) []table.Table {
	t := table.Table{Title: "Bound on the error of any attacker, beside the best attack: " + s.About(p), Columns: table.Columns(
		"defense", "#1-NN error", "#bound on error", "by", "#best attack's error", "best attack", "#class, bits", "#by chance, bits", "features that tell most, bits")}
	var all []*boundEstimate
	withdrawn := false

	// A defense without a bound keeps its row: the note says why it has none.
	for _, d := range s.Defenses[p] {
		at := reports.Subject{Panel: p, Defense: d}
		b := boundOf(s, at)
		if b == nil {
			none := table.Missing()
			t.Rows = append(t.Rows, []table.Value{defense(s, d), none, none, none, none, none, none, none, none})
			continue
		}
		row, beaten := boundRow(s, at, b)
		t.Rows = append(t.Rows, row)
		all, withdrawn = append(all, b), withdrawn || beaten
	}
	if len(all) == 0 {
		return nil
	}
	t.Notes = slices.Concat(boundNotes(p.Task, all, len(all) < len(t.Rows), withdrawn), s.PanelNotes(p))
	return []table.Table{t}
}

// boundRow holds a bound against the best attack: one that errs less refutes
// the estimate.
func boundRow(s *reports.Set, at reports.Subject, b *boundEstimate) (row []table.Value, beaten bool) {
	nn := table.Number(b.nnError(), table.Score)
	nn.Text += fmt.Sprintf(" (%s of %s)", table.Amount(float64(b.wrong)), table.Amount(float64(b.tested)))
	bound, least, name := table.Number(b.bound(), table.Score), table.Missing(), table.Missing()
	if a, e, ok := leastError(s, at); ok {
		least, name = table.Number(e, table.Score), table.Word(s.Label(a.Attack)+" ("+string(a.Knowledge)+")")
		if beaten = e < b.bound(); beaten {
			bound = table.Word("not converged")
		}
	}
	n := float64(b.n)
	return []table.Value{
		defense(s, at.Defense), nn, bound, table.Word(b.set), least, name,
		table.Number(b.bits/n, bits), table.Number(b.chance/n, bits), table.Word(b.top()),
	}, beaten
}

// boundNotes say what is estimated, from how much, and what is missing.
func boundNotes(task datasets.Task, all []*boundEstimate, missing, withdrawn bool) []string {
	of := map[datasets.Task]string{
		datasets.TaskClip:    "of clips named wrong",
		datasets.TaskEvent:   "of events that are known to have happened, by the burst of each; of an attack 1 - the lower of recall and precision",
		datasets.TaskDevice:  "of packets, every class alike (1 - macro recall)",
		datasets.TaskCommand: "of commands",
	}[task]
	out := []string{"Error: share " + of + ". Bound: estimate (L-1)/L (1 - sqrt(1 - L/(L-1) R)) of the least error that any attacker can reach with these features, from the error R of the nearest training vector under the same defense (other draws, the same split) among L classes; the lowest over feature sets. It is an estimate, not a proof: it holds as vectors grow many."}

	// Cells that failed leave some defenses with fewer vectors: the most are said.
	var train, trainOf, tested, testOf int
	for _, b := range all {
		train, trainOf, tested, testOf = max(train, b.train), max(trainOf, b.of), max(tested, b.tested), max(testOf, b.testOf)
	}
	out = append(out, fmt.Sprintf("From at most %s of %s training vectors in a fold and %s of %s test vectors in all, drawn by seed.",
		table.Amount(float64(train)), table.Amount(float64(trainOf)), table.Amount(float64(tested)), table.Amount(float64(testOf))))
	if missing {
		out = append(out, "–: no bound, for every attack with vectors failed, or the defense learns anew in each part of a fold.")
	}
	if withdrawn {
		out = append(out, "not converged: an attack errs less than the bound allows, so the bound is withdrawn.")
	}
	return append(out, "Bits: mutual information of a feature, in 8 bins, and the class (plug-in estimate with the Miller-Madow correction), mean over folds; by chance is the most that any feature tells of shuffled classes.")
}

// Accounts lists the privacy accounts that defenses state for themselves, with what
// was tried of them.
var Accounts = reports.TableKind{
	Name: "accounts", Doc: "privacy accounts that defenses state for themselves, and lower limits that were measured",
	Draw: func(s *reports.Set) []table.Table {
		t := table.Table{Title: "What defenses claim of themselves", Columns: table.Columns("defense", "stage", "figure", "#claimed", "unit", "#at least", "by", "#hits", "#false alarms")}
		var ds []string
		tried, why := false, []string(nil)
		for _, d := range s.DefensesOf(s.Panels) {
			cs := claimsOf(s, d)
			if len(cs) > 0 {
				ds = append(ds, d)
			}
			for _, c := range cs {
				row := []table.Value{defense(s, d), table.Word(c.Stage), table.Word(c.Name), table.Number(c.Value, claimed), table.Word(c.Unit)}
				a, ok := auditOf(s, d, c)
				if !ok || a.Why != "" {
					row = append(row, table.Missing(), table.Missing(), table.Missing(), table.Missing())
					if ok {
						why = append(why, fmt.Sprintf("%s, %s: not tried, %s", s.DefenseLabel(d), c.Name, a.Why))
					}
				} else {
					tried = true
					row = append(row, table.Number(a.Limit, claimed), table.Word(s.LabelOrName(a.Attack)), found(a.Hits, a.With), found(a.Alarms, a.Without))
				}
				t.Rows = append(t.Rows, row)
			}
		}
		t.Notes = append(t.Notes, "Claimed: the defense's own account, by its construction. It says nothing about what the account does not cover: names, addresses, time of day, or traffic that differs by more than it hides.")
		if tried {
			t.Notes = append(t.Notes, fmt.Sprintf("At least: lower limit of the same quantity at %v %% for all claims of a defense together (Holm), from how often the attack named tells the difference that is to be hidden, and how often it sees it where there is none, in windows behind the defense; attack and threshold were chosen in other windows. A low limit proves nothing; one above the claim refutes it, and the cells fail. Of recall: the highest over cells, of clips.", 100*results.AuditLevel))
		}
		t.Notes = slices.Concat(t.Notes, why, s.IDNotes(ds, nil))
		return unlessEmpty(t)
	},
}

// auditOf is what was tried of a claim of a defense: of several cells the one in
// which the limit comes nearest to the claim.
func auditOf(s *reports.Set, d string, c results.Claim) (best results.Audit, ok bool) {
	for _, p := range s.Panels {
		for _, r := range s.BySubject[reports.Subject{Panel: p, Defense: d}] {
			for _, a := range r.Audits {
				if a.Stage == c.Stage && a.Claim == c.Name && (!ok || a.Limit-a.Claimed > best.Limit-best.Claimed) {
					best, ok = a, true
				}
			}
		}
	}
	return best, ok
}

// claimed writes a figure of an account; a delta is far below what other
// tables print.
func claimed(v float64) string {
	if v != 0 && v < 1e-3 {
		return fmt.Sprintf("%.3g", v)
	}
	return table.Amount(v)
}

// claimsOf are those of the first cell of a defense that has them.
func claimsOf(s *reports.Set, d string) []results.Claim {
	for _, p := range s.Panels {
		for _, r := range s.BySubject[reports.Subject{Panel: p, Defense: d}] {
			if len(r.Claims) > 0 {
				return r.Claims
			}
		}
	}
	return nil
}
