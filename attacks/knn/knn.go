// Package knn tells what happened by nearest neighbors over the packet lengths of
// bursts: event-knn by position, event-align by edit distance.
package knn

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
)

// EventKNN is the attack of the IoTEvent article (Security and Communication
// Networks, 2022), in plain steps:
//
//  1. Traffic is cut into bursts where nothing was sent for longer than a gap
//     (section 3.3.1, packet sequence).
//  2. In training a burst gets the event whose recorded time is near its first
//     packet (section 3.3.2, event pairing).
//  3. A burst is the vector of its signed packet lengths, pure ACKs included,
//     and bursts are filed by their number of packets (section 3.3.3, signature
//     file).
//  4. The k nearest bursts of the same number of packets name the activity of a
//     new one, and private activities raise an alert (section 3.4.2, event
//     detection).
//
// Neighbors are taken in order of (Euclidean distance, place in the training
// data); the most frequent class among the k wins, a tie goes to the
// alphabetically first. A burst with a number of packets that never occurred in
// training is Unknown.
//
// Clip task: the whole clip is one burst. Event task: bursts are cut in every
// stream (Streams) by itself, and each stream has its own model, as each
// device has in the article; a stream never met in training asks a model
// pooled over all.
//
// Deviations: k and the gap are chosen inside training by groups, not on the
// test set; so is whether an event labels all bursts near it in the log or
// only the nearest, and the score below which a burst is no detection. Bursts
// of more than maxBurst packets (event task) are left out: among some hundred
// packets of mixed traffic no two bursts are alike.
type EventKNN struct {
	K       int     `help:"neighbors that vote" zero:"chosen inside training among 1, 3, 5, 7, 9"`
	GapS    float64 `help:"gap between packets that closes a burst, in seconds" zero:"chosen inside training"`
	PairS   float64 `help:"how far a burst may be from its event in the log, in seconds"`
	MaxEven int     `help:"look only at bursts with an even number of packets up to this one, as published 28, and leave out all others" zero:"at all"`
	// Private is a list in one word: a comma would end the parameter in an ID
	// such as event-knn:k=3,private=unlock;open, so ; or | separates.
	Private string `help:"activities that raise an alert, separated by ; or | (device/activity or activity)"`
}

var (
	_ attacks.Attack = EventKNN{}
	_ attacks.Loader = EventKNN{}
	_ attacks.Saver  = (*knnModel)(nil)
)

// maxBurst is the longest burst that the event task looks at, in packets.
const maxBurst = 1000

// tuneK are the numbers of neighbors to choose from.
var tuneK = [...]int{1, 3, 5, 7, 9}

// Info cites the sections that train and detect.
func (EventKNN) Info() attacks.Info {
	return attacks.Info{
		Name: "event-knn", Doc: "nearest neighbors among bursts with as many packets",
		Tasks: []datasets.Task{datasets.TaskEvent, datasets.TaskClip},
		Cite:  "IoTEvent, Security and Communication Networks 2022, event signature extraction and detection",
		Works: cite.Of("iotevent2022"),
	}
}

// Validate refuses more than 99 neighbors, times above an hour and a longest
// burst that the event task would not look at; 0 leaves the choice to training.
func (a EventKNN) Validate() error {
	return cmp.Or(params.Within("k", a.K, 0, 99), params.Within("gap_s", a.GapS, 0, 3600),
		params.Within("pair_s", a.PairS, 0.001, 3600), params.Within("max_even", a.MaxEven, 0, maxBurst))
}

// knnOptions is what the nearest-neighbor attacks share: event-knn and event-align
// differ in the distance and in which packets count.
type knnOptions struct {
	k         int // 0: chosen
	gapS      float64
	pairS     float64
	maxEven   int
	private   string
	align     bool // edit distance instead of one index per length
	dropAcks  bool
	maxBurst  int // longest burst looked at in the event task
	cutAt     int // packets of a sequence that count, 0: all
	questions int // different bursts asked for one gap while tuning
	others    int // bursts without an event to keep at most, 0: all
}

// ks are the numbers of neighbors to choose from.
func (a knnOptions) ks() []int {
	if a.k > 0 {
		return []int{a.k}
	}
	return tuneK[:]
}

