package stats

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// The simulations draw experiments whose truth is known and count how often
// what this package says of them is wrong. With VEILBENCH_FULL=1 they are of
// full size and write their tables into the page statisticsPage (make full).

const statisticsPage = "../../reports/docs/statistics.md"

func full() bool { return os.Getenv("VEILBENCH_FULL") != "" }

// law draws how many of n items an attacker gets right in each group.
type law struct {
	n int
	p float64
	// like is the concentration of the beta distribution of group truths, 0 if
	// all are p; own says that each attacker has truths of its own.
	like  float64
	own   bool
	table []float64 // probabilities of at most k right
}

func newLaw(n int, p, like float64, own bool) *law {
	l := &law{n: n, p: p, like: like, own: own, table: make([]float64, n+1)}
	if like == 0 {
		l.binomial(p)
	} else if own {
		a, b, sum := p*like, (1-p)*like, 0.0
		for k := range l.table {
			sum += math.Exp(lchoose(n, k) + lbeta(float64(k)+a, float64(n-k)+b) - lbeta(a, b))
			l.table[k] = sum
		}
	}
	return l
}

func lbeta(a, b float64) float64 {
	x, _ := math.Lgamma(a)
	y, _ := math.Lgamma(b)
	z, _ := math.Lgamma(a + b)
	return x + y - z
}

func lchoose(n, k int) float64 {
	return -math.Log(float64(n)+1) - lbeta(float64(n-k)+1, float64(k)+1)
}

func (l *law) binomial(p float64) {
	term := float64(l.n) * math.Log1p(-p)
	sum := 0.0
	for k := range l.table {
		if p > 0 && p < 1 {
			sum += math.Exp(term)
			term += math.Log(p / (1 - p) * float64(l.n-k) / float64(k+1))
		} else if p <= 0 || k == l.n {
			sum = 1
		}
		l.table[k] = sum
	}
}

