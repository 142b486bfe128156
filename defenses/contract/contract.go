// Package contract is the contract of package defenses as tests that need no go test,
// for the project's own defenses and for everyone else's, in this module or programs of
// their own. Package defensetest is for go test.
package contract

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"sync"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/kit"
	"veilbench/datasets/params"
	"veilbench/datasets/process"
	"veilbench/defenses"
)

// Run holds d to the contract: Info is filled in, parameters survive being
// written and read, and on special and on random traces Apply makes what Check
// accepts, does not touch its input nor, later, what it returned, gives the same
// for the same draws (also from several goroutines at once, and whatever it was
// given before) and does not look ahead, in long traces neither. A Fitter is
// fitted to made-up recordings first, which it must leave alone; a Claimer claims
// numbers. A call that never returns is left to the time limit of go test.
//
// A defense may refuse a trace with an error, but not all of them; one that
// wraps defenses.ErrSaturated is always allowed.
func Run(t kit.T, d defenses.Defense) {
	t.Helper()
	t.Run("info", func(t kit.T) { info(t, d) })
	d = Fitted(t, d)

	// A defense that refuses every trace would pass all that follows.
	t.Run("special", func(t kit.T) {
		worked := 0
		for _, s := range specials() {
			ok, err := Holds(d, 1, s.Trace)
			if err != nil {
				t.Errorf("%s: %v", s.Name, err)
			}
			if ok {
				worked++
			}
		}
		if worked == 0 {
			t.Error("refuses every trace")
		}
	})

	t.Run("random", func(t kit.T) {
		rng := rand.New(rand.NewPCG(3, 5))
		for i := range 60 {
			if _, err := Holds(d, rng.Uint64(), random(rng)); err != nil {
				t.Fatalf("trace %d: %v", i, err)
			}
		}
	})
	t.Run("look-ahead", func(t kit.T) { lookAhead(t, d) })
	t.Run("order", func(t kit.T) { order(t, d) })
	t.Run("concurrent", func(t kit.T) { concurrent(t, d) })
}

// Fitted returns d fitted to made-up recordings if it is a Fitter, else d.
func Fitted(t kit.T, d defenses.Defense) defenses.Defense {
	t.Helper()
	f, ok := d.(defenses.Fitter)
	if !ok {
		return d
	}

	// A Fitter that keeps what it learned in itself, instead of in what it returns,
	// would carry one fold's training into the next.
	before := fmt.Sprintf("%#v", d)
	recs := Recordings()
	fitted, err := f.Fit(context.Background(), rand.New(rand.NewPCG(1, 2)), recs)
	if !reflect.DeepEqual(recs, Recordings()) {
		t.Error("fit modified its training recordings")
	}
	if err != nil {
		t.Fatalf("fit: %v", err)
	}
	if after := fmt.Sprintf("%#v", d); after != before {
		t.Errorf("fit modified its receiver from %s to %s", before, after)
	}
	if defenses.ID(fitted) != defenses.ID(d) {
		t.Errorf("fit changed the ID from %s to %s", defenses.ID(d), defenses.ID(fitted))
	}
	return fitted
}

// info holds what d says of itself: Info, the help of parameters, the ID, which
// must find d again, and its presets.
func info(t kit.T, d defenses.Defense) {
	i := d.Info()
	if !regexp.MustCompile(`^(exec:)?[a-z][a-z0-9]*(-[a-z0-9]+)*$`).MatchString(i.Name) {
		t.Errorf("name %q is not kebab-case", i.Name)
	}
	if i.Doc == "" || i.Doc[len(i.Doc)-1] == '.' {
		t.Errorf("doc %q: want one line without a period", i.Doc)
	}
	if i.Place != defenses.AtDevice && i.Place != defenses.AtGateway {
		t.Errorf("place %q", i.Place)
	}
	if v, ok := d.(params.Validator); ok {
		if err := v.Validate(); err != nil {
			t.Errorf("default parameters: %v", err)
		}
	}

	if c, ok := d.(defenses.Claimer); ok {
		for _, c := range c.Claims() {
			if math.IsNaN(c.Value) || math.IsInf(c.Value, 0) {
				t.Errorf("claims %s = %v, which is no number", c.Name, c.Value)
			}
		}
	}

	for _, p := range params.List(d) {
		if p.Help == "" {
			t.Errorf("parameter %s has no help", p.Key)
		}
	}

	// Results are stored under the ID, and found again by it alone.
	id := defenses.ID(d)
	back, err := defenses.Parse([]defenses.Defense{d}, id)
	if err != nil {
		t.Fatalf("own ID %s: %v", id, err)
	}
	if got := defenses.ID(back); got != id {
		t.Errorf("ID %s came back as %s", id, got)
	}

	if p, ok := d.(defenses.Presetter); ok {
		for _, p := range p.Presets() {
			// The ID sets every parameter again, so it is validated like one
			// that a user wrote.
			if _, err := defenses.Parse([]defenses.Defense{d}, defenses.ID(p.Defense)); err != nil || p.Doc == "" {
				t.Errorf("preset %s, %q: %v", p.Name, p.Doc, err)
			}
		}
	}
}

