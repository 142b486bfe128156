package signatures

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"runtime"
	"runtime/metrics"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/bench/cli/command"
	"veilbench/bench/draws"
	"veilbench/bench/memory"
	"veilbench/bench/results"
	"veilbench/bench/score"
	"veilbench/datasets"
)

// measured is what a method made of some data, and what that took.
type measured struct {
	items   []results.Item
	metrics map[string]float64
	// Seconds of training and detecting, packets detected in.
	train, guess time.Duration
	packets      int
	// peak is the most that was on the heap beyond what was there before, file the
	// bytes of the signature file, model those of the model in memory where there
	// are no files.
	peak, file, model int64
}

// tally is what was right of what there was, and of what was named.
type tally struct{ right, events, named int }

func (t tally) recall() float64    { return results.Ratio(t.right, t.events) }
func (t tally) precision() float64 { return results.Ratio(t.right, t.named) }

// tallies counts items by a key of their classes: what it maps to "" counts
// nowhere.
func tallies(items []results.Item, key func(class string) string) map[string]tally {
	out := map[string]tally{}
	add := func(k string, d tally) {
		if k != "" {
			t := out[k]
			out[k] = tally{t.right + d.right, t.events + d.events, t.named + d.named}
		}
	}

	// What was named wrong counts twice: as a miss of its own class, and as a false
	// name of the one it was given.
	for _, it := range items {
		if it.Truth != datasets.Other {
			d := tally{events: 1}
			if it.Truth == it.Answer {
				d.right = 1
			}
			add(key(it.Truth), d)
		}
		if it.Answer != results.Missed && it.Answer != datasets.Unknown && it.Answer != datasets.Other {
			add(key(it.Answer), tally{named: 1})
		}
	}
	return out
}

// meter samples the heap while something runs.
type meter struct {
	before uint64
	stop   chan struct{}
	most   chan uint64
}

const heapBytes = "/memory/classes/heap/objects:bytes"

func heap() uint64 {
	s := []metrics.Sample{{Name: heapBytes}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// startMeter begins after a collection, so that what others left behind is not
// counted.
func startMeter() *meter {
	runtime.GC()
	m := &meter{before: heap(), stop: make(chan struct{}), most: make(chan uint64)}
	go func() {
		most := m.before
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				most = max(most, heap())
			case <-m.stop:
				m.most <- max(most, heap())
				return
			}
		}
	}()
	return m
}

// peak ends the meter.
func (m *meter) peak() int64 {
	close(m.stop)
	return int64(<-m.most) - int64(m.before)
}

// division is data to learn from and data to be asked about.
type division struct {
	name        string // as rows and notes say it
	train, test datasets.Dataset
}

// divisions are the two ways to divide data of events: as the article does, which
// learns a device and detects the same one in a later session, and across homes,
// days or whatever the groups are; the second only where there are groups.
func divisions(ds *datasets.Dataset) []division {
	same := division{name: "same home, later", train: *ds, test: *ds}
	same.train.Recordings, same.test.Recordings = nil, nil
	other := division{name: "another home", train: *ds, test: *ds}
	other.train.Recordings, other.test.Recordings = nil, nil
	last := ds.Recordings[len(ds.Recordings)-1].Group
	for _, r := range ds.Recordings {
		// The article trains on 80 of 100 trials.
		parts := r.Cut([]time.Duration{r.Trace.End / 5 * 4})
		parts[1].ID += "/later"
		same.train.Recordings = append(same.train.Recordings, parts[0])
		same.test.Recordings = append(same.test.Recordings, parts[1])
		if r.Group == last {
			other.test.Recordings = append(other.test.Recordings, r)
		} else {
			other.train.Recordings = append(other.train.Recordings, r)
		}
	}
	if len(other.train.Recordings) == 0 {
		return []division{same}
	}
	return []division{same, other}
}

