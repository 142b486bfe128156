// Package shards divides the work of a run among machines, says how far they are,
// and puts what they computed together again.
//
// Read this file first: deal decides who computes what. plan.go keeps that in the
// folder of each run, status.go holds such folders against it, merge.go joins them.
package shards

import (
	"cmp"
	"maps"
	"slices"

	"veilbench/bench/forecast"
	"veilbench/bench/results"
)

// deal gives each unit to one of n shards, numbered from 0, so that the shard that
// takes longest takes as short as can be: the longest unit first, each to the shard
// that is then done first (Graham 1969), and then what balance makes of it. A training
// that several units ask for counts once in a shard. The answer hangs on what the units
// are expected to take alone, not on their order, so every machine that expects the
// same deals alike.
func deal(units []forecast.Unit, n int) []int {
	order := make([]int, len(units))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := units[a], units[b]
		return cmp.Or(-cmp.Compare(alone(x), alone(y)), cmp.Compare(x.Dataset, y.Dataset), cmp.Compare(x.Defense, y.Defense))
	})

	// Of shards that would be done at the same time the first takes it: a rule that
	// every machine follows alike.
	shard := make([]int, len(units))
	loads := make([]load, n)
	for _, i := range order {
		best, least := 0, 0.0
		for s := range loads {
			if with := loads[s].with(units[i]); s == 0 || with < least {
				best, least = s, with
			}
		}
		shard[i] = best
		loads[best].add(units[i])
	}
	if len(units) <= few {
		balance(units, order, shard, n)
	}
	return shard
}

// rounds is how often at most a deal is made better, and few how many units it may
// have for that: each time needs the loads of as many pairs as there are units in the
// longest shard times all others. Of many units longest first alone is near the best.
const (
	rounds = 50
	few    = 300
)

// balance moves one unit of the longest shard to another shard, or exchanges the two
// of a pair, as long as the longer of both becomes shorter than the longest was. That
// undoes what longest first does badly: few units a shard. order is that of deal.
func balance(units []forecast.Unit, order, shard []int, n int) {
	seconds := func(s, without, with int) float64 {
		var l load
		for _, i := range order { // in one order, for sums hang on it in the last bit
			if i == with || shard[i] == s && i != without {
				l.add(units[i])
			}
		}
		return l.seconds
	}
	loads := make([]float64, n)
	for s := range loads {
		loads[s] = seconds(s, -1, -1)
	}

	for range rounds {
		from := 0
		for s := range loads {
			if loads[s] > loads[from] {
				from = s
			}
		}

		// What shortens it by less than a thousandth is not worth a round.
		least, give, take, to := loads[from]*0.999, -1, -1, -1
		try := func(i, j, s int) {
			if m := max(seconds(from, i, j), seconds(s, j, i)); m < least {
				least, give, take, to = m, i, j, s
			}
		}
		for _, i := range order {
			if shard[i] != from {
				continue
			}
			for s := range n {
				if s != from && loads[s] < least {
					try(i, -1, s)
				}
			}
			for _, j := range order {
				if shard[j] != from && loads[shard[j]] < least {
					try(i, j, shard[j])
				}
			}
		}
		if give < 0 {
			return
		}
		shard[give] = to
		if take >= 0 {
			shard[take] = from
		}
		loads[from], loads[to] = seconds(from, -1, -1), seconds(to, -1, -1)
	}
}

// Load is what the units of one shard take together, in seconds of one worker.
func Load(units []forecast.Unit, shard []int, s int) float64 {
	var l load
	for i, u := range units {
		if shard[i] == s {
			l.add(u)
		}
	}
	return l.seconds
}

// alone is what a unit takes in a process of its own.
func alone(u forecast.Unit) float64 { return new(load).with(u) }

// load is the work of a shard so far.
type load struct {
	seconds float64
	models  map[results.Cell]bool
}

// with is the load with u in it. Trainings are added in the order of their cells:
// sums of the same numbers in another order may differ in the last bit, and that
// could turn a choice between equal shards.
func (l *load) with(u forecast.Unit) float64 {
	s := l.seconds + u.Seconds
	cells := slices.Collect(maps.Keys(u.Models))
	results.SortCells(cells)
	for _, c := range cells {
		if !l.models[c] {
			s += u.Models[c]
		}
	}
	return s
}

func (l *load) add(u forecast.Unit) {
	l.seconds = l.with(u)
	if l.models == nil {
		l.models = map[results.Cell]bool{}
	}
	for c := range u.Models {
		l.models[c] = true
	}
}
