package bench

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"veilbench/attacks"
	"veilbench/attacks/diary"
	"veilbench/bench/cost"
	"veilbench/bench/outside"
	"veilbench/bench/results"
	"veilbench/bench/truth"
	"veilbench/datasets"
	"veilbench/defenses"
)

// Grid is the experiment a user asks for: every combination of its lists that
// makes sense. Zero values mean the defaults named at each field.
type Grid struct {
	Datasets []datasets.Dataset
	// Test is what the user wrote for a second data set to test on, "" if nothing.
	// Datasets are joined with it already (datasets.TrainTest): it is for the
	// manifest.
	Test string
	// Tasks to answer; nil: every task a data set can serve.
	Tasks []datasets.Task
	// Vantages to observe from; nil: the default one of each data set.
	Vantages []datasets.Vantage
	Defenses []defenses.Defense
	Attacks  []attacks.Attack
	// Knowledge of the attacker; nil: unaware and adaptive.
	Knowledge []results.Knowledge
	// Split overrides the data sets' own.
	Split datasets.Split
	// Draws of each random defense in test; 0: 1.
	Draws int
	// TrainDraws of each training trace for an adaptive attacker; 0: 1.
	TrainDraws int
	Seed       uint64
	// Labels maps IDs of defenses and attacks to short names for tables.
	Labels map[string]string
	// Link is the home's access link, passed after every defense; zero: no
	// limit.
	Link cost.Link
	// Captured is what the user wrote for the defenses that are captures of a real
	// device, for the manifest.
	Captured []results.Captured
	// NoCanaries leaves the planted cells out: then no low score is evidence.
	NoCanaries bool
}

// withDefaults fills in what the user left open and orders the recordings of
// each data set by ID, so that results do not depend on the order they came in.
func (g Grid) withDefaults() (Grid, error) {
	names := map[string]bool{}
	g.Datasets = slices.Clone(g.Datasets)
	for i := range g.Datasets {
		ds := &g.Datasets[i]
		if names[ds.Name] {
			return g, fmt.Errorf("data set %s is named twice", ds.Name)
		}
		names[ds.Name] = true

		// From here on an index stands for a recording, in folds above all, so the
		// order must be the same whatever the loader's was.
		ds.Recordings = slices.SortedFunc(slices.Values(ds.Recordings), func(a, b datasets.Recording) int { return cmp.Compare(a.ID, b.ID) })
		for k := 1; k < len(ds.Recordings); k++ {
			if ds.Recordings[k].ID == ds.Recordings[k-1].ID {
				return g, fmt.Errorf("data set %s: two recordings have the ID %q", ds.Name, ds.Recordings[k].ID)
			}
		}
	}

	outside := func(ds datasets.Dataset) bool { return ds.DefaultVantage() == datasets.WAN }
	if g.Vantages == nil && !slices.ContainsFunc(g.Datasets, func(ds datasets.Dataset) bool { return !outside(ds) }) {
		g.Vantages = []datasets.Vantage{datasets.WAN} // the same for all: the manifest says so
	}
	if g.Knowledge == nil {
		g.Knowledge = []results.Knowledge{results.Unaware, results.Adaptive}
	}

	g.Draws, g.TrainDraws = max(g.Draws, 1), max(g.TrainDraws, 1)
	return g, nil
}

// tasks lists what g asks of ds.
func (g Grid) tasks(ds *datasets.Dataset) []datasets.Task {
	if g.Tasks == nil {
		return ds.Tasks
	}
	var out []datasets.Task
	for _, t := range ds.Tasks {
		if slices.Contains(g.Tasks, t) {
			out = append(out, t)
		}
	}

	// Whether a defense is on can be asked of any long recording, but is only when it
	// is asked for by name: no loader lists it.
	if t := datasets.TaskDetect; slices.Contains(g.Tasks, t) && !slices.Contains(out, t) && ds.Serves(t) {
		out = append(out, t)
	}
	return out
}

// vantages lists from where g looks at ds: nobody sees more than the capture,
// and outside of the home nobody sees what does not leave one.
func (g Grid) vantages(ds *datasets.Dataset) []datasets.Vantage {
	if g.Vantages == nil {
		return []datasets.Vantage{ds.DefaultVantage()}
	}
	outside := ds.DefaultVantage() == datasets.WAN
	return slices.DeleteFunc(slices.Clone(g.Vantages), func(v datasets.Vantage) bool {
		return !v.Sees(ds.Recorded) || !outside && slices.Contains(v.Places(), datasets.WAN)
	})
}

// answers says whether an attack is asked for a task at a vantage: at two places
// those that can see both, and for events alone.
func answers(a attacks.Attack, task datasets.Task, v datasets.Vantage) bool {
	i := a.Info()
	pair := len(v.Places()) > 1
	return slices.Contains(i.Tasks, task) && (!pair || i.Pairs && task == datasets.TaskEvent)
}

