// Package forecast says what a run will take before it is begun: cells, seconds,
// memory, disk.
//
// Read this file first. Of adds up what the cells of a plan take; rates.go has how
// long attacks take, measured on the user's own runs or else here; sample.go
// tries each defense on a part of the data, for how much traffic it makes of it
// no table could know.
package forecast

import (
	"veilbench/bench"
	"veilbench/bench/results"
	"veilbench/datasets"
)

// Forecast is what a run will take. Seconds are those of one worker; half of that
// with two.
type Forecast struct {
	Cells  int // all, those with canaries included
	Canary int // of Cells, those that measure an attack by canaries
	Stored int // of Cells, those that need no computing
	// Fixed is what a run takes whatever its workers: self-check and reports.
	Seconds, Fixed         float64
	MemoryBytes, DiskBytes int64
	// Own counts the attacks whose times come from the user's own runs, All those of
	// the plan.
	Own, All int
}

// Measured on the machine of rates.go, by the command there.
const (
	checkS     = 0.12     // self-check, per defense and attack
	reportS    = 1.0      // tables and pictures of a run,
	reportCell = 0.004    // and for each cell
	scoreS     = 2.0      // scoring, cost and floors, per 10^6 packets of a test
	baseBytes  = 70 << 20 // program, pictures, and what the collector leaves lying
	cellDisk   = 26 << 10
	cellBytes  = 300 << 10 // all results are in memory when reports are drawn
	reportDisk = 3 << 20
)

// Bytes of a packet in memory: in a trace with its truth, and as an observer sees
// it, with the account of what it carries. Twice each, for garbage is collected
// when the heap has doubled.
const (
	dataBytes = 2 * (24 + 8)
	viewBytes = 2 * (24 + 8 + 12 + 8)
)

// mostRatio is how much a defense's own packets make of training at most: they are
// alike or of one burst, and there is no more to be learned from many of them.
// Being asked about them takes the time of each.
const mostRatio = 1.5

// Of forecasts the cells of a plan. shapes are by ID of a defense, stored says
// which cells need no computing, and given are the numbers of defenses and attacks.
func Of(plan []bench.Planned, shapes map[string]Shape, r Rates, stored func(results.Cell) bool, given int) Forecast {
	f := Forecast{Cells: len(plan)}
	models := map[results.Cell]bool{}
	views := map[viewKey]bool{}
	own := map[string]bool{}
	held := map[holdKey]float64{}
	var data int64
	seen := map[*datasets.Dataset]bool{}

	for _, p := range plan {
		if !seen[p.Data] {
			seen[p.Data] = true
			for _, r := range p.Data.Recordings {
				data += int64(len(r.Trace.Packets))
			}
		}
		c := p.Cell
		if c.Knowledge == results.Planted {
			f.Canary++
		}
		if stored(c) {
			f.Stored++
			continue
		}
		rate, mine := r.of(c.Attack, c.Task)
		own[c.Attack] = own[c.Attack] || mine

		// Planted cells learn from and are tested on a small part of the data.
		train, test := packets(p)
		if c.Knowledge == results.Planted {
			train, test = planted(p.Data)
		}

		// At two places a cell learns and is tested on what each of them shows.
		places := float64(len(c.Vantage.Places()))
		train, test = places*train, places*test
		trainShape, testShape := shapes[c.TrainDefense], shapes[c.Defense]
		f.Seconds += test * testShape.Ratio * (rate.Guess + scoreS) / 1e6

		// A model is trained once for all cells that ask it, as in bench.
		k := c
		k.Knowledge, k.Draw = "", 0
		if c.Knowledge != results.Planted {
			k.Defense = ""
		}
		if !models[k] {
			models[k] = true
			f.Seconds += learned(c.Attack, train*min(trainShape.Ratio, mostRatio)) * rate.Train / 1e6
		}

		// Each recording is defended once for each role, whatever is asked of it, and
		// held until the defense has had all its cells.
		for _, x := range []struct {
			defense string
			role    bench.Role
			of      func(datasets.Part) []int
		}{
			{c.TrainDefense, bench.TrainRole, func(p datasets.Part) []int { return p.Train }},
			{c.Defense, bench.TestRole, func(p datasets.Part) []int { return p.Test }},
		} {
			for _, part := range p.Fold {
				for _, i := range x.of(part) {
					v := viewKey{p.Data, x.defense, c.Vantage, x.role, i, c.Draw}
					if views[v] || c.Knowledge == results.Planted {
						continue
					}
					views[v] = true
					n := places * float64(len(p.Data.Recordings[i].Trace.Packets))
					f.Seconds += n * shapes[x.defense].SecondsPerPacket
					held[holdKey{p.Data, x.defense}] += n * shapes[x.defense].Ratio
				}
			}
		}
	}

	f.All = len(attacksOf(plan))
	for _, mine := range own {
		if mine {
			f.Own++
		}
	}
	f.finish(data, held, given)
	return f
}

// viewKey is a recording behind a defense, as an observer sees it.
type viewKey struct {
	data    *datasets.Dataset
	defense string
	vantage datasets.Vantage
	role    bench.Role
	rec     int
	draw    int
}

// holdKey is what is in memory at one time: a defense on a data set.
type holdKey struct {
	data    *datasets.Dataset
	defense string
}

// finish adds what does not hang on single cells, and the memory and disk that
// held and Cells take.
func (f *Forecast) finish(data int64, held map[holdKey]float64, given int) {
	f.Fixed = checkS*float64(given) + reportS + reportCell*float64(f.Cells)

	// Undefended views stay for all defenses; of the others one defense at a time.
	plain, most := 0.0, 0.0
	for k, n := range held {
		if k.defense == results.NoDefense {
			plain += n
		} else {
			most = max(most, n)
		}
	}
	f.MemoryBytes = baseBytes + int64(f.Cells)*cellBytes + data*dataBytes + int64((plain+most)*viewBytes)
	f.DiskBytes = reportDisk + int64(f.Cells)*cellDisk
}

// packets counts those that a cell learns from and is tested on, without a defense.
func packets(p bench.Planned) (train, test float64) {
	for _, part := range p.Fold {
		for _, i := range part.Train {
			train += float64(len(p.Data.Recordings[i].Trace.Packets) * draws(p.Cell))
		}
		for _, i := range part.Test {
			test += float64(len(p.Data.Recordings[i].Trace.Packets))
		}
	}
	return train, test
}

// draws is how often a training trace is defended: every draw of no defense is
// the same.
func draws(c results.Cell) int {
	if c.TrainDefense == results.NoDefense {
		return 1
	}
	return c.TrainDraws
}

// planted is about what a cell with canaries takes: of up to three recordings to
// learn from and two to be tested on the first ten minutes, and 12,000 packets at
// most, as bench bounds them.
func planted(ds *datasets.Dataset) (train, test float64) {
	const minutes, most = 10.0, 12000.0
	mean := 0.0
	for _, r := range ds.Recordings {
		n := float64(len(r.Trace.Packets))
		if m := r.Trace.End.Minutes(); m > minutes {
			n *= minutes / m
		}
		mean += min(n, most) / float64(len(ds.Recordings))
	}
	n := float64(len(ds.Recordings))
	return mean * min(n, 3), mean * min(n, 2)
}

// attacksOf are the attacks of a plan by their IDs.
func attacksOf(plan []bench.Planned) map[string]bool {
	out := map[string]bool{}
	for _, p := range plan {
		out[p.Cell.Attack] = true
	}
	return out
}
