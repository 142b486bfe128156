package people

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/profile"
	"veilbench/datasets/home/traffic"
)

// computer is a phone, a tablet, a laptop or a computer while its recording is
// being played.
type computer struct {
	*traffic.Device
	all  *profile.Computers
	use  *profile.Use
	r    *rand.Rand
	cdf  []cdfPoint
	apps draw.Names
}

// newComputer returns nil for a device that none of the uses is for.
func newComputer(d *traffic.Device, uses []*profile.Use) *computer {
	i := slices.IndexFunc(uses, func(u *profile.Use) bool { return u.ID == d.ID })
	if i < 0 {
		return nil
	}
	all := d.Home.Profile.Computers
	c := &computer{Device: d, all: all, use: uses[i], r: d.Rand("surf"), cdf: flowTable(all.FlowPackets)}
	c.apps = draw.Habit(c.use.Apps, c.r)
	return c
}

// Use plays the whole recording of a phone or computer: pages, films, calls,
// games, downloads, messages. Its sessions keep to the hours of people's
// activity if byHour is set, and to those of the people where the home has stays.
// Devices without a profile of use stay silent.
func Use(d *traffic.Device, byHour bool) {
	c := newComputer(d, d.Home.Profile.Computers.Profiles)
	if c == nil {
		return
	}
	c.playSessions(byHour, c.session)
	c.playIdle(func(at int64) { c.conversation(at, c.site(), min(c.flowLength(), 100)) })
}

// playSessions draws the sessions of the recording, then plays one after
// another: who is still busy begins the next one later.
func (c *computer) playSessions(byHour bool, play func(from, to int64)) {
	days := float64(c.Home.End) / float64(24*hour)
	want := int64(c.use.SessionsPerDay * days * draw.Million)
	var starts []int64

	// A fraction of a session happens with that probability. It is drawn after
	// the others' times, which is part of the data.
	for ; want > 0 && (want >= draw.Million || c.r.Int64N(draw.Million) < want); want -= draw.Million {
		at := draw.Between(c.r, 0, c.Home.End)
		if byHour {
			at -= at % (24 * hour)
			at += hourOfDay(c.Home.Profile.Household.HourWeights, c.r)
		}

		// Where it is known who is home when, an hour without anybody awake is drawn
		// again, a few times: some sessions are of programs left running.
		for range 8 {
			if c.Home.Stays == nil || awakeAt(c.Home.Stays, at) {
				break
			}
			at = draw.Between(c.r, 0, c.Home.End)
		}
		starts = append(starts, at)
	}

	slices.Sort(starts)
	free := int64(0)
	for _, at := range starts {
		at = max(at, free)
		free = at + c.use.Session.Draw(c.r)
		play(at, min(free, c.Home.End))
	}
}

// playIdle plays what the device does on its own, at the mean rate of its use.
func (c *computer) playIdle(play func(at int64)) {
	if c.use.IdleFlowsPerHour <= 0 {
		return
	}
	for at := int64(0); at < c.Home.End; at += draw.Between(c.r, 0, 2*hour/c.use.IdleFlowsPerHour) {
		play(at)
	}
}

// cdfPoint is a share of flows, in millionths, of at most packets; log2 is
// log2(packets / packets of the point before) * 65536.
type cdfPoint struct{ packets, share, log2 int64 }

// flowTable prepares the published distribution of flow lengths.
func flowTable(points [][2]float64) []cdfPoint {
	var out []cdfPoint
	for i, p := range points {
		c := cdfPoint{packets: int64(p[0]), share: draw.PPM(p[1])}
		if i > 0 {
			c.log2 = int64(math.Round(math.Log2(p[0]/points[i-1][0]) * 65536))
		}
		out = append(out, c)
	}
	return out
}

// flowLength draws the packets of a flow in one direction, on a straight line
// in the logarithm between the published points.
func (c *computer) flowLength() int64 {
	u := c.r.Int64N(draw.Million)
	for i, p := range c.cdf {
		if u >= p.share {
			continue
		}
		if i == 0 {
			return p.packets
		}

		// part is how far u is from the point before to this one, times 65536;
		// so part * log2 has the 32 fractional bits that ScaleExp2 wants. Twenty
		// more bits of packets keep fractions of small flows. A length n stands
		// for everything above n-1, so the result is rounded up.
		before := c.cdf[i-1]
		part := (u - before.share) * 65536 / (p.share - before.share)
		x := draw.ScaleExp2(before.packets<<20, part*p.log2)
		return min((x>>20)+1, p.packets)
	}
	return 1
}

// site draws a server; a few are visited often.
func (c *computer) site() string {
	return numbered("site", min(c.r.Int64N(60), c.r.Int64N(60)))
}

// numbered is the name of one of many servers of a kind.
func numbered(kind string, n int64) string {
	return kind + strconv.FormatInt(n, 10) + ".example"
}

// begin returns a script for one conversation of the device.
func (c *computer) begin(at int64) *traffic.Script { return c.Begin(c.r, at) }
