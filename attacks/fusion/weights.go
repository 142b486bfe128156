package fusion

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"veilbench/attacks"
	"veilbench/attacks/match"
)

// weights are those of a logistic regression: the constant, that of rivals, then
// two of each member, for its score and for calling it a detection.
type weights []float64

// ridge keeps weights finite where a member is always right, and at 0 for one that
// never says anything; in units of candidates, of which there are hundreds.
const ridge = 1.0

// weigh learns the weights from candidates and what happened. Without a candidate
// there is nothing to learn, and what most members call is a detection.
func weigh(found [][]candidate, truth [][]match.Span, members int) weights {
	var rows [][]float64
	var y []float64
	for i, cs := range found {
		spans := make([]match.Span, len(cs))
		for j, c := range cs {
			spans[j] = match.Span{From: c.start, Class: c.class}
			rows, y = append(rows, c.row()), append(y, 0)
		}
		// One candidate an event, as scores are paired: a second one of it is a false
		// alarm there, so it is one here.
		for _, j := range match.Windows(truth[i], spans, match.Tolerance, match.ByClass) {
			if j >= 0 {
				y[len(y)-len(cs)+j] = 1
			}
		}
	}
	if len(rows) > 0 {
		return regress(rows, y)
	}

	w := make(weights, 2+2*members)
	w[0] = -float64(members) / 2
	for m := range members {
		w[2+2*m+1] = 1
	}
	return w
}

// row is what the regression sees of a candidate, in the order of weights.
func (c candidate) row() []float64 {
	out := []float64{1, float64(c.rivals)}
	for i, s := range c.score {
		called := 0.0
		if c.called[i] {
			called = 1
		}
		out = append(out, s, called)
	}
	return out
}

// regress maximizes the likelihood of y, each 0 or 1, less a ridge, by Newton's
// method: the Hessian is X'WX + ridge with W = p(1-p), so always definite, and the
// function concave; a step that overshoots all the same is halved.
func regress(rows [][]float64, y []float64) weights {
	n := len(rows[0])
	w := make(weights, n)
	value := w.likelihood(rows, y)
	for range 50 {
		gradient, hessian := make([]float64, n), mat.NewSymDense(n, nil)
		for i, x := range rows {
			p := w.probability(x)
			floats.AddScaled(gradient, y[i]-p, x)
			hessian.SymRankOne(hessian, p*(1-p), mat.NewVecDense(n, x))
		}
		for j := range w {
			gradient[j] -= ridge * w[j]
			hessian.SetSym(j, j, hessian.At(j, j)+ridge)
		}

		var chol mat.Cholesky
		var step mat.VecDense
		if !chol.Factorize(hessian) || chol.SolveVecTo(&step, mat.NewVecDense(n, gradient)) != nil {
			return w // numbers too large to go on: what is reached is an answer, too
		}
		next, size := make(weights, n), 1.0
		gain := math.Inf(-1)
		for ; gain < 0 && size > 1e-6; size /= 2 {
			floats.AddScaledTo(next, w, size, step.RawVector().Data)
			gain = next.likelihood(rows, y) - value
		}
		if gain <= 1e-9 {
			return w
		}
		w, value = next, value+gain
	}
	return w
}

// probability is that of a row being an event.
func (w weights) probability(row []float64) float64 {
	return 1 / (1 + math.Exp(-floats.Dot(w, row)))
}

// likelihood is the logarithm of that of y, less the ridge.
func (w weights) likelihood(rows [][]float64, y []float64) float64 {
	sum := -ridge / 2 * floats.Dot(w, w)
	for i, x := range rows {
		z := floats.Dot(w, x)
		if y[i] == 0 {
			z = -z
		}
		sum -= math.Log1p(math.Exp(-math.Abs(z))) + max(-z, 0) // log(1+e^-z) without overflow
	}
	return sum
}

// bursts are candidates as an answer.
func (w weights) bursts(found []candidate) []attacks.Burst {
	out := make([]attacks.Burst, len(found))
	for i, c := range found {
		p := w.probability(c.row())
		out[i] = attacks.Burst{Start: c.start, End: c.end, Ranked: []attacks.Ranked{{Class: c.class, P: p}}, Score: p, Alert: c.alert}
	}
	return out
}
