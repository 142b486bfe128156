package bursts

import "veilbench/attacks"

// Folds assigns each example to one of at most n folds so that no group is in
// two, groups dealt round in order of appearance; it returns the fold of each
// example and the number of folds.
func Folds(examples []attacks.Labeled, n int) ([]int, int) {
	ofGroup := map[string]int{}
	out := make([]int, len(examples))
	for i, e := range examples {
		f, ok := ofGroup[e.Group]
		if !ok {
			f = len(ofGroup) % n
			ofGroup[e.Group] = f
		}
		out[i] = f
	}
	return out, min(len(ofGroup), n)
}
