package bench

import (
	"fmt"

	"veilbench/attacks"
	"veilbench/bench/cost"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
)

// Watched is what an observer has at hand for a look at one recording.
type Watched struct {
	// Train is what the attacker learns from, in the order asked for; Test is
	// what the attacker sees of the recording, with its truth.
	Train []attacks.Labeled
	Test  attacks.Labeled
	Cost  results.Cost // of the recording
}

// Watch puts recordings of ds through a defense, the link and a vantage point
// just as the cells of a grid with this seed do: train with draws of training,
// look with that of a test. A defense that learns is fitted to the undefended
// recordings in train.
func Watch(ds *datasets.Dataset, d defenses.Defense, link cost.Link, v datasets.Vantage, seed uint64, train []int, look int) (Watched, error) {
	vs := views{pipe: pipeline{seed: seed, link: link, defense: d, id: defenses.ID(d), draws: defenses.DrawID(d), vantage: v}}
	if !v.Sees(ds.Recorded) {
		return Watched{}, fmt.Errorf("%s was recorded at %s: nobody at %s can be shown from that", ds.Name, ds.Recorded, v)
	}
	if Fitted(d) {
		if err := vs.learn(ds, train); err != nil {
			return Watched{}, err
		}
	}
	base := func(i int) func() (cost.Base, error) {
		return func() (cost.Base, error) { return cost.NewBase(&ds.Recordings[i], link) }
	}

	var out Watched
	for _, i := range train {
		o := vs.pipe.observe(&ds.Recordings[i], base(i), TrainRole, 0)
		if o.err != nil {
			return Watched{}, o.err
		}
		out.Train = append(out.Train, o.labeled(datasets.TaskEvent))
	}
	o := vs.pipe.observe(&ds.Recordings[look], base(look), TestRole, 0)
	if o.err != nil {
		return Watched{}, o.err
	}
	out.Test, out.Cost = o.labeled(datasets.TaskEvent), o.cost.Cost()
	return out, nil
}

// Observer looks at traffic behind a defense and the link just as the cells of a
// grid with this seed do, without a grid. A defense that learns must be fitted.
type Observer struct {
	Seed    uint64
	Link    cost.Link
	Defense defenses.Defense
	Vantage datasets.Vantage
}

// See returns what there is to see of rec in one role and draw, with its truth.
// An error is the defense's, or says what it did that Check forbids.
func (w Observer) See(rec *datasets.Recording, r Role, draw int) (attacks.Labeled, error) {
	p := pipeline{seed: w.Seed, link: w.Link, defense: w.Defense, id: defenses.ID(w.Defense), draws: defenses.DrawID(w.Defense), vantage: w.Vantage}
	o := p.observe(rec, func() (cost.Base, error) { return cost.NewBase(rec, w.Link) }, r, draw)
	return o.labeled(datasets.TaskEvent), o.err
}
