// Package hmm is a hidden Markov model in discrete time whose steps may hang on
// the time of day. It knows neither traffic nor what a state means: callers say how
// likely each observation is in each state.
//
// All probabilities are natural logarithms: a month of quarter hours multiplies
// thousands of them, far below the smallest float. math.Inf(-1) is impossible.
package hmm

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// Chain is a Markov chain of states that nobody sees. It is immutable once made.
type Chain struct {
	// Start[i] is the logarithm of the probability that state i is the first.
	Start []float64
	// Step[p][i][j] is that of going from state i to j in a step of phase p.
	Step [][][]float64
}

// Posterior returns, for each time, the probability (no logarithm) of each state
// given all observations, the later ones too: the forward-backward algorithm
// (Rabiner, A Tutorial on Hidden Markov Models, 1989, section III.A and B).
// emit[t][i] is the logarithm of how likely what is seen at t is in state i, up to a
// constant of each t; phase[t] is that of the step that leads to t, phase[0] is not
// read. Where the observations are impossible all states are equally likely.
func (c Chain) Posterior(emit [][]float64, phase []int) [][]float64 {
	n, states := len(emit), len(c.Start)
	if n == 0 {
		return nil
	}
	forward, backward := rows(n, states), rows(n, states)
	terms := make([]float64, states)
	for i := range states {
		forward[0][i] = c.Start[i] + emit[0][i]
	}
	normalize(forward[0])

	// Each row is made to sum to 1. Only the proportions of a row are needed, and
	// without it sums would drift to minus infinity over a month.
	for t := 1; t < n; t++ {
		step := c.Step[phase[t]]
		for j := range states {
			for i := range states {
				terms[i] = forward[t-1][i] + step[i][j]
			}
			forward[t][j] = floats.LogSumExp(terms) + emit[t][j]
		}
		normalize(forward[t])
	}

	// The last row stays at 0, the logarithm of 1: nothing comes after it.
	for t := n - 2; t >= 0; t-- {
		step := c.Step[phase[t+1]]
		for i := range states {
			for j := range states {
				terms[j] = step[i][j] + emit[t+1][j] + backward[t+1][j]
			}
			backward[t][i] = floats.LogSumExp(terms)
		}
		normalize(backward[t])
	}

	for t := range forward {
		floats.Add(forward[t], backward[t])
		normalize(forward[t])
		for i, v := range forward[t] {
			forward[t][i] = math.Exp(v)
		}
	}
	return forward
}

// rows are n rows of zeros in one piece of memory.
func rows(n, width int) [][]float64 {
	all, out := make([]float64, n*width), make([][]float64, n)
	for t := range out {
		out[t] = all[t*width : (t+1)*width]
	}
	return out
}

// normalize makes the probabilities whose logarithms row holds sum to 1. Where all
// are impossible it says nothing, so all become equally likely: a chain that broke
// once must not be silent about all that follows.
func normalize(row []float64) {
	sum := floats.LogSumExp(row)
	for i := range row {
		if math.IsInf(sum, -1) {
			row[i] = -math.Log(float64(len(row)))
		} else {
			row[i] -= sum
		}
	}
}

// Viterbi returns the path of states that explains the observations best as a
// whole, the first of several by its last state, and the logarithm of its
// probability with them (Viterbi 1967). emit and phase are as in Posterior.
func (c Chain) Viterbi(emit [][]float64, phase []int) (path []int, logP float64) {
	n, states := len(emit), len(c.Start)
	if n == 0 {
		return nil, 0
	}
	best, next := make([]float64, states), make([]float64, states)
	from := make([][]int32, n)
	for i := range states {
		best[i] = c.Start[i] + emit[0][i]
	}

	// No row is normalized here: sums of logarithms of a month are of the order of
	// -10^5, which a float holds to ten digits.
	for t := 1; t < n; t++ {
		step := c.Step[phase[t]]
		from[t] = make([]int32, states)
		for j := range states {
			next[j] = math.Inf(-1)
			for i := range states {
				if v := best[i] + step[i][j]; v > next[j] {
					next[j], from[t][j] = v, int32(i)
				}
			}
			next[j] += emit[t][j]
		}
		best, next = next, best
	}

	path = make([]int, n)
	path[n-1] = floats.MaxIdx(best)
	for t := n - 1; t > 0; t-- {
		path[t-1] = int(from[t][path[t]])
	}
	return path, slices.Max(best)
}

// Counts learn a chain from paths that are known.
type Counts struct {
	start []float64
	step  [][][]float64
}

// NewCounts has seen nothing of so many states and phases.
func NewCounts(states, phases int) *Counts {
	c := &Counts{make([]float64, states), make([][][]float64, phases)}
	for p := range c.step {
		c.step[p] = rows(states, states)
	}
	return c
}

// Add counts the steps of a path. A state below 0 is unknown, and no step from or to
// it is counted.
func (c *Counts) Add(path, phase []int) {
	for t, j := range path {
		if j < 0 {
			continue
		}

		// Every state counts as a possible first: recordings begin whenever somebody
		// switched the capture on.
		c.start[j]++
		if t > 0 && path[t-1] >= 0 {
			c.step[phase[t]][path[t-1]][j]++
		}
	}
}

// Chain is the chain that was counted. Steps of a phase are drawn to those of all
// phases together as if prior steps more had been seen, and those of all to equal
// ones by one step: what was never seen at some hour is rare and not impossible.
// Without a path all is equally likely.
func (c *Counts) Chain(prior float64) Chain {
	states := len(c.start)
	out := Chain{make([]float64, states), make([][][]float64, len(c.step))}
	for i, n := range c.start {
		out.Start[i] = math.Log((n + 1) / (floats.Sum(c.start) + float64(states)))
	}

	// All phases together come first, since each phase is drawn to them.
	all := rows(states, states)
	for _, step := range c.step {
		for i := range step {
			floats.Add(all[i], step[i])
		}
	}
	for i := range all {
		sum := floats.Sum(all[i])
		for j := range all[i] {
			all[i][j] = (all[i][j] + 1/float64(states)) / (sum + 1)
		}
	}

	for p, step := range c.step {
		out.Step[p] = rows(states, states)
		for i := range step {
			sum := floats.Sum(step[i])
			for j, n := range step[i] {
				out.Step[p][i][j] = math.Log((n + prior*all[i][j]) / (sum + prior))
			}
		}
	}
	return out
}
