package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"veilbench/attacks"
	"veilbench/attacks/guess"
	"veilbench/bench/results"
	"veilbench/bench/score"
	"veilbench/datasets"
)

// floors is what the best of the controls that see no traffic reaches on the
// tests of a cell: on all, and on those of each group.
type floors struct {
	once   sync.Once
	all    float64
	chance float64 // for a group of which groups says less
	groups map[string]float64
	err    error
}

// blind lists the controls that see no traffic. guess-exact is none of them: it
// sees sizes.
func blind() []attacks.Attack {
	return []attacks.Attack{guess.Majority{}, guess.Uniform{}, guess.Clock{}}
}

// isBlind says whether a is one of them.
func isBlind(a attacks.Attack) bool {
	return slices.ContainsFunc(blind(), func(b attacks.Attack) bool { return attacks.ID(a) == attacks.ID(b) })
}

// floors returns those of the tests of j, which hang on the attacker's training
// traffic but not on its attack: cells of all attacks share them.
func (r *runner) floors(ctx context.Context, u unit, j job, tests []score.Test) (*floors, error) {
	key := j.cell
	key.Attack, key.Knowledge = "", ""

	r.mu.Lock()
	f := r.floorsOf[key]
	if f == nil {
		f = &floors{groups: map[string]float64{}}
		r.floorsOf[key] = f
	}
	r.mu.Unlock()

	f.once.Do(func() { f.err = r.learnFloors(ctx, u, j, tests, f) })
	return f, f.err
}

// learnFloors asks every control about the tests. Each is trained as the attacker
// is and on undefended traffic: who knows a defense knows no less without it.
func (r *runner) learnFloors(ctx context.Context, u unit, j job, tests []score.Test, f *floors) error {
	task := j.cell.Task
	coins := task == datasets.TaskClip || task == datasets.TaskDevice
	if coins {
		f.chance = chance(u.ds, task, j.classes)
		f.all = f.chance
	}

	trained := slices.Compact([]string{results.NoDefense, j.cell.TrainDefense})
	for _, a := range blind() {
		// A class drawn at random is worth what it is on average: a coin that was lucky
		// in a small group is no floor of that group.
		if _, uniform := a.(guess.Uniform); uniform && coins || !slices.Contains(a.Info().Tasks, task) {
			continue
		}
		for _, j.cell.TrainDefense = range trained {
			j.attack, j.cell.Attack = a, attacks.ID(a)
			asked, err := r.askBlind(ctx, u, j, tests)
			if err != nil {
				return fmt.Errorf("floor: %s: %w", j.cell.Attack, err)
			}

			s := score.Of(u.ds, task, j.classes, asked)
			for _, m := range s.Metrics {
				if m.Name == results.Headline(task) {
					f.all = max(f.all, m.Value)
				}
			}
			for _, g := range s.Groups {
				f.groups[g.Group] = max(f.groups[g.Group], g.Value)
			}
		}
	}
	return nil
}

// askBlind returns tests with the answers of j's attack in place of theirs.
func (r *runner) askBlind(ctx context.Context, u unit, j job, tests []score.Test) ([]score.Test, error) {
	out := slices.Clone(tests)
	next := 0 // tests are those of the parts, one part after the other
	for n := range j.fold {
		p := part{u, j, n}
		m, err := r.model(ctx, p)
		if err != nil {
			return nil, err
		}
		for range p.recordings().Test {
			t := &out[next]
			next++

			// When a command was sent is taken as known, or a defense that hides the
			// times would lower the floor of what was sent.
			seen := t.Trace
			if j.cell.Task == datasets.TaskCommand {
				seen = commandTimes(t.Labels.Commands)
			}
			if t.Answer, err = m.Guess(ctx, seen); err != nil {
				return nil, err
			}
			t.Classes = m.classes
		}
	}
	return out, nil
}

// commandTimes is a trace in which each command is a packet of its own flow, all
// of one size.
func commandTimes(cmds []datasets.Command) datasets.Trace {
	t := datasets.Trace{Flows: make([]datasets.Flow, len(cmds))}
	for i, c := range cmds {
		t.Packets = append(t.Packets, datasets.Packet{Time: c.Time, Size: 55, Payload: 1, Flow: int32(i), Dir: datasets.Down})
		t.End = c.Time
	}
	return t
}

// chance is the macro recall of guessing at random: one over the classes that can
// be told apart, whichever of them occur.
func chance(ds *datasets.Dataset, task datasets.Task, classes []string) float64 {
	apart := map[string]bool{}
	merge := score.NewClasses(ds.Same)
	for _, c := range classes {
		if task == datasets.TaskClip {
			c = merge.Class(c)
		}
		apart[c] = true
	}
	return results.Ratio(1, float64(len(apart)))
}

// enter gives res and its groups their floors. A group with a floor of 1 is left
// out: nothing is left there that a defense could hide.
func (f *floors) enter(res *results.Result, own bool) {
	raise := func(floor, value float64) float64 {
		if own {
			return max(floor, value) // a control is at its own floor, however lucky
		}
		return floor
	}

	res.Floor = f.all
	if v, ok := res.Metric(res.Headline); ok {
		res.Floor = raise(f.all, v)
	}

	var kept []results.GroupScore
	for _, g := range res.Groups {
		g.Floor = raise(max(f.chance, f.groups[g.Group]), g.Value)
		if g.Floor < 1 {
			kept = append(kept, g)
		} else {
			res.LeftOut = append(res.LeftOut, results.LeftOut{Group: g.Group, Why: results.NothingToHide})
		}
	}
	res.Groups = kept
	slices.SortFunc(res.LeftOut, results.LeftOut.Compare)
}
