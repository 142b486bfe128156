package knn

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/datasets"
)

// plainJudge counts by name.
func plainJudge(m *knnModel, near []neighbor, packets int) bursts.Verdict {
	near = near[:min(m.k, len(near))]
	votes, dist := map[string]int{}, map[string]int64{}
	for _, n := range near {
		c := m.classes[n.class[m.mode]]
		votes[c]++
		dist[c] += n.dist
	}
	v := bursts.Verdict{Ranked: bursts.Counts(votes)}
	for _, r := range v.Ranked {
		if r.Class != datasets.Other && r.Class != datasets.Unknown {
			x := float64(dist[r.Class]) / float64(votes[r.Class]) / float64(packets)
			if !m.options.align {
				x = math.Sqrt(x)
			}
			v.Score = r.P / (1 + x/50)
			break
		}
	}
	return v
}

// TestJudgeIsThePlainOne compares verdicts on random neighbors with those counted by
// name, of more neighbors and classes too than there usually are.
func TestJudgeIsThePlainOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for range 2000 {
		m := &knnModel{k: 1 + rng.IntN(40), mode: rng.IntN(pairModes), options: knnOptions{align: rng.IntN(2) == 0}}
		for c := range 1 + rng.IntN(25) {
			m.classes = append(m.classes, "a/"+string(rune('a'+c)))
		}
		m.classes = append(m.classes, datasets.Other)
		slices.SortFunc(m.classes, cmp.Compare[string])
		near := make([]neighbor, rng.IntN(40))
		for i := range near {
			for mode := range pairModes {
				near[i].class[mode] = int16(rng.IntN(1 + rng.IntN(len(m.classes)))) // now and then all alike
			}
			near[i].dist = rng.Int64N(1e6)
		}
		packets := 1 + rng.IntN(20)
		got, want := m.judge(near, packets), plainJudge(m, near, packets)
		if got.Score != want.Score || !slices.Equal(got.Ranked, want.Ranked) {
			t.Fatalf("%d of %v: %v, want %v", m.k, near, got, want)
		}

		// In tuning what is no detection needs no score.
		var c corpus
		for _, class := range m.classes {
			c.sole = append(c.sole, []attacks.Ranked{{Class: class, P: 1}})
		}
		if got := c.verdict(m, near, packets); !slices.Equal(got.Ranked, want.Ranked) || want.Detected() && got.Score != want.Score {
			t.Fatalf("%d of %v: %v in tuning, want %v", m.k, near, got, want)
		}
	}
}
