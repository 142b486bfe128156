// Package selfcheck tries the harness, and the attacks and defenses that it is
// given, on data whose right answers are known.
package selfcheck

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"veilbench/attacks"
	"veilbench/bench"
	"veilbench/bench/oath"
	"veilbench/bench/results"
	"veilbench/bench/selfcheck/planted"
	"veilbench/datasets"
	"veilbench/defenses"
)

// Run runs the harness on data whose right answers are known: what costs
// nothing, what must be found, what must not be found, and what may not change
// a result. It uses the attacks and defenses given, so that a broken plug-in is
// found as well as a broken harness. Order is fixed. A check that takes longer than
// limit (0: none) fails, for some plug-in hangs, and is the last one. The only
// error is the end of ctx.
func Run(ctx context.Context, limit time.Duration, ds []defenses.Defense, as []attacks.Attack) ([]results.Verdict, error) {
	s := &selfCheck{ctx: ctx, limit: limit, defenses: ds, attacks: answering(as, datasets.TaskClip), events: eventAttacks(as)}
	checks := []struct {
		name string
		run  func() (detail string, wrong error)
	}{
		{"no defense costs nothing", s.freeNone},
		{"a planted leak is found", s.leakFound},
		{"shuffled labels are not learned", s.shuffledLabels},
		{"a tunnel that keeps sizes apart hides nothing", s.sizeBijection},
		{"a constant rate hides everything", s.constantRate},
		{"training and test see other draws", s.drawsDiffer},
		{"a defense's own packets carry no mark", s.noMark},
		{"a model answers each trace on its own", s.answersApart},
		{"a new address silences no attack", s.newAddress},
		{"a broken attack earns no zero", s.brokenAttack},
		{"a wrong clock is doubted", s.wrongClock},
		{"no group on both sides of a split", s.splits},
		{"the order of recordings and workers does not matter", s.anyOrder},
	}

	var out []results.Verdict
	for _, c := range checks {
		got, err := oath.Within(ctx, limit, "self-check", func() (results.Verdict, error) {
			detail, wrong := c.run()
			if wrong != nil {
				return results.Verdict{Name: c.name, Detail: wrong.Error()}, nil
			}
			return results.Verdict{Name: c.name, Detail: detail, OK: true}, nil
		})
		if ctx.Err() != nil {
			return out, ctx.Err()
		}

		// A panic of a plug-in comes here as an error too: it fails one check and leaves
		// the others their turn.
		if err != nil {
			got = results.Verdict{Name: c.name, Detail: err.Error()}
		}
		out = append(out, got)
		if errors.Is(err, oath.ErrHung) {
			break // the next would call the same plug-in and hang as long
		}
	}
	return out, nil
}

// selfCheck is what the checks try. A check returns what it found, in figures, or
// an error that says what is wrong. Those with a known answer are in this file,
// those of what must hold whatever the scores in invariants.go.
type selfCheck struct {
	ctx      context.Context
	limit    time.Duration
	defenses []defenses.Defense
	attacks  []attacks.Attack // those that answer the clip task
	events   []attacks.Attack // those that answer the event task, no controls
}

// answering keeps the attacks that answer a task.
func answering(as []attacks.Attack, task datasets.Task) []attacks.Attack {
	return slices.DeleteFunc(slices.Clone(as), func(a attacks.Attack) bool {
		return !slices.Contains(a.Info().Tasks, task)
	})
}

func eventAttacks(as []attacks.Attack) []attacks.Attack {
	return slices.DeleteFunc(answering(as, datasets.TaskEvent), func(a attacks.Attack) bool { return a.Info().Control })
}

// run asks the attacks of the clip task, each trained behind the defense; no
// results of no attacks.
func (s *selfCheck) run(ds datasets.Dataset, defense defenses.Defense, workers int) ([]results.Result, error) {
	if len(s.attacks) == 0 {
		return nil, nil
	}
	return bench.Run(s.ctx, bench.Grid{
		Datasets: []datasets.Dataset{ds}, Defenses: []defenses.Defense{defense}, Attacks: s.attacks,
		Knowledge: []results.Knowledge{results.Adaptive}, Seed: 1, NoCanaries: true,
	}, bench.Options{Workers: workers, PluginTimeout: s.limit})
}

// defense parses an ID of the list; "" and false when the list does not have
// it, as a vendor's own list may not.
func (s *selfCheck) defense(id string) (defenses.Defense, bool) {
	d, err := defenses.Parse(s.defenses, id)
	return d, err == nil
}

const notInList = "skipped: the list of defenses does not have it"

// freeNone runs without a defense: not a byte and not a nanosecond may be added.
func (s *selfCheck) freeNone() (string, error) {
	rs, err := s.run(planted.Clips(true), defenses.None{}, 1)
	if err != nil {
		return "", err
	}

	for _, r := range rs {
		if c := r.Cost; r.Err != "" || c.Overhead() != 0 || c.DelayMax != 0 || c.OutPackets != c.InPackets {
			return "", fmt.Errorf("overhead %v, delay %v s %s", c.Overhead(), c.DelayMax, r.Err)
		}
	}
	return "overhead 0, delay 0", nil
}

