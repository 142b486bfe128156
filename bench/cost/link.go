package cost

import (
	"cmp"
	"fmt"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/params"
	"veilbench/defenses"
)

// Link is the home's line to the Internet: a rate and a first-in first-out
// queue for each direction. It is a stage of the harness after every defense,
// none included, so that padding costs time where the line is busy. Packets of
// LAN flows do not pass it.
type Link struct {
	// Rates in 10^6 bit/s, at the frame sizes of Packet.Size. 0 is no limit.
	UpMbitS   float64 `help:"rate up in Mbit/s, 0 for no limit"`
	DownMbitS float64 `help:"rate down in Mbit/s, 0 for no limit"`
	// ClosedLoop makes packets wait for what they answer: a reply to a request
	// that the defense delayed exists later too, see closeLoop.
	ClosedLoop bool `help:"let replies wait for delayed requests"`
}

// DefaultLink is the line unless the user names one: 20 Mbit/s up, 100 down.
func DefaultLink() Link { return Link{UpMbitS: 20, DownMbitS: 100} }

// Validate refuses rates that are negative, no number or above 10^12 bit/s.
func (l Link) Validate() error {
	return cmp.Or(params.Within("up_mbit_s", l.UpMbitS, 0, 1e6), params.Within("down_mbit_s", l.DownMbitS, 0, 1e6))
}

// Pass sends what a defense made of in through the line: each packet comes out
// when its last bit is through. The account of the result is relative to in.
// Neither in nor d is modified. The error wraps defenses.ErrSaturated when the
// queue is further behind at the end than defenses.MaxBacklog.
func (l Link) Pass(in datasets.Trace, d defenses.Defended) (defenses.Defended, error) {
	out, err := l.queue(d.Trace)
	if err != nil {
		return defenses.Defended{}, err
	}
	out.Carried = defenses.Compose(in, d.Carried, out.Carried)
	return out, nil
}

// queue is Pass for t alone, with an account nil when the order is t's own.
func (l Link) queue(t datasets.Trace) (defenses.Defended, error) {
	if l.UpMbitS == 0 && l.DownMbitS == 0 {
		return defenses.Defended{Trace: t}, nil
	}

	out := defenses.Defended{Trace: t}
	out.Trace.Packets = make([]datasets.Packet, len(t.Packets))
	// Nanoseconds per byte; free is when the line is free again.
	cost := [2]float64{perByte(l.UpMbitS), perByte(l.DownMbitS)}
	var free [2]time.Duration
	inOrder, last := true, time.Duration(0)

	for i, p := range t.Packets {
		if !t.Flows[p.Flow].LAN {
			p.Time = max(p.Time, free[p.Dir]) + time.Duration(float64(p.Size)*cost[p.Dir])
			free[p.Dir] = p.Time
		}
		out.Trace.Packets[i] = p
		inOrder = inOrder && p.Time >= last
		last = max(last, p.Time)
	}

	out.Trace.End = max(t.End, last)
	if late := last - t.End; late > defenses.MaxBacklog {
		return defenses.Defended{}, fmt.Errorf("%w: the link of %v/%v Mbit/s is %v behind at the end", defenses.ErrSaturated, l.UpMbitS, l.DownMbitS, late)
	}

	// The queues up and down and the LAN are in order each, but may have overtaken
	// one another.
	if !inOrder {
		out = mergeByTime(t, out.Trace)
	}
	return out, nil
}

func perByte(mbit float64) float64 {
	if mbit == 0 {
		return 0
	}
	return 8e3 / mbit
}

// mergeByTime puts the packets of late, which are in order within LAN, up and
// down, in order of time.
func mergeByTime(t, late datasets.Trace) defenses.Defended {
	var lines [3][]int32 // up, down, LAN
	for i, p := range late.Packets {
		k := int(p.Dir)
		if late.Flows[p.Flow].LAN {
			k = 2
		}
		lines[k] = append(lines[k], int32(i))
	}

	b := defenses.NewBuilder(len(late.Packets))
	out := late
	out.Packets = make([]datasets.Packet, 0, len(late.Packets))

	for range late.Packets {
		best := -1
		for k, line := range lines {
			if len(line) > 0 && (best < 0 || earlier(late.Packets, line[0], lines[best][0])) {
				best = k
			}
		}
		i := lines[best][0]
		lines[best] = lines[best][1:]
		out.Packets = append(out.Packets, late.Packets[i])
		b.Carry(i, t.Packets[i].Payload)
		b.Next()
	}
	return defenses.Defended{Trace: out, Carried: b.Carried()}
}

// earlier orders packets i and j by time, then by place.
func earlier(ps []datasets.Packet, i, j int32) bool {
	a, b := ps[i].Time, ps[j].Time
	return a < b || a == b && i < j
}
