package bench

import (
	"cmp"
	"slices"

	"veilbench/attacks"
	"veilbench/datasets"
)

// Test is a test recording as an observer saw it behind a defense, with what
// the model said about it.
type Test struct {
	Recording *datasets.Recording
	Trace     datasets.Trace
	// Labels are the truth about Trace.
	Labels datasets.Labels
	Answer attacks.Answer
	// Classes are those the model was trained to name, which Answer.Devices
	// indexes.
	Classes []string
}

// Scores is what the answers to a task are worth; its fields are those of
// results.Result.
type Scores struct {
	Metrics   []Metric
	Groups    []GroupScore
	Items     []Item
	Confusion []Confusion
	Curve     []Point
}

func (s *Scores) add(name string, v float64) { s.Metrics = append(s.Metrics, Metric{name, v}) }

// sort puts everything in the orders that Result promises.
func (s *Scores) sort() {
	slices.SortFunc(s.Metrics, func(a, b Metric) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(s.Groups, func(a, b GroupScore) int { return cmp.Compare(a.Group, b.Group) })
	slices.SortFunc(s.Confusion, func(a, b Confusion) int { return cmp.Compare(a.Group, b.Group) })
}

// Of scores the answers to one task: tests in the order of the data set, classes
// all that any model could name.
func Of(ds *datasets.Dataset, task datasets.Task, classes []string, tests []Test) Scores {
	var s Scores
	switch task {
	case datasets.Clip:
		s = scoreClips(ds, tests)
	case datasets.Events:
		s = scoreEvents(ds, tests)
	case datasets.Device:
		s = scoreDevices(classes, tests)
	case datasets.Gateway:
		s = scoreCommands(classes, tests)
	}
	s.sort()
	return s
}

// ratio is a / b, and 0 when b is 0.
func ratio[T int | int64 | float64](a, b T) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// recalls counts clips by true class.
type recalls struct{ right, total map[string]int }

func newRecalls() *recalls { return &recalls{map[string]int{}, map[string]int{}} }

func (c *recalls) add(truth, guess string) {
	c.total[truth]++
	if guess == truth {
		c.right[truth]++
	}
}

// scoreClips scores whole-trace guesses: macro recall over the classes that
// occur, accuracy and counts. Unknown is an error; classes that nobody can tell
// apart are one.
func scoreClips(ds *datasets.Dataset, tests []Test) Scores {
	var s Scores
	merge := newMerger(ds.Same)
	all, groups := newRecalls(), map[string]*recalls{}
	correct := 0
	for _, t := range tests {
		truth, guess, p := merge.class(t.Recording.ClipClass()), datasets.Unknown, 0.0
		if len(t.Answer.Clip) > 0 {
			guess, p = merge.class(t.Answer.Clip[0].Class), t.Answer.Clip[0].P
		}
		s.Items = append(s.Items, Item{Recording: t.Recording.ID, Group: t.Recording.Group, Truth: truth, Answer: guess, Score: p})
		if groups[t.Recording.Group] == nil {
			groups[t.Recording.Group] = newRecalls()
		}
		all.add(truth, guess)
		groups[t.Recording.Group].add(truth, guess)
		if guess == truth {
			correct++
		}
	}
	for name, g := range groups {
		n := 0
		for _, k := range g.total {
			n += k
		}
		s.Groups = append(s.Groups, GroupScore{Group: name, Value: meanRecall(g.right, g.total), N: n})
	}
	s.add(Correct, float64(correct))
	s.add(Tested, float64(len(tests)))
	s.add(Accuracy, ratio(correct, len(tests)))
	s.add(MacroRecall, meanRecall(all.right, all.total))
	return s
}

// meanRecall averages right/total over classes, in sorted order so that the
// sum is the same each time.
func meanRecall[T int | int64](right, total map[string]T) float64 {
	classes := make([]string, 0, len(total))
	for c := range total {
		classes = append(classes, c)
	}
	slices.Sort(classes)
	var sum float64
	n := 0
	for _, c := range classes {
		if total[c] > 0 {
			sum += float64(right[c]) / float64(total[c])
			n++
		}
	}
	return ratio(sum, float64(n))
}

// scoreDevices scores per-packet guesses with one confusion matrix per group.
// real_recall and real_accuracy leave the defense's own packets out.
func scoreDevices(classes []string, tests []Test) Scores {
	var s Scores
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
	for _, t := range tests {
		m := byGroup[t.Recording.Group]
		if m == nil {
			m = square(len(names))
			byGroup[t.Recording.Group] = m
		}
		countDevices(m, index, t)
	}
	sum := square(len(names))
	for g, m := range byGroup {
		recall, n := matrixRecall(m)
		s.Groups = append(s.Groups, GroupScore{Group: g, Value: recall, N: int(n)})
		s.Confusion = append(s.Confusion, Confusion{Group: g, Classes: names, Counts: m})
		for i := range m {
			for j := range m[i] {
				sum[i][j] += m[i][j]
			}
		}
	}
	recall, n := matrixRecall(sum)
	s.add(MacroRecall, recall)
	s.add(Accuracy, matrixAccuracy(sum))
	s.add(Packets, float64(n))
	s.windows(names, index, tests)
	clear(sum[index[datasets.Cover]])
	recall, n = matrixRecall(sum)
	s.add(RealRecall, recall)
	s.add(RealAccuracy, matrixAccuracy(sum))
	s.add(RealPackets, float64(n))
	return s
}

func square(n int) [][]int64 {
	m := make([][]int64, n)
	for i := range m {
		m[i] = make([]int64, n)
	}
	return m
}

func countDevices(m [][]int64, index map[string]int, t Test) {
	truth, guess := packetClasses(index, len(m)-1, t)
	for i := range truth {
		m[truth[i]][guess[i]]++
	}
}

// packetClasses lists the true and the guessed class of each packet.
func packetClasses(index map[string]int, unknown int, t Test) (truth, guess []int32) {
	of := make([]int32, len(t.Labels.Devices))
	for i, d := range t.Labels.Devices {
		of[i] = int32(index[d])
	}
	named := make([]int32, len(t.Classes)) // parts of a fold may have learned other classes
	for i, c := range t.Classes {
		named[i] = int32(index[c])
	}
	truth, guess = make([]int32, len(t.Labels.Owners)), make([]int32, len(t.Labels.Owners))
	for i, o := range t.Labels.Owners {
		truth[i], guess[i] = int32(index[datasets.Nobody]), int32(unknown)
		if o >= 0 {
			truth[i] = of[o]
		}
		if i < len(t.Answer.Devices) && t.Answer.Devices[i].Class >= 0 {
			guess[i] = named[t.Answer.Devices[i].Class]
		}
	}
	return truth, guess
}

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
	all := make([]attacks.ShareBin, len(edges))
	each := make([][]attacks.ShareBin, len(names))
	add := func(to, from []attacks.ShareBin) {
		for b := range from {
			to[b].Packets += from[b].Packets
			to[b].Right += from[b].Right
		}
	}
	var loss float64
	var n int
	for _, t := range tests {
		truth, guess := packetClasses(index, len(names)-1, t)
		l, w := attacks.HammingLoss(truth, guess, scoreWindow)
		loss += l * float64(w)
		n += w
		for c, bins := range attacks.ShareRecall(truth, guess, scoreWindow, len(names), edges) {
			if names[c] == datasets.Cover || names[c] == datasets.Nobody {
				continue
			}
			if each[c] == nil {
				each[c] = make([]attacks.ShareBin, len(edges))
			}
			add(each[c], bins)
			add(all, bins)
		}
	}
	s.add(HammingLoss, ratio(loss, float64(n)))
	s.shares("", all)
	for c, bins := range each {
		s.shares(names[c], bins)
	}
}

// shares adds the recall of each range that has packets, of one device or, with
// no name, of all.
func (s *Scores) shares(device string, bins []attacks.ShareBin) {
	for b, name := range ShareMetrics() {
		if device != "" {
			name = OfClass(name, device)
		}
		if b < len(bins) && bins[b].Packets > 0 {
			s.add(name, ratio(bins[b].Right, bins[b].Packets))
		}
	}
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
	return ratio(recall, float64(rows)), n
}

func matrixAccuracy(m [][]int64) float64 {
	var right, n int64
	for i, row := range m {
		right += row[i]
		for _, c := range row {
			n += c
		}
	}
	return ratio(right, n)
}
