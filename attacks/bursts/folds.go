package bursts

import "veilbench/attacks"

// Folds assigns each example of t to one of at most n folds so that no group is
// in two, groups dealt round in order of appearance; it returns the fold of each
// example and the number of folds.
func Folds(t attacks.Training, n int) ([]int, int) {
	ofGroup := map[string]int{}
	ofClass := map[string]int{} // groups so far, for a split within by class
	out := make([]int, len(t.Examples))
	for i, e := range t.Examples {
		f, ok := ofGroup[e.Group]
		if !ok {
			// Recordings that repeat as many classes as there are folds would be dealt
			// round to folds of one class each; so each class is dealt by itself.
			class := ""
			if t.Within {
				class = e.Class
			}
			f = ofClass[class] % n
			ofClass[class]++
			ofGroup[e.Group] = f
		}
		out[i] = f
	}
	return out, min(len(ofGroup), n)
}
