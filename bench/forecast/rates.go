package forecast

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/params"
)

// Rate is how long an attack takes.
type Rate struct {
	// Train and Guess are seconds for 10^6 packets that it learns from without a
	// defense, and that it is asked about.
	Train, Guess float64
	// Cell is what each cell takes besides, in seconds: scores, bounds, features that
	// hang on events and not on packets.
	Cell float64
	// A defense that makes r packets of one makes training r to the power of Growth
	// times as long: 0 where an attack learns from bursts, or passes over what is alike.
	Growth float64
	// Behind is how many times as long training takes behind any defense, whose traffic
	// has less order than the home's own; 0 stands for 1.
	Behind float64
}

// train is how many seconds a training takes on packets as they were without a
// defense, of one that makes ratio of each.
func (r Rate) train(attack string, packets, ratio float64, defense string) float64 {
	s := learned(attack, packets) * r.Train / 1e6 * math.Pow(max(ratio, 0.1), r.Growth)
	if defense != results.NoDefense {
		s *= cmp.Or(r.Behind, 1) * disorder(defense)
	}
	return s
}

// disorder is how much longer attacks learn from a defense's traffic than from as many
// packets behind hide-names, which changes nothing but names. Packets that are sent at
// random make trees deep and bursts many; packets of one size or one flow make both
// few. Stages of a chain each add theirs. Fitted with measured.
func disorder(defense string) float64 {
	all := map[string]float64{
		"pad-random": 1.3, "pad-level": 0.7, "vpn": 0.66, "fragment": 0.75, "morph": 1.3,
		"cover-decoy": 1.4, "cover-noise": 1.9, "cover-stp": 0.7, "adaptive-padding": 2, "front": 1.8,
		"constant-rate": 0.5, "uniform-burst": 1.2, "regulator": 0.9, "dp-shape": 1.7,
	}
	d := 1.0
	for stage := range strings.SplitSeq(defense, "+") {
		name, _, _ := params.Cut(stage)
		d *= cmp.Or(all[name], 1)
	}
	return d
}

// Rates are those of attacks: by their IDs where the user's own runs tell, else by
// their names.
type Rates struct{ own map[rateKey]Rate }

// rateKey is an attack, by its ID or its name, at a task.
type rateKey struct {
	attack string
	task   datasets.Task
}

// sums add up what cells took.
type sums struct {
	trainS, guessS, trainPackets float64
	guessPackets                 int64
}

func (s sums) rate() Rate {
	return Rate{Train: 1e6 * s.trainS / max(s.trainPackets, 1), Guess: 1e6 * s.guessS / float64(max(s.guessPackets, 1))}
}

// RatesOf are the rates in the folders of earlier runs. A folder that cannot be read
// tells nothing.
func RatesOf(dirs []string) Rates {
	r := Rates{map[rateKey]Rate{}}
	all := map[rateKey]sums{}
	for _, dir := range dirs {
		rs, err := results.ReadResults(dir)
		if err != nil {
			continue
		}

		timings, err := results.ReadTimings(dir)
		if err != nil {
			continue
		}

		// Cells that share a model each tell how long it was trained.
		trained := map[results.Cell]bool{}
		for _, x := range rs {
			t, ok := timings.Of(x)
			if !ok || t.TrainPackets == 0 || x.Err != "" {
				continue
			}
			k := rateKey{x.Cell.Attack, x.Cell.Task}
			s := all[k]
			m := x.Cell
			m.Knowledge, m.Draw = "", 0
			if x.Cell.Knowledge != results.Planted {
				m.Defense = ""
			}
			// A defense's own packets are learned from much faster than others.
			if !trained[m] && x.Cell.TrainDefense == results.NoDefense {
				trained[m] = true
				s.trainS += t.TrainSeconds
				s.trainPackets += learned(x.Cell.Attack, float64(t.TrainPackets))
			}
			s.guessS += t.GuessSeconds
			s.guessPackets += t.GuessPackets
			all[k] = s
		}
	}
	for k, s := range all {
		r.own[k] = s.rate()
	}
	return r
}

// of is the rate of an attack, and whether the user's own runs tell it. Other
// parameters of an attack take other times: then the measured ones of its name are
// better than none.
func (r Rates) of(id string, task datasets.Task) (Rate, bool) {
	name, _, _ := params.Cut(id)
	rate, ok := measured(name, task)
	if !ok {
		rate = Rate{Train: 20, Guess: 20, Growth: 0.5} // an attack from elsewhere, as slow as most here
	}

	// Runs tell what packets take. How that grows is the attack's nature.
	x, own := r.own[rateKey{id, task}]
	if own {
		rate.Train, rate.Guess = x.Train, x.Guess
	}
	return rate, own
}

