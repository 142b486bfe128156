package score

import (
	"veilbench/bench/results"
	"veilbench/datasets"
)

// Window is the window of the window scores in packets, HomeMole's. It is the
// same for every attack, whatever window the attack itself looks at, so that
// attacks can be compared.
const Window = 100

// shareEdges are the ends of the ranges of a device's share of the window that
// ShareMetrics names, the first of which begins at 0: plugs that make up less
// than 3 % vanish first.
func shareEdges() []float64 { return []float64{0.03, 0.1, 0.3, 1} }

// scoreWindows adds the Hamming loss per window, over all packets, and the recall of
// packets by the share of their window's packets that are their true device's,
// of all devices together and of each. Packets of the defense itself and of
// nobody count in the window but have no device and are in no range.
func (s *Scores) scoreWindows(names []string, said []packetAnswers) {
	edges := shareEdges()
	all := make([]shareBin, len(edges))
	each := make([][]shareBin, len(names))
	add := func(to, from []shareBin) {
		for b := range from {
			to[b].Packets += from[b].Packets
			to[b].Right += from[b].Right
		}
	}

	var loss float64
	var n int

	for _, a := range said {
		// hammingLoss is a mean over the windows of one test: weighed by their number,
		// windows of all tests count alike.
		l, w := hammingLoss(a.truth, a.guess, Window)
		loss += l * float64(w)
		n += w

		for c, bins := range shareRecall(a.truth, a.guess, Window, len(names), edges) {
			if names[c] == datasets.Cover || names[c] == datasets.Nobody {
				continue
			}
			if each[c] == nil {
				each[c] = make([]shareBin, len(edges))
			}
			add(each[c], bins)
			add(all, bins)
		}
	}

	s.add(results.HammingLoss, results.Ratio(loss, float64(n)))
	s.addShareRecalls("", all)
	for c, bins := range each {
		s.addShareRecalls(names[c], bins)
	}
}

// addShareRecalls adds the recall of each range that has packets, of one device
// or, with no name, of all.
func (s *Scores) addShareRecalls(device string, bins []shareBin) {
	for b, name := range results.ShareMetrics() {
		if device != "" {
			name = results.OfClass(name, device)
		}
		if b < len(bins) && bins[b].Packets > 0 {
			s.add(name, results.Ratio(bins[b].Right, bins[b].Packets))
		}
	}
}
