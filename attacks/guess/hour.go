package guess

import (
	"context"
	"math/rand/v2"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/attacks/diary"
	"veilbench/datasets"
)

// Hour knows what people mostly do at each time of a working day and of a weekend,
// from homes whose people are known, and says it of every home and day. It never
// looks at the traffic, so no defense can hide what it knows; most nights people
// sleep.
type Hour struct{}

var _ attacks.Attack = Hour{}

// Info marks the attack as a control: it sets a floor and is never the best.
func (Hour) Info() attacks.Info {
	return attacks.Info{
		Name: "guess-hour", Doc: "what people mostly do at that time of a working day or weekend, without a look at the traffic",
		Tasks: []datasets.Task{datasets.TaskRoutine}, Control: true,
	}
}

// Train counts the states by quarter hour, together with the half hours before and
// after it: of a few days one quarter hour says little.
func (Hour) Train(ctx context.Context, _ *rand.Rand, t attacks.Training) (attacks.Model, error) {
	return hoursOf(t, func(slot, day int) int { return day*diary.PerDay + slot }), ctx.Err()
}

// around is how many slots to each side count for a time of the day.
const around = 2

// hours is what is said at each kind of time.
type hours struct {
	key  func(slot, day int) int
	says []attacks.Slot
	rest attacks.Slot // at times that training never saw
}

// timeTally counts what was true at one kind of time.
type timeTally struct {
	states         []int
	known, several int
	events, slots  int
}

// add counts a slot of which something is known.
func (c *timeTally) add(x diary.Truth) {
	if x.State >= 0 {
		c.states[x.State]++
	}
	if x.Several >= 0 {
		c.known++
		c.several += x.Several
	}
	if x.State >= 0 || x.Several >= 0 {
		c.slots++
		c.events += x.Events
	}
}

// says is the commonest state, the share of several people and the mean number of
// events.
func (c timeTally) says() attacks.Slot {
	out := attacks.Slot{State: -1}
	if c.known > 0 {
		out.Several = float32(c.several) / float32(c.known)
	}
	if c.slots > 0 {
		out.Events = float32(c.events) / float32(c.slots)
	}
	all := 0
	for _, n := range c.states {
		all += n
	}
	if all > 0 {
		best := bursts.MostOf(c.states)
		out.State, out.P = int32(best), float32(c.states[best])/float32(all)
	}
	return out
}

// hoursOf learns what is true at times that key tells apart.
func hoursOf(t attacks.Training, key func(slot, day int) int) hours {
	counts := make([]timeTally, diary.Days*diary.PerDay)
	for i := range counts {
		counts[i].states = make([]int, len(t.Classes))
	}
	all := timeTally{states: make([]int, len(t.Classes))}
	for _, e := range t.Examples {
		for i, x := range diary.Of(e.Labels, e.Trace.End, t.Classes) {
			slot, day := diary.Phase(e.Trace.Start, i)
			all.add(x)

			// Round midnight without a change of the kind of day: a Friday's last quarter hour
			// counts for its own first one, which no more than blurs one time in a hundred.
			for d := -around; d <= around; d++ {
				counts[key((slot+d+diary.PerDay)%diary.PerDay, day)].add(x)
			}
		}
	}

	m := hours{key: key, rest: all.says()}
	for _, c := range counts {
		m.says = append(m.says, c.says())
	}
	return m
}

// Guess says what is usual at the time of each slot.
func (m hours) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	out := make([]attacks.Slot, diary.Slots(t.End))
	for i := range out {
		if out[i] = m.says[m.key(diary.Phase(t.Start, i))]; out[i].State < 0 {
			out[i] = m.rest
		}
	}
	return attacks.Answer{Slots: out}, ctx.Err()
}
