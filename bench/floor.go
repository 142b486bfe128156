package bench

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"veilbench/attacks"
	"veilbench/attacks/diary"
	"veilbench/attacks/guess"
	"veilbench/bench/results"
	"veilbench/bench/score"
	"veilbench/datasets"
)

// floors is what the best of the controls that see no traffic reaches on the
// tests of a cell: on all of them and, of events, on each device and group.
type floors struct {
	once sync.Once
	all  float64
	by   string // the control that reaches all
	// answer is a group's floor where the task has no devices of its own.
	answer  float64
	devices map[string]float64
	groups  map[string]groupFloors
	err     error
}

// groupFloors are those of one group of an event or routine task.
type groupFloors struct {
	pooled  float64
	devices map[string]float64
	value   float64            // of a routine task
	parts   map[string]float64 // of a routine task, by the control that knows the hour
}

// singleAnswer is the name of the floor that the best single answer sets: the one
// that would do best if it were given everywhere, chosen with the truth at hand.
const singleAnswer = "best single answer"

// blind lists the controls that see no traffic. guess-exact is none of them: it
// sees sizes.
func blind() []attacks.Attack {
	return []attacks.Attack{guess.Majority{}, guess.Uniform{}, guess.Clock{}, guess.Hour{}}
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
		f = &floors{devices: map[string]float64{}, groups: map[string]groupFloors{}}
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
		// Recall weighs classes alike, so over all tests at once every single answer is
		// worth no more than a class drawn at random.
		f.all, f.by = chance(u.ds, task, j.classes), attacks.ID(guess.Uniform{})
	}
	if task != datasets.TaskEvent {
		best, err := r.bestAnswer(u, j)
		if err != nil {
			return err
		}
		f.answer = max(f.all, best)
		if best > f.all {
			f.by = singleAnswer
		}
	}

	trained := slices.Compact([]string{results.NoDefense, j.cell.TrainDefense})
	for _, a := range blind() {
		// A class drawn at random is worth what it is on average: a coin that was lucky
		// is no floor.
		if _, uniform := a.(guess.Uniform); uniform && coins || !slices.Contains(a.Info().Tasks, task) {
			continue
		}
		for _, j.cell.TrainDefense = range trained {
			j.attack, j.cell.Attack = a, attacks.ID(a)
			asked, err := r.askBlind(ctx, u, j, tests)
			if err != nil {
				return fmt.Errorf("floor: %s: %w", j.cell.Attack, err)
			}
			f.raise(score.Of(u.ds, task, j.classes, asked), results.Headline(task), j.cell.Attack)
		}
	}
	return nil
}

// raise takes what a control reached into account.
func (f *floors) raise(s score.Scores, headline, control string) {
	for _, m := range s.Metrics {
		if m.Name == headline && (m.Value > f.all || f.by == "") {
			f.all, f.by = m.Value, control
		}
	}
	for _, d := range s.Devices {
		f.devices[d.Device] = max(f.devices[d.Device], d.Value)
	}

	// Each device by its own best control: one device's timetable is not everybody's
	// floor.
	for _, g := range s.Groups {
		if g.Parts != nil {
			f.raiseParts(g, control)
		}
		if g.Devices == nil {
			continue
		}
		of, ok := f.groups[g.Group]
		if !ok {
			of.devices = map[string]float64{}
		}
		of.pooled = max(of.pooled, g.Pooled)
		for _, d := range g.Devices {
			of.devices[d.Device] = max(of.devices[d.Device], d.Value)
		}
		f.groups[g.Group] = of
	}
}

// raiseParts takes a group of a routine task into account. Its own timetable is its
// floor, for homes differ in how regular they are; a home's further figures stand
// beside those of the clock whichever control is best.
func (f *floors) raiseParts(g results.GroupScore, control string) {
	of := f.groups[g.Group]
	of.value = max(of.value, g.Value)
	if control == attacks.ID(guess.Hour{}) && of.parts == nil {
		of.parts = map[string]float64{}
		for _, p := range g.Parts {
			of.parts[p.Name] = p.Value
		}
	}
	f.groups[g.Group] = of
}

