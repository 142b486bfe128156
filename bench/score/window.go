package score

import (
	"veilbench/bench/results"
	"veilbench/datasets"
)

// scoreWindow is the window of the window scores in packets, HomeMole's. It is
// the same for every attack, whatever window the attack itself looks at, so
// that attacks can be compared.
const scoreWindow = 100

// shareEdges are the ends of the ranges of a device's share of the window that
// ShareMetrics names, the first of which begins at 0: plugs that make up less
// than 3 % vanish first.
func shareEdges() []float64 { return []float64{0.03, 0.1, 0.3, 1} }

// windows adds the Hamming loss per window, over all packets, and the recall of
// packets by the share of their window's packets that are their true device's,
// of all devices together and of each. Packets of the defense itself and of
// nobody count in the window but have no device and are in no range.
func (s *Scores) windows(names []string, index map[string]int, tests []Test) {
	edges := shareEdges()
	all := make([]ShareBin, len(edges))
	each := make([][]ShareBin, len(names))
	add := func(to, from []ShareBin) {
		for b := range from {
			to[b].Packets += from[b].Packets
			to[b].Right += from[b].Right
		}
	}
	var loss float64
	var n int
	for _, t := range tests {
		truth, guess := packetClasses(index, len(names)-1, t)
		l, w := HammingLoss(truth, guess, scoreWindow)
		loss += l * float64(w)
		n += w
		for c, bins := range ShareRecall(truth, guess, scoreWindow, len(names), edges) {
			if names[c] == datasets.Cover || names[c] == datasets.Nobody {
				continue
			}
			if each[c] == nil {
				each[c] = make([]ShareBin, len(edges))
			}
			add(each[c], bins)
			add(all, bins)
		}
	}
	s.add(results.HammingLoss, results.Ratio(loss, float64(n)))
	s.shares("", all)
	for c, bins := range each {
		s.shares(names[c], bins)
	}
}

// shares adds the recall of each range that has packets, of one device or, with
// no name, of all.
func (s *Scores) shares(device string, bins []ShareBin) {
	for b, name := range results.ShareMetrics() {
		if device != "" {
			name = results.OfClass(name, device)
		}
		if b < len(bins) && bins[b].Packets > 0 {
			s.add(name, results.Ratio(bins[b].Right, bins[b].Packets))
		}
	}
}
