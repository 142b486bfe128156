package outside

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/params"
)

// Prefix stands before the name of every attack that was made elsewhere.
const Prefix = "imported:"

// Attack is one whose answers were given elsewhere. It answers for the cells that its
// predictions cover and for no others (Has).
type Attack struct {
	name  string
	books map[results.Knowledge]book
}

// book is what an attacker of one knowledge said.
type book struct {
	digest  string
	rows    map[string][]row // by item, in the order of the file
	covered map[place]bool
}

// Resolve makes an attack named Prefix + name of predictions about test items of a grid,
// by what their attackers know. Every item of a place (a defense on a data set, seen
// from a vantage point, in one draw) must have a row, or none of them: silence about
// some would score as failures, and so as the defense's work. training are the IDs of
// items to train on, for which predictions are a mistake with a name. Errors name the
// file and the line, or the first item that is missing.
func Resolve(name string, said map[results.Knowledge]Predictions, tests []Asked, training map[string]bool) (Attack, error) {
	asked := make(map[string]Asked, len(tests))
	for _, t := range tests {
		asked[t.ID()] = t
	}
	a := Attack{name, map[results.Knowledge]book{}}
	for k, p := range said {
		b, err := p.book(asked, training)
		if err == nil {
			err = p.whole(b, tests)
		}
		if err != nil {
			return a, err
		}
		a.books[k] = b
	}
	return a, nil
}

// book sorts the rows of p by item and refuses those that are about nothing asked.
func (p Predictions) book(asked map[string]Asked, training map[string]bool) (book, error) {
	b := book{p.digest, map[string][]row{}, map[place]bool{}}
	for _, x := range p.rows {
		t, ok := asked[x.item]
		switch {
		case training[x.item]:
			return b, fmt.Errorf("%s:%d: item %s is one to train on; want predictions about those of role %s alone", p.name, x.line, x.item, Test)
		case !ok:
			return b, fmt.Errorf("%s:%d: item %s is none of the %d test items of this experiment: was it exported from other data, with another seed, or for a task or a defense that is not part of it?", p.name, x.line, x.item, len(asked))
		}
		named, err := t.check(x)
		if err != nil {
			return b, fmt.Errorf("%s:%d: %w", p.name, x.line, err)
		}
		x = named
		b.covered[t.place()] = true
		b.rows[x.item] = append(b.rows[x.item], x)
	}

	// A second opinion about the same thing would count by its place in the file.
	for _, x := range p.rows {
		if b.rows[x.item][0].line != x.line {
			continue // looked at with the first of the item
		}
		said := map[string]int{}
		for _, y := range b.rows[x.item] {
			key := y.class
			if y.packet >= 0 {
				key = "packet " + strconv.Itoa(y.packet) // which has one owner
			}
			if was, twice := said[key]; twice && !y.timed {
				return b, fmt.Errorf("%s: lines %d and %d both say %s of item %s", p.name, was, y.line, key, x.item)
			}
			said[key] = y.line
		}
	}
	return b, nil
}

// whole refuses a book that is silent about some items of a place.
func (p Predictions) whole(b book, tests []Asked) error {
	missing, first := 0, Asked{}
	for _, t := range tests {
		if b.covered[t.place()] && len(b.rows[t.ID()]) == 0 {
			if missing == 0 {
				first = t
			}
			missing++
		}
	}
	if missing == 0 {
		return nil
	}
	return fmt.Errorf("%s: %d test items have no prediction, the first is %s (recording %s of %s behind %s, draw %d); say %q where nothing is known, or %q where nothing was found",
		p.name, missing, first.ID(), first.Recording, first.Dataset, first.Defense, first.Draw, datasets.Unknown, datasets.Other)
}

// check is x with its class by name; a class may be said by its number.
func (a Asked) check(x row) (row, error) {
	if n, err := strconv.Atoi(x.class); err == nil && !slices.Contains(a.Classes, x.class) {
		labels := a.Numbered()
		if n < 0 || n >= len(labels) {
			return x, fmt.Errorf("class %d: want a number from 0 to %d, or a name", n, len(labels)-1)
		}
		x.class = labels[n]
	}
	// Whose packet it is may be nobody's; for other tasks these names score as wrong.
	known := append(slices.Clone(a.Classes), datasets.Unknown, datasets.Other, datasets.Cover, datasets.Nobody)
	if !slices.Contains(known, x.class) {
		return x, fmt.Errorf("unknown class %q%s", x.class, params.DidYouMean(x.class, known))
	}

	silent := x.class == datasets.Other || x.class == datasets.Unknown
	switch a.Task {
	case datasets.TaskClip:
		if x.timed || x.packet >= 0 {
			return x, errors.New("a clip has one class as a whole: want neither time nor packet")
		}
	case datasets.TaskEvent:
		if !x.timed && !silent || x.packet >= 0 {
			return x, fmt.Errorf("an event has a time: want the column time, in seconds since the item's start, or the class %s where nothing was found", datasets.Other)
		}
	case datasets.TaskDevice:
		if x.packet < 0 && !silent || x.timed {
			return x, fmt.Errorf("each packet has a device: want the column packet, counted from 0, or the class %s where nothing is known", datasets.Unknown)
		}
	default:
		return x, fmt.Errorf("predictions of the task %s cannot be imported (clip, event and device can)", a.Task)
	}
	return x, nil
}

