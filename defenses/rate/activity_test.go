package rate_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/defensetest"
	"veilbench/defenses/rate"
)

// lamp is a device with a heartbeat each 20 s and an event of six packets at the times
// given.
func lamp(end time.Duration, events ...time.Duration) datasets.Recording {
	r := datasets.Recording{Trace: datasets.Trace{End: end, Flows: []datasets.Flow{defensetest.Flow(1, 6, "lamp.example")}}}
	r.Labels.Devices = []string{"lamp"}
	send := func(at time.Duration, cause int32, sizes ...int32) {
		for i, n := range sizes {
			r.Trace.Packets = append(r.Trace.Packets, datasets.Packet{Time: at + time.Duration(i)*300*time.Millisecond, Size: 54 + n, Payload: n, Dir: datasets.Dir(i % 2)})
			r.Labels.Owners = append(r.Labels.Owners, 0)
			r.Labels.Cause = append(r.Labels.Cause, cause)
		}
	}
	for at := time.Second; at < end; at += 20 * time.Second {
		send(at, -1, 40, 44)
		for len(events) > 0 && events[0] < at+20*time.Second {
			r.Labels.Events = append(r.Labels.Events, datasets.Event{Start: events[0], End: events[0], Activity: "on"})
			send(events[0], int32(len(r.Labels.Events)-1), 200, 500, 210, 510, 220, 520)
			events = events[1:]
		}
	}
	return r
}

// Heartbeats leave at once and begin no period; an event does, of the length and rate
// that training saw, and cover comes Ratio times as often.
func TestActivitySTPFollowsEvents(t *testing.T) {
	var at []time.Duration
	for k := range 90 {
		at = append(at, time.Duration(k)*40*time.Second+5*time.Second)
	}
	train := []datasets.Recording{lamp(time.Hour, at...)}
	d := rate.NewActivitySTP()
	d.Ratio = 1
	fitted, err := d.Fit(context.Background(), nil, train)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, c := range fitted.(defenses.Claimer).Claims() {
		got[c.Name] = c.Value
	}

	// Events last 1.5 s and send 1356 bytes down with headers, 3 packets of 572; 90 an
	// hour.
	near := func(name string, want float64) {
		if v, ok := got[name]; !ok || v < want-1e-9 || v > want+1e-9 {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
	near("T, lamp", 1.5)
	near("R, lamp", 3/1.5)
	near("q, lamp", 90*1.5/3600)
	near("odds of activity in a shaped period, at most times, lamp", 3600/(90*1.5))
	near("q, others", 0.1)

	// Without cover a quiet home sends its heartbeats and nothing else.
	quiet := lamp(10 * time.Minute).Trace
	out, err := fitted.Apply(rand.New(rand.NewPCG(1, 1)), quiet)
	if err != nil {
		t.Fatal(err)
	}
	dummies := 0
	for i := range out.Trace.Packets {
		if o, _ := out.Carried.Entries(i); len(o) == 0 {
			dummies++
		}
	}
	if len(out.Trace.Packets)-dummies != len(quiet.Packets) || dummies > 30*6 { // 15 periods of cover are expected
		t.Errorf("%d heartbeats, %d packets of which %d are cover", len(quiet.Packets), len(out.Trace.Packets), dummies)
	}
	for i, p := range out.Trace.Packets {
		if o, _ := out.Carried.Entries(i); len(o) > 0 && p.Time-quiet.Packets[o[0]].Time > time.Second {
			t.Errorf("heartbeat of %v left at %v", quiet.Packets[o[0]].Time, p.Time)
		}
	}

	// An event is a period of 2 packets a second each way.
	one := lamp(10*time.Minute, 5*time.Minute+5*time.Second).Trace
	out, err = fitted.Apply(rand.New(rand.NewPCG(1, 1)), one)
	if err != nil {
		t.Fatal(err)
	}
	in := map[datasets.Dir]int{}
	for _, p := range out.Trace.Packets {
		if at := p.Time - 5*time.Minute - 5*time.Second; at >= 0 && at < 1500*time.Millisecond {
			in[p.Dir]++
		}
	}
	if in[datasets.Up] != 3 || in[datasets.Down] != 3 {
		t.Errorf("an event is %v packets", in)
	}
}

// What events begin with is often a question to a resolver, whose flow has no name: the
// claim of a device is tried on a flow by which it is known, and not on that, behind
// which it is any device.
func TestActivitySTPIsTriedAsItself(t *testing.T) {
	train := lamp(time.Hour, 5*time.Second, 45*time.Second, 95*time.Second)
	resolver := defensetest.Flow(2, 17, "")
	train.Trace.Flows = append(train.Trace.Flows, resolver)
	for i, p := range train.Trace.Packets {
		if p.Payload == 200 {
			train.Trace.Packets[i].Flow = 1
		}
	}
	d, err := rate.NewActivitySTP().Fit(context.Background(), nil, []datasets.Recording{train})
	if err != nil {
		t.Fatal(err)
	}
	promises := d.(defenses.Promiser).Promises()
	if len(promises) != 2 || promises[0].Loss.Flow.Host != "lamp.example" || promises[1].Loss.Flow.Host != "" {
		t.Errorf("%d promises, the first tried on a flow to %q: want two, of the lamp and of others", len(promises), promises[0].Loss.Flow.Host)
	}
}
