package score

import (
	"math"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat"

	"veilbench/attacks"
	"veilbench/attacks/diary"
	"veilbench/bench/results"
	"veilbench/datasets"
)

// EarlyDays are after how many days of watching a home an attacker is asked what it
// knows of them. What it says of them once it has seen a month would be hindsight.
func EarlyDays() []int { return []int{1, 7, 30} }

// scoreRoutines scores diaries. The headline is the share of quarter hours whose
// state is named right: away, awake or asleep at once, for each of two questions that
// are asked of a state (is anybody there, do they sleep) can be right by a guess that
// is wrong in the other. Where stays say of nobody where he is, the states are active
// and quiet, and the other figures of people are missing.
//
// Each figure of a group goes with the same of every control, so that floors are the
// group's own: nobody's hours are harder to guess than another's.
func scoreRoutines(classes []string, tests []Test) Scores {
	var s Scores
	names := append(slices.Clone(classes), datasets.Unknown)
	groups := map[string]*routineTally{}
	for _, t := range tests {
		g := groups[t.Recording.Group]
		if g == nil {
			g = &routineTally{confusion: newMatrix(len(names)), early: make([]people, len(EarlyDays()))}
			groups[t.Recording.Group] = g
		}
		x := routineOf(classes, t)
		g.add(x)
		if len(s.Strips) == 0 && g.state.known > 0 {
			s.Strips = append(s.Strips, x.strip(t))
		}
	}

	all := &routineTally{early: make([]people, len(EarlyDays()))}
	for name, g := range groups {
		if g.state.known == 0 {
			continue
		}
		s.Groups = append(s.Groups, results.GroupScore{Group: name, Value: g.state.share(), N: g.state.known, Parts: parts(g.figures())})
		s.Confusion = append(s.Confusion, results.Confusion{Group: name, Classes: names, Counts: g.confusion})
	}

	// Sums over groups in their order, for floats depend on it.
	for _, t := range tests {
		if g := groups[t.Recording.Group]; g != nil {
			all.merge(g)
			delete(groups, t.Recording.Group)
		}
	}
	s.add(results.Tested, float64(all.state.known))
	if all.state.known > 0 {
		s.Metrics = append(s.Metrics, all.figures()...)
		s.add(results.HoursRight, all.state.share())
	}
	return s
}

