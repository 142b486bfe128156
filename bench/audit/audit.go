// Package audit tries to refute what defenses claim of themselves: it plays traffic
// with and without the difference that a claim says is hidden, lets an attack tell
// which it was, and bounds the true loss from below by the attack's hits and false
// alarms (Jagielski, Ullman and Oprea 2020 do so for learning; here it is traffic).
// What is found is a lower limit: that it is below a claim proves nothing, that it
// is above refutes it.
//
// Read Losses first; window.go makes trials and what is seen of them, and attack.go
// chooses what to decide by.
package audit

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"veilbench/bench/results"
	"veilbench/bench/stats"
	"veilbench/datasets"
	"veilbench/defenses"
)

// Limits of an audit. Trials are halved between training and test.
const (
	mostTrials  = 8000
	leastTrials = 200
	mostPackets = 3_000_000 // that a defense makes of all trials
	pilot       = 40        // windows from which those are foreseen
)

// alpha is how often all audits of a cell together may refute what is true.
const alpha = 1 - results.AuditLevel

// Stage is a stage of a defense to be audited.
type Stage struct {
	Name     string
	Promises []defenses.Promise
	// Apply is the stage's own.
	Apply func(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error)
}

// Losses audits every bound on a loss that the stages promise. draws makes the
// generator for a purpose. trials is how many to make at most for each, 0 for the
// usual number. Only the end of ctx is an error: of a promise whose trials the
// defense fails at, the audit says so.
func Losses(ctx context.Context, draws func(purpose string) *rand.Rand, stages []Stage, trials int) ([]results.Audit, error) {
	var out []results.Audit
	var odds []odds
	for i, s := range stages {
		for _, p := range s.Promises {
			if p.Loss == nil {
				continue
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}

			// Stages of a chain may be equal, so their number keeps draws apart.
			a := results.Audit{Stage: s.Name, Claim: p.Claim, Claimed: p.Loss.Epsilon}
			t := trial{Stage: s, loss: *p.Loss, draws: func(purpose string) *rand.Rand { return draws(fmt.Sprint(i, "/", p.Claim, "/", purpose)) }}
			o, err := t.run(ctx, cmp.Or(trials, mostTrials), &a)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil {
				a.Why = err.Error()
			}
			out, odds = append(out, a), append(odds, o)
		}
	}

	limits(out, odds)
	for i := range out {
		if odds[i].asOdds {
			out[i].Claimed, out[i].Limit = math.Exp(out[i].Claimed), math.Exp(out[i].Limit)
		}
	}
	return out, nil
}

// odds are the counts that a limit of epsilon comes from.
type odds struct {
	hits, with, alarms, without int
	delta                       float64
	asOdds                      bool
}

// lower is the lower limit of epsilon with error a: of the share of hits from below
// and of that of false alarms from above, each with half of it.
func (o odds) lower(a float64) float64 {
	p, _ := stats.ClopperPearson(o.hits, o.with, 1-a)
	_, q := stats.ClopperPearson(o.alarms, o.without, 1-a)
	if p <= o.delta {
		return 0
	}
	return max(0, math.Log((p-o.delta)/q))
}

// p is the least error at which the limit reaches epsilon: the p-value of what was
// claimed. It falls as the error grows, so it is found by halving.
func (o odds) p(epsilon float64) float64 {
	lo, hi := -40.0, 0.0 // of the logarithm
	if o.lower(1) <= epsilon {
		return 1
	}
	for range 60 {
		mid := (lo + hi) / 2
		if o.lower(math.Exp(mid)) > epsilon {
			hi = mid
		} else {
			lo = mid
		}
	}
	return math.Exp(hi)
}

// limits fills in the limits of audits, by Holm's steps: the claim that is least
// likely true is held to alpha over their number, the next to alpha over one less.
// From the first that stands on, none is refuted: its own limit would say more than
// the family allows.
func limits(out []results.Audit, os []odds) {
	var order []int
	p := make([]float64, len(out))
	for i := range out {
		if out[i].Why == "" {
			order = append(order, i)
			p[i] = os[i].p(out[i].Claimed)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	stands := false
	for k, i := range order {
		out[i].Limit = os[i].lower(alpha / float64(len(order)-k))
		if stands {
			out[i].Limit = min(out[i].Limit, out[i].Claimed)
		}
		stands = stands || out[i].Limit <= out[i].Claimed
	}
}

// Recall audits the promise that there are so many kinds of traces, from the items
// of a clip task: the mean over classes of their recall is at most the number of
// kinds over that of classes. attack names whose answers they are.
func Recall(stage, claim, attack string, sets int, items []results.Item) results.Audit {
	right, total := map[string]int{}, map[string]int{}
	for _, it := range items {
		total[it.Truth]++
		if it.Answer == it.Truth {
			right[it.Truth]++
		}
	}
	classes := len(total)
	out := results.Audit{Stage: stage, Claim: claim, Attack: attack, With: len(items), Claimed: min(1, float64(sets)/float64(max(classes, 1)))}
	if classes == 0 {
		out.Why = "no item"
		return out
	}
	even, weights, recall := true, 0.0, 0.0
	for _, c := range sortedKeys(total) {
		out.Hits += right[c]
		even = even && total[c]*classes == len(items)
		recall += float64(right[c]) / float64(total[c]) / float64(classes)
		weights += 1 / float64(total[c]) / float64(classes*classes)
	}

	// With as many items of each class the mean recall is a plain share. Its items differ
	// in how likely they are right, which makes it vary less than a binomial one
	// (Hoeffding 1956). Else Hoeffding's inequality holds (1963), which is wider.
	if even {
		out.Limit, _ = stats.ClopperPearson(out.Hits, len(items), 1-2*alpha)
	} else {
		out.Limit = max(0, recall-math.Sqrt(math.Log(1/alpha)*weights/2))
	}
	return out
}
