package routine

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"

	"veilbench/attacks"
	"veilbench/attacks/diary"
	"veilbench/attacks/guess"
	"veilbench/datasets"
	"veilbench/datasets/home"
)

// readBefore hands out sheets that were read while their packets were there: three
// full days of one home are millions. A trace is told by how many flows it has.
type readBefore []sheet

func (r readBefore) read(_ context.Context, t datasets.Trace) (sheet, error) {
	return r[len(t.Flows)], nil
}

// lived is a home of three days: what is true of it, and what a reader saw of it.
type lived struct {
	trace  datasets.Trace // without packets
	labels datasets.Labels
	seen   map[string]map[string]sheet // by preset and attack
}

// livedDays makes a home of three days: as in home:routine, with all packets of its
// devices, and with phones and computers too.
func livedDays(t *testing.T, seed uint64, presets []string) lived {
	t.Helper()
	out := lived{seen: map[string]map[string]sheet{}}
	for _, preset := range presets {
		ds, err := home.Generate(t.Context(), "home:"+preset+":homes=1,hours=72", seed)
		if err != nil {
			t.Fatal(err)
		}
		r := ds.Recordings[0]
		if out.labels.Stays != nil && !slices.Equal(r.Labels.Stays, out.labels.Stays) {
			t.Fatalf("seed %d: other people live in %s", seed, preset)
		}
		out.labels = r.Labels
		out.trace.Start, out.trace.End = r.Trace.Start, r.Trace.End

		view, _ := datasets.WAN.View(rand.New(rand.NewPCG(seed, 1)), r.Trace)
		out.seen[preset] = map[string]sheet{}
		for attack, reader := range map[string]reader{"rates": rateReader{}, "packets": packetReader{}} {
			if out.seen[preset][attack], err = reader.read(t.Context(), view); err != nil {
				t.Fatal(err)
			}
		}
	}
	out.labels.Owners, out.labels.Cause = nil, nil
	return out
}

// trainer learns from labeled traces.
type trainer func(context.Context, *rand.Rand, attacks.Training) (attacks.Model, error)

// shares are the shares of quarter hours of each home whose presence and whose sleep
// is named right by what was learned from the other homes.
func shares(t *testing.T, homes []lived, train trainer) (presence, sleep []float64) {
	t.Helper()
	tr := attacks.Training{Task: datasets.TaskRoutine, Classes: []string{diary.Asleep, diary.Awake, diary.Away}}
	for i, h := range homes {
		h.trace.Flows = make([]datasets.Flow, i)
		tr.Examples = append(tr.Examples, attacks.Labeled{Trace: h.trace, Labels: h.labels, Group: string(rune('a' + i))})
	}
	for i, x := range tr.Examples {
		rest := tr
		rest.Examples = slices.Delete(slices.Clone(tr.Examples), i, i+1)
		m, err := train(t.Context(), rand.New(rand.NewPCG(1, uint64(i))), rest)
		if err != nil {
			t.Fatal(err)
		}
		said, err := m.Guess(t.Context(), x.Trace)
		if err != nil {
			t.Fatal(err)
		}

		var there, asleep, known float64
		for k, truth := range diary.Of(x.Labels, x.Trace.End, tr.Classes) {
			if truth.State < 0 {
				continue
			}
			known++
			a, b := tr.Classes[truth.State], tr.Classes[said.Slots[k].State]
			if (a == diary.Away) == (b == diary.Away) {
				there++
			}
			if (a == diary.Asleep) == (b == diary.Asleep) {
				asleep++
			}
		}
		presence, sleep = append(presence, there/known), append(sleep, asleep/known)
	}
	return presence, sleep
}

// difference is the mean of a less b, and its standard error.
func difference(a, b []float64) (mean, se float64) {
	d := slices.Clone(a)
	for i := range d {
		d[i] -= b[i]
	}
	mean, sd := stat.MeanStdDev(d, nil)
	return mean, sd / math.Sqrt(float64(len(d)))
}

// thinned is by how much more is read of the days of home:routine than of the same days
// with all packets of the devices, in shares of quarter hours: measured on six homes,
// with the standard error of the difference home by home. Rates read sleep better where
// heartbeats are rare, by nearly four standard errors; nothing else moves by two.
func thinned() map[string]struct{ mean, se float64 } {
	return map[string]struct{ mean, se float64 }{
		"presence by rates":   {+0.084, 0.058},
		"sleep by rates":      {+0.111, 0.029},
		"presence by packets": {-0.043, 0.054},
		"sleep by packets":    {+0.023, 0.083},
	}
}

// TestThreeFullDaysRead: what home:routine leaves out moves what rates and counts of
// packets say of presence and sleep by as much as thinned says, and three standard
// errors. VEILBENCH_FULL=1 takes more homes, and shows phones and computers too.
func TestThreeFullDaysRead(t *testing.T) {
	presets, n := []string{"routine", "routine-devices"}, 6
	if os.Getenv("VEILBENCH_FULL") != "" {
		presets, n = append(presets, "routine-full"), 12
	}
	var homes []lived
	for seed := range uint64(n) {
		homes = append(homes, livedDays(t, seed+1, presets))
	}

	presence, sleep := shares(t, homes, guess.Hour{}.Train)
	clock := map[string][]float64{"presence": presence, "sleep": sleep}
	of := map[string][]float64{}
	for _, attack := range []string{"rates", "packets"} {
		for _, days := range presets {
			var sheets readBefore
			for _, h := range homes {
				sheets = append(sheets, h.seen[days][attack])
			}
			presence, sleep := shares(t, homes, func(ctx context.Context, rng *rand.Rand, tr attacks.Training) (attacks.Model, error) {
				return settings(NewRates()).learn(ctx, rng, tr, sheets)
			})
			for what, right := range map[string][]float64{"presence": presence, "sleep": sleep} {
				of[what+" by "+attack+days] = right
				mean, se := difference(right, clock[what])
				t.Logf("%s by %s of %s: %.3f, beyond the clock %+.3f, standard error %.3f", what, attack, days, stat.Mean(right, nil), mean, se)
			}
		}
	}
	for what, want := range thinned() {
		for _, days := range presets[1:] {
			mean, se := difference(of[what+"routine"], of[what+days])
			t.Logf("%s: %+.3f more of routine than of %s, standard error %.3f", what, mean, days, se)
			if days == "routine-devices" && math.Abs(mean-want.mean) > 3*math.Hypot(se, want.se) {
				t.Errorf("%s: routine reads %+.3f more than %s, standard error %.3f; want %+.3f, %.3f", what, mean, days, se, want.mean, want.se)
			}
		}
	}
}