// Holds applies d to in and returns what breaks the contract, nil if nothing
// does. ok is false when d refused the trace.
func Holds(d defenses.Defense, seed uint64, in datasets.Trace) (ok bool, err error) {
	packets, flows := slices.Clone(in.Packets), slices.Clone(in.Flows)
	out, err := apply(d, seed, in)
	if !slices.Equal(packets, in.Packets) || !slices.Equal(flows, in.Flows) {
		return false, fmt.Errorf("apply modified its input")
	}
	if err != nil {
		return false, fault(d, err) // nil for a refusal
	}
	if err := defenses.Check(in, out); err != nil {
		return false, err
	}
	again, err := apply(d, seed, in)
	if err != nil || !reflect.DeepEqual(out, again) {
		return false, fmt.Errorf("the same draws gave something else (%v)", err)
	}
	return true, nil
}

// fault is err where it is no refusal: a program says that it refuses, and anything else
// is what it did wrong.
func fault(d defenses.Defense, err error) error {
	var refusal process.Refusal
	if _, program := d.(process.Outside); program && !errors.As(err, &refusal) {
		return err
	}
	return nil
}

// apply applies d with the draws of seed.
func apply(d defenses.Defense, seed uint64, in datasets.Trace) (defenses.Defended, error) {
	return d.Apply(rand.New(rand.NewPCG(seed, 1)), in)
}

// lookAhead fails if one of the special traces shows that d knows the future.
func lookAhead(t kit.T, d defenses.Defense) {
	for seed := range uint64(5) {
		for _, s := range specials() {
			where, err := defenses.LooksAhead(d, seed, s.Trace)
			if err == nil && where != "" {
				t.Errorf("%s: %s", s.Name, where)
				return
			}
		}
	}
	in := long()
	if _, where, err := defenses.LooksAheadAt(d, 1, in, []time.Duration{in.End / 3, in.End / 7 * 5}); err == nil && where != "" {
		t.Errorf("in a long trace %s", where)
	}
}

// order applies d to several traces and then again from last to first: neither may
// what it was given before change a result, nor may it change one that it has
// returned.
func order(t kit.T, d defenses.Defense) {
	in := []datasets.Trace{Busy(3), Busy(4), Busy(5)}
	first, kept := make([]defenses.Defended, len(in)), make([]defenses.Defended, len(in))
	for i := range in {
		out, err := apply(d, 9, in[i])
		if err != nil {
			return // a refusal
		}
		first[i], kept[i] = out, out
		kept[i].Trace.Packets, kept[i].Trace.Flows = slices.Clone(out.Trace.Packets), slices.Clone(out.Trace.Flows)
		if c := out.Carried; c != nil {
			kept[i].Carried = &defenses.Carried{First: slices.Clone(c.First), Orig: slices.Clone(c.Orig), Bytes: slices.Clone(c.Bytes)}
		}
	}
	for i := len(in) - 1; i >= 0; i-- {
		again, err := apply(d, 9, in[i])
		if err != nil || !reflect.DeepEqual(again, kept[i]) {
			t.Errorf("in another order the same draws gave something else (%v): it keeps state", err)
			return
		}
	}
	if !reflect.DeepEqual(first, kept) {
		t.Error("changed a result that it had returned")
	}
}

// long is twenty minutes of Busy: a defense may look ahead only where a trace is
// longer than what a test usually takes.
func long() datasets.Trace {
	t := Busy(20)
	for i := range uint64(19) {
		next := Busy(21 + i)
		for _, p := range next.Packets {
			p.Time += t.End
			t.Packets = append(t.Packets, p)
		}
		t.End += next.End
	}
	return t
}