// measured is the rate of an attack of this project with its usual parameters, in
// seconds of one processor (2 GHz, AVX-512), from the cells of the eight small grids
// below bench/cli/runs/testdata/grids as one worker computed them, by least squares;
// those of attacks that are not in them from quick:
//
//	VEILBENCH_MEASURED=$PWD/out go test ./bench/forecast -run MeasuredTable -v
func measured(name string, task datasets.Task) (Rate, bool) {
	const event, device, command, clip, routine = datasets.TaskEvent, datasets.TaskDevice, datasets.TaskCommand, datasets.TaskClip, datasets.TaskRoutine
	const ms = 1e-3
	switch {
	case name == "guess-packets" && task == routine: // counts all of a day
		return Rate{1.5, 0.1, 60 * ms, 0, 3}, true
	case strings.HasPrefix(name, "guess-"):
		return Rate{0.05, 0.02, 0.5 * ms, 1, 1}, true
	}
	r, ok := map[rateKey]Rate{
		{"event-align", event}:                 {3, 0.4, 5 * ms, 0.5, 1.5},
		{"event-align", clip}:                  {12, 0.3, 3 * ms, 0.3, 3.1},
		{"event-anchors", event}:               {5, 0.1, 2.6 * ms, 0, 1.6},
		{"event-forest", event}:                {17, 0.1, 2 * ms, 0, 1},
		{"event-forest", clip}:                 {18, 0.2, 2 * ms, 0.3, 1.6},
		{"event-knn", event}:                   {2.2, 0.1, 3 * ms, 0.3, 1.3},
		{"event-knn", clip}:                    {0.4, 0.1, 2 * ms, 0.5, 5},
		{"fusion", event}:                      {41, 2.2, 33 * ms, 0, 1.2},
		{"rates", event}:                       {1.1, 0.02, 7.5 * ms, 0.1, 1},
		{"rates", device}:                      {0.2, 0.02, 1.5 * ms, 0.5, 1.4},
		{"signatures", event}:                  {0.4, 0.02, 1 * ms, 0.8, 1.4},
		{"uncover-event-forest", event}:        {12, 0.6, 5 * ms, 0.6, 3},
		{"uncover-event-forest", clip}:         {29, 1, 5 * ms, 0.8, 3.5},
		{"uncover-window-forest", device}:      {9, 1.2, 10 * ms, 0.6, 3},
		{"window-forest", device}:              {25, 0.2, 4 * ms, 0.6, 1.3},
		{"window-lstm", device}:                {5.2, 0.5, 15 * ms, 0, 1.4}, // of packets times steps, see learned
		{"window-blstm", device}:               {7, 1, 150 * ms, 0, 1.8},
		{"decompose", command}:                 {4.8, 0.15, 9 * ms, 0, 1.8},
		{"uncover-decompose", command}:         {9, 1, 4 * ms, 0.5, 3.5},
		{"detect-forest", datasets.TaskDetect}: {1.1, 1.3, 2 * ms, 1, 1},    // two forests; on a busy machine
		{"routine-rates", routine}:             {3, 0.1, 10 * ms, 0.8, 1.4}, // days that are asked about apart too
		{"routine-events", routine}:            {0.9, 0.1, 8 * ms, 0, 2.8},
	}[rateKey{name, task}]
	return r, ok
}

// usualTrees is how many trees a forest has where rates were measured.
const usualTrees = 100

// learned is from how many packets an attack learns that is given so many, those
// it goes through again counted again. A forest's time is for a fifth in what comes
// before its trees. Networks go through theirs in steps of
// batches, at least so often, and the work of a step grows with their width (rates
// are those of 64 units in 2 layers). IDs have every parameter.
func learned(id string, packets float64) float64 {
	name, set, err := params.Split(id)
	p := map[string]float64{}
	for _, kv := range set {
		p[kv[0]], _ = strconv.ParseFloat(kv[1], 64) // words count as none
	}
	switch {
	case err != nil:
		return packets
	case p["trees"] > 0:
		return packets * (0.2 + 0.8*p["trees"]/usualTrees)
	case name != "window-lstm" && name != "window-blstm":
		return packets
	}
	window := max(p["window"], 1)
	batch := max(1, min(p["batch"], packets/window/8)) // an epoch has 8 batches and more
	steps := max(p["min_steps"], p["epochs"]*packets/window/batch)
	if m := p["max_steps"]; m > 0 {
		steps = min(steps, m)
	}
	return steps * batch * window * p["layers"] / 2 * math.Pow(p["hidden"]/64, 1.5)
}
