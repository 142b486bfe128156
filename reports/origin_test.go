package reports

import (
	"bytes"
	"encoding/csv"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// stored is what a report leaves beside its tables: the rows of results.csv,
// groups.csv and classes.csv by column name.
type stored struct{ results, groups, classes *rows }

// rows are those of a file, and the ones of each data set and defense.
type rows struct {
	all []map[string]string
	by  map[string][]map[string]string
}

func storedOf(t *testing.T, s *Set) stored {
	t.Helper()
	read := func(write func(io.Writer) error) *rows {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		recs, err := csv.NewReader(&b).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		out := &rows{by: map[string][]map[string]string{}}
		for _, r := range recs[1:] {
			m := map[string]string{}
			for i, c := range recs[0] {
				m[c] = r[i]
			}
			out.all = append(out.all, m)
			k := m["dataset"] + "/" + m["task"] + "/" + m["vantage"] + "/" + m["split"] + "/" + m["defense"]
			out.by[k] = append(out.by[k], m)
		}
		return out
	}
	return stored{read(s.WriteResults), read(s.WriteGroups), read(s.WriteClasses)}
}

// number is a column of a row.
func cell(r map[string]string, column string) float64 {
	v, err := strconv.ParseFloat(r[column], 64)
	if err != nil {
		panic(err)
	}
	return v
}

// of selects the rows of o's cells; no attack means every one.
func of(rs *rows, o Origin) []map[string]string {
	p, a := o.Panel, o.Attacker
	var out []map[string]string
	for _, r := range rs.by[p.Dataset+"/"+string(p.Task)+"/"+string(p.Vantage)+"/"+string(p.Split)+"/"+o.Defense] {
		if a.Attack == "" || r["attack"] == a.Attack && r["knowledge"] == string(a.Knowledge) {
			out = append(out, r)
		}
	}
	return out
}

func sum(x []float64) (s float64) {
	for _, v := range x {
		s += v
	}
	return s
}

func mean(x []float64) float64 { return sum(x) / float64(len(x)) }

// metric lists the values of a metric in o's cells; where o names no attack,
// one for each fold, draw and seed.
func (st stored) metric(o Origin, name string) []float64 {
	var out []float64
	seen := map[string]bool{}
	for _, r := range of(st.results, o) {
		k := r["fold"] + "/" + r["draw"] + "/" + r["seed"]
		if r["metric"] != name || o.Attacker.Attack == "" && seen[k] {
			continue
		}
		seen[k] = true
		out = append(out, cell(r, "value"))
	}
	return out
}

// byGroup is the mean over o's cells of a column of groups.csv.
func (st stored) byGroup(o Origin, value func(map[string]string) float64) map[string]float64 {
	all := map[string][]float64{}
	for _, r := range of(st.groups, o) {
		all[r["group"]] = append(all[r["group"]], value(r))
	}
	out := map[string]float64{}
	for g, x := range all {
		out[g] = mean(x)
	}
	return out
}

func advantageOf(r map[string]string) float64 {
	return (cell(r, "value") - cell(r, "floor")) / (1 - cell(r, "floor"))
}

// differences are those of the advantages in the groups that o and its rival
// share.
func (st stored) differences(o Origin) []float64 {
	a := st.chosen(o, advantageOf)
	o.Defense = o.Against
	b := st.chosen(o, advantageOf)
	var out []float64
	for _, g := range slices.Sorted(maps.Keys(a)) {
		if v, ok := b[g]; ok {
			out = append(out, a[g]-v)
		}
	}
	return out
}

// chosen is, for each group, what the attack scores there that is best on the
// other groups; controls are never chosen.
func (st stored) chosen(o Origin, value func(map[string]string) float64) map[string]float64 {
	control := map[string]bool{}
	for _, r := range st.results.all {
		control[r["attack"]] = r["control"] == "true"
	}
	attackers := map[Attacker]bool{}
	o.Attacker = Attacker{}
	for _, r := range of(st.groups, o) {
		if !control[r["attack"]] {
			attackers[Attacker{Attack: r["attack"], Knowledge: results.Knowledge(r["knowledge"])}] = true
		}
	}
	scores, values := map[Attacker]map[string]float64{}, map[Attacker]map[string]float64{}
	groups := map[string]bool{}
	for a := range attackers {
		o.Attacker = a
		scores[a] = st.byGroup(o, func(r map[string]string) float64 { return cell(r, "value") })
		values[a] = st.byGroup(o, value)
		for g := range scores[a] {
			groups[g] = true
		}
	}
	out := map[string]float64{}
	for g := range groups {
		var best Attacker
		top := math.Inf(-1)
		for a, by := range scores {
			total := 0.0
			for h, v := range by {
				if h != g {
					total += v
				}
			}
			if total > top {
				best, top = a, total
			}
		}
		if v, ok := values[best][g]; ok {
			out[g] = v
		}
	}
	return out
}

// over are the values of all groups in order.
func over(by map[string]float64) []float64 {
	var out []float64
	for _, g := range slices.Sorted(maps.Keys(by)) {
		out = append(out, by[g])
	}
	return out
}

// signFlip is the two-sided p-value: the share of all choices of signs under
// which the sum is at least as far from 0.
func signFlip(diff []float64) float64 {
	far := 0
	for signs := range 1 << len(diff) {
		total := 0.0
		for i, d := range diff {
			if signs>>i&1 == 1 {
				d = -d
			}
			total += d
		}
		if math.Abs(total) >= math.Abs(sum(diff))-1e-12 {
			far++
		}
	}
	return float64(far) / float64(int(1)<<len(diff))
}

// bound works out what the nearest neighbor says with one feature set; those of
// several attacks that share it count once.
func (st stored) bound(o Origin) float64 {
	of := func(name string) []float64 {
		var out []float64
		seen := map[string]bool{}
		for _, r := range of(st.results, o) {
			k := r["fold"] + "/" + r["seed"] + "/" + r["train_draws"]
			if r["metric"] == name+":"+o.Metric && !seen[k] {
				seen[k] = true
				out = append(out, cell(r, "value"))
			}
		}
		return out
	}
	wrong := sum(of("bound_wrong")) / sum(of("bound_tested"))
	switch o.Op {
	case NearestError:
		return wrong
	case ClassBits:
		return mean(of("bound_class_bits"))
	case ChanceBits:
		return mean(of("bound_chance_bits"))
	}
	// Cover and Hart: R >= (L-1)/L (1 - sqrt(1 - L/(L-1) R_NN)).
	l := slices.Max(of("bound_classes"))
	return (l - 1) / l * (1 - math.Sqrt(max(0, 1-l/(l-1)*wrong)))
}

// paired works out what stands beside the sign-flip test.
func (st stored) paired(o Origin) float64 {
	value := func(r map[string]string) float64 { return cell(r, "value") }
	a, b := o, o
	b.Defense, b.Attacker = o.Against, o.Rival
	if o.Op == CliffDelta {
		above, n := 0., 0.
		x, y := st.chosen(a, advantageOf), st.chosen(b, advantageOf)
		for g := range x {
			for h := range y {
				if _, shared := y[g]; !shared {
					continue
				}
				if _, shared := x[h]; !shared {
					continue
				}
				n++
				switch {
				case x[g] > y[h]:
					above++
				case x[g] < y[h]:
					above--
				}
			}
		}
		return above / n
	}
	if o.Op == McNemar {
		x, y := st.chosen(a, value), st.chosen(b, value)
		var d []float64
		for _, g := range slices.Sorted(maps.Keys(x)) {
			if v, ok := y[g]; ok && v != x[g] {
				d = append(d, x[g]-v)
			}
		}
		return signFlip(d) // of 1 and -1: the binomial test of the pairs that differ
	}
	// Wilcoxon: the sign-flip test of ranks.
	d := slices.DeleteFunc(st.differences(o), func(x float64) bool { return x == 0 })
	ranks := make([]float64, len(d))
	for i, x := range d {
		ranks[i] = 0.5
		for _, y := range d {
			switch {
			case math.Abs(y) < math.Abs(x):
				ranks[i]++
			case math.Abs(y) == math.Abs(x):
				ranks[i] += 0.5
			}
		}
		ranks[i] = math.Copysign(ranks[i], x)
	}
	return signFlip(ranks)
}

// alarms works out rates and limits from sums over the first draw and seed.
func (st stored) alarms(o Origin) float64 {
	total := func(name string) float64 {
		var out float64
		first := ""
		for _, r := range of(st.results, o) {
			k := r["draw"] + "/" + r["seed"]
			if r["metric"] == name && (first == "" || k == first) {
				first = k
				out += cell(r, "value")
			}
		}
		return out
	}
	// solve finds the x in [lo, hi] at which a rising f reaches want.
	solve := func(lo, hi, want float64, f func(float64) float64) float64 {
		for range 200 {
			if mid := (lo + hi) / 2; f(mid) < want {
				lo = mid
			} else {
				hi = mid
			}
		}
		return lo
	}
	// The limits by their definition: where what was seen or more of it in the
	// other direction has 5 %, or 2.5 % on each side.
	alarms, alerts, right := total("false_alarms"), total("alerts"), total("alerts_right")
	most := func() float64 {
		return solve(0, 1000, 0.95, func(mean float64) float64 {
			p, term := 0.0, math.Exp(-mean)
			for k := 0.0; k <= alarms; k++ {
				p += term
				term *= mean / (k + 1)
			}
			return 1 - p
		})
	}
	tail := func(p float64, from, to float64) (sum float64) {
		for k := from; k <= to; k++ {
			a, _ := math.Lgamma(alerts + 1)
			b, _ := math.Lgamma(k + 1)
			c, _ := math.Lgamma(alerts - k + 1)
			sum += math.Exp(a-b-c) * math.Pow(p, k) * math.Pow(1-p, alerts-k)
		}
		return sum
	}
	switch o.Op {
	case PerDay:
		return alarms / total("observed_days")
	case PerMillion:
		return 1e6 * alarms / total("observed_packets")
	case MostDay:
		return most() / total("observed_days")
	case MostMillion:
		return 1e6 * most() / total("observed_packets")
	case Right:
		return right / alerts
	case RightLow:
		return solve(0, 1, 0.025, func(p float64) float64 { return tail(p, right, alerts) })
	case RightHigh:
		return solve(0, 1, 0.975, func(p float64) float64 { return 1 - tail(p, 0, right) })
	}
	return total(o.Metric)
}

// number works out o from the text of the files alone.
func (st stored) number(o Origin) float64 {
	class := func() (right, n float64) {
		for _, r := range of(st.classes, o) {
			if r["class"] == o.Metric {
				right, n = right+cell(r, "right"), n+cell(r, "n")
			}
		}
		return right, n
	}
	switch o.Op {
	case Overhead:
		return sum(st.metric(o, "out_bytes"))/sum(st.metric(o, "in_bytes")) - 1
	case Gain:
		f := mean(st.metric(o, "floor"))
		return max(0, (mean(st.metric(o, results.Headline(o.Panel.Task)))-f)/(1-f))
	case CostWorst:
		return slices.Max(st.metric(o, o.Metric))
	case Cells:
		return float64(len(st.metric(o, "floor")) + len(st.metric(o, "failed")))
	case ClassRecall:
		right, n := class()
		return right / n
	case ClassCount:
		// Every attacker of the fixture is tested on the same items, unless a
		// cell of it failed.
		most := 0.0
		by := map[string]float64{}
		for _, r := range st.classes.all {
			if r["class"] == o.Metric && r["dataset"] == o.Panel.Dataset && r["task"] == string(o.Panel.Task) && r["vantage"] == string(o.Panel.Vantage) {
				k := r["defense"] + "/" + r["attack"] + "/" + r["knowledge"]
				by[k] += cell(r, "n")
				most = max(most, by[k])
			}
		}
		return most
	case Groups:
		if o.Against != "" {
			return float64(len(st.differences(o)))
		}
		return float64(len(st.byGroup(o, advantageOf)))
	case Chosen:
		return mean(over(st.chosen(o, func(r map[string]string) float64 { return cell(r, "value") })))
	case Headline:
		return min(max(mean(over(st.chosen(o, advantageOf))), 0), 1)
	case Difference:
		return mean(st.differences(o))
	case SignFlip:
		return signFlip(st.differences(o))
	case McNemar, SignedRanks, CliffDelta:
		return st.paired(o)
	case Total, PerDay, PerMillion, MostDay, MostMillion, Right, RightLow, RightHigh:
		return st.alarms(o)
	case NearestError, LeastError, ClassBits, ChanceBits:
		return st.bound(o)
	case BestError:
		right := map[datasets.Task][]string{datasets.Events: {"recall", "precision"}, datasets.Clip: {"accuracy"}}[o.Panel.Task]
		if right == nil {
			right = []string{results.Headline(o.Panel.Task)}
		}
		least := 1.0
		for _, m := range right {
			least = min(least, mean(st.metric(o, m)))
		}
		return 1 - least
	}
	return mean(st.metric(o, o.Metric))
}

// interval works out the bounds of o's value: Student's t over five groups,
// cut to the scale of shares.
func (st stored) interval(o Origin) (lo, hi float64) {
	var x []float64
	switch o.Op {
	case Headline:
		x = over(st.chosen(o, advantageOf))
	case Difference:
		x = st.differences(o)
	default: // each cell of the fixture tests one group
		x = st.metric(o, o.Metric)
	}
	m, square := mean(x), 0.0
	for _, v := range x {
		square += (v - m) * (v - m)
	}
	const t4 = 2.7764451051977987 // the quantile 0.975 of Student's t with 4 degrees of freedom, by a table
	half := t4 * math.Sqrt(square/4/5)
	if lo, hi = m-half, m+half; o.Op != Difference {
		lo, hi = min(max(lo, 0), 1), min(max(hi, 0), 1)
	}
	return lo, hi
}

// near says that two ways of working out a number agree.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(b)) }

// elsewhere are columns of numbers that no file holds: settings, counts of
// what is listed, and p-values adjusted within their table (TestHolm).
func elsewhere(table, column string) bool {
	return slices.Contains([]string{"failed/fold", "failed/draw", "warnings/cells", "tests/p (Holm)", "study/k", "tolerance/tolerance (s)", "shares/share of window (%)", "accounts/claimed"}, table+"/"+column)
}

// Every number and every bound in a table is what the files beside it give,
// worked out here from their text alone, to the digits that are printed.
func TestNumbersFollowFromFiles(t *testing.T) {
	for name, rs := range map[string][]results.Result{"small": smallFixture(), "study": studyFixture(5)} {
		s := NewSet(rs, Options{})
		st := storedOf(t, s)
		tables := []Table{s.pairsTable()}
		for _, n := range TableNames() {
			tables = append(tables, s.Tables(n)...)
		}
		cache := map[Origin]float64{}
		checked := 0
		for _, tb := range tables {
			for _, row := range tb.Rows {
				for i, v := range row {
					if !v.OK || elsewhere(tb.Name, tb.Columns[i].Head) {
						continue
					}
					if v.Of == nil {
						t.Errorf("%s: %s: column %q: %q does not say what it follows from", name, tb.Title, tb.Columns[i].Head, v.Text)
						continue
					}
					want, ok := cache[*v.Of]
					if !ok {
						want = st.number(*v.Of)
						cache[*v.Of] = want
					}
					checked++
					if !near(v.Num, want) {
						t.Errorf("%s: %s: %q is %v, the files give %v (%+v)", name, tb.Title, v.Text, v.Num, want, *v.Of)
					}
					if err := printed(v.Text, want); err != nil {
						t.Errorf("%s: %s: column %q: %v", name, tb.Title, tb.Columns[i].Head, err)
					}
					if v.HasInterval {
						lo, hi := st.interval(*v.Of)
						if !near(v.Lo, lo) || !near(v.Hi, hi) {
							t.Errorf("%s: %s: %q is in [%v %v], the files give [%v %v]", name, tb.Title, v.Text, v.Lo, v.Hi, lo, hi)
						}
						if err := holds(v.Text, lo, hi); err != nil {
							t.Errorf("%s: %s: %v", name, tb.Title, err)
						}
					}
				}
			}
		}
		t.Logf("%s: %d numbers", name, checked)
		if checked < 100 {
			t.Errorf("%s: only %d numbers were compared", name, checked)
		}
	}
}

// The adjusted p-values of a table are those that Holm's method makes of its
// p-values: the k-th smallest of n times n-k+1, never below the one before.
func TestHolm(t *testing.T) {
	for _, tb := range NewSet(smallFixture(), Options{}).Tables("tests") {
		rows := slices.SortedStableFunc(slices.Values(tb.Rows), func(a, b []Value) int {
			switch {
			case a[6].Num < b[6].Num:
				return -1
			case a[6].Num > b[6].Num:
				return 1
			}
			return 0
		})
		top := 0.0
		for k, r := range rows {
			top = max(top, min(1, r[6].Num*float64(len(rows)-k)))
			if !near(r[7].Num, top) {
				t.Errorf("%s: %s against %s: %v, want %v", tb.Title, r[0].Text, r[1].Text, r[7].Num, top)
			}
			if err := printed(r[7].Text, r[7].Num); err != nil {
				t.Error(err)
			}
		}
	}
}

// The two columns of a comparison are what the files of the two runs give.
func TestCompareFollowsFromFiles(t *testing.T) {
	rs := smallFixture()
	for i := range rs {
		rs[i].Metrics = slices.Clone(rs[i].Metrics)
		rs[i].Groups = slices.Clone(rs[i].Groups)
		for k := range rs[i].Groups {
			rs[i].Groups[k].Value *= 0.9
			rs[i].Metrics[0].Value = rs[i].Groups[k].Value
		}
	}
	before, after := NewSet(smallFixture(), Options{}), NewSet(rs, Options{})
	was, is := storedOf(t, before), storedOf(t, after)
	for _, row := range Compare(before, after).Rows {
		for i, st := range []stored{was, is} {
			v := row[3+i]
			want := st.number(*v.Of)
			if err := printed(v.Text, want); err != nil || !near(v.Num, want) {
				t.Errorf("%q is %v, the files give %v: %v", v.Text, v.Num, want, err)
			}
		}
		if want := row[4].Num - row[3].Num; !near(row[5].Num, want) || printed(row[5].Text, want) != nil {
			t.Errorf("difference %q is %v, want %v", row[5].Text, row[5].Num, want)
		}
		// Ten tests over five groups cannot show anything, and say so.
		if v := row[9].Text; v != "too few groups to tell (less in 5 of 5)" && row[5].Num != 0 && !strings.Contains(v, "of 4)") {
			t.Errorf("verdict %q on a difference of %v in 5 groups", v, row[5].Num)
		}
	}
}
