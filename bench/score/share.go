package score

import "slices"

// hammingLoss is the share of packets in a window that have the wrong label,
// averaged over windows of w packets, the last partial one included (the
// measure of HomeMole's re-implementations). truth and guess hold one class
// per packet; packets with negative truth do not count. It also returns the
// number of windows that counted.
func hammingLoss(truth, guess []int32, w int) (loss float64, windows int) {
	for lo := 0; lo < len(truth); lo += w {
		// Packets of nobody known make a window smaller, not better; a window of
		// nothing else is none.
		wrong, n := 0, 0
		for i := lo; i < min(lo+w, len(truth)); i++ {
			if truth[i] < 0 {
				continue
			}
			n++
			if guess[i] != truth[i] {
				wrong++
			}
		}
		if n > 0 {
			loss += float64(wrong) / float64(n)
			windows++
		}
	}

	if windows > 0 {
		loss /= float64(windows)
	}
	return loss, windows
}

// shareBin counts the packets of a class in windows where its share of the
// packets lies in (Lo, Hi].
type shareBin struct {
	Lo, Hi         float64
	Packets, Right int64
}

// shareRecall says how often a class is found, by its share of the window: the
// low-traffic devices of HomeMole vanish below 3 percent. truth and guess are as
// in hammingLoss, with classes from 0 to classes-1. edges are ascending and end
// with 1; bins[c][b] is class c in the b-th bin, and the caller's.
func shareRecall(truth, guess []int32, w, classes int, edges []float64) (bins [][]shareBin) {
	bins = make([][]shareBin, classes)
	for c := range bins {
		lo := 0.0
		for _, e := range edges {
			bins[c] = append(bins[c], shareBin{Lo: lo, Hi: e})
			lo = e
		}
	}

	// The share is of all packets in the window, known or not: that is what the
	// attacker has before it.
	all, right := make([]int64, classes), make([]int64, classes)
	for lo := 0; lo < len(truth); lo += w {
		clear(all)
		clear(right)
		hi := min(lo+w, len(truth))
		for i := lo; i < hi; i++ {
			if c := truth[i]; c >= 0 {
				all[c]++
				if guess[i] == c {
					right[c]++
				}
			}
		}

		for c, n := range all {
			if n == 0 {
				continue
			}
			b, _ := slices.BinarySearch(edges, float64(n)/float64(hi-lo))
			bins[c][b].Packets += n
			bins[c][b].Right += right[c]
		}
	}
	return bins
}