// Info says that the attack answers what its predictions are about.
func (a Attack) Info() attacks.Info {
	i := attacks.Info{Name: Prefix + a.name, Doc: "predictions that were made elsewhere"}
	for _, t := range datasets.Tasks() {
		for _, b := range a.books {
			for p := range b.covered {
				if p.task == t && !slices.Contains(i.Tasks, t) {
					i.Tasks = append(i.Tasks, t)
				}
			}
		}
	}
	return i
}

// Train is never called by a run, which asks for Model: what there is to learn was
// learned elsewhere.
func (a Attack) Train(context.Context, *rand.Rand, attacks.Training) (attacks.Model, error) {
	return nil, fmt.Errorf("attack %s%s was trained elsewhere: it knows the items of its predictions alone", Prefix, a.name)
}

// Has says whether the attack answers a cell.
func (a Attack) Has(c results.Cell) bool { return a.books[c.Knowledge].covered[placeOf(c)] }

// Digest tells predictions apart that came under the same name.
func (a Attack) Digest() string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(a.books)) {
		out = append(out, string(k)+" "+a.books[k].digest)
	}
	return strings.Join(out, ", ")
}

// Classes are those that answers for a cell may name: known and, of a device task, a
// defense's own packets.
func (a Attack) Classes(c results.Cell, known []string) []string {
	if c.Task != datasets.TaskDevice || slices.Contains(known, datasets.Cover) {
		return known
	}
	out := append(slices.Clone(known), datasets.Cover)
	slices.Sort(out)
	return out
}

// Model answers about one item for an attacker with this knowledge; classes are what
// device answers index.
func (a Attack) Model(k results.Knowledge, i Item, classes []string) attacks.Model {
	return model{i.Task, a.books[k].rows[i.ID()], classes}
}

// model is what was said about one item.
type model struct {
	task    datasets.Task
	rows    []row
	classes []string
}

// Guess says it, whatever it is shown: t is that item.
func (m model) Guess(_ context.Context, t datasets.Trace) (attacks.Answer, error) {
	switch m.task {
	case datasets.TaskClip:
		return attacks.Answer{Clip: ranked(m.rows)}, nil
	case datasets.TaskEvent:
		return events(m.rows), nil
	}
	out := attacks.Answer{Devices: make([]attacks.Owner, len(t.Packets))}
	for i := range out.Devices {
		out.Devices[i].Class = -1
	}
	for _, x := range m.rows {
		if x.packet >= len(t.Packets) {
			return out, fmt.Errorf("line %d is about packet %d of an item that has %d", x.line, x.packet, len(t.Packets))
		}
		if x.packet >= 0 {
			out.Devices[x.packet] = attacks.Owner{Class: int32(slices.Index(m.classes, x.class)), P: float32(min(max(x.score, 0), 1))}
		}
	}
	return out, nil
}

// ranked are the classes of a clip, best first. Scores that are no probabilities, such
// as logits, become some by softmax, which keeps their order.
func ranked(rows []row) []attacks.Ranked {
	out := make([]attacks.Ranked, 0, len(rows))
	sum, probable := 0.0, true
	for _, x := range rows {
		out = append(out, attacks.Ranked{Class: x.class, P: x.score})
		sum += x.score
		probable = probable && x.score >= 0
	}
	slices.SortStableFunc(out, func(a, b attacks.Ranked) int { return cmp.Compare(b.P, a.P) })

	// Rounded probabilities may add up to a little more than 1.
	const rounded = 1e-3
	if probable && sum <= 1+rounded {
		for i := range out {
			out[i].P /= max(sum, 1)
		}
		return out
	}
	best, total := out[0].P, 0.0
	for i := range out {
		out[i].P = math.Exp(out[i].P - best)
		total += out[i].P
	}
	for i := range out {
		out[i].P /= total
	}
	return out
}

// events are the detections of an item: every row that has a time is one.
func events(rows []row) attacks.Answer {
	var a attacks.Answer
	for _, x := range rows {
		if !x.timed {
			continue
		}
		if len(a.Events) == 0 || x.score < a.Threshold {
			a.Threshold = x.score
		}
		a.Events = append(a.Events, attacks.Burst{Start: x.start, End: x.end, Ranked: []attacks.Ranked{{Class: x.class, P: 1}}, Score: x.score})
	}
	slices.SortStableFunc(a.Events, func(a, b attacks.Burst) int { return cmp.Compare(a.Start, b.Start) })
	return a
}
