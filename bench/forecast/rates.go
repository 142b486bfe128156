package forecast

import (
	"math"
	"strconv"
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/params"
)

// Rate is how long an attack takes, in seconds for 10^6 packets that it learns
// from, and that it is asked about.
type Rate struct{ Train, Guess float64 }

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
	return Rate{1e6 * s.trainS / max(s.trainPackets, 1), 1e6 * s.guessS / float64(max(s.guessPackets, 1))}
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
	if x, ok := r.own[rateKey{id, task}]; ok {
		return x, true
	}
	name, _, _ := strings.Cut(id, ":")
	if x, ok := measured(name, task); ok {
		return x, false
	}
	return Rate{20, 20}, false // an attack from elsewhere, as slow as most here
}

// measured is the rate of an attack of this project with its usual parameters, in
// seconds of one processor (2 GHz, AVX2):
//
//	veilbench run --dataset home:event_signatures:homes=2,hours=1 --dataset home:gateway:homes=2,hours=1 \
//	  --dataset home:event_clips:homes=2,hours=1 --defense none --defense pad-random --defense vpn \
//	  --attack all --probe none --out cal
//	VEILBENCH_MEASURED=$PWD/cal go test ./bench/forecast -run MeasuredTable -v
//
// What it takes to be asked is from "veilbench run quick", which asks about more.
func measured(name string, task datasets.Task) (Rate, bool) {
	const event, device, command, clip, routine = datasets.TaskEvent, datasets.TaskDevice, datasets.TaskCommand, datasets.TaskClip, datasets.TaskRoutine
	if strings.HasPrefix(name, "guess-") {
		return Rate{1, 0.1}, true
	}
	r, ok := map[rateKey]Rate{
		{"event-align", event}:            {22, 0.4},
		{"event-align", clip}:             {0.2, 2},
		{"event-anchors", event}:          {8, 0.5},
		{"event-forest", event}:           {48, 0.6},
		{"event-forest", clip}:            {6.4, 3.4},
		{"event-knn", event}:              {6.5, 0.2},
		{"event-knn", clip}:               {0.5, 1.2},
		{"fusion", event}:                 {158, 1.5},
		{"rates", event}:                  {36, 0.5},
		{"rates", device}:                 {0.1, 0.2},
		{"signatures", event}:             {1.8, 0.15},
		{"uncover-event-forest", event}:   {45, 0.6},
		{"uncover-event-forest", clip}:    {6.5, 2.7},
		{"uncover-window-forest", device}: {47, 1.3},
		{"window-forest", device}:         {44, 1.3},
		{"window-lstm", device}:           {12, 0.8}, // of packets times steps, see learned
		{"window-blstm", device}:          {22, 1},
		{"decompose", command}:            {8, 2},
		{"uncover-decompose", command}:    {14, 2},
		{"routine-rates", routine}:        {1.3, 0.2}, // of "veilbench run routine-small", days that are asked about apart too
		{"routine-events", routine}:       {2.5, 0.2},
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