// measureEvents trains a method on one part of a division and asks it about the
// other.
func measureEvents(ctx context.Context, a *command.App, id string, d *division, v datasets.Vantage, seed uint64) (measured, error) {
	var out measured
	at, err := attacks.Parse(a.Attacks, id)
	if err != nil {
		return out, err
	}
	t, err := training(&d.train, v, seed)
	if err != nil {
		return out, err
	}

	// The data are there before the meter starts: what is counted is the method's.
	m := startMeter()
	began := time.Now()
	model, err := at.Train(ctx, draws.New(seed, "signatures", attacks.ID(at)), t)
	out.train = time.Since(began)
	if out.peak = m.peak(); err != nil {
		return out, fmt.Errorf("attack %s: %w", id, err)
	}
	if err := out.store(model); err != nil {
		return out, err
	}

	var tests []score.Test
	for i := range d.test.Recordings {
		seen, err := look(&d.test, i, v, seed)
		if err != nil {
			return out, err
		}
		began := time.Now()
		ans, err := model.Guess(ctx, seen.Trace)
		if err != nil {
			return out, fmt.Errorf("attack %s: %w", id, err)
		}
		out.guess += time.Since(began)
		out.packets += len(seen.Trace.Packets)
		tests = append(tests, score.Test{Recording: &d.test.Recordings[i], Trace: seen.Trace, Labels: seen.Labels, Answer: ans, Classes: t.Classes})
	}
	out.score(&d.test, datasets.TaskEvent, t.Classes, tests)
	return out, nil
}

// store measures what a model takes to be kept.
func (m *measured) store(model attacks.Model) error {
	s, ok := model.(attacks.Saver)
	if !ok {
		m.model = memory.Of(model)
		return nil
	}
	var b bytes.Buffer
	if err := s.Save(&b); err != nil {
		return err
	}
	m.file += int64(b.Len())
	return nil
}

// score keeps what the answers are worth.
func (m *measured) score(ds *datasets.Dataset, task datasets.Task, classes []string, tests []score.Test) {
	s := score.Of(ds, task, classes, tests)
	m.items = append(m.items, s.Items...)
	m.metrics = map[string]float64{}
	for _, x := range s.Metrics {
		m.metrics[x.Name] = x.Value
	}
}

// metric is a score, NaN where there is none.
func (m measured) metric(name string) float64 {
	if v, ok := m.metrics[name]; ok {
		return v
	}
	return math.NaN()
}

// measureClips asks a method about each clip of each data set in turn, trained on
// all others of its set: of the authors' files a set is one device. What is timed
// is one training on each whole set, and asking that model.
func measureClips(ctx context.Context, a *command.App, id string, sets []datasets.Dataset, seed uint64) (measured, error) {
	var out measured
	at, err := attacks.Parse(a.Attacks, id)
	if err != nil {
		return out, err
	}
	trained := func(t attacks.Training) (attacks.Model, error) {
		m, err := at.Train(ctx, draws.New(seed, "signatures", attacks.ID(at)), t)
		if err != nil {
			return nil, fmt.Errorf("attack %s: %w", id, err)
		}
		return m, nil
	}

	for i := range sets {
		t, err := training(&sets[i], sets[i].Recorded, seed)
		if err != nil {
			return out, err
		}
		m := startMeter()
		began := time.Now()
		whole, err := trained(t)
		out.train += time.Since(began)
		out.peak = max(out.peak, m.peak())
		if err != nil {
			return out, err
		}
		if err := out.store(whole); err != nil {
			return out, err
		}

		var tests []score.Test
		for j, ex := range t.Examples {
			began := time.Now()
			if _, err := whole.Guess(ctx, ex.Trace); err != nil {
				return out, err
			}
			out.guess += time.Since(began)
			out.packets += len(ex.Trace.Packets)

			// The others keep their order, as ties go by it.
			part := t
			part.Examples = slices.Delete(slices.Clone(t.Examples), j, j+1)
			model, err := trained(part)
			if err != nil {
				return out, err
			}
			ans, err := model.Guess(ctx, ex.Trace)
			if err != nil {
				return out, err
			}
			tests = append(tests, score.Test{Recording: &sets[i].Recordings[j], Trace: ex.Trace, Labels: ex.Labels, Answer: ans, Classes: t.Classes})
		}
		out.score(&sets[i], datasets.TaskClip, t.Classes, tests)
	}
	out.metrics = nil // those of the last set alone
	return out, nil
}
