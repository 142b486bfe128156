package stats

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// statements are the sentences of the page on statistics that have figures: those are
// taken from its tables, which make full writes, or worked out here.
type statements struct {
	t    *testing.T
	text string // of the page, a blank for any white space
	page string
}

func readStatements(t *testing.T) statements {
	t.Helper()
	b, err := os.ReadFile(statisticsPage)
	if err != nil {
		t.Fatal(err)
	}
	return statements{t, strings.Join(strings.Fields(string(b)), " "), string(b)}
}

func (s statements) says(format string, args ...any) {
	s.t.Helper()
	if want := fmt.Sprintf(format, args...); !strings.Contains(s.text, want) {
		s.t.Errorf("the page does not say: %s", want)
	}
}

// erring is a row of a table: how often limits err, in percent, by the truth.
type erring struct {
	title                    string
	spread                   float64 // of devices
	attackers, groups, items int
	low, up                  map[float64]float64
	unmarked, high           float64
}

func (e erring) most() (most float64) {
	for p := range e.low {
		most = max(most, e.low[p], e.up[p])
	}
	return most
}

// rows reads the tables between two marks. Those of devices have a spread in the place
// of items, and nothing behind the shares.
func (s statements) rows(mark string) (out []erring) {
	s.t.Helper()
	_, rest, _ := strings.Cut(s.page, "<!-- "+mark+": written by make full -->\n")
	body, _, ok := strings.Cut(rest, "<!-- end of "+mark+" -->")
	if !ok {
		s.t.Fatalf("no table %s", mark)
	}
	title, truths := "", []float64(nil)
	for l := range strings.Lines(body) {
		words := strings.Fields(l)
		number := func(i int) float64 {
			v, err := strconv.ParseFloat(words[i], 64)
			if err != nil {
				s.t.Fatalf("%s: %q", mark, l)
			}
			return v
		}
		switch {
		case strings.HasSuffix(strings.TrimSpace(l), ":"):
			title = strings.TrimSpace(l)
		case strings.Contains(l, "repeats"):
			truths = nil
			for i := 4; i < len(words) && !strings.HasPrefix(words[i], "unmarked"); i++ {
				truths = append(truths, number(i))
			}
		case strings.Contains(l, "/"):
			e := erring{title: title, low: map[float64]float64{}, up: map[float64]float64{}}
			if mark == "devices" {
				e.spread, e.attackers, e.groups = number(0), int(number(1)), int(number(2))
			} else {
				e.attackers, e.groups, e.items = int(number(0)), int(number(1)), int(number(2))
				e.unmarked, e.high = number(4+len(truths)), number(5+len(truths))
			}
			for i, p := range truths {
				low, up, _ := strings.Cut(strings.TrimSuffix(words[4+i], "*"), "/")
				e.low[p], _ = strconv.ParseFloat(low, 64)
				e.up[p], _ = strconv.ParseFloat(up, 64)
			}
			out = append(out, e)
		}
	}
	if len(out) < 18 {
		s.t.Fatalf("%d rows of %s", len(out), mark)
	}
	return out
}

