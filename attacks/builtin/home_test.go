package builtin_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"veilbench/attacks"
	"veilbench/attacks/decompose"
	"veilbench/datasets"
	"veilbench/datasets/home"
)

// generated makes a built-in data set, as seen outside the home.
func generated(t testing.TB, id string, seed uint64) datasets.Dataset {
	t.Helper()
	ds, err := home.Generate(context.Background(), id, seed)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range ds.Recordings {
		view, kept := datasets.WAN.View(rand.New(rand.NewPCG(seed, uint64(i))), r.Trace)
		ds.Recordings[i].Trace, ds.Recordings[i].Labels = view, r.Labels.Keep(kept)
	}
	return ds
}

// commandTally adds up what became of the commands of one recording.
type commandTally struct{ commands, in, bounded, unique int }

func (c *commandTally) add(classes []string, r datasets.Recording, got []attacks.Message) {
	for _, cmd := range r.Labels.Commands {
		c.commands++
		want := make([]uint8, len(classes))
		for _, a := range cmd.Actions {
			i, _ := slices.BinarySearch(classes, a.Action)
			want[i] = uint8(a.Count)
		}
		i := slices.IndexFunc(got, func(m attacks.Message) bool { return (m.Time - cmd.Time).Abs().Seconds() < 5 })
		if i < 0 {
			continue
		}
		at := slices.IndexFunc(got[i].Candidates, func(v []uint8) bool { return slices.Equal(v, want) })
		if at >= 0 {
			c.in++
		}
		if at >= 0 && slices.Contains(got[i].Bounded, at) {
			c.bounded++
		}
		if len(got[i].Candidates) == 1 {
			c.unique++
		}
	}
}

func (c commandTally) share(n int) float64 { return float64(n) / float64(max(1, c.commands)) }

// actionsOf lists the actions of all commands, sorted.
func actionsOf(recs []datasets.Recording) []string {
	var out []string
	for _, r := range recs {
		for _, c := range r.Labels.Commands {
			for _, a := range c.Actions {
				out = append(out, a.Action)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// commandFolds trains on all recordings but one, in turn.
func commandFolds(t testing.TB, a attacks.Attack, recs []datasets.Recording) (c commandTally) {
	t.Helper()
	tr := attacks.Training{Task: datasets.TaskCommand, Classes: actionsOf(recs)}
	for i, r := range recs {
		tr.Examples = nil
		for j, x := range recs {
			if j != i {
				tr.Examples = append(tr.Examples, attacks.Labeled{Trace: x.Trace, Labels: x.Labels, Group: x.Group})
			}
		}
		m, err := a.Train(context.Background(), rand.New(rand.NewPCG(1, 1)), tr)
		if err != nil {
			t.Fatal(err)
		}
		c.add(tr.Classes, r, answerOf(t, m, r.Trace).Commands)
	}
	return c
}

// Published: 0.984 and 0.912 on 307 commands. The generator is calibrated to
// both, so this is a regression test and no evidence.
func TestDecomposeOnTheGatewayPreset(t *testing.T) {
	t.Parallel()
	var in, bounded, unique float64
	for seed := range uint64(10) {
		c := commandFolds(t, decompose.New(), generated(t, "home:gateway", seed).Recordings)
		in, bounded, unique = in+c.share(c.in)/10, bounded+c.share(c.bounded)/10, unique+c.share(c.unique)/10
	}
	t.Logf("mean of ten seeds: in_candidates %.4f in_candidates_bounded %.4f unique %.3f", in, bounded, unique)
	if in < 0.965 || in > 0.99 {
		t.Errorf("in_candidates %.4f: want 0.965 to 0.99", in)
	}
	if bounded < 0.88 || bounded > 0.94 {
		t.Errorf("in_candidates_bounded %.4f: want 0.88 to 0.94", bounded)
	}
}
