package forecast

import (
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// Rate is how long an attack takes, in seconds for 10^6 packets that it learns
// from, and that it is asked about.
type Rate struct{ Train, Guess float64 }

// Rates are those of attacks: by their IDs where the user's own runs tell, else by
// their names.
type Rates struct{ own map[rateKey]Rate }

// rateKey is an attack, by its ID or its name, at a task.
type rateKey struct {
	attack string
	task   datasets.Task
}

// sums add up what cells took.
type sums struct {
	trainS, guessS             float64
	trainPackets, guessPackets int64
}

func (s sums) rate() Rate {
	return Rate{1e6 * s.trainS / float64(max(s.trainPackets, 1)), 1e6 * s.guessS / float64(max(s.guessPackets, 1))}
}

// RatesOf are the rates in the folders of earlier runs. A folder that cannot be read
// tells nothing.
func RatesOf(dirs []string) Rates {
	r := Rates{map[rateKey]Rate{}}
	all := map[rateKey]sums{}
	for _, dir := range dirs {
		rs, err := results.ReadResults(dir)
		if err != nil {
			continue
		}

		// Cells that share a model each tell how long it was trained.
		timing := results.StoreAt(dir).Timing
		trained := map[results.Cell]bool{}
		for _, x := range rs {
			t, ok := timing(x)
			if !ok || t.TrainPackets == 0 || x.Err != "" {
				continue
			}
			k := rateKey{x.Cell.Attack, x.Cell.Task}
			s := all[k]
			m := x.Cell
			m.Knowledge, m.Draw = "", 0
			if x.Cell.Knowledge != results.Planted {
				m.Defense = ""
			}
			if !trained[m] {
				trained[m] = true
				s.trainS += t.TrainSeconds
				s.trainPackets += t.TrainPackets
			}
			s.guessS += t.GuessSeconds
			s.guessPackets += t.GuessPackets
			all[k] = s
		}
	}
	for k, s := range all {
		r.own[k] = s.rate()
	}
	return r
}

// of is the rate of an attack, and whether the user's own runs tell it. Other
// parameters of an attack take other times: then the measured ones of its name are
// better than none.
func (r Rates) of(id string, task datasets.Task) (Rate, bool) {
	if x, ok := r.own[rateKey{id, task}]; ok {
		return x, true
	}
	name, _, _ := strings.Cut(id, ":")
	if x, ok := measured(name, task); ok {
		return x, false
	}
	return Rate{20, 20}, false // an attack from elsewhere, as slow as most here
}

// measured is the rate of an attack of this project with its usual parameters.
func measured(name string, task datasets.Task) (Rate, bool) { return Rate{}, false }
