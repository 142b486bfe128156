package shaping

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"veilbench/datasets"
)

// eventsOfAll is Events as plain as can be: every packet is asked of every event.
func eventsOfAll(r datasets.Recording, length time.Duration) []Event {
	var out []Event
	for n, ev := range r.Labels.Events {
		e := Event{Number: n}
		index := map[int32]int32{}
		for i, p := range r.Trace.Packets {
			of := p.Time >= ev.Start && p.Time <= ev.Start+length
			switch {
			case r.Labels.Cause != nil:
				of = int(r.Labels.Cause[i]) == n
			case r.Labels.Owners != nil:
				of = of && int(r.Labels.Owners[i]) == ev.Device
			}
			if !of || !r.Trace.Flows[p.Flow].Exposed() {
				continue
			}
			if _, ok := index[p.Flow]; !ok {
				index[p.Flow] = int32(len(e.Flows))
				e.Flows = append(e.Flows, r.Trace.Flows[p.Flow])
			}
			p.Flow, p.Time = index[p.Flow], max(0, p.Time-ev.Start)
			e.Packets = append(e.Packets, p)
		}
		if len(e.Packets) > 0 {
			out = append(out, e)
		}
	}
	return out
}

func TestEventsAskEveryPacket(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		r := datasets.Recording{}
		flows := 1 + rng.IntN(4)
		for i := range flows {
			r.Trace.Flows = append(r.Trace.Flows, datasets.Flow{Proto: uint8(i), LAN: rng.IntN(4) == 0})
		}
		events := rng.IntN(5)
		for range events {
			r.Labels.Events = append(r.Labels.Events, datasets.Event{Device: rng.IntN(2), Start: time.Duration(rng.IntN(100))})
		}
		at := time.Duration(0)
		for range rng.IntN(60) {
			at += time.Duration(rng.IntN(4))
			r.Trace.Packets = append(r.Trace.Packets, datasets.Packet{Time: at, Size: 40 + rng.Int32N(9), Flow: rng.Int32N(int32(flows))})
			r.Labels.Owners = append(r.Labels.Owners, rng.Int32N(2))
			r.Labels.Cause = append(r.Labels.Cause, rng.Int32N(int32(events)+1)-1)
		}
		if round%3 > 0 {
			r.Labels.Cause = nil
		}
		if round%3 > 1 {
			r.Labels.Owners = nil
		}
		want, got := eventsOfAll(r, 20), Events(r, 20)
		if d := cmp.Diff(want, got, cmpopts.EquateComparable(netip.AddrPort{})); d != "" {
			t.Fatalf("round %d: %s", round, d)
		}
	}
}
