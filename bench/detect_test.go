package bench

import (
	"context"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"veilbench/attacks"
	"veilbench/bench/cost"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
	alldefenses "veilbench/defenses/builtin"
)

// idler is a stage that changes nothing: nobody can see whether it is on.
type idler struct{ defenses.None }

func (idler) Info() defenses.Info {
	return defenses.Info{Name: "idler", Doc: "changes nothing", Place: defenses.AtDevice}
}

func detectGrid(t *testing.T) Grid {
	g := Grid{
		Datasets: []datasets.Dataset{small(t, "home:event_signatures:homes=6,hours=2")}, Tasks: []datasets.Task{datasets.TaskDetect},
		Attacks: []attacks.Attack{attack(t, "guess-majority"), attack(t, "detect-forest:trees=50")}, Link: cost.DefaultLink(), Seed: 1,
		Split: "group-kfold:k=3", Knowledge: []results.Knowledge{results.Unaware, results.Adaptive},
	}
	for _, id := range []string{"none", "vpn", "cover-noise+vpn", "pad-random", "cover-stp:per=home"} {
		g.Defenses = append(g.Defenses, defense(t, id))
	}
	g.Defenses = append(g.Defenses, defenses.Chain{idler{}, defense(t, "vpn")})
	return g
}

// Cover and padding are compared with the same tunnel without them, and seen; a
// tunnel shows against none; what does nothing is not seen, and a working attack says
// so.
func TestDetect(t *testing.T) {
	g := detectGrid(t)
	rs, err := Run(context.Background(), g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	type figures struct{ detected, named, n float64 }
	got, label := map[string]figures{}, map[string]string{}
	for _, d := range g.Defenses {
		label[defenses.ID(d)] = defenses.Label(alldefenses.All(), d)
	}
	for _, r := range rs {
		id := label[r.Cell.Defense]
		if r.Err != "" {
			t.Fatalf("%s: %s", id, r.Err)
		}
		if r.Cell.Knowledge == results.Planted {
			found, _ := r.Metric(results.CanaryRecall)
			if n, _ := r.Metric(results.Canaries); found < 0.95 || n < 10 {
				t.Errorf("%s: %.2f of %v canaries found", id, found, n)
			}
			continue
		}
		if r.Cell.Knowledge != results.Adaptive || id == "none" {
			t.Errorf("a cell %+v", r.Cell)
		}
		detected, _ := r.Metric(results.Detected)
		named, _ := r.Metric(results.DefenseNamed)
		if r.Floor != 0.5 || len(r.Groups) != 2 || r.Groups[0].Floor != 0.5 || r.Groups[0].N != 4 || len(r.Items) != 8 {
			t.Errorf("%s: floor %v, groups %+v, %d items", id, r.Floor, r.Groups, len(r.Items))
		}
		if r.Control {
			if detected != 0.5 {
				t.Errorf("%s: a control detects %v", id, detected)
			}
			continue
		}

		want := map[string]struct {
			against string
			visible bool
		}{
			"vpn": {"none", true}, "cover-noise + vpn": {"vpn", true}, "pad-random": {"none", false},
			"cover-stp per=home": {"plain-tunnel:per=home", true}, "idler + vpn": {"vpn", true},
		}[id]
		if want.against == "vpn" {
			want.against = defenses.ID(defense(t, "vpn"))
		}
		if r.Against != want.against || r.Visible != want.visible {
			t.Errorf("%s: against %s, visible %v, want %+v", id, r.Against, r.Visible, want)
		}
		f := got[id]
		got[id] = figures{f.detected + detected/3, f.named + named/3, f.n + 1}
	}
	for id, f := range got {
		t.Logf("%s: detected %.3f, named %.3f", id, f.detected, f.named)
		if idle := id == "idler + vpn"; idle && math.Abs(f.detected-9.0/24) > 1e-9 || !idle && f.detected < 0.9 || f.n != 3 {
			t.Errorf("%s: detected %.3f in %v folds", id, f.detected, f.n)
		}
	}
	if len(got) != 5 {
		t.Errorf("cells of %d defenses", len(got))
	}
}

// Neither workers nor the order of the grid's lists nor a stop between cells moves a
// byte of it.
func TestDetectIsRepeatable(t *testing.T) {
	g := detectGrid(t)
	g.Defenses = g.Defenses[1:4]
	first, err := Run(context.Background(), g, Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(g.Defenses), func(i, j int) { g.Defenses[i], g.Defenses[j] = g.Defenses[j], g.Defenses[i] })
	again, err := Run(context.Background(), g, Options{Workers: 4})
	if err != nil {
		t.Fatal(err)
	}
	one, err := Run(context.Background(), g, Options{Only: func(c results.Cell) bool { return c == first[len(first)-1].Cell }})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(first, again) || len(one) != 1 || !reflect.DeepEqual(one[0], first[len(first)-1]) {
		t.Error("two runs of one grid differ")
	}
}
