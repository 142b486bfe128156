package traffic

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"veilbench/datasets/home/draw"
)

// Habits of a home at its gateway (all assumed: the paper names them as future
// work): so many commands, each nearly every day at about its time, one a day at
// some time when people are up, and one in most days that is none: another command,
// or a habit in the small hours.
const (
	habitCount  = 6
	habitChance = 0.9
	habitSpread = 25 * 60 * second
	againChance = 0.7
	oddChance   = 0.8
)

// Activities of gateway events in days of habits.
const (
	habitual  = "command"
	deviating = "deviation"
)

// habit is a command and the time of day at which it is usual.
type habit struct {
	command command
	at      int64
}

// PlayHabits plays days of commands to the gateway d in home number i of n. What is
// no habit is an event named deviation. On the first morning, one and two copies of
// each action are sent, as of a session: without them nobody could learn sizes.
func (h *Home) PlayHabits(d *Device, i, n int) {
	r := h.Rand("habits")
	type sent struct {
		at       int64
		command  command
		activity string
	}
	var list []sent
	at := int64(0)
	for _, c := range sessionCommands(h.Gateway, i, n, h.Rand("commands")) {
		if at += draw.Between(r, 20*second, 60*second); c.total() <= 2 && at < 6*hour {
			list = append(list, sent{at, c, habitual})
		}
	}

	own := drawHabits(h, r)
	for day := int64(1); day*24*hour < h.End; day++ {
		for _, x := range own {
			if draw.Chance(r, habitChance) {
				list = append(list, sent{day*24*hour + x.at + draw.Between(r, -habitSpread, habitSpread), x.command, habitual})
			}
		}
		if draw.Chance(r, againChance) {
			x := own[r.IntN(len(own))]
			list = append(list, sent{day*24*hour + x.at + draw.Between(r, -2*hour, 2*hour), x.command, habitual})
		}

		// Somebody else is in the home, or its people do what they never do.
		if !draw.Chance(r, oddChance) {
			continue
		}
		odd := sent{day*24*hour + draw.Between(r, 7*hour, 22*hour), strangeCommand(h, own, r), deviating}
		if draw.Chance(r, 0.5) {
			odd.at, odd.command = day*24*hour+draw.Between(r, 2*hour, 4*hour), own[r.IntN(len(own))].command
		}
		list = append(list, odd)
	}

	// Reports of one command must not run into those of the next.
	slices.SortStableFunc(list, func(a, b sent) int { return cmp.Compare(a.at, b.at) })
	last := int64(0)
	for _, x := range list {
		if last = max(x.at, last+20*second); last < h.End-20*second {
			h.sendCommand(d, x.command, last, x.activity, r)
		}
	}
}

// drawHabits draws the habits of a home: half of them in the morning, half in the
// evening.
func drawHabits(h *Home, r *rand.Rand) []habit {
	out := make([]habit, habitCount)
	for i := range out {
		at := draw.Between(r, 6*hour, 9*hour)
		if i%2 == 1 {
			at = draw.Between(r, 17*hour, 22*hour)
		}
		out[i] = habit{sampleCommand(h.Gateway, r), at}
	}
	return out
}

// strangeCommand draws a command that is no habit.
func strangeCommand(h *Home, own []habit, r *rand.Rand) command {
	for {
		c := sampleCommand(h.Gateway, r)
		if !slices.ContainsFunc(own, func(x habit) bool { return slices.Equal(x.command, c) }) {
			return c
		}
	}
}