// exactControl is the one control that looks at sizes.
const exactControl = "guess-exact"

// pooled runs the attacks and sums correct and tested of each over folds. A cell
// that failed is an error.
func (s *selfCheck) pooled(ds datasets.Dataset, d defenses.Defense) (names []string, right, n map[string]float64, err error) {
	rs, err := s.run(ds, d, 1)
	if err != nil {
		return nil, nil, nil, err
	}

	right, n = map[string]float64{}, map[string]float64{}
	for _, r := range rs {
		// Other controls look at no traffic: they can find no leak and lose nothing.
		if r.Control && !strings.HasPrefix(r.Cell.Attack, exactControl) {
			continue
		}
		if r.Err != "" {
			return nil, nil, nil, fmt.Errorf("%s: %s", r.Cell.Attack, r.Err)
		}

		if n[r.Cell.Attack] == 0 {
			names = append(names, r.Cell.Attack)
		}
		c, _ := r.Metric(results.Correct)
		k, _ := r.Metric(results.Tested)
		right[r.Cell.Attack] += c
		n[r.Cell.Attack] += k
	}
	return names, right, n, nil
}

// leakFound expects every attack to name every clip whose sizes give it away.
func (s *selfCheck) leakFound() (string, error) {
	names, right, n, err := s.pooled(planted.Clips(true), defenses.None{})
	if err != nil {
		return "", err
	}

	for _, a := range names {
		if right[a] < n[a] {
			return "", fmt.Errorf("%s names %.0f of %.0f clips whose sizes are even or odd", a, right[a], n[a])
		}
	}
	return fmt.Sprintf("%d attacks name every clip", len(names)), nil
}

// noBetter tells whether right of n is within what guessing one of two classes
// gives, one-sided at 0.1 % for each attack.
func noBetter(right, n float64) bool {
	return distuv.Binomial{N: n, P: 0.5}.Survival(right-1) > 0.001
}

// atFloor expects no attack to be better than a coin on data of two classes.
func (s *selfCheck) atFloor(ds datasets.Dataset, d defenses.Defense) (string, error) {
	names, right, n, err := s.pooled(ds, d)
	if err != nil {
		return "", err
	}

	for _, a := range names {
		if !noBetter(right[a], n[a]) {
			return "", fmt.Errorf("%s names %.0f of %.0f clips, guessing gives half", a, right[a], n[a])
		}
	}
	return fmt.Sprintf("%d attacks at their floor", len(names)), nil
}

func (s *selfCheck) shuffledLabels() (string, error) {
	return s.atFloor(planted.ShuffledLabels(planted.Clips(true)), defenses.None{})
}

// constantRate expects all clips to look alike behind a constant rate: one end, as
// many packets, no score above chance.
func (s *selfCheck) constantRate() (string, error) {
	d, ok := s.defense("constant-rate")
	if !ok {
		return notInList, nil
	}

	ds := planted.Clips(true)
	from := bench.Observer{Seed: 1, Defense: d, Vantage: datasets.WAN}
	var packets int
	for i := range ds.Recordings {
		id := ds.Recordings[i].ID
		o, err := from.See(&ds.Recordings[i], bench.TestRole, 0)
		if err != nil {
			return "", err
		}
		if o.Trace.End != ds.Recordings[0].Trace.End {
			return "", fmt.Errorf("clip %s ends at %v, not at the common end %v", id, o.Trace.End, ds.Recordings[0].Trace.End)
		}
		// A random phase may cost or win a packet in each direction.
		if n := len(o.Trace.Packets); i == 0 {
			packets = n
		} else if n < packets-4 || n > packets+4 {
			return "", fmt.Errorf("clip %s shows %d packets, another %d", id, n, packets)
		}
	}

	return s.atFloor(ds, d)
}

// sizeBijection tries a tunnel that shifts sizes and merges none: retrained attacks
// that compare sizes lose nothing.
func (s *selfCheck) sizeBijection() (string, error) {
	d, ok := s.defense("vpn:kind=openvpn-udp,delay=constant,control=false")
	if !ok {
		return notInList, nil
	}
	names, before, n, err := s.pooled(planted.Clips(true), defenses.None{})
	if err != nil {
		return "", err
	}

	_, after, _, err := s.pooled(planted.Clips(true), d)
	if err != nil {
		return "", err
	}

	// The exact control compares whole sequences, and an injective map of sizes keeps
	// equal ones equal: not one answer may change. Others may draw ties differently.
	for _, a := range names {
		if loss := (before[a] - after[a]) / n[a]; loss > 0.02 || strings.HasPrefix(a, exactControl) && before[a] != after[a] {
			return "", fmt.Errorf("%s names %.0f of %.0f clips before and %.0f behind the tunnel", a, before[a], n[a], after[a])
		}
	}
	return fmt.Sprintf("%d attacks lose nothing", len(names)), nil
}