func (l *law) draw(r *rand.Rand) float64 {
	u, lo, hi := r.Float64(), 0, l.n
	for lo < hi {
		if m := (lo + hi) / 2; l.table[m] < u {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return float64(lo) / float64(l.n)
}

// fill draws one experiment.
func (l *law) fill(r *rand.Rand, x [][]Group) {
	for g := range x[0] {
		if l.like > 0 && !l.own {
			// Gamma draws of so small a shape may both be 0, then truth is 0 or 1.
			a := distuv.Gamma{Alpha: l.p * l.like, Beta: 1, Src: r}.Rand()
			b := distuv.Gamma{Alpha: (1 - l.p) * l.like, Beta: 1, Src: r}.Rand()
			switch {
			case a+b > 0:
				l.binomial(a / (a + b))
			case r.Float64() < l.p:
				l.binomial(1)
			default:
				l.binomial(0)
			}
		}
		for a := range x {
			x[a][g] = Group{Score: l.draw(r), N: l.n}
		}
	}
}

// outcome is how often limits err, in shares of the experiments.
type outcome struct {
	low, up, unmarked float64
	width, bias       float64 // of the interval in plain t intervals; of the estimate
}

func coverage(l *law, attackers, groups, repeats int) outcome {
	r := rand.New(rand.NewPCG(uint64(attackers*1000+groups), math.Float64bits(l.p)+uint64(l.n)))
	return coverageOf(l.p, r, l.fill, attackers, groups, repeats)
}

// coverageOf counts how often limits are on the wrong side of a truth in experiments
// that fill draws.
func coverageOf(truth float64, r *rand.Rand, fill func(*rand.Rand, [][]Group), attackers, groups, repeats int) outcome {
	x := make([][]Group, attackers)
	for a := range x {
		x[a] = make([]Group, groups)
	}
	var o outcome
	var width, plain float64
	share := 1 / float64(repeats)
	for range repeats {
		fill(r, x)
		h := Best(x, 0.95)
		low, up := h.Lo > truth+1e-12, h.Hi < truth-1e-12
		if low {
			o.low += share
		}
		if up {
			o.up += share
		}
		if (low || up) && !h.Edge {
			o.unmarked += share
		}
		o.bias += (h.Mean - truth) * share
		var v []float64
		for _, g := range x[0] {
			v = append(v, g.Score)
		}
		lo, hi, _ := Interval(v, 0.95)
		width, plain = width+h.Hi-h.Lo, plain+hi-lo
	}
	o.width = width / plain
	return o
}

var shares = []float64{.01, .02, .05, .1, .25, .5, .75, .9, .95, .98, .99}

// truths are how groups differ in the simulation.
type truths struct {
	title string
	like  float64
	own   bool
}

// simulate prints one table and holds the limits of one common truth to 3 %.
func (k truths) simulate(t *testing.T, b *bytes.Buffer, repeats func(attackers, groups int) int, attackers, groups, items []int, shares []float64) {
	fmt.Fprintf(b, "attackers groups items repeats ")
	for _, p := range shares {
		fmt.Fprintf(b, " %9.2f", p)
	}
	fmt.Fprintf(b, "  unmarked  too high  width\n")
	for _, a := range attackers {
		if k.own && a == 1 {
			continue
		}
		for _, g := range groups {
			for _, n := range items {
				fmt.Fprintf(b, "%9d %6d %5d %7d ", a, g, n, repeats(a, g))
				var most, bias, width float64
				for _, p := range shares {
					o := coverage(newLaw(n, p, k.like, k.own), a, g, repeats(a, g))
					cell := percent(o.low) + "/" + percent(o.up)
					if max(o.low, o.up) > 0.05 {
						cell += "*"
					}
					fmt.Fprintf(b, " %9s", cell)
					most = max(most, o.unmarked)
					if p == 0.5 {
						bias, width = o.bias, o.width
					}

					// Three standard errors above the 3 % that must hold, where repeats are few.
					allowed := 0.03 + 3*math.Sqrt(0.03*0.97/float64(repeats(a, g)))
					if full() {
						allowed = 0.03
					}
					if k.like == 0 && max(o.low, o.up) > allowed {
						t.Errorf("one truth %.2f, %d attackers, %d groups of %d: limits err in %.4f and %.4f", p, a, g, n, o.low, o.up)
					}
					if k.like == 0 && a == 1 && p == 0.5 && o.width > 1.2 {
						t.Errorf("%d groups of %d: %.3f times as wide as the t interval", g, n, o.width)
					}
				}
				fmt.Fprintf(b, "  %8s  %8.3f", percent(most), bias)
				if a == 1 {
					fmt.Fprintf(b, "  %5.2f", width)
				}
				fmt.Fprintln(b)
			}
		}
	}
}

func percent(v float64) string {
	if v >= 0.0995 {
		return fmt.Sprintf("%.0f", 100*v)
	}
	return fmt.Sprintf("%.1f", 100*v)
}

// Limits of the headline where the truth is known.
func TestSimulationOfHeadline(t *testing.T) {
	kinds := []truths{
		{"All groups share one truth", 0, false},
		{"Group truths of concentration 20, common to the attackers", 20, false},
		{"Group truths of concentration 20, of each attacker's own", 20, true},
		{"Group truths of concentration 2, common to the attackers", 2, false},
		{"Group truths of concentration 2, of each attacker's own", 2, true},
	}
	var page bytes.Buffer
	for _, k := range kinds {
		var b bytes.Buffer
		start := time.Now()
		if full() {
			repeats := func(attackers, groups int) int {
				switch {
				case attackers == 1, k.like == 0 && attackers*groups < 1000:
					return 4000
				case k.like == 0:
					return 2000
				}
				return map[int]int{11: 1000, 51: 400}[attackers]
			}
			k.simulate(t, &b, repeats, []int{1, 11, 51}, []int{5, 10, 30}, []int{20, 200}, shares)
		} else {
			k.simulate(t, &b, func(int, int) int { return 200 }, []int{1, 11}, []int{5, 10}, []int{20}, []float64{.02, .5, .9})
		}
		t.Logf("%s, %v\n%s", k.title, time.Since(start).Round(time.Second), b.String())
		fmt.Fprintf(&page, "%s:\n\n```text\n%s```\n\n", k.title, b.String())
	}
	write(t, "limits", page.Bytes())
}

// write puts a table between the marks of the page, at full size.
func write(t *testing.T, mark string, table []byte) {
	t.Helper()
	if !full() {
		return
	}
	b, err := os.ReadFile(statisticsPage)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+mark+": written by make full -->\n", "<!-- end of "+mark+" -->"
	head, rest, ok := strings.Cut(string(b), begin)
	_, foot, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no marks %q", statisticsPage, mark)
	}
	if err := os.WriteFile(statisticsPage, []byte(head+begin+strings.TrimRight(string(table), "\n")+"\n"+end+foot), 0o644); err != nil {
		t.Fatal(err)
	}
}

// contest is a pair of sides with known truths: those of the a-th of k
// attackers on either side.
type contest struct {
	head string
	x, y func(a, k int) float64
	like float64 // of group truths, each attacker's own
	null bool
}

func contests() []contest {
	all := func(p float64) func(int, int) float64 { return func(int, int) float64 { return p } }
	lone := func(p float64) func(int, int) float64 {
		return func(a, _ int) float64 {
			if a == 0 {
				return p
			}
			return 0.05
		}
	}
	rising := func(a, k int) float64 { return 0.5 * float64(a+1) / float64(k) }
	return []contest{
		{"same .4", all(.4), all(.4), 0, true},
		{"same, rising", rising, rising, 0, true},
		{"same, spread", all(.4), all(.4), 20, true},
		{"1 to k .4", lone(.4), all(.4), 0, true},
		{"1 to k .9", lone(.9), all(.9), 0, true},
		{"1 to k, spread", lone(.4), all(.4), 20, true},
		{"+.3 all", all(.6), all(.3), 20, false},
		{"+.3 one", lone(.6), lone(.3), 20, false},
		{"+.5 all", all(.7), all(.2), 20, false},
		{"+.5 one", lone(.7), lone(.2), 20, false},
	}
}

// told is the share of repeats in which Flip tells the sides apart at a level.
func (c contest) told(attackers, groups, repeats int, level float64) float64 {
	const items = 20
	r := rand.New(rand.NewPCG(uint64(attackers), uint64(groups)))
	side := func(p func(a, k int) float64) (laws []*law, rows [][]float64) {
		for a := range attackers {
			laws, rows = append(laws, newLaw(items, p(a, attackers), c.like, true)), append(rows, make([]float64, groups))
		}
		return laws, rows
	}
	lx, x := side(c.x)
	ly, y := side(c.y)
	hits := 0
	for range repeats {
		for a := range attackers {
			for g := range groups {
				x[a][g], y[a][g] = lx[a].draw(r), ly[a].draw(r)
			}
		}
		if Flip(x, y).P <= level {
			hits++
		}
	}
	return float64(hits) / float64(repeats)
}

// effort bounds the repeats of a large contest at full size, in signs times
// attackers, but for the fewest, of which 30 are the 5 % that a null may reach.
const (
	effort = 1 << 24
	fewest = 600
)

// Two defenses that leak alike, and two that do not.
func TestSimulationOfComparison(t *testing.T) {
	attackers, groups := []int{1, 10}, []int{6, 8}
	repeats := func(int, int) int { return 200 }
	if full() {
		attackers, groups = []int{1, 10, 50}, []int{6, 8, 10, 15, 25}
		// What a test costs grows with its signs and attackers.
		repeats = func(k, g int) int { return min(max(effort/(k<<min(g, 15)), fewest), 4000) }
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "attackers groups repeats")
	for _, c := range contests() {
		fmt.Fprintf(&b, "  %s", c.head)
	}
	fmt.Fprintln(&b)
	for _, k := range attackers {
		for _, g := range groups {
			n := repeats(k, g)
			fmt.Fprintf(&b, "%9d %6d %7d", k, g, n)
			told := make([]float64, len(contests()))
			var wg sync.WaitGroup
			for i, c := range contests() {
				wg.Go(func() { told[i] = c.told(k, g, n, 0.05) })
			}
			wg.Wait()
			for i, c := range contests() {
				v := told[i]
				fmt.Fprintf(&b, "  %*s", len(c.head), percent(v))
				// At small size three standard errors above the level.
				allowed := 0.05 + 3*math.Sqrt(0.05*0.95/float64(n))
				if full() {
					allowed = 0.05
				}
				if c.null && v > allowed {
					t.Errorf("%s, %d attackers, %d groups: told apart in %.4f of %d", c.head, k, g, v, n)
				}
			}
			fmt.Fprintln(&b)
		}
	}
	t.Logf("\n%s", b.String())
	write(t, "comparisons", []byte("```text\n"+b.String()+"```\n"))
}
