package bench_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/attacks"
	attackslist "veilbench/attacks/builtin"
	"veilbench/bench"
	"veilbench/bench/cost"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/capture/write"
	"veilbench/datasets/home"
	"veilbench/defenses"
	"veilbench/defenses/builtin"
	"veilbench/defenses/captured"
)

// asCaptured is t as a capture of it says, by a clock that is ahead and gains drift.
func asCaptured(t *testing.T, tr datasets.Trace, ahead time.Duration, drift float64) datasets.Trace {
	t.Helper()
	late := func(d time.Duration) time.Duration { return d + time.Duration(float64(d)*drift) }
	tr.Packets, tr.End = slices.Clone(tr.Packets), late(tr.End)
	tr.Start = tr.Start.Add(ahead)
	for i := range tr.Packets {
		tr.Packets[i].Time = late(tr.Packets[i].Time)
	}
	var b bytes.Buffer
	if err := write.Capture(&b, tr); err != nil {
		t.Fatal(err)
	}
	out, _, err := capture.Read(t.Context(), &b, "x.pcap", capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// defenseOf is the defense with that ID, fitted to training if it learns.
func defenseOf(t *testing.T, id string, training []datasets.Recording) defenses.Defense {
	t.Helper()
	d, err := defenses.Parse(builtin.All(), id)
	if err == nil {
		if f, ok := d.(defenses.Fitter); ok {
			d, err = f.Fit(t.Context(), rand.New(rand.NewPCG(1, 2)), training)
		}
	}
	if err != nil {
		t.Fatal(id, err)
	}
	return d
}

func attackOf(t *testing.T, id string) attacks.Attack {
	t.Helper()
	a, err := attacks.Parse(attackslist.All(), id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// aboveLeast is the delay that 19 of 20 packets stay within beyond the least of their
// direction, by the truth. What stays in the home counts too: both captures show it.
func aboveLeast(in datasets.Trace, out defenses.Defended) float64 {
	left := make([]time.Duration, len(in.Packets))
	for i, p := range out.Trace.Packets {
		orig, _ := out.Entries(in, i)
		for _, o := range orig {
			left[o] = p.Time
		}
	}
	least := [2]time.Duration{math.MaxInt64, math.MaxInt64}
	for i, p := range in.Packets {
		least[p.Dir] = min(least[p.Dir], left[i]-p.Time)
	}
	var d []time.Duration
	for i, p := range in.Packets {
		d = append(d, left[i]-p.Time-least[p.Dir])
	}
	slices.Sort(d)
	return d[(len(d)*95+99)/100-1].Seconds()
}

// Captures on both sides of every defense find nearly all packets again, or say why
// they cannot. Of those that leave the packets apart, bytes and delays are those of
// the account that the defense itself kept, and nothing is matched with a packet
// that it does not carry.
func TestCapturedPairs(t *testing.T) {
	ds, err := home.Generate(t.Context(), "home:small:homes=2,hours=0.5", 1)
	if err != nil {
		t.Fatal(err)
	}
	exact := []string{
		"none", "hide-names", "jitter", "pad-random", "pad-level", "fragment",
		"pad-random:set=mtu,acks=pad", "pad-random:per=flow", "pad-level:to=linear", "pad-level:to=mice", "fragment:by=bytes", "fragment:by=thirds", "fragment:parts=7",
	}
	for i, kind := range []string{"wireguard", "openvpn-udp", "openvpn-udp-cbc", "openvpn-tcp", "esp-gcm", "esp-gcm-natt", "esp-cbc"} {
		other := []string{"control=false,delay=constant", "outer=ipv6", "delay_s=0.02,mtu_bytes=576"}[i%3]
		exact = append(exact, "vpn:kind="+kind, "vpn:"+other+",kind="+kind)
	}
	ids := slices.Clone(exact)
	for _, d := range builtin.All() {
		if name := d.Info().Name; !slices.Contains(exact, name) && name != "vpn" {
			ids = append(ids, name)
		}
	}

	// What is inside is the same for all of them: it is written and read once. Of those
	// that no figure is asked of, some send hundreds of packets a second; five minutes
	// tell as much.
	type inside struct {
		rec    datasets.Recording
		base   cost.Base
		before []datasets.Recording
	}
	insideOf := func(rec datasets.Recording) inside {
		base, err := cost.NewBase(&rec, cost.Link{})
		if err != nil {
			t.Fatal(err)
		}
		return inside{rec, base, []datasets.Recording{{ID: "a", Trace: asCaptured(t, rec.Trace, 0, 0)}}}
	}
	whole := insideOf(ds.Recordings[0])
	short := insideOf(ds.Recordings[0].Cut([]time.Duration{5 * time.Minute})[0])
	for _, id := range ids {
		t.Run(id, func(t *testing.T) {
			in := short
			if slices.Contains(exact, id) {
				in = whole
			}
			rec, base, before := in.rec, in.base, in.before
			d := defenseOf(t, id, ds.Recordings[1:])
			truth, err := d.Apply(rand.New(rand.NewPCG(3, 4)), rec.Trace)
			if err != nil {
				t.Fatal(err)
			}
			want := cost.NewLedger(&rec, base, truth).Cost()
			for _, oneClock := range []bool{true, false} {
				ahead, drift, delay := time.Duration(0), 0.0, want.DelayP95
				tolerance := max(want.DelayP95/100, 20e-6)
				if !oneClock {
					// The clock is found to a few ten microseconds over half an hour.
					ahead, drift, delay = -7300*time.Millisecond, 40e-6, aboveLeast(rec.Trace, truth)
					tolerance = max(delay/50, 50e-6)
				}
				after := []datasets.Recording{{ID: "a", Trace: asCaptured(t, truth.Trace, ahead, drift)}}
				dev, err := captured.Paired("device", before, after, oneClock)
				if err != nil {
					t.Fatal(err)
				}
				out, err := dev.Apply(nil, before[0].Trace)
				if err == nil {
					err = defenses.CheckObserved(before[0].Trace, out)
				}
				if err != nil {
					t.Fatal(err)
				}
				got := cost.NewLedger(&before[0], base, out).Cost()
				matched := 0.0
				for _, m := range got.More {
					if m.Name == results.PairMatched {
						matched = m.Value
					}
				}
				says := strings.Join(out.Carried.Observed.Unknown, "; ")
				t.Logf("one clock %v: matched %.4f, overhead %.4f (%.4f), delay p95 %.6f (%.6f), %s", oneClock, matched, got.Overhead(), want.Overhead(), got.DelayP95, delay, says)

				if matched <= 0.95 && !strings.Contains(says, "of the packets inside were found outside: ") {
					t.Errorf("%.3f matched, and nothing says why", matched)
				}
				if !slices.Contains(exact, id) {
					continue
				}
				if matched < 0.99 {
					t.Errorf("%.4f matched", matched)
				}
				if x := got.Overhead() - want.Overhead(); math.Abs(x) > 0.01*max(want.Overhead(), 0.01) {
					t.Errorf("overhead %v, want %v", got.Overhead(), want.Overhead())
				}
				if math.Abs(got.DelayP95-delay) > tolerance {
					t.Errorf("one clock %v: delay p95 %v s, want %v", oneClock, got.DelayP95, delay)
				}
			}
		})
	}
}

// Sessions behind a defense that were captured in homes of their own give what a run
// of the defense itself gives: on the same homes within the interval of the sessions,
// on others within that of the difference.
func TestCapturedSessionsAgree(t *testing.T) {
	const homes = "home:event_signatures:homes=8,hours=1"
	before, err := home.Generate(t.Context(), homes, 1)
	if err != nil {
		t.Fatal(err)
	}
	other, err := home.Generate(t.Context(), homes, 2)
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{"pad-random", "fragment", "jitter", "vpn", "vpn:kind=openvpn-udp-cbc"}
	g := bench.Grid{Tasks: []datasets.Task{datasets.TaskEvent}, Attacks: []attacks.Attack{attackOf(t, "event-knn")}, Seed: 1, NoCanaries: true}
	for _, id := range ids {
		g.Defenses = append(g.Defenses, defenseOf(t, id, nil))
	}
	same := g
	same.Datasets = []datasets.Dataset{other}
	direct := summariesOf(t, same)

	data := before
	for i, d := range g.Defenses[:len(ids):len(ids)] {
		name := fmt.Sprint("device-", i)
		after := other
		after.Recordings = nil
		for k, r := range other.Recordings {
			out, err := d.Apply(rand.New(rand.NewPCG(uint64(k), 5)), r.Trace)
			if err != nil {
				t.Fatal(err)
			}
			// What a capture behind a device leaves: times of events, and whose the packets
			// are as far as a list of addresses tells.
			rec := datasets.Recording{
				ID: r.ID, Group: "later/" + r.Group, Trace: asCaptured(t, out.Trace, 28*24*time.Hour, 0),
				Labels: datasets.Labels{Devices: r.Labels.Devices, Events: r.Labels.Events},
			}
			owner := map[datasets.MAC]int32{{}: -1}
			for i, p := range r.Trace.Packets {
				owner[r.Trace.Flows[p.Flow].MAC] = r.Labels.Owners[i]
			}
			for _, p := range rec.Trace.Packets {
				o, ok := owner[rec.Trace.Flows[p.Flow].MAC]
				if !ok {
					o = -1
				}
				rec.Labels.Owners = append(rec.Labels.Owners, o)
			}
			after.Recordings = append(after.Recordings, rec)
		}
		if data, err = datasets.WithDevice(data, name, after); err != nil {
			t.Fatal(err)
		}
		g.Defenses = append(g.Defenses, captured.Sessions(name))
	}
	g.Datasets = []datasets.Dataset{data}
	all := summariesOf(t, g)
	for i, id := range ids {
		here, there, device := all[defenses.ID(g.Defenses[i])], direct[defenses.ID(g.Defenses[i])], all[fmt.Sprint("device-", i)]
		t.Logf("%s: by sessions %.3f [%.3f %.3f], directly on these homes %.3f, on others %.3f [%.3f %.3f]",
			id, device.Advantage, device.Lo, device.Hi, there.Advantage, here.Advantage, here.Lo, here.Hi)
		if device.Failed > 0 || !device.HasInterval || there.Advantage < device.Lo || there.Advantage > device.Hi {
			t.Errorf("%s: %.3f directly, by sessions [%.3f %.3f]", id, there.Advantage, device.Lo, device.Hi)
		}
		if math.Abs(device.Advantage-here.Advantage) > math.Hypot(device.Hi-device.Lo, here.Hi-here.Lo)/2 {
			t.Errorf("%s: %.3f directly on other homes, by sessions %.3f", id, here.Advantage, device.Advantage)
		}
	}
}

// summariesOf runs g, of which no cell may fail, and returns its summaries by
// defense. Of sessions no delay is known, and each row says so.
func summariesOf(t *testing.T, g bench.Grid) map[string]results.Summary {
	t.Helper()
	rs, err := bench.Run(t.Context(), g, bench.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if r.Err != "" {
			t.Error(r.Cell.Defense, r.Err)
		}
		if strings.HasPrefix(r.Cell.Defense, "device-") && (!r.Cost.NoDelay || len(r.Cost.Unknown) == 0) {
			t.Errorf("%s: a delay, or nothing unknown", r.Cell.Defense)
		}
	}
	out := map[string]results.Summary{}
	for _, s := range results.Summaries(rs) {
		out[s.Defense] = s
	}
	return out
}