// concurrent applies d in four goroutines at once: state in the value of a
// defense would show as another result, or under the race detector.
func concurrent(t kit.T, d defenses.Defense) {
	in := Busy(7)
	want, werr := apply(d, 3, in)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			got, err := apply(d, 3, in)
			if (err == nil) != (werr == nil) || !reflect.DeepEqual(got, want) {
				t.Error("apply gave something else when run concurrently")
			}
		})
	}
	wg.Wait()
}

// special is a trace that has tripped somebody.
type special struct {
	Name  string
	Trace datasets.Trace
}

// specials are the traces that every defense must bear: empty, without flows,
// one packet, pure ACKs only, jumbo frames, frames with VLAN tags (which the
// readers remove, so sizes stay below the limit), frames that are not IP,
// IPv6, several packets at one instant, LAN flows and a busy home.
func specials() []special {
	const s = time.Second
	tcp := Flow(1, 6, "cloud.example")

	// Sizes and payloads belong together: 54 bytes are the headers of Ethernet,
	// IPv4 and TCP.
	one := func(size, payload int32) datasets.Trace {
		return datasets.Trace{
			Flows: []datasets.Flow{tcp}, End: 5 * s,
			Packets: []datasets.Packet{{Time: s, Size: size, Payload: payload}},
		}
	}

	acks := datasets.Trace{Flows: []datasets.Flow{tcp}, End: 9 * s}
	for i := range 8 {
		acks.Packets = append(acks.Packets, datasets.Packet{Time: time.Duration(i) * s, Size: 54, Dir: datasets.Dir(i % 2)})
	}

	instant := datasets.Trace{Flows: []datasets.Flow{tcp, Flow(1, 17, "time.example")}, End: 2 * s}
	for i := range int32(12) {
		instant.Packets = append(instant.Packets, datasets.Packet{
			Time: s, Size: 100 + i, Payload: 30 + i,
			Flow: i % 2, Dir: datasets.Dir(i / 2 % 2),
		})
	}

	arp := one(42, 28)
	arp.Flows = []datasets.Flow{{MAC: datasets.MAC{2, 0, 0, 0, 0, 1}, LAN: true}}
	six := one(1294, 1220)
	six.Flows = []datasets.Flow{{
		Proto: 6, MAC: tcp.MAC,
		Local:  netip.MustParseAddrPort("[fd00::2]:40000"),
		Remote: netip.MustParseAddrPort("[2001:db8::1]:443"),
	}}
	udp6 := six
	udp6.Flows = slices.Clone(six.Flows)
	udp6.Flows[0].Proto = 17
	udp6.Packets = []datasets.Packet{{Time: s, Size: 1514, Payload: 1452}}

	return []special{
		{"empty", datasets.Trace{Flows: []datasets.Flow{tcp}, End: 3 * s}},
		{"nothing at all", datasets.Trace{}},
		{"one packet", one(566, 512)},
		{"one packet at the end", datasets.Trace{
			Flows: []datasets.Flow{tcp}, End: s,
			Packets: []datasets.Packet{{Time: s, Size: 200, Payload: 146}},
		}},
		{"full frame", one(1514, 1460)},
		{"jumbo", one(9014, 8960)},
		{"VLAN", one(1500, 1446)},
		{"pure ACKs", acks},
		{"one instant", instant},
		{"not IP", arp},
		{"runt", one(10, 0)},
		{"IPv6", six},
		{"IPv6 UDP", udp6},
		{"busy", Busy(1)},
	}
}

// Flow is a flow of made-up device number n to the named service.
func Flow(n byte, proto uint8, host string) datasets.Flow {
	return datasets.Flow{
		Proto:  proto,
		Local:  netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 168, 0, 10 + n}), 40000+uint16(n)),
		Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, n}), 443),
		Host:   host,
		MAC:    datasets.MAC{2, 0, 0, 0, 0, n},
	}
}

