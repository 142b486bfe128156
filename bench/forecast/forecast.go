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
	checkS     = 0.12      // self-check, per defense and attack
	reportS    = 1.0       // tables and pictures of a run,
	reportCell = 0.004     // and for each cell
	floorS     = 0.1       // cost and floors, per 10^6 packets of a test, once for all attacks
	viewS      = 0.0001    // a recording that is observed, besides its packets
	baseBytes  = 320 << 20 // program, pictures, and what the collector leaves lying
	cellDisk   = 4 << 10
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

// Of forecasts the cells of a plan. stored says which cells need no computing, and
// given are the numbers of defenses and attacks.
func Of(plan []bench.Planned, shapes map[ShapeKey]Shape, r Rates, stored func(results.Cell) bool, given int) Forecast {
	f := Forecast{Cells: len(plan)}
	own := map[string]bool{}
	w := newWork(shapes, r)
	for _, p := range plan {
		if p.Cell.Knowledge == results.Planted {
			f.Canary++
		}
		if stored(p.Cell) {
			f.Stored++
			continue
		}
		_, mine := r.of(p.Cell.Attack, p.Cell.Task)
		own[p.Cell.Attack] = own[p.Cell.Attack] || mine
		w.add(p)
	}

	// A model that several cells ask for is trained once.
	f.Seconds = w.seconds
	for _, s := range w.models {
		f.Seconds += s
	}

	f.All = len(attacksOf(plan))
	for _, mine := range own {
		if mine {
			f.Own++
		}
	}
	f.Fixed = checkS*float64(given) + reportS + reportCell*float64(f.Cells)
	f.MemoryBytes, f.DiskBytes = memory(f.Cells, packetsOf(plan), w.held), reportDisk+int64(f.Cells)*cellDisk
	return f
}

// work adds up what cells take that are computed together, by one process.
type work struct {
	shapes map[ShapeKey]Shape
	rates  Rates
	// seconds are those of all but models.
	seconds float64
	// models are the seconds of each training, which is done once for all cells that
	// ask the model, as in bench.
	models map[results.Cell]float64
	views  map[viewKey]bool
	floors map[results.Cell]bool
	held   map[holdKey]float64
}

// shape is that of a defense on the data of a cell.
func (w *work) shape(c results.Cell, defense string) Shape {
	return w.shapes[ShapeKey{c.Dataset, defense}]
}

func newWork(shapes map[ShapeKey]Shape, r Rates) *work {
	return &work{shapes: shapes, rates: r, models: map[results.Cell]float64{}, views: map[viewKey]bool{}, floors: map[results.Cell]bool{}, held: map[holdKey]float64{}}
}

// add adds a cell.
func (w *work) add(p bench.Planned) {
	c := p.Cell
	rate, _ := w.rates.of(c.Attack, c.Task)

	// Planted cells learn from and are tested on a small part of the data.
	train, test := packets(p)
	if c.Knowledge == results.Planted {
		train, test = planted(p.Data)
	}

	// At two places a cell learns and is tested on what each of them shows.
	places := float64(len(c.Vantage.Places()))
	train, test = places*train, places*test*w.shape(c, c.Defense).Ratio
	w.seconds += rate.Cell + test*rate.Guess/1e6

	k := c
	k.Knowledge, k.Draw = "", 0
	if c.Knowledge != results.Planted {
		k.Defense = ""
	}
	if _, ok := w.models[k]; !ok {
		w.models[k] = rate.train(c.Attack, train, w.shape(c, c.TrainDefense).Ratio, c.TrainDefense)
	}
	if c.Knowledge == results.Planted {
		return
	}

	// Floors and cost are those of the test, whoever is asked about it.
	k = c
	k.Attack, k.Knowledge, k.TrainDefense = "", "", ""
	if !w.floors[k] {
		w.floors[k] = true
		w.seconds += test * floorS / 1e6
	}

	// Each recording is defended once for each role, whatever is asked of it, and
	// held until the defense has had all its cells.
	for _, part := range p.Fold {
		w.observe(p, c.TrainDefense, bench.TrainRole, part.Train)
		w.observe(p, c.Defense, bench.TestRole, part.Test)
	}
}

// observe adds the views of recordings that were not yet looked at.
func (w *work) observe(p bench.Planned, defense string, role bench.Role, recordings []int) {
	for _, i := range recordings {
		v := viewKey{p.Data, defense, p.Cell.Vantage, role, i, p.Cell.Draw}
		if w.views[v] {
			continue
		}
		w.views[v] = true
		n := float64(len(p.Data.Recordings[i].Trace.Packets) * len(p.Cell.Vantage.Places()))
		s := w.shape(p.Cell, defense)
		w.seconds += viewS + n*s.SecondsPerPacket
		w.held[holdKey{p.Data, defense}] += n * s.Ratio
	}
}

// packetsOf counts the packets of the data sets of a plan.
func packetsOf(plan []bench.Planned) int64 {
	var n int64
	seen := map[*datasets.Dataset]bool{}
	for _, p := range plan {
		if seen[p.Data] {
			continue
		}
		seen[p.Data] = true
		for _, r := range p.Data.Recordings {
			n += int64(len(r.Trace.Packets))
		}
	}
	return n
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

// memory is what cells results, data packets and held, the views at one time, take.
// Undefended views stay for all defenses; of the others one defense at a time.
func memory(cells int, data int64, held map[holdKey]float64) int64 {
	plain, most := 0.0, 0.0
	for k, n := range held {
		if k.defense == results.NoDefense {
			plain += n
		} else {
			most = max(most, n)
		}
	}
	return baseBytes + int64(cells)*cellBytes + data*dataBytes + int64((plain+most)*viewBytes)
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
