package bench

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"veilbench/bench/oath"
	"veilbench/bench/results"
	"veilbench/bench/score"
	"veilbench/bench/truth"
	"veilbench/datasets"
)

// Bounds of a sample.
const (
	sampleClasses   = 40
	samplePerClass  = 2
	sampleFew       = 12 // with more classes there is one sequence of each
	sampleBefore    = 200 * time.Millisecond
	sampleAfter     = 500 * time.Millisecond
	samplePoint     = 5 * time.Second // after an event whose packets nobody knows
	sampleLongest   = 30 * time.Second
	sampleEvents    = 6 // that a stretch of rates is meant to show
	sampleShortest  = 20 * time.Minute
	sampleStretch   = 12 * time.Hour
	sampleBins      = 600
	sampleNames     = 40 // host names of a device
	sampleContinual = 5 * time.Minute
)

// samples keeps a sample of each task and vantage point of u, unless the store
// has it. A view that failed gives none: its cells say why.
func (r *runner) samples(u unit) error {
	if r.opt.Store == nil {
		return nil
	}
	seen := map[results.SampleKey]bool{}
	for _, j := range u.jobs {
		k := results.SampleKey{Dataset: j.cell.Dataset, Task: j.cell.Task, Vantage: j.cell.Vantage, Split: j.cell.Split, Defense: j.cell.Defense, Seed: j.cell.Seed}
		data, setup := r.plan.DataDigest(k.Dataset), r.plan.SampleSetup(k)
		if len(k.Vantage.Places()) > 1 || k.Task == datasets.TaskDetect {
			continue // each place has its own, and hours have no sequence to show
		}

		// All attacks of a unit see the same, so one sample does for all.
		if seen[k] || r.opt.Store.HasSample(k, data, setup) {
			continue
		}

		seen[k] = true
		s := sampler{r: r, u: u, out: results.Sample{SampleKey: k, Data: data, Setup: setup, Method: results.Method}}
		s.tests = s.tested()
		if err := oath.Guard(s.take); err != nil {
			continue
		}

		if err := r.opt.Store.PutSample(s.out); err != nil {
			return err
		}
	}
	return nil
}

// sampler makes one sample.
type sampler struct {
	r     *runner
	u     unit
	out   results.Sample
	tests []tested
}

// tested is a recording with a job and the part of its fold that tests it.
type tested struct {
	rec, part int
	job       job
}

// tested lists the recordings that some fold tests, in order: defenses that
// learn are fitted for a fold.
func (s *sampler) tested() []tested {
	var out []tested
	k := s.out.SampleKey
	for _, j := range s.u.jobs {
		if j.cell.Task != k.Task || j.cell.Vantage != k.Vantage || len(out) > 0 && j.cell.Attack != out[0].job.cell.Attack {
			continue
		}
		for p, part := range j.fold {
			for _, i := range part.Test {
				out = append(out, tested{i, p, j})
			}
		}
	}

	slices.SortStableFunc(out, func(a, b tested) int { return cmp.Compare(a.rec, b.rec) })
	return slices.CompactFunc(out, func(a, b tested) bool { return a.rec == b.rec })
}

// view is a recording as the sample's observer sees it.
func (s *sampler) view(t tested) (*observed, error) {
	o := s.r.view(part{s.u, t.job, t.part}, s.u.id, viewOf{TestRole, t.rec, 0})
	if o.err != nil {
		return nil, o.err
	}
	return o.truthOf(s.out.Task, s.u.ds), nil
}

// take makes the sample; host names and rates are those of one recording.
func (s *sampler) take() error {
	if err := s.sequences(); err != nil || s.out.Task == datasets.TaskClip {
		return err
	}
	return s.withFirst(func(o *observed) bool {
		return s.out.Task != datasets.TaskEvent || len(o.labels.Events) > 0
	}, func(o *observed) {
		s.out.Names = namesOf(o)
		if s.out.Task == datasets.TaskEvent && o.trace.End >= sampleContinual {
			s.out.Rates = ratesOf(o)
		}
	})
}