// options is the attack in the terms that it shares with event-align.
func (a EventKNN) options() knnOptions {
	return knnOptions{
		k: a.K, gapS: a.GapS, pairS: a.PairS, maxEven: a.MaxEven, private: a.Private,
		maxBurst: maxBurst, questions: tuneQueries,
	}
}

// usable says whether bursts of n packets are looked at.
func (a knnOptions) usable(n int) bool {
	return a.maxEven == 0 || n%2 == 0 && n <= a.maxEven
}

// limit is how many equal bursts can ever matter.
func (a knnOptions) limit() int {
	return max(a.k, tuneK[len(tuneK)-1])
}

// Train keeps the training bursts and chooses what is left open. The model is
// also a Saver: it is the article's signature file.
func (a EventKNN) Train(ctx context.Context, _ *rand.Rand, t attacks.Training) (attacks.Model, error) {
	m, _, err := a.options().train(ctx, t)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// train also returns the score that validation gave.
func (a knnOptions) train(ctx context.Context, t attacks.Training) (*knnModel, float64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	if t.Task == datasets.TaskClip {
		return a.trainClips(ctx, t)
	}
	return a.trainEvents(ctx, t)
}

// newModel is a model without a burst.
func (a knnOptions) newModel(t attacks.Training) *knnModel {
	m := &knnModel{
		options: a, task: t.Task, k: max(a.k, 1), pair: params.Seconds(a.pairS), gap: params.Seconds(a.gapS),
		vs: newVectors(), scopes: map[bursts.StreamKey]*scope{},
		classes: append(slices.Clone(t.Classes), datasets.Other),
	}
	m.pooled = m.newScope()
	for _, p := range strings.FieldsFunc(a.private, func(r rune) bool { return r == ';' || r == '|' }) {
		m.private = append(m.private, strings.TrimSpace(p))
	}
	slices.Sort(m.classes)
	return m
}

// ready makes the model safe for concurrent use.
func (m *knnModel) ready() {
	m.pooled.ready()
	for _, s := range m.scopes {
		s.ready()
	}
}

// newScope is an empty scope under the distance of the attack.
func (m *knnModel) newScope() *scope {
	s := &scope{folds: map[int16]bool{}}
	if m.options.align {
		s.searcher = newAlignIndex(m.vs)
	} else {
		s.searcher = &byLength{m.vs, map[int]*lengthIndex{}}
	}
	return s
}

// trainClips makes one entry of each clip and, when k is open, takes the one
// that names most clips right from the clips of other groups.
func (a knnOptions) trainClips(ctx context.Context, t attacks.Training) (*knnModel, float64, error) {
	m := a.newModel(t)
	fold, n := bursts.Folds(t, 5)
	ids := make([]int32, len(t.Examples))
	var key []byte
	for i, e := range t.Examples {
		class, ok := slices.BinarySearch(m.classes, e.Class)
		v := a.vector(nil, e.Trace, bursts.AllPackets(e.Trace))
		if ids[i], key = m.vs.id(v, key); !ok || !a.usable(len(v)) {
			continue
		}
		m.pooled.file(ids[i], entry{int32(i), int16(fold[i]), [2]int16{int16(class), int16(class)}}, a.limit())
	}
	m.ready()
	if n < 2 {
		return m, 0, ctx.Err() // no other group to ask
	}

	// Every k votes among the first of one list: a clip is asked once.
	ks := a.ks()
	right := make([]int, len(ks))
	var near []neighbor
	for i, e := range t.Examples {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		near = m.pooled.nearest(m.vs.at(ids[i]), a.limit(), int16(fold[i]), near)
		for j, k := range ks {
			if c := m.winner(near, k, 0); c >= 0 && m.classes[c] == e.Class {
				right[j]++
			}
		}
	}
	best := bursts.MostOf(right)
	m.k = ks[best]
	return m, float64(right[best]) / float64(len(ids)), ctx.Err()
}

// knnModel holds the training bursts.
type knnModel struct {
	options   knnOptions
	task      datasets.Task
	classes   []string // sorted, with Other
	k         int
	gap, pair time.Duration
	mode      int  // which of an entry's classes counts
	single    bool // one detection at a time in a stream
	threshold float64
	private   []string

	vs     *vectors
	scopes map[bursts.StreamKey]*scope
	pooled *scope
}

// winner is the class that most of the first k neighbors have, ties to the
// alphabetically first; -1 without neighbors.
func (m *knnModel) winner(near []neighbor, k, mode int) int16 {
	near = near[:min(k, len(near))]
	best, most := int16(-1), 0
	for i, a := range near {
		n := 1
		for _, b := range near[i+1:] {
			if b.class[mode] == a.class[mode] {
				n++
			}
		}
		// The first of a class counts all of it; later ones count less.
		if c := a.class[mode]; n > most || n == most && c < best {
			best, most = c, n
		}
	}
	return best
}

// judge turns neighbors into ranked classes. The score is the votes for the
// best event class times a closeness of 1 / (1 + x/50), x being the difference
// in bytes per packet between the burst and that class's neighbors (the root
// of the mean square, or the mean for the edit distance): 1 when all are
// identical to it.
func (m *knnModel) judge(near []neighbor, packets int) bursts.Verdict {
	near = near[:min(m.k, len(near))]
	if len(near) == 0 {
		return bursts.Verdict{Ranked: bursts.UnknownRank()}
	}

	// Classes are sorted by name, so that numbers are in the order of Ranked.
	type tally struct {
		class int16
		votes int
		dist  int64
	}
	var room [16]tally
	tallies := room[:0]
	for _, n := range near {
		c := n.class[m.mode]
		i := slices.IndexFunc(tallies, func(t tally) bool { return t.class == c })
		if i < 0 {
			i = len(tallies)
			tallies = append(tallies, tally{class: c})
		}
		tallies[i].votes++
		tallies[i].dist += n.dist
	}
	slices.SortFunc(tallies, func(a, b tally) int { return cmp.Or(b.votes-a.votes, int(a.class)-int(b.class)) })

	// Votes alone would be as sure of a burst unlike any in training, whose
	// neighbors agree as well: closeness tells them apart.
	v := bursts.Verdict{Ranked: make([]attacks.Ranked, len(tallies))}
	scored := false
	for i, t := range tallies {
		v.Ranked[i] = attacks.Ranked{Class: m.classes[t.class], P: float64(t.votes) / float64(len(near))}
		if !scored && v.Ranked[i].Class != datasets.Other {
			v.Score, scored = v.Ranked[i].P/m.apart(t.dist, t.votes, packets), true
		}
	}
	return v
}

// apart is 1 + x/50, by which judge divides, for so many votes of a summed distance.
func (m *knnModel) apart(dist int64, votes, packets int) float64 {
	x := float64(dist) / float64(votes) / float64(packets)
	if !m.options.align {
		x = math.Sqrt(x)
	}
	return 1 + x/50
}

// Guess names the clip or the bursts of t.
func (m *knnModel) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	if m.task == datasets.TaskClip {
		v := m.options.vector(nil, t, bursts.AllPackets(t))
		return attacks.Answer{Clip: m.judge(m.askScope(m.pooled, v, nil), len(v)).Ranked}, ctx.Err()
	}
	return m.guessEvents(ctx, t)
}

// askScope returns the k nearest training bursts of v, none when bursts of this
// length are not looked at.
func (m *knnModel) askScope(s *scope, v []int32, dst []neighbor) []neighbor {
	if len(v) == 0 || !m.options.usable(len(v)) {
		return dst[:0]
	}
	return s.nearest(v, m.k, noFold, dst)
}

// vector appends the signed sizes of the packets that count.
func (a knnOptions) vector(dst []int32, t datasets.Trace, packets []int32) []int32 {
	for _, i := range packets {
		if a.cutAt > 0 && len(dst) == a.cutAt {
			break
		}
		if p := t.Packets[i]; !a.dropAcks || p.Payload > 0 {
			dst = append(dst, bursts.SignedSize(p))
		}
	}
	return dst
}

// isPrivate says whether a class was named as private, whole or by its
// activity.
func (m *knnModel) isPrivate(class string) bool {
	_, activity, _ := strings.Cut(class, "/")
	return slices.Contains(m.private, class) || slices.Contains(m.private, activity)
}