// parts are figures of a group, whose floors are not known here.
func parts(ms []results.Metric) []results.Part {
	var out []results.Part
	for _, m := range ms {
		out = append(out, results.Part{Name: m.Name, Value: m.Value})
	}
	slices.SortFunc(out, func(a, b results.Part) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// rightOf counts slots.
type rightOf struct{ right, known int }

func (r *rightOf) add(right bool) {
	r.known++
	if right {
		r.right++
	}
}

func (r *rightOf) merge(o rightOf) { r.right, r.known = r.right+o.right, r.known+o.known }

func (r rightOf) share() float64 { return results.Ratio(r.right, r.known) }

// people counts what is asked about people.
type people struct{ presence, sleep, several rightOf }

func (p *people) merge(o people) {
	p.presence.merge(o.presence)
	p.sleep.merge(o.sleep)
	p.several.merge(o.several)
}

// routineTally is what diaries of a group are worth.
type routineTally struct {
	state rightOf
	people
	early       []people  // by EarlyDays
	bed, wake   []float64 // minutes off, of each night
	truth, said []float64 // events of each hour that is known
	confusion   [][]int64
}

// merge adds what another group's are worth, but for its confusions.
func (g *routineTally) merge(o *routineTally) {
	g.state.merge(o.state)
	g.people.merge(o.people)
	for k := range g.early {
		g.early[k].merge(o.early[k])
	}
	g.bed, g.wake = append(g.bed, o.bed...), append(g.wake, o.wake...)
	g.truth, g.said = append(g.truth, o.truth...), append(g.said, o.said...)
}

// figures are the metrics that there is something to say of.
func (g *routineTally) figures() []results.Metric {
	var out []results.Metric
	add := func(name string, v float64) { out = append(out, results.Metric{Name: name, Value: v}) }
	shares := func(p people, name func(string) string) {
		for _, x := range []struct {
			name string
			rightOf
		}{{results.PresenceRight, p.presence}, {results.SleepRight, p.sleep}, {results.SeveralRight, p.several}} {
			if x.known > 0 {
				add(name(x.name), x.share())
			}
		}
	}
	shares(g.people, func(m string) string { return m })
	for k, days := range EarlyDays() {
		shares(g.early[k], func(m string) string { return results.OfDays(m, days) })
	}

	for _, x := range []struct {
		name string
		off  []float64
	}{{results.BedError, g.bed}, {results.WakeError, g.wake}} {
		if len(x.off) > 0 {
			slices.Sort(x.off)
			add(x.name, x.off[(len(x.off)-1)/2])
		}
	}
	if len(g.truth) > 1 {
		off := 0.0
		for i, v := range g.truth {
			off += math.Abs(v-g.said[i]) / float64(len(g.truth))
		}
		add(results.ActivityError, off)

		// Who says the same of every hour has no correlation, which is as good as 0.
		if r := stat.Correlation(g.truth, g.said, nil); !math.IsNaN(r) {
			add(results.ActivityCorrelation, r)
		} else {
			add(results.ActivityCorrelation, 0)
		}
	}
	return out
}

// routine is a test with its truth by slot. States are names, so that parts of a fold
// may have learned others.
type routine struct {
	classes []string
	truth   []diary.Truth
	said    []attacks.Slot
	early   [][]attacks.Slot
	known   []string // of the model that answered
	start   time.Time
}

func routineOf(classes []string, t Test) routine {
	x := routine{
		classes: classes, truth: diary.Of(t.Labels, t.Recording.Trace.End, classes), said: t.Answer.Slots,
		known: t.Classes, start: t.Recording.Trace.Start,
	}
	for k, days := range EarlyDays() {
		said := t.Answer.Slots
		if k < len(t.Early) {
			said = t.Early[k].Slots
		}
		x.early = append(x.early, said[:min(len(said), days*diary.PerDay)])
	}
	return x
}

// name is the state said of slot i, Unknown where nothing is.
func (x routine) name(said []attacks.Slot, i int) string {
	if i >= len(said) || said[i].State < 0 || int(said[i].State) >= len(x.known) {
		return datasets.Unknown
	}
	return x.known[said[i].State]
}

// add counts a test.
func (g *routineTally) add(x routine) {
	for i, t := range x.truth {
		if t.State < 0 {
			continue
		}
		name := x.name(x.said, i)
		to := slices.Index(x.classes, name)
		if to < 0 {
			to = len(x.classes)
		}
		g.confusion[t.State][to]++
		g.state.add(to == t.State)
	}
	g.people.merge(x.people(x.said, len(x.truth)))
	for k, days := range EarlyDays() {
		if n := days * diary.PerDay; n <= len(x.truth) { // else it was not watched for so long
			g.early[k].merge(x.people(x.early[k], n))
		}
	}

	bed, wake := nightErrors(x)
	g.bed, g.wake = append(g.bed, bed...), append(g.wake, wake...)
	g.addActivity(x)
}

// people holds what is said of the first n slots against the truth.
func (x routine) people(said []attacks.Slot, n int) people {
	var p people
	for i, t := range x.truth[:n] {
		if t.Several >= 0 {
			p.several.add(i < len(said) && (said[i].Several > 0.5) == (t.Several == 1))
		}
		if t.State < 0 || !slices.Contains([]string{diary.Away, diary.Awake, diary.Asleep}, x.classes[t.State]) {
			continue
		}
		truth, guess := x.classes[t.State], x.name(said, i)
		p.presence.add(guess != datasets.Unknown && (guess == diary.Away) == (truth == diary.Away))
		p.sleep.add(guess != datasets.Unknown && (guess == diary.Asleep) == (truth == diary.Asleep))
	}
	return p
}

// addActivity adds the events of each hour of which every slot is known.
func (g *routineTally) addActivity(x routine) {
	for lo := 0; lo+diary.PerHour <= len(x.truth); lo += diary.PerHour {
		var truth, said float64
		known := true
		for i := lo; i < lo+diary.PerHour; i++ {
			known = known && (x.truth[i].State >= 0 || x.truth[i].Several >= 0)
			truth += float64(x.truth[i].Events)
			if i < len(x.said) {
				said += float64(x.said[i].Events)
			}
		}
		if known {
			g.truth, g.said = append(g.truth, truth), append(g.said, said)
		}
	}
}

// nightLength is how long a stretch of sleep is a night's, bridge how long somebody
// may be up in it, both in slots.
const (
	nightLength = 3 * diary.PerHour
	bridge      = diary.PerHour
)

// nightErrors are by how many minutes the times of going to bed and getting up of each
// true night are missed: those of the stretch of sleep that is said from noon to noon
// and overlaps the night most. A night that nothing is said of counts as half a day.
func nightErrors(x routine) (bed, wake []float64) {
	truth, said := make([]bool, len(x.truth)), make([]bool, len(x.truth))
	for i, t := range x.truth {
		truth[i] = t.State >= 0 && x.classes[t.State] == diary.Asleep
		said[i] = x.name(x.said, i) == diary.Asleep
	}

	const none = 12 * 60
	guesses := sleeps(said, 1)
	for _, n := range sleeps(truth, nightLength) {
		// A night that the recording cuts has no time of its own.
		if n[0] == 0 || n[1] == len(truth) {
			continue
		}
		best, b, w := 0, float64(none), float64(none)
		for _, s := range guesses {
			if both := min(n[1], s[1]) - max(n[0], s[0]); both > best {
				best = both
				b, w = min(none, minutesApart(n[0], s[0])), min(none, minutesApart(n[1], s[1]))
			}
		}
		bed, wake = append(bed, b), append(wake, w)
	}
	return bed, wake
}

func minutesApart(a, b int) float64 {
	return (time.Duration(max(a-b, b-a)) * diary.Slot).Minutes()
}

// sleeps lists stretches of at least that length, from slot to slot.
func sleeps(on []bool, least int) [][2]int {
	var out [][2]int
	for i, v := range on {
		if !v {
			continue
		}
		if k := len(out) - 1; k >= 0 && i-out[k][1] <= bridge {
			out[k][1] = i + 1
		} else {
			out = append(out, [2]int{i, i + 1})
		}
	}
	return slices.DeleteFunc(out, func(s [2]int) bool { return s[1]-s[0] < least })
}

// stripDays is how much of a diary is kept to be shown.
const stripDays = 7

// strip is the beginning of a test, to be looked at.
func (x routine) strip(t Test) results.Strip {
	first, _ := diary.Phase(x.start, 0)
	out := results.Strip{Recording: t.Recording.ID, Group: t.Recording.Group, FirstSlot: first, SlotsPerDay: diary.PerDay}
	truth, said := []byte{}, []byte{}
	for i, v := range x.truth[:min(len(x.truth), stripDays*diary.PerDay)] {
		name := datasets.Unknown
		if v.State >= 0 {
			name = x.classes[v.State]
		}
		truth = append(truth, results.StateLetter(name, v.Several == 1))
		said = append(said, results.StateLetter(x.name(x.said, i), i < len(x.said) && x.said[i].Several > 0.5))
	}
	out.Truth, out.Said = string(truth), string(said)
	return out
}
