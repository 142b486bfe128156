package bench

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/diary"
	"veilbench/bench/canary"
	"veilbench/bench/choose"
	"veilbench/bench/cost"
	"veilbench/bench/draws"
	"veilbench/bench/outside"
	"veilbench/bench/results"
	"veilbench/bench/score"
	"veilbench/datasets"
	"veilbench/defenses/captured"
)

// Bounds of planted cells, so that all of them together take a small part of a
// run: recordings to train and to test on, and of each the length, the packets and
// the canaries.
const (
	plantTrain   = 3
	plantTest    = 2
	plantClips   = 40 // to train on beside the canaries
	plantLongest = 10 * time.Minute
	plantPackets = 12000
	plantBehind  = 20
	plantThrough = 10
	plantDays    = 1 // of recordings with canaries that are hours
	plantHomes   = 8 // to train on with those: one half teaches events, the other days
)

// planting is the traffic with canaries that all attacks of a unit learn from and
// are tested on, for one task and vantage point.
type planting struct {
	once  sync.Once
	train []attacks.Labeled
	// tests are to be answered from what is seen of each, in the same order.
	tests   []score.Test
	seen    []attacks.Labeled
	classes []string
	task    datasets.Task // that they are scored as
	oracle  bool
	err     error
}

// plantKey names a planting of the unit at work.
type plantKey struct {
	task    datasets.Task
	vantage datasets.Vantage
}

// plantJobs lists the planted cells of one task behind one defense: one for each
// attack and vantage point, whatever the attacker knows. The control attacks need
// none, for nobody takes their scores for a defense's work.
func (g Grid) plantJobs(ds *datasets.Dataset, task datasets.Task, defense string, folds []datasets.Fold) []job {
	if g.NoCanaries || len(folds) == 0 {
		return nil
	}

	// What was recorded behind a real device need not be in every fold.
	fold := firstFold(ds, folds, defense)
	if fold == nil {
		return nil
	}
	var out []job
	for _, v := range g.vantages(ds) {
		for _, a := range g.Attacks {
			// Who answered elsewhere was shown no canary.
			if _, imported := a.(outside.Attack); imported || a.Info().Control || !answers(a, task, v) {
				continue
			}
			out = append(out, job{
				cell: results.Cell{
					Dataset: ds.Name, Task: task, Vantage: v, Defense: defense, Attack: attacks.ID(a), Knowledge: results.Planted,
					TrainDefense: defense, Split: g.split(ds), TrainDraws: g.TrainDraws, Seed: g.Seed,
				},
				attack: a, fold: fold, classes: Classes(ds, task),
			})
		}
	}
	return out
}

