package score

import (
	"slices"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// scoreDevices scores per-packet guesses with one confusion matrix per group.
// real_recall and real_accuracy leave the defense's own packets out.
func scoreDevices(classes []string, tests []Test) Scores {
	var s Scores

	// Every matrix has rows and columns for what an attack may not have been trained
	// to name, so that those of different parts add up; Unknown comes last.
	names := slices.Clone(classes)
	for _, extra := range []string{datasets.Cover, datasets.Nobody} {
		if !slices.Contains(names, extra) {
			names = append(names, extra)
		}
	}
	names = append(names, datasets.Unknown)
	index := map[string]int{}
	for i, n := range names {
		index[n] = i
	}

	byGroup := map[string][][]int64{}
	said := make([]packetAnswers, len(tests))
	for i, t := range tests {
		said[i] = packetClasses(index, len(names)-1, t)
		m := byGroup[t.Recording.Group]
		if m == nil {
			m = newMatrix(len(names))
			byGroup[t.Recording.Group] = m
		}
		for k, c := range said[i].truth {
			m[c][said[i].guess[k]]++
		}
	}

	sum := newMatrix(len(names))
	for g, m := range byGroup {
		recall, n := matrixRecall(m)
		if n == 0 {
			continue
		}
		s.Groups = append(s.Groups, results.GroupScore{Group: g, Value: recall, N: int(n)})
		s.Confusion = append(s.Confusion, results.Confusion{Group: g, Classes: names, Counts: m})
		for i := range m {
			for j := range m[i] {
				sum[i][j] += m[i][j]
			}
		}
	}

	recall, n := matrixRecall(sum)
	s.add(results.Packets, float64(n))
	if n == 0 {
		return s
	}
	s.add(results.MacroRecall, recall)
	s.add(results.Accuracy, matrixAccuracy(sum))
	s.scoreWindows(names, said)
	s.scoreLengths(names, tests, said)

	// Rows are truth, columns are answers: without its row cover no longer counts,
	// while real packets that were taken for cover stay errors.
	clear(sum[index[datasets.Cover]])
	recall, n = matrixRecall(sum)
	s.add(results.RealPackets, float64(n))
	if n > 0 {
		s.add(results.RealRecall, recall)
		s.add(results.RealAccuracy, matrixAccuracy(sum))
	}
	return s
}

func newMatrix(n int) [][]int64 {
	m := make([][]int64, n)
	for i := range m {
		m[i] = make([]int64, n)
	}
	return m
}

// packetAnswers is the true and the guessed class of each packet of a test.
type packetAnswers struct{ truth, guess []int32 }

// packetClasses numbers classes by index; unknown is what was not guessed at all.
func packetClasses(index map[string]int, unknown int, t Test) packetAnswers {
	of := make([]int32, len(t.Labels.Devices))
	for i, d := range t.Labels.Devices {
		of[i] = int32(index[d])
	}

	named := make([]int32, len(t.Classes)) // parts of a fold may have learned other classes
	for i, c := range t.Classes {
		named[i] = int32(index[c])
	}

	truth, guess := make([]int32, len(t.Labels.Owners)), make([]int32, len(t.Labels.Owners))
	nobody := int32(index[datasets.Nobody])
	for i, o := range t.Labels.Owners {
		truth[i], guess[i] = nobody, int32(unknown)
		if o >= 0 {
			truth[i] = of[o]
		}
		if i < len(t.Answer.Devices) && t.Answer.Devices[i].Class >= 0 {
			guess[i] = named[t.Answer.Devices[i].Class]
		}
	}
	return packetAnswers{truth, guess}
}

// matrixRecall is the mean recall over the rows that occur, and the number of
// packets.
func matrixRecall(m [][]int64) (recall float64, n int64) {
	rows := 0
	for i, row := range m {
		var sum int64
		for _, c := range row {
			sum += c
		}
		if sum > 0 {
			recall += float64(row[i]) / float64(sum)
			rows++
		}
		n += sum
	}
	return results.Ratio(recall, float64(rows)), n
}

// matrixAccuracy is the share of packets on the diagonal.
func matrixAccuracy(m [][]int64) float64 {
	var right, n int64
	for i, row := range m {
		right += row[i]
		for _, c := range row {
			n += c
		}
	}
	return results.Ratio(right, n)
}