// AtTwoPlaces divides the names of g's attacks into those that are run where its
// observer has two places and those that are not; none if it never has. Two places
// that no data set shows, or that no attack looks from, are an error: left out in
// silence they would look like a row that was computed.
func (g Grid) AtTwoPlaces() (run, left []string, err error) {
	pairs := slices.DeleteFunc(slices.Clone(g.Vantages), func(v datasets.Vantage) bool { return len(v.Places()) == 1 })
	if len(pairs) == 0 {
		return nil, nil, nil
	}
	for _, a := range g.Attacks {
		if i := a.Info(); i.Pairs {
			run = append(run, i.Name)
		} else {
			left = append(left, i.Name)
		}
	}
	if len(run) == 0 {
		return nil, nil, errors.New("no attack of the grid sees two places at once (fusion does)")
	}

	// One data set that shows both is enough, as it is for a single place.
	for _, v := range pairs {
		var why []string
		for i := range g.Datasets {
			if no := g.notAt(&g.Datasets[i], v); no != "" {
				why = append(why, no)
			}
		}
		if len(why) == len(g.Datasets) {
			return nil, nil, fmt.Errorf("vantage %s: %s", v, strings.Join(why, "; "))
		}
	}
	return run, left, nil
}

// notAt says why ds has no cell at two places, "" if it has.
func (g Grid) notAt(ds *datasets.Dataset, v datasets.Vantage) string {
	switch {
	case !v.Sees(ds.Recorded):
		return fmt.Sprintf("%s was recorded at %s: nobody at %s can be shown from that", ds.Name, ds.Recorded, v.Places()[0])
	case !slices.Contains(g.vantages(ds), v):
		return fmt.Sprintf("nothing of %s leaves the home", ds.Name)
	case !slices.Contains(g.tasks(ds), datasets.TaskEvent):
		return fmt.Sprintf("of %s no events are asked for, and two places are for events alone", ds.Name)
	}
	return ""
}

// split is the grid's own, or else the one that the data set asks for.
func (g Grid) split(ds *datasets.Dataset) datasets.Split {
	if g.Split != "" {
		return g.Split
	}
	return ds.Split
}

// unit is the work that shares one set of defended traces: a defense on a data
// set. Its cells are in canonical order.
type unit struct {
	ds      *datasets.Dataset
	defense defenses.Defense
	id      string // of the defense
	jobs    []job
}

// job is one model's worth of work: a fold of a unit for one attack, knowledge
// and draw.
type job struct {
	cell    results.Cell
	attack  attacks.Attack
	fold    datasets.Fold
	classes []string
}

// planted says whether j measures an attack by canaries, and no defense.
func (j job) planted() bool { return j.cell.Knowledge == results.Planted }

// units expands the grid, in the order of its lists. The order of data sets,
// defenses and attacks is report order; it has no influence on any result.
func (g Grid) units() ([]unit, error) {
	if _, _, err := g.AtTwoPlaces(); err != nil {
		return nil, err
	}
	var out []unit
	for i := range g.Datasets {
		ds := &g.Datasets[i]
		if len(ds.Recordings) == 0 {
			return nil, fmt.Errorf("data set %s has no recordings", ds.Name)
		}

		// Folds depend on neither defense nor attack, which makes comparisons paired.
		folds := map[datasets.Task][]datasets.Fold{}
		for _, task := range g.tasks(ds) {
			f, err := g.split(ds).Folds(ds, task)
			if err != nil {
				return nil, fmt.Errorf("data set %s: split %s: %w", ds.Name, g.split(ds), err)
			}
			folds[task] = f
		}

		for _, d := range g.Defenses {
			u := unit{ds: ds, defense: d, id: defenses.ID(d)}
			for _, task := range g.tasks(ds) {
				u.jobs = append(u.jobs, g.jobs(ds, task, u.id, folds[task])...)
				u.jobs = append(u.jobs, g.plantJobs(ds, task, u.id, folds[task])...)
			}
			if len(u.jobs) > 0 {
				out = append(out, u)
			}
		}
	}

	if len(out) == 0 {
		return nil, fmt.Errorf("nothing to do: no attack of the grid answers a task that the data sets serve from the vantage points asked for")
	}
	return out, nil
}

// Planned is a cell that a run would compute, and what it is made on. Fold indexes
// the recordings of Data, which are in the order of their IDs.
type Planned struct {
	Cell results.Cell
	Data *datasets.Dataset
	Fold datasets.Fold
}

// Plan lists the cells of g in the order of computing. Errors are those that Run
// would begin with.
func (g Grid) Plan() ([]Planned, error) {
	g, err := g.withDefaults()
	if err != nil {
		return nil, err
	}
	units, err := g.units()
	if err != nil {
		return nil, err
	}
	var out []Planned
	for _, u := range units {
		for _, j := range u.jobs {
			fold := make(datasets.Fold, len(j.fold))
			for n := range fold {
				fold[n] = part{u, j, n}.recordings()
			}
			out = append(out, Planned{j.cell, u.ds, fold})
		}
	}
	return out, nil
}