// span are the least and the most of what rows have.
func span(rows []erring, of func(erring) (float64, bool)) (lo, hi float64) {
	lo = math.Inf(1)
	for _, r := range rows {
		if v, ok := of(r); ok {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	return lo, hi
}

// What the page says of its tables is in them.
func TestStatementsOfTables(t *testing.T) {
	s := readStatements(t)
	rows := s.rows("limits")
	like := func(r erring, concentration string) bool {
		return strings.Contains(r.title, "concentration "+concentration+",")
	}

	small := func(r erring) (float64, bool) { return r.high, r.attackers > 1 && r.groups == 5 && r.items == 20 }
	lo, hi := span(rows, func(r erring) (float64, bool) {
		v, ok := small(r)
		return v, ok && (r.title == rows[0].title || strings.Contains(r.title, "common"))
	})
	_, own := span(rows, small)
	s.says("about %s with 11 to 51 attackers and five groups of 20 items, up to %s where attackers are good in different homes", share((lo+hi)/2, 1), share(own, 1))
	if share(lo, 1) != share(hi, 1) {
		t.Errorf("too high by %v to %v", lo, hi)
	}

	_, few := span(rows, func(r erring) (float64, bool) { return r.unmarked, like(r, "2") })
	s.says("without it at most %.0f %% of them err with concentration 2", math.Ceil(few))
	many := func(groups, items int, of func(erring) float64) (lo, hi float64) {
		return span(rows, func(r erring) (float64, bool) {
			v := of(r)
			return v, like(r, "20") && r.attackers > 1 && r.groups == groups && r.items == items && v > 5
		})
	}
	near, far := many(30, 200, erring.most)
	_, ten := many(10, 200, func(r erring) float64 { return r.unmarked })
	_, thirty := many(30, 20, func(r erring) float64 { return r.unmarked })
	s.says("%.0f to %.0f %% with 30 groups of 200 items, truths of .9 and more and 11 to 51 attackers that are equally good, the most; %.0f %% at .9 with 10 groups of 200 items, %.1f %% with 30 groups of 20", near, far, ten, thirty)
	_, up := span(rows, func(r erring) (most float64, ok bool) {
		for _, v := range r.up {
			most = max(most, v)
		}
		return most, like(r, "20")
	})
	s.says("The upper end errs in about %.0f %% there at most", up)

	devices := s.rows("devices")
	_, up = span(devices, func(r erring) (float64, bool) { return r.most(), r.attackers <= 11 })
	_, hi = span(devices, func(r erring) (float64, bool) { return r.most(), r.attackers == 51 && r.groups == 30 && r.spread > 0 })
	_, all := span(devices, func(r erring) (float64, bool) { return r.most(), true })
	s.says("in up to %.1f %% with at most 11 attackers, and lower ends in up to %.0f %% with 51 that are equally good", up, hi)
	if all > hi {
		t.Errorf("limits of devices err in %v %%", all)
	}
}

// share writes a share as the page does, without the zero in front.
func share(v float64, digits int) string {
	return strings.TrimPrefix(strconv.FormatFloat(v, 'f', digits, 64), "0")
}

// What the page says of single intervals and tests is what they do.
func TestStatementsOfLimits(t *testing.T) {
	s := readStatements(t)
	upper := func(groups, items int) float64 {
		x := make([]Group, groups)
		for g := range x {
			x[g].N = items
		}
		return Best([][]Group{x}, 0.95).Hi
	}
	s.says("5 groups of 20 give [0 %s], and however many items they have, never less than [0 %s]", share(upper(5, 20), 2), share(upper(5, 1e9), 2))
	s.says("its upper end is then about %s to %s, with five about %s to %s",
		share(upper(10, 1e9), 2), share(upper(10, 20), 2), share(upper(5, 1e9), 2), share(upper(5, 20), 2))

	exact := func(attackers int) (groups int) {
		for (2*attackers)<<(groups+1) <= flipWork {
			groups++
		}
		return groups
	}
	s.says("(%d groups for one attacker on each side, %d for ten, %d for fifty), else %d,%03d drawn with a fixed seed",
		exact(1), exact(10), exact(50), flipSample/1000, flipSample%1000)
	if flipWork>>20 != 2 {
		t.Errorf("%d steps are not two million", flipWork)
	}
	s.says("a standard error at 5 %% is %.1f %%", 100*math.Sqrt(0.05*0.95/fewest))
	s.says("Below five groups and for splits within groups there is no interval") // MinGroups
	s.says("a beta distribution of concentration %d.", alike)

	// So many groups as the smallest p needs after Holm.
	found := regexp.MustCompile(`(?m)^\| (\d+) (?:\((\d+) defenses\) )?\| (\d+) \|$`).FindAllStringSubmatch(s.page, -1)
	for _, m := range found {
		rows, _ := strconv.Atoi(m[1])
		groups := 1
		for float64(rows)*math.Pow(2, float64(1-groups)) > 0.05 {
			groups++
		}
		if defenses, err := strconv.Atoi(m[2]); m[3] != strconv.Itoa(groups) || err == nil && defenses*(defenses-1)/2 != rows {
			t.Errorf("%s: want %d groups", m[0], groups)
		}
	}
	if len(found) != 6 || MinGroups != 5 {
		t.Errorf("%d rows, %d groups", len(found), MinGroups)
	}
}

// TestSimulationOfManyRows asks for the power in a table of ten defenses: 45 rows, of
// which Holm holds the first against 5 % of a 45th.
func TestSimulationOfManyRows(t *testing.T) {
	const rows = 45
	attackers, groups, repeats := []int{1}, []int{15}, 60
	if full() {
		attackers, groups, repeats = []int{1, 10}, []int{12, 15}, 400
	}
	var cases []contest
	for _, c := range contests() {
		if strings.HasPrefix(c.head, "+.3") {
			cases = append(cases, c)
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "attackers groups repeats")
	for _, c := range cases {
		fmt.Fprintf(&b, "  %s", c.head)
	}
	fmt.Fprintln(&b)
	for _, k := range attackers {
		for _, g := range groups {
			fmt.Fprintf(&b, "%9d %6d %7d", k, g, repeats)
			for _, c := range cases {
				v := c.told(k, g, repeats, 0.05/rows)
				fmt.Fprintf(&b, "  %*s", len(c.head), percent(v))
				if g >= 15 && v < 0.3 {
					t.Errorf("%s, %d attackers, %d groups: found in %.2f of %d", c.head, k, g, v, repeats)
				}
			}
			fmt.Fprintln(&b)
		}
	}
	t.Logf("\n%s", b.String())
	write(t, "rows", []byte("```text\n"+b.String()+"```\n"))
}