// Busy is a minute of a made-up home: three devices, TCP and UDP, requests and
// replies, ACKs, a LAN flow, a burst of full frames.
func Busy(seed uint64) datasets.Trace {
	rng := rand.New(rand.NewPCG(seed, 99))
	t := datasets.Trace{End: time.Minute, Flows: []datasets.Flow{
		Flow(1, 6, "plug.example"), Flow(2, 17, "bulb.example"), Flow(3, 6, "camera.example"), Flow(3, 17, ""),
	}}
	t.Flows[3].LAN = true

	now := time.Duration(0)
	for {
		now += time.Duration(rng.ExpFloat64() * float64(300*time.Millisecond))
		if now >= t.End {
			return t
		}

		f := rng.Int32N(4)
		header := int32(54)
		if t.Flows[f].Proto == 17 {
			header = 42
		}
		p := datasets.Packet{Time: now, Flow: f, Dir: datasets.Dir(rng.IntN(2)), Payload: rng.Int32N(700)}
		if rng.IntN(4) == 0 && header == 54 {
			p.Payload = 0
		}

		// Now and then a window of full frames at one instant.
		n := 1
		if rng.IntN(20) == 0 {
			p.Payload, n = 1514-header, 5
		}
		p.Size = header + p.Payload
		for range n {
			t.Packets = append(t.Packets, p)
		}
	}
}

// Recordings are made-up training recordings: four busy homes with an event
// of each of two devices every ten seconds, and all truth known.
func Recordings() []datasets.Recording {
	var out []datasets.Recording
	for i := range uint64(4) {
		r := datasets.Recording{ID: fmt.Sprint("made-up-", i), Group: fmt.Sprint("home-", i), Trace: Busy(100 + i)}
		r.Labels.Devices = []string{"bulb", "camera", "plug"}
		owner := []int32{2, 0, 1, 1} // of Busy's flows

		for k := range 6 {
			start := time.Duration(k) * 10 * time.Second
			r.Labels.Events = append(r.Labels.Events, datasets.Event{
				Start: start, End: start,
				Device: []int{2, 0}[k%2], Activity: []string{"on", "off"}[k/2%2],
			})
		}

		// What the event's device sends in the four seconds after it, it caused.
		for _, p := range r.Trace.Packets {
			o, cause := owner[p.Flow], int32(-1)
			k := int32(p.Time / (10 * time.Second))
			if r.Labels.Events[k].Device == int(o) && p.Time%(10*time.Second) < 4*time.Second {
				cause = k
			}
			r.Labels.Owners = append(r.Labels.Owners, o)
			r.Labels.Cause = append(r.Labels.Cause, cause)
		}
		out = append(out, r)
	}
	return out
}

// random is a trace of up to 40 packets on up to 4 flows, bursts at one instant, any
// sizes that package datasets allows. defensetest.Trace draws the same kind, and makes
// small what fails.
func random(rng *rand.Rand) datasets.Trace {
	t := datasets.Trace{}
	n := 1 + rng.IntN(4)
	for i := range n {
		f := Flow(byte(rng.IntN(3)), []uint8{6, 6, 17, 1, 0}[rng.IntN(5)], []string{"", "a.example", "b.example"}[rng.IntN(3)])
		f.Local = netip.AddrPortFrom(f.Local.Addr(), 50000+uint16(i))
		f.LAN = rng.IntN(6) == 0
		t.Flows = append(t.Flows, f)
	}

	// At the edges where defenses change what they do, as there.
	now := time.Duration(0)
	for range rng.IntN(41) {
		now += Gaps()[rng.IntN(len(Gaps()))]
		size := Sizes()[rng.IntN(len(Sizes()))]
		header := Headers()[rng.IntN(len(Headers()))]
		t.Packets = append(t.Packets, datasets.Packet{
			Time: now, Size: size, Payload: max(0, size-datasets.EthernetHeader-header),
			Flow: rng.Int32N(int32(n)), Dir: datasets.Dir(rng.IntN(2)),
		})
	}
	t.End = now + []time.Duration{0, time.Second, 20 * time.Second}[rng.IntN(3)]
	return t
}

// Gaps, Sizes and Headers sit at the edges where defenses change what they do: one
// instant, a session's silence, the frame limit, the MTU of tunnels. A header above the
// size is a frame without payload.
func Gaps() []time.Duration {
	return []time.Duration{0, 0, time.Nanosecond, time.Millisecond, 37 * time.Millisecond, time.Second, 4 * time.Second}
}

// Sizes are those of frames, see Gaps.
func Sizes() []int32 {
	return []int32{14, 42, 54, 60, 66, 67, 142, 499, 1434, 1435, 1513, 1514, 2974, 9014}
}

// Headers are lengths behind Ethernet's, see Gaps.
func Headers() []int32 { return []int32{0, 8, 20, 28, 40, 52, 9000} }