// withFirst calls use with the first tested recording that is fit for it.
func (s *sampler) withFirst(fit func(*observed) bool, use func(*observed)) error {
	for _, t := range s.tests {
		o, err := s.view(t)
		if err != nil {
			return err
		}
		if fit(o) {
			use(o)
			return nil
		}
	}
	return nil
}

// sequences takes the first few events, clips or commands of each class, of a
// recording at most one, so that they come from several homes or sessions.
func (s *sampler) sequences() error {
	classes, each := s.classes()
	missing := each * len(classes)
	count := map[string]int{}

	for _, t := range s.tests {
		if missing == 0 {
			break
		}

		// A view costs a run of the defense, so none is made for a clip of a class that
		// is complete.
		if s.out.Task == datasets.TaskClip && count[s.u.ds.Recordings[t.rec].ClipClass()] >= each {
			continue
		}

		o, err := s.view(t)
		if err != nil {
			return err
		}

		here := map[string]bool{}
		flows := carrierFlows(o)
		for _, m := range s.moments(o) {
			if here[m.class] || count[m.class] >= each || !slices.Contains(classes, m.class) {
				continue
			}
			here[m.class] = true
			count[m.class]++
			missing--
			s.out.Sequences = append(s.out.Sequences, sequenceOf(o, flows[m.device], m))
		}
	}

	slices.SortStableFunc(s.out.Sequences, func(a, b results.Sequence) int { return cmp.Compare(a.Class, b.Class) })
	return nil
}