// bestAnswer is what the best single answer reaches, as the mean over all groups of
// the data set. No attacker that says the same everywhere can be above it, whatever
// it says and however unevenly the groups hold the classes. It is taken over groups
// and not in each: a group of one class would have a floor of 1, and a folder of
// captures of one device each nothing to find.
func (r *runner) bestAnswer(u unit, j job) (float64, error) {
	shares := map[string]map[string]float64{} // by group and answer
	of := func(group, answer string, n float64) {
		if shares[group] == nil {
			shares[group] = map[string]float64{}
		}
		shares[group][answer] += n
	}

	// The truth as it is seen without a defense: what the view hides is nobody's.
	merge := score.NewClasses(u.ds.Same)
	for i := range u.ds.Recordings {
		rec := &u.ds.Recordings[i]
		switch j.cell.Task {
		case datasets.TaskClip:
			of(rec.Group, merge.Class(rec.ClipClass()), 1)
		case datasets.TaskCommand:
			for _, c := range rec.Labels.Commands {
				of(rec.Group, fmt.Sprint(c.Actions), 1)
			}
		case datasets.TaskRoutine:
			for _, x := range diary.Of(rec.Labels, rec.Trace.End, j.classes) {
				if x.State >= 0 {
					of(rec.Group, j.classes[x.State], 1)
				}
			}
		case datasets.TaskDevice:
			o := r.view(part{u, j, 0}, results.NoDefense, viewOf{TrainRole, i, 0})
			if o.err != nil {
				return 0, o.err
			}
			for _, name := range ownersIn(o.labels) {
				of(rec.Group, name, 1)
			}
		}
	}

	mean := map[string]float64{}
	for _, group := range slices.Sorted(maps.Keys(shares)) {
		var all float64
		for _, n := range shares[group] {
			all += n
		}
		for answer, n := range shares[group] {
			// Recall weighs the classes of a group alike, a command and a slot count once.
			if j.cell.Task != datasets.TaskCommand && j.cell.Task != datasets.TaskRoutine {
				n, all = 1, float64(len(shares[group]))
			}
			mean[answer] += n / all / float64(len(shares))
		}
	}
	best := 0.0
	for _, v := range mean {
		best = max(best, v)
	}
	return best, nil
}

// ownersIn lists whose packets there are, each name once.
func ownersIn(l datasets.Labels) []string {
	seen := map[int32]bool{}
	var out []string
	for _, o := range l.Owners {
		if seen[o] {
			continue
		}
		seen[o] = true
		if o < 0 {
			out = append(out, datasets.Nobody)
		} else {
			out = append(out, l.Devices[o])
		}
	}
	return out
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

			// What the attack said of the first days is none of the control's. A clock says
			// the same of a day however much follows it.
			t.Early = nil
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

// enter gives res, its groups and their devices their floors. What has a floor of
// 1 is left out: nothing is left there that a defense could hide.
func (f *floors) enter(res *results.Result, own bool) {
	raise := func(floor, value float64) float64 {
		if own {
			return max(floor, value) // a control is at its own floor, however lucky
		}
		return floor
	}

	res.FloorBy = f.by
	if own {
		res.FloorBy = res.Cell.Attack
	}
	res.Floor = f.all
	if v, ok := res.Metric(res.Headline); ok {
		res.Floor = raise(f.all, v)
	}

	var kept []results.GroupScore
	for _, g := range res.Groups {
		hidden := results.LeftOut{Group: g.Group, Why: results.NothingToHide}
		if g.Devices == nil {
			floor := f.groups[g.Group]
			for i, p := range g.Parts {
				g.Parts[i].Floor = floor.parts[p.Name]
			}
			if g.Floor = raise(max(f.answer, floor.value), g.Value); g.Floor < 1 {
				kept = append(kept, g)
			} else {
				res.LeftOut = append(res.LeftOut, hidden)
			}
			continue
		}

		var certain []string
		g.Devices, certain = withFloors(g.Devices, f.groups[g.Group].devices, raise)
		for _, hidden.Device = range certain {
			res.LeftOut = append(res.LeftOut, hidden)
		}
		if len(g.Devices) == 0 {
			continue
		}
		g.Value, g.Floor = results.OverDevices(g.Devices)
		g.PooledFloor = raise(f.groups[g.Group].pooled, g.Pooled)
		g.N = 0
		for _, d := range g.Devices {
			g.N += d.N
		}
		kept = append(kept, g)
	}
	res.Groups = kept
	slices.SortFunc(res.LeftOut, results.LeftOut.Compare)
	f.enterDevices(res, raise)
}

// enterDevices gives the devices of all groups at once their floors, and res the
// headline that is their mean.
func (f *floors) enterDevices(res *results.Result, raise func(floor, value float64) float64) {
	if res.Devices == nil {
		return
	}
	res.Devices, _ = withFloors(res.Devices, f.devices, raise)
	i := slices.IndexFunc(res.Metrics, func(m results.Metric) bool { return m.Name == res.Headline })
	if len(res.Devices) == 0 {
		res.Floor = 1
		return
	}
	res.Metrics[i].Value, res.Floor = results.OverDevices(res.Devices)
}

// withFloors returns the devices that have something to hide with their floors, and
// the names of the others. ds is not modified.
func withFloors(ds []results.DeviceScore, floors map[string]float64, raise func(floor, value float64) float64) (kept []results.DeviceScore, certain []string) {
	for _, d := range ds {
		if d.Floor = raise(floors[d.Device], d.Value); d.Floor < 1 {
			kept = append(kept, d)
		} else {
			certain = append(certain, d.Device)
		}
	}
	return kept, certain
}