// canaryCell trains the attack of a planted job and fills res with what it finds.
func (r *runner) canaryCell(ctx context.Context, u unit, j job, res *results.Result, timing *results.Timing) error {
	pl, err := r.planting(part{u, j, 0})
	if err != nil {
		return err
	}
	res.Headline, res.Oracle = results.CanaryRecall, pl.oracle

	// One attacker for all knowledges: it learns behind the defense, or a signal that
	// only the defense changed would count as unseen.
	c := j.cell
	start := time.Now()
	g := draws.New(c.Seed, "canary", c.Dataset, string(c.Task), string(c.Vantage), c.Attack, c.Defense)
	m, err := r.oath.Train(attacks.WithTraining(ctx, c.TrainDefense, c.Fold), j.attack, g,
		attacks.Training{Task: c.Task, Classes: pl.classes, Examples: pl.train, Within: c.Split.Within()})
	if err != nil {
		return fmt.Errorf("training: %w", err)
	}
	timing.TrainSeconds = time.Since(start).Seconds()
	for _, e := range pl.train {
		timing.TrainPackets += int64(len(e.Trace.Packets))
	}

	start = time.Now()
	tests := slices.Clone(pl.tests)
	for i := range tests {
		a, err := r.oath.Guess(ctx, c.Attack, m, viewsOf(pl.seen[i])...)
		if err != nil {
			return fmt.Errorf("guess on recording %s: %w", tests[i].Recording.ID, err)
		}
		tests[i].Answer = a
		timing.GuessPackets += int64(len(tests[i].Trace.Packets))
	}
	timing.GuessSeconds = time.Since(start).Seconds()

	s := score.Of(u.ds, pl.task, pl.classes, tests)
	for _, x := range []struct{ name, recall, count string }{
		{canary.Behind, results.CanaryRecall, results.Canaries},
		{canary.Through, results.CanaryThroughRecall, results.CanariesThrough},
	} {
		found, n := canary.Found(s, x.name)
		res.Metrics = append(res.Metrics, results.Metric{Name: x.recall, Value: results.Ratio(found, n)}, results.Metric{Name: x.count, Value: float64(n)})
	}
	slices.SortFunc(res.Metrics, func(a, b results.Metric) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// planting returns the traffic of a planted cell, made when it is first asked for.
func (r *runner) planting(p part) (*planting, error) {
	k := plantKey{p.cell.Task, p.cell.Vantage}
	r.mu.Lock()
	pl := r.plantings[k]
	if pl == nil {
		pl = &planting{}
		r.plantings[k] = pl
	}
	r.mu.Unlock()
	pl.once.Do(func() { pl.err = r.plant(p, pl) })
	return pl, pl.err
}

// plant fills pl: recordings are cut short, get the canaries that pass through the
// defense, are defended and viewed as those of a real cell, and get the canaries
// that the defense does not touch.
func (r *runner) plant(p part, pl *planting) error {
	train, test := p.plantRecordings()
	if p.cell.Task == datasets.TaskDetect {
		// Hours are too long: canaries are pieces of a few minutes, and are planted as
		// clips are.
		train, test = canary.Tenths(train), canary.Tenths(test)
		p.classes, p.cell.Task = []string{train[0].ClipClass()}, datasets.TaskClip
	}
	pl.task = p.cell.Task
	device := plantDevice(train, test, p.ds.Unmonitored)
	behind, through := plantClasses(p.cell.Task, device)
	pl.classes = append(append(slices.Clone(p.classes), behind), through)
	slices.Sort(pl.classes)
	pl.classes = slices.Compact(pl.classes)

	// Tests hold the canaries of training, or an attack that knows sizes could not
	// find them; so all frames are those of the training traffic.
	before := canary.FramesOf(rawOf(train), device, plantFrames(p.cell.Task))
	look := func(recs []datasets.Recording, role Role) ([]attacks.Labeled, []*datasets.Recording, error) {
		return r.plantAll(p, recs, before, role, device)
	}
	vs, err := r.pipe(p, p.cell.Defense)
	if err != nil {
		return err
	}
	pl.oracle = vs.pipe.oracle

	if pl.train, _, err = look(train, TrainRole); err != nil {
		return err
	}
	seen, recs, err := look(test, TestRole)
	if err != nil {
		return err
	}

	var f [2]canary.Frames // at each place its own
	f[0] = canary.FramesOf(pl.train, device, plantFrames(p.cell.Task))
	if pl.train[0].Second != nil {
		f[1] = canary.FramesOf(outerOf(pl.train), device, plantFrames(p.cell.Task))
	}
	pl.train = r.plantBehind(p, pl.train, f, device, TrainRole)
	pl.seen = r.plantBehind(p, seen, f, device, TestRole)
	if p.cell.Task == datasets.TaskDevice {
		var examples []choose.Example
		for _, l := range pl.train {
			examples = append(examples, choose.Example{Labeled: l})
		}
		pl.classes = deviceClasses(pl.classes, examples)
	}
	for i, l := range pl.seen {
		// The truth about a clip is its recording's.
		rec := *recs[i%len(recs)]
		if p.cell.Task == datasets.TaskClip {
			rec = canary.ClipOf(rec, l.Class)
		}
		pl.tests = append(pl.tests, score.Test{Recording: &rec, Trace: l.Trace, Labels: l.Labels, Classes: pl.classes})
	}
	return nil
}

// plantRecordings are what a planting is made of: stretches of recordings of as
// many training and test groups as it takes, clips as they are.
func (p part) plantRecordings() (train, test []datasets.Recording) {
	parts := p.recordings()
	if p.cell.Task == datasets.TaskClip {
		// A part of leave-one-out tests one clip, which would be one canary: there the
		// last quarter of those to train on is tested as well.
		from, to := parts.Train, parts.Test
		if n := len(from); len(to) < plantThrough {
			to = slices.Concat(to, from[n-n/4:])
			from = from[:n-n/4]
		}
		for k := range min(plantClips, len(from)) {
			train = append(train, p.ds.Recordings[from[k*len(from)/min(plantClips, len(from))]])
		}
		for _, i := range to[:min(plantBehind, len(to))] {
			test = append(test, p.ds.Recordings[i])
		}
		return train, test
	}

	// Of each group one recording, the first that has anything to find.
	pick := func(list []int, most int) []datasets.Recording {
		var out []datasets.Recording
		groups := map[string]bool{}
		for _, eventful := range []bool{true, false} {
			for _, i := range list {
				rec := p.ds.Recordings[i]
				full := len(rec.Labels.Events)+len(rec.Labels.Commands) > 0 || p.cell.Task == datasets.TaskDevice
				if len(out) < most && full == eventful && !groups[rec.Group] {
					groups[rec.Group] = true
					out = append(out, rec)
				}
			}
		}
		return out
	}
	homes := plantTrain
	if p.cell.Task == datasets.TaskRoutine {
		homes = plantHomes
	}
	train, test = pick(parts.Train, homes), pick(parts.Test, plantTest)

	// Where a recording is on both sides (a split within groups), its first half
	// trains and its second is tested.
	for i := range train {
		for k := range test {
			if train[i].ID == test[k].ID {
				halves := train[i].Cut([]time.Duration{train[i].Trace.End / 2})
				train[i], test[k] = halves[0], halves[1]
			}
		}
	}
	for _, recs := range [][]datasets.Recording{train, test} {
		for i := range recs {
			if p.cell.Task == datasets.TaskRoutine {
				recs[i] = canary.FirstDays(recs[i], plantDays)
				continue
			}
			recs[i] = canary.Busiest(recs[i], plantLongest, plantPackets)
		}
	}
	return train, test
}

// plantDevice is the device whose activity the canaries of an event task are: the
// one with an event in most of the recordings, of several the one with fewest
// packets, then the first by name.
func plantDevice(train, test []datasets.Recording, unmonitored []string) string {
	in, packets := map[string]int{}, map[string]int{}
	for _, rec := range slices.Concat(train, test) {
		has := map[int]bool{}
		for _, e := range rec.Labels.Events {
			has[e.Device] = true
		}
		for d := range has {
			in[rec.Labels.Devices[d]]++
		}
		for _, o := range rec.Labels.Owners {
			if o >= 0 {
				packets[rec.Labels.Devices[o]]++
			}
		}
	}

	// In order of name, so that maps decide nothing.
	best := ""
	for _, d := range slices.Sorted(maps.Keys(in)) {
		n := in[d]
		if slices.Contains(unmonitored, d) {
			continue
		}
		if best == "" || n > in[best] || n == in[best] && packets[d] < packets[best] {
			best = d
		}
	}
	return best
}

// plantClasses are the classes of the canaries behind the defense and of those that
// pass through it.
func plantClasses(t datasets.Task, device string) (behind, through string) {
	switch t {
	case datasets.TaskEvent:
		return device + "/" + canary.Behind, device + "/" + canary.Through
	case datasets.TaskClip:
		return canary.Behind + "/" + canary.Behind, canary.Through + "/" + canary.Through
	}
	return canary.Behind, canary.Through
}

// plantFrames says what canaries of a task are made of.
func plantFrames(t datasets.Task) canary.Choice {
	switch t {
	case datasets.TaskEvent, datasets.TaskRoutine:
		return canary.Unpaired
	case datasets.TaskCommand:
		return canary.Largest
	}
	return canary.Commonest
}

// rawOf are recordings as they are before any defense.
func rawOf(recs []datasets.Recording) []attacks.Labeled {
	out := make([]attacks.Labeled, len(recs))
	for i, rec := range recs {
		out[i] = attacks.Labeled{Trace: rec.Trace, Labels: rec.Labels, Group: rec.Group, Class: rec.ClipClass()}
	}
	return out
}

// plantAll plants the canaries that pass through the defense, made of frames f, and
// returns what is seen of recs behind it. Of clips the first half of those to test,
// and some more to train, are such canaries.
func (r *runner) plantAll(p part, recs []datasets.Recording, f canary.Frames, role Role, device string) ([]attacks.Labeled, []*datasets.Recording, error) {
	vs, err := r.pipe(p, p.cell.Defense)
	if err != nil {
		return nil, nil, err
	}
	raw := rawOf(recs)
	var out []attacks.Labeled
	var of []*datasets.Recording
	add := func(rec datasets.Recording) error {
		o := r.plantSeen(vs, &rec, role)
		if o.err != nil {
			return o.err
		}
		l := o.labeled(p.cell.Task)
		if p.cell.Split.Within() {
			l.Group = rec.ID // as Training.Within promises
		}
		out, of = append(out, l), append(of, &rec)
		return nil
	}
	for i, rec := range recs {
		// Nothing can be sent through a device of which there are captures alone.
		if _, ok := r.defense(p.cell.Defense).(captured.Defense); ok {
			if err := add(rec); err != nil {
				return nil, nil, err
			}
			continue
		}
		l, g := raw[i], r.plantDraws(p, rec.ID, role, canary.Through)
		switch p.cell.Task {
		case datasets.TaskEvent:
			l = canary.Event(l, device, canary.Through, f, canary.Times(g, l, canary.Carrier(l, device), plantThrough))
		case datasets.TaskRoutine:
			l = canary.Event(l, device, canary.Through, f, canary.Hours(g, l.Trace.End, diary.Slot, plantThrough))
		case datasets.TaskCommand:
			l = canary.Command(l, canary.Through, f, canary.Times(g, l, canary.Carrier(l, ""), plantThrough))
		case datasets.TaskDevice:
			l = canary.Device(g, l, canary.Through, f)
		case datasets.TaskClip:
			_, class := plantClasses(p.cell.Task, "")
			if role == TrainRole {
				if err := add(rec); err != nil {
					return nil, nil, err
				}
			}
			if i >= plantThrough {
				continue
			}
			rec = canary.ClipOf(rec, class)
			l = canary.Clip(l, canary.Through, f)
			l.Labels.Events = rec.Labels.Events
			l.Labels.Devices = rec.Labels.Devices
		}
		rec.Trace, rec.Labels = l.Trace, l.Labels
		if err := add(rec); err != nil {
			return nil, nil, err
		}
	}
	return out, of, nil
}

// plantSeen is rec behind the defense. A stretch that was cut out of a busy hour may
// end before a constant rate has sent what came last: then it gets a silent end.
func (r *runner) plantSeen(vs *views, rec *datasets.Recording, role Role) *observed {
	base := func() (cost.Base, error) { return cost.NewBase(rec, r.grid.Link) }
	o := vs.pipe.observe(rec, base, role, 0)
	if o.err != nil {
		rec.Trace.End += plantLongest
		o = vs.pipe.observe(rec, base, role, 0)
	}
	return o
}

// plantBehind plants the canaries that the defense does not touch, at two places
// the same events.
func (r *runner) plantBehind(p part, seen []attacks.Labeled, f [2]canary.Frames, device string, role Role) []attacks.Labeled {
	out := slices.Clone(seen)
	for i, l := range seen {
		g := r.plantDraws(p, fmt.Sprint(l.Group, "/", i), role, canary.Behind)
		switch p.cell.Task {
		case datasets.TaskEvent:
			// The inner place says when it is quiet: nothing that is seen outside is
			// hidden there.
			times := canary.Times(g, l, canary.Carrier(l, device), plantBehind)
			out[i] = canary.Event(l, device, canary.Behind, f[0], times)
			if l.Second != nil {
				second := canary.Event(*l.Second, device, canary.Behind, f[1], times)
				out[i].Second = &second
			}
		case datasets.TaskRoutine:
			out[i] = canary.Event(l, device, canary.Behind, f[0], canary.Hours(g, l.Trace.End, diary.Slot, plantBehind))
		case datasets.TaskCommand:
			out[i] = canary.Command(l, canary.Behind, f[0], canary.Times(g, l, canary.Carrier(l, ""), plantBehind))
		case datasets.TaskDevice:
			out[i] = canary.Device(g, l, canary.Behind, f[0])
		case datasets.TaskClip:
			if i < plantBehind {
				out = append(out, canary.Clip(l, canary.Behind, f[0]))
			}
		}
	}
	return out
}

// plantDraws makes the generator that places canaries in one recording.
func (r *runner) plantDraws(p part, rec string, role Role, kind string) *rand.Rand {
	c := p.cell
	return draws.New(c.Seed, "canary", c.Dataset, string(c.Task), string(c.Vantage), c.Defense, rec, string(role), kind)
}