// classes lists those to sample and how many sequences to take of each.
func (s *sampler) classes() (classes []string, each int) {
	seen := map[string]bool{}
	for _, t := range s.tests {
		rec := &s.u.ds.Recordings[t.rec]
		switch s.out.Task {
		case datasets.TaskClip:
			seen[rec.ClipClass()] = true
		case datasets.TaskEvent:
			l := truth.Monitored(rec.Labels, s.u.ds.Unmonitored)
			for _, e := range l.Events {
				seen[l.Class(e)] = true
			}
		case datasets.TaskCommand:
			for _, c := range rec.Labels.Commands {
				seen[score.CommandName(c.Actions)] = true
			}
		}
	}

	delete(seen, "") // of recordings that no clip task uses
	classes = slices.Sorted(maps.Keys(seen))
	if s.out.Task == datasets.TaskCommand { // the fewest actions first
		slices.SortStableFunc(classes, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
		classes = classes[:min(len(classes), sampleFew)]
	}
	classes = classes[:min(len(classes), sampleClasses)]

	if len(classes) > sampleFew {
		return classes, 1
	}
	return classes, samplePerClass
}

// moment is something that happened: packets from start to end are about it.
type moment struct {
	class          string
	at, start, end time.Duration
	device         int
	cause          int32 // the event, -1 if none
	whole          bool  // every packet is about it
}

// moments lists what happened in o, in order of time.
func (s *sampler) moments(o *observed) []moment {
	var out []moment
	switch s.out.Task {
	case datasets.TaskClip:
		if class := o.rec.ClipClass(); class != "" {
			out = append(out, moment{class: class, end: o.trace.End, device: o.rec.Labels.Events[0].Device, cause: -1, whole: true})
		}
	case datasets.TaskEvent:
		for i, e := range o.labels.Events {
			end := max(e.End, e.Start) + sampleAfter

			// Nobody knows which packets are the event's: take what follows it.
			if o.labels.Cause == nil {
				end = max(e.End, e.Start+samplePoint)
			}
			out = append(out, moment{
				class: o.labels.Class(e), at: e.Start, start: e.Start - sampleBefore, end: min(end, e.Start+sampleLongest),
				device: e.Device, cause: int32(i),
			})
		}
	case datasets.TaskCommand:
		for _, c := range o.labels.Commands {
			out = append(out, moment{
				class: score.CommandName(c.Actions), at: c.Time, start: c.Time - sampleBefore, end: c.Time + samplePoint,
				device: c.Device, cause: -1,
			})
		}
	}
	return out
}

// packetsWithin returns the indexes of the packets of t with start <= time < end.
func packetsWithin(t datasets.Trace, start, end time.Duration) (lo, hi int) {
	at := func(d time.Duration) int {
		i, _ := slices.BinarySearchFunc(t.Packets, d, func(p datasets.Packet, d time.Duration) int { return cmp.Compare(p.Time, d) })
		return i
	}
	return at(start), at(end)
}

// carrierFlows marks, for each device, the flows that carry any of its packets;
// all if nobody knows whose packets they are.
func carrierFlows(o *observed) [][]bool {
	out := make([][]bool, len(o.labels.Devices))
	for d := range out {
		out[d] = make([]bool, len(o.trace.Flows))
		if o.labels.Owners == nil {
			out[d] = slices.Repeat([]bool{true}, len(o.trace.Flows))
		}
	}

	for i, d := range o.labels.Owners {
		if d >= 0 {
			out[d][o.trace.Packets[i].Flow] = true
		}
	}
	return out
}

// sequenceOf keeps the packets of a moment, those of Down with negative sizes.
func sequenceOf(o *observed, flows []bool, m moment) results.Sequence {
	s := results.Sequence{Recording: o.rec.ID, Class: m.class, AtS: results.Seconds(m.at), TimesUS: []int64{}, Sizes: []int32{}}
	lo, hi := packetsWithin(o.trace, m.start, m.end+1)

	var whose []byte
	for i := lo; i < hi; i++ {
		p := o.trace.Packets[i]
		if !flows[p.Flow] && !m.whole {
			continue
		}

		// Counting on says how much is missing.
		if len(s.Sizes) == results.SamplePackets {
			s.Cut++
			continue
		}

		size := p.Size
		if p.Dir == datasets.Down {
			size = -size
		}
		s.TimesUS = append(s.TimesUS, (p.Time - m.at).Microseconds())
		s.Sizes = append(s.Sizes, size)
		if o.labels.Owners != nil {
			whose = append(whose, whoseIs(o.labels, i, m))
		}
	}
	s.Whose = string(whose)
	return s
}

// whoseIs is the letter of packet i, as seen from a moment.
func whoseIs(l datasets.Labels, i int, m moment) byte {
	owner := int(l.Owners[i])
	switch {
	case owner >= 0 && l.Devices[owner] == datasets.Cover:
		return results.WhoseCover
	case m.cause >= 0 && l.Cause != nil && l.Cause[i] != m.cause:
		return results.WhoseOther
	case owner == m.device:
		return results.WhoseEvent
	}
	return results.WhoseOther
}

// namesOf lists the host names that each device's packets show.
func namesOf(o *observed) []results.DeviceNames {
	if o.labels.Owners == nil {
		return nil
	}
	type talk struct{ device, flow int32 }
	seen := map[talk]bool{}

	hosts := make([][]string, len(o.labels.Devices))
	asked := make([][]string, len(o.labels.Devices))
	for i, d := range o.labels.Owners {
		k := talk{d, o.trace.Packets[i].Flow}

		if d < 0 || seen[k] {
			continue
		}
		seen[k] = true

		if h := o.trace.Flows[k.flow].Host; h != "" {
			hosts[d] = append(hosts[d], h)
		}
		if q := o.trace.Flows[k.flow].Query; q != "" {
			asked[d] = append(asked[d], q)
		}
	}

	var out []results.DeviceNames
	for d, name := range o.labels.Devices {
		if name == datasets.Cover {
			continue
		}
		slices.Sort(hosts[d])
		slices.Sort(asked[d])

		// An empty list, not nil: a device that shows no name stands in the file as [].
		h := append([]string{}, slices.Compact(hosts[d])...)
		q := slices.Compact(asked[d])
		out = append(out, results.DeviceNames{Device: name, Recording: o.rec.ID, Hosts: h[:min(len(h), sampleNames)], Asked: q[:min(len(q), sampleNames)]})
	}
	return out
}