// jobs lists the cells of one task behind one defense, in the order of the
// grid's lists.
func (g Grid) jobs(ds *datasets.Dataset, task datasets.Task, defense string, folds []datasets.Fold) []job {
	classes := Classes(ds, task)
	cell := results.Cell{
		Dataset: ds.Name, Task: task, Defense: defense, Split: g.split(ds), TrainDraws: g.TrainDraws, Seed: g.Seed,
	}
	knowledge := g.Knowledge
	if task == datasets.TaskDetect {
		// Who does not know a defense has nothing to look for, and no defense is none to
		// be found.
		knowledge = []results.Knowledge{results.Adaptive}
		if defense == results.NoDefense {
			return nil
		}
	}
	var out []job
	for _, cell.Vantage = range g.vantages(ds) {
		for _, a := range g.Attacks {
			if !answers(a, task, cell.Vantage) {
				continue
			}
			cell.Attack = attacks.ID(a)

			for _, cell.Knowledge = range knowledge {
				for _, cell.TrainDefense = range g.trainDefenses(cell.Knowledge, defense) {
					// Draws are innermost, so that cells that share a model are next to each
					// other.
					for fold := range folds {
						tested := behind(ds, folds[fold], defense, cell.TrainDefense)
						if len(tested) == 0 {
							continue
						}
						for draw := range g.Draws {
							cell.Fold, cell.Draw = fold, draw
							if x, ok := a.(outside.Attack); ok && !x.Has(cell) {
								continue // nothing was said about it
							}
							out = append(out, job{cell: cell, attack: a, fold: tested, classes: classes})
						}
					}
				}
			}
		}
	}
	return out
}

// behind is a fold with what is tested of defense, nil if there is nothing to test or
// to train on: sessions with a real device need not be in every fold. Parts keep
// their numbers, by which models are known. What trains is left for part.recordings
// to choose, for controls train on other traffic.
func behind(ds *datasets.Dataset, fold datasets.Fold, defense, train string) datasets.Fold {
	any := false
	out := make(datasets.Fold, len(fold))
	for i, p := range fold {
		p.Test = ds.Behind(p.Test, defense)
		any = any || len(p.Test) > 0 && len(ds.Behind(p.Train, train)) > 0 && len(ds.Behind(p.Train, results.NoDefense)) > 0
		out[i] = p
	}
	if !any {
		return nil
	}
	return out
}

// firstFold is the first in which there is something to test of defense, nil for
// none.
func firstFold(ds *datasets.Dataset, folds []datasets.Fold, defense string) datasets.Fold {
	for _, f := range folds {
		if f = behind(ds, f, defense, defense); f != nil {
			return f
		}
	}
	return nil
}

// trainDefenses lists what an attacker of knowledge k trains on when it is
// tested on defense.
func (g Grid) trainDefenses(k results.Knowledge, defense string) []string {
	switch k {
	case results.Unaware:
		return []string{results.NoDefense}
	case results.Adaptive:
		return []string{defense}
	}
	var out []string
	for _, d := range g.Defenses {
		if id := defenses.ID(d); id != defense && id != results.NoDefense {
			out = append(out, id)
		}
	}
	return out
}

// Classes lists the classes that a task can be answered with on a data set,
// sorted, as its truth names them: those that nobody can tell apart stay apart.
func Classes(ds *datasets.Dataset, task datasets.Task) []string {
	if task == datasets.TaskRoutine {
		var all []datasets.Labels
		for i := range ds.Recordings {
			all = append(all, ds.Recordings[i].Labels)
		}
		return diary.States(all)
	}

	seen := map[string]bool{}
	for i := range ds.Recordings {
		r := &ds.Recordings[i]

		switch task {
		case datasets.TaskClip:
			seen[r.ClipClass()] = true
		case datasets.TaskEvent:
			for _, e := range truth.Monitored(r.Labels, ds.Unmonitored).Events {
				seen[r.Labels.Class(e)] = true
			}
		case datasets.TaskDevice:
			for _, o := range r.Labels.Owners {
				if o < 0 {
					seen[datasets.Nobody] = true
				} else {
					seen[r.Labels.Devices[o]] = true
				}
			}
		case datasets.TaskCommand:
			for _, c := range r.Labels.Commands {
				for _, a := range c.Actions {
					seen[a.Action] = true
				}
			}
		}
	}

	// Recordings that no clip task uses have the class "".
	delete(seen, "")

	out := make([]string, 0, len(seen))
	for c := range seen {
		out = append(out, c)
	}
	slices.Sort(out)
	return out
}
