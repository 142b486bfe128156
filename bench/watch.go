package bench

import (
	"fmt"
	"time"

	"veilbench/attacks"
	"veilbench/datasets"
	"veilbench/defenses"
)

// Watched is what an observer has at hand for a look at one recording.
type Watched struct {
	// Train is what the attacker learns from, in the order asked for; Test is
	// what the attacker sees of the recording, with its truth.
	Train []attacks.Labeled
	Test  attacks.Labeled
	Cost  Cost // of the recording
}

// Watch puts recordings of ds through a defense, the link and a vantage point
// just as the cells of a grid with this seed do: train with draws of training,
// look with that of a test. A defense that learns is fitted to the undefended
// recordings in train.
func Watch(ds *datasets.Dataset, d defenses.Defense, link Link, v datasets.Vantage, seed uint64, train []int, look int) (Watched, error) {
	vs := views{pipe: pipeline{seed: seed, link: link, defense: d, id: defenses.ID(d), draws: defenses.DrawID(d), vantage: v}}
	if !v.Sees(ds.Recorded) {
		return Watched{}, fmt.Errorf("%s was recorded at %s: nobody at %s can be shown from that", ds.Name, ds.Recorded, v)
	}
	if fitted(d) {
		if err := vs.learn(ds, train); err != nil {
			return Watched{}, err
		}
	}
	var out Watched
	for _, i := range train {
		o := vs.pipe.observe(&ds.Recordings[i], training, 0)
		if o.err != nil {
			return Watched{}, o.err
		}
		out.Train = append(out.Train, o.labeled(datasets.Events))
	}
	o := vs.pipe.observe(&ds.Recordings[look], test, 0)
	if o.err != nil {
		return Watched{}, o.err
	}
	out.Test, out.Cost = o.labeled(datasets.Events), o.cost.Cost()
	return out, nil
}

// Match counts the detections that name an event right: one to one, of the
// same class, beginning inside the event or at most tol beside it. Both lists
// are intervals with a class; events must be in order of start.
func Match(events, found []attacks.FoundInterval, tol time.Duration) (right int) {
	asSightings := func(in []attacks.FoundInterval) []sighting {
		out := make([]sighting, len(in))
		for i, f := range in {
			out[i] = sighting{from: f.Start, to: max(f.End, f.Start), class: f.Class, score: f.Score}
		}
		return out
	}
	for _, d := range match(asSightings(events), asSightings(found), tol, byClass) {
		if d >= 0 {
			right++
		}
	}
	return right
}
