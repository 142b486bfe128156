package decompose

import (
	"context"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/datasets"
	"veilbench/datasets/params"
)

// sizeTrial is what training gives when one service is taken for the gateway's
// and one gap for the end of a message.
type sizeTrial struct {
	service  bursts.StreamKey
	gap      time.Duration
	empty    int32
	known    []knownCommand
	reported []reported
	noise    []int
}

// everything is the key of all services together; no stream has it.
func everything() bursts.StreamKey { return bursts.StreamKey{Host: "*"} }

// streamsOf cuts each example into services and lists them all in order of
// appearance, everything last.
func streamsOf(t attacks.Training) (streams []map[bursts.StreamKey][]int32, services []bursts.StreamKey) {
	seen := map[bursts.StreamKey]bool{}
	for _, ex := range t.Examples {
		packets := map[bursts.StreamKey][]int32{everything(): bursts.AllPackets(ex.Trace)}
		for _, s := range bursts.StreamsBy(ex.Trace, serviceOf) {
			packets[s.Key] = s.Packets
			if !seen[s.Key] {
				seen[s.Key] = true
				services = append(services, s.Key)
			}
		}
		streams = append(streams, packets)
	}

	// One service alone is preferred: with everything together, what other
	// devices receive falls between the packets of a message.
	return streams, append(services, everything())
}

// gather finds the message of each command and returns for how many of them
// the size is as the others predict.
// read is the service's packets by example, and all holds room for their messages,
// which is written over.
func (tr *sizeTrial) gather(d Attack, t attacks.Training, read []*directions, all []gatewayTraffic) float64 {
	commands := make([][]datasets.Command, len(t.Examples))
	for i, ex := range t.Examples {
		all[i] = gatewayTraffic{messages: read[i].appendMessages(all[i].messages[:0], tr.gap), ups: read[i].ups}
		commands[i] = ex.Labels.Commands
	}

	// The delay is that of all examples together: one session of few commands
	// could not tell it from chance.
	delay := usualDelay(all, commands)
	for i, ex := range t.Examples {
		tr.add(all[i], ex, t.Classes, delay)
	}
	if len(tr.known) == 0 {
		return 0
	}
	rule := learnPairs(tr.known, len(t.Classes), d.K, d.Known)
	fit := learnFit(tr.known, len(t.Classes), d.K, d.Known)
	return float64(len(tr.known)) * max(rule.agreement(), fit.agreement())
}

// add matches the commands of one example with the messages in s.
func (tr *sizeTrial) add(s gatewayTraffic, ex attacks.Labeled, classes []string, delay time.Duration) {
	taken := make(map[time.Duration]bool, len(ex.Labels.Commands))
	first := len(tr.reported)
	for _, c := range ex.Labels.Commands {
		m, ok := s.match(c.Time, delay)
		counts, fits := bursts.Multiset(c, classes)
		if !ok || !fits || taken[m.start] {
			continue
		}
		taken[m.start] = true

		// The command before this one has the time up to here to itself; the
		// newest so far that to the end of the trace.
		if n := len(tr.reported); n > first {
			tr.reported[n-1].until = m.start
		}
		tr.known = append(tr.known, knownCommand{counts: counts, size: m.bytes, group: ex.Group})
		tr.reported = append(tr.reported, reported{s.ups, m.start, ex.Trace.End + 1, totalCount(counts)})
	}
	tr.noise = slices.Grow(tr.noise, len(s.messages))
	for _, m := range s.messages {
		if !taken[m.start] {
			tr.noise = append(tr.noise, m.bytes)
		}
	}
}

// otherServices lists the services in t that are not the gateway's.
func otherServices(t attacks.Training, gateway bursts.StreamKey) map[bursts.StreamKey]bool {
	out := map[bursts.StreamKey]bool{}
	if gateway == everything() {
		return out
	}
	for _, ex := range t.Examples {
		for _, f := range ex.Trace.Flows {
			if k := serviceOf(f); k != gateway {
				out[k] = true
			}
		}
	}
	return out
}

// chooseService tries every service, and all together, under every gap, and
// keeps the trial in which most commands have a size that the others predict. It
// is nil when no command has a message.
func (d Attack) chooseService(ctx context.Context, t attacks.Training) (*sizeTrial, error) {
	gaps := []time.Duration{20 * time.Millisecond, 5 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond}
	if d.GapS > 0 {
		gaps = []time.Duration{params.Seconds(d.GapS)}
	}
	streams, services := streamsOf(t)
	read, all := make([]*directions, len(t.Examples)), make([]gatewayTraffic, len(t.Examples))

	best := bursts.Choice[*sizeTrial]{Score: -1}
	for _, service := range services {
		// The payload of an acknowledgement in a tunnel is what Down packets have
		// most often. Counting none as empty is tried first.
		empties := []int32{0}
		if e := commonDown(t, streams, service); e > 0 {
			empties = append(empties, e)
		}
		// Packets are set apart once for all gaps; of equally good trials that of the
		// first gap is kept, so scores are compared afterwards in that order.
		trials, scores := make([]*sizeTrial, len(gaps)*len(empties)), make([]float64, len(gaps)*len(empties))
		for e, empty := range empties {
			for i, ex := range t.Examples {
				read[i] = newDirections(ex.Trace, streams[i][service], empty)
			}
			for g, gap := range gaps {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				tr := &sizeTrial{service: service, gap: gap, empty: empty}
				at := g*len(empties) + e
				trials[at], scores[at] = tr, tr.gather(d, t, read, all)
			}
		}
		for i, tr := range trials {
			if len(tr.known) > 0 {
				best.Offer(tr, scores[i])
			}
		}
	}
	return best.Value, nil
}
