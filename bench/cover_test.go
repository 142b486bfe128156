package bench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"veilbench/attacks"
	"veilbench/bench/cost"
	"veilbench/bench/results"
	"veilbench/bench/score"
	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/defensetest"
)

// bundled is a home of an alarm, a plug and somebody unknown, six packets, and
// what a defense makes of them: two packets of its own, a merged one that
// begins with the later original, one original in two pieces, the second of
// which also holds a pure ACK of the other device, and a packet that never
// leaves the home.
func bundled() (datasets.Recording, defenses.Defended) {
	in := datasets.Trace{End: time.Second, Flows: []datasets.Flow{
		defensetest.Flow(1, 6, ""), defensetest.Flow(2, 6, ""), defensetest.Flow(3, 6, ""), defensetest.Flow(1, 17, ""),
	}}
	in.Flows[3].LAN = true
	send := func(t *datasets.Trace, at time.Duration, flow int32, d datasets.Dir, payload int32) {
		t.Packets = append(t.Packets, datasets.Packet{Time: at * time.Millisecond, Size: 54 + payload, Payload: payload, Flow: flow, Dir: d})
	}
	send(&in, 0, 0, datasets.Up, 100)  // 0: alarm
	send(&in, 5, 3, datasets.Up, 77)   // 1: alarm, inside the home
	send(&in, 10, 1, datasets.Up, 200) // 2: plug
	send(&in, 20, 0, datasets.Up, 300) // 3: alarm
	send(&in, 30, 2, datasets.Down, 50)
	send(&in, 40, 1, datasets.Up, 0) // 5: plug
	rec := datasets.Recording{ID: "r", Group: "home", Trace: in, Labels: datasets.Labels{
		Devices: []string{"alarm", "plug"},
		Owners:  []int32{0, 0, 1, 0, -1, 1},
		Events:  []datasets.Event{{Device: 0, Activity: "ring"}, {Device: 1, Activity: "on", Start: 40 * time.Millisecond, End: 40 * time.Millisecond}},
		Cause:   []int32{0, -1, -1, 0, -1, 1},
	}}
	out := datasets.Trace{End: in.End, Flows: append(slices.Clone(in.Flows), defensetest.Flow(9, 17, ""))}
	c := &defenses.Carried{First: []int32{0}}
	carry := func(parts ...[2]int32) {
		for _, p := range parts {
			c.Orig, c.Bytes = append(c.Orig, p[0]), append(c.Bytes, p[1])
		}
		c.First = append(c.First, int32(len(c.Orig)))
	}
	send(&out, 0, 4, datasets.Up, 64)
	carry()
	send(&out, 10, 4, datasets.Up, 300)
	carry([2]int32{2, 200}, [2]int32{0, 100})
	send(&out, 12, 3, datasets.Up, 77)
	carry([2]int32{1, 77})
	send(&out, 20, 4, datasets.Up, 120)
	carry([2]int32{3, 120})
	send(&out, 40, 4, datasets.Up, 180)
	carry([2]int32{3, 180}, [2]int32{5, 0})
	send(&out, 40, 4, datasets.Down, 50)
	carry([2]int32{4, 50})
	send(&out, 41, 4, datasets.Up, 64)
	carry()
	return rec, defenses.Defended{Trace: out, Carried: c}
}

// made is a defense that gives what it was made with.
type made struct{ out defenses.Defended }

func (made) Info() defenses.Info {
	return defenses.Info{Name: "made", Doc: "made by hand", Place: defenses.AtGateway}
}

func (d made) Apply(*rand.Rand, datasets.Trace) (defenses.Defended, error) { return d.out, nil }

// Each packet seen outside belongs to the device of the original whose bytes
// come first in it, and its cause is the first event in it.
func TestTruthOfMergedAndSplitPackets(t *testing.T) {
	rec, out := bundled()
	o := pipeline{defense: made{out}, id: "made", draws: "made", vantage: datasets.WAN}.observe(&rec, func() (cost.Base, error) { return cost.NewBase(&rec, cost.Link{}) }, TestRole, 0)
	if o.err != nil {
		t.Fatal(o.err)
	}
	got := make([]string, len(o.labels.Owners))
	for i, w := range o.labels.Owners {
		if got[i] = datasets.Nobody; w >= 0 {
			got[i] = o.labels.Devices[w]
		}
	}
	want := []string{"cover", "plug", "alarm", "alarm", "nobody", "cover"}
	if d := cmp.Diff(want, got); d != "" || len(o.trace.Packets) != len(want) {
		t.Errorf("%d packets, owners (-want +got)\n%s", len(o.trace.Packets), d)
	}
	if want := []int32{-1, 0, 0, 0, -1, -1}; !slices.Equal(o.labels.Cause, want) {
		t.Errorf("causes %v, want %v", o.labels.Cause, want)
	}
	if e := o.labels.Events; e[0].End != 40*time.Millisecond || e[1].End != 40*time.Millisecond || rec.Labels.Events[0].End != 0 {
		t.Errorf("events end at %v and %v, want 40ms both, and those of the recording as they were", e[0].End, e[1].End)
	}
}

// The sizes of this home tell whose a packet is, before and after: 96 bytes of
// payload for the alarm and 500 for the plug, which are cut into four of 125.
// Behind WireGuard, an IP packet of n bytes becomes one of 16 ceil(n/16) + 60.
func TestTruthThroughRealDefenses(t *testing.T) {
	rec := datasets.Recording{ID: "r", Group: "home", Labels: datasets.Labels{Devices: []string{"alarm", "plug"}}}
	rec.Trace = datasets.Trace{End: time.Minute, Flows: []datasets.Flow{defensetest.Flow(1, 6, ""), defensetest.Flow(2, 6, "")}}
	alarms := 0
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 300 {
		who := r.Int32N(2)
		payload := []int32{96, 500}[who]
		rec.Trace.Packets = append(rec.Trace.Packets, datasets.Packet{
			Time: time.Duration(i) * 100 * time.Millisecond, Size: 54 + payload, Payload: payload, Flow: who, Dir: datasets.Dir(r.IntN(2)),
		})
		rec.Labels.Owners = append(rec.Labels.Owners, who)
		alarms += int(1 - who)
	}
	for _, c := range []struct {
		id          string
		alarm, plug int32 // sizes; others are cover
		pieces      int   // of a packet of the plug
	}{
		{"vpn:kind=wireguard", 14 + 60 + 144, 14 + 60 + 544, 1},
		{"fragment:by=bytes,max_bytes=125", 54 + 96, 54 + 125, 4},
		{"fragment:by=bytes,max_bytes=125+vpn:kind=wireguard", 14 + 60 + 144, 14 + 60 + 176, 4},
	} {
		o := pipeline{defense: defense(t, c.id), id: c.id, draws: c.id, vantage: datasets.WAN}.observe(&rec, func() (cost.Base, error) { return cost.NewBase(&rec, cost.Link{}) }, TestRole, 0)
		if o.err != nil {
			t.Fatal(o.err)
		}
		count := map[string]int{}
		for i, p := range o.trace.Packets {
			want := datasets.Cover
			switch p.Size {
			case c.alarm:
				want = "alarm"
			case c.plug:
				want = "plug"
			}
			if got := o.labels.Devices[o.labels.Owners[i]]; got != want {
				t.Fatalf("%s: packet %d of %d bytes is of %s, want %s", c.id, i, p.Size, got, want)
			}
			count[want]++
		}
		tunnel := strings.Contains(c.id, "vpn")
		if count["alarm"] != alarms || count["plug"] != c.pieces*(300-alarms) || (count[datasets.Cover] > 0) != tunnel {
			t.Errorf("%s: %v, want %d of the alarm, %d of the plug", c.id, count, alarms, c.pieces*(300-alarms))
		}
	}
}

func metrics(s score.Scores) map[string]float64 {
	out := map[string]float64{}
	for _, m := range s.Metrics {
		out[m.Name] = m.Value
	}
	return out
}

func wantMetrics(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for name, v := range want {
		if g, ok := got[name]; !ok || math.Abs(g-v) > 1e-12 {
			t.Errorf("%s: %v, want %v", name, g, v)
		}
	}
}

// coverHomes are three homes of an alarm, a plug and somebody unknown, whose
// packets have sizes of their own; chaff covers the marked ones.
func coverHomes(marked ...string) datasets.Dataset {
	ds := datasets.Dataset{Name: "homes", Recorded: datasets.WAN, Tasks: []datasets.Task{datasets.TaskDevice}, Split: "leave-one-group-out"}
	for _, id := range []string{"h1", "h2", "h3"} {
		rec := datasets.Recording{ID: id, Group: id, Labels: datasets.Labels{Devices: []string{"alarm", "plug"}}}
		rec.Trace = datasets.Trace{End: time.Minute, Flows: []datasets.Flow{
			defensetest.Flow(1, 6, ""), defensetest.Flow(2, 6, ""), defensetest.Flow(3, 6, ""),
		}}
		if slices.Contains(marked, id) {
			rec.Trace.Flows[0].Host = "covered"
		}
		for i := range int32(240) {
			who, payload := i%3, 100*(1+i%3)
			rec.Trace.Packets = append(rec.Trace.Packets, datasets.Packet{
				Time: time.Duration(i) * 200 * time.Millisecond, Size: 54 + payload, Payload: payload, Flow: who, Dir: datasets.Dir(i % 2),
			})
			rec.Labels.Owners = append(rec.Labels.Owners, []int32{0, 1, -1}[who])
		}
		ds.Recordings = append(ds.Recordings, rec)
	}
	return ds
}

// chaff sends a packet of its own, 999 bytes of payload, with every fourth
// packet of a marked home.
type chaff struct{}

func (chaff) Info() defenses.Info {
	return defenses.Info{Name: "chaff", Doc: "packets of its own", Place: defenses.AtGateway}
}

func (chaff) Apply(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	out := defenses.Defended{Trace: in, Carried: &defenses.Carried{First: []int32{0}}}
	out.Trace.Packets = nil
	c := out.Carried
	for i, p := range in.Packets {
		if i%4 == 0 && in.Flows[0].Host == "covered" {
			own := p
			own.Size, own.Payload = 54+999, 999
			out.Trace.Packets = append(out.Trace.Packets, own)
			c.First = append(c.First, int32(len(c.Orig)))
		}
		out.Trace.Packets = append(out.Trace.Packets, p)
		c.Orig, c.Bytes = append(c.Orig, int32(i)), append(c.Bytes, p.Payload)
		c.First = append(c.First, int32(len(c.Orig)))
	}
	return out, nil
}

// bySize names the class that packets of a size had in training, or none; with
// Real, never cover.
type bySize struct{ Real bool }

func (bySize) Info() attacks.Info {
	return attacks.Info{Name: "by-size", Doc: "knows sizes", Tasks: []datasets.Task{datasets.TaskDevice}}
}

func (a bySize) Train(_ context.Context, _ *rand.Rand, t attacks.Training) (attacks.Model, error) {
	m := sizeModel{}
	for _, e := range t.Examples {
		for i, p := range e.Trace.Packets {
			name := datasets.Nobody
			if o := e.Labels.Owners[i]; o >= 0 {
				name = e.Labels.Devices[o]
			}
			c := slices.Index(t.Classes, name)
			if c < 0 {
				return nil, fmt.Errorf("class %s is none of %v", name, t.Classes)
			}
			if !a.Real || name != datasets.Cover {
				m[p.Size] = int32(c)
			}
		}
	}
	return m, nil
}

type sizeModel map[int32]int32

func (m sizeModel) Guess(_ context.Context, t datasets.Trace) (attacks.Answer, error) {
	var a attacks.Answer
	for _, p := range t.Packets {
		c, ok := m[p.Size]
		if !ok {
			c = -1
		}
		a.Devices = append(a.Devices, attacks.Owner{Class: c, P: 1})
	}
	return a, nil
}

// runCover returns the metrics of each fold of an adaptive attack.
func runCover(t *testing.T, ds datasets.Dataset, a attacks.Attack) []results.Result {
	t.Helper()
	rs, err := Run(context.Background(), Grid{
		Datasets: []datasets.Dataset{ds}, Defenses: []defenses.Defense{chaff{}}, Attacks: []attacks.Attack{a},
		Knowledge: []results.Knowledge{results.Adaptive}, Seed: 1,
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if r.Err != "" {
			t.Fatal(r.Err)
		}
	}
	return results.Measured(rs)
}

// Whoever names every packet right scores 1 throughout, also of cover; whoever
// cannot name cover loses its row, a fourth of the mean, and nothing else. A
// home has 240 packets, 80 of each class, and 60 of cover.
func TestCoverFromEndToEnd(t *testing.T) {
	right := map[string]float64{
		"accuracy": 1, "macro_recall": 1, "packets": 300, "real_accuracy": 1, "real_recall": 1, "real_packets": 240,
		"hamming_loss": 0, "recall_share_10_30_pct": 1, "recall_share_10_30_pct:alarm": 1, "recall_share_10_30_pct:plug": 1, // 80 of 300 each
	}
	blind := map[string]float64{
		"accuracy": 0.8, "macro_recall": 0.75, "packets": 300, "real_accuracy": 1, "real_recall": 1, "real_packets": 240,
		"hamming_loss": 0.2, "recall_share_10_30_pct": 1, "recall_share_10_30_pct:alarm": 1, "recall_share_10_30_pct:plug": 1,
	}
	for _, c := range []struct {
		a     attacks.Attack
		want  map[string]float64
		cover []int64
	}{{bySize{}, right, []int64{0, 60, 0, 0, 0}}, {bySize{Real: true}, blind, []int64{0, 0, 0, 0, 60}}} {
		results := runCover(t, coverHomes("h1", "h2", "h3"), c.a)
		if len(results) != 3 {
			t.Fatalf("%d results", len(results))
		}
		for _, r := range results {
			got := metrics(score.Scores{Metrics: r.Metrics})
			wantMetrics(t, got, c.want)
			if len(got) != len(c.want) {
				t.Errorf("metrics %v, want %v", got, c.want)
			}
			m := r.Confusion[0]
			want := [][]int64{{80, 0, 0, 0, 0}, c.cover, {0, 0, 80, 0, 0}, {0, 0, 0, 80, 0}, {0, 0, 0, 0, 0}}
			if d := cmp.Diff([]string{"alarm", "cover", "nobody", "plug", "unknown"}, m.Classes); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(want, m.Counts); d != "" {
				t.Errorf("confusion (-want +got)\n%s", d)
			}
		}
	}
}

// Where the training of one part of a fold holds cover and that of another does
// not, classes have other numbers in each, and answers must not get mixed up.
// One home of three has cover, which the other two are taught and it is not.
func TestPartsThatLearnedOtherClasses(t *testing.T) {
	for _, marked := range []string{"h1", "h3"} { // first and last part
		ds := coverHomes(marked)
		ds.Split = "leave-one-out" // a fold of a part for each home
		results := runCover(t, ds, bySize{})
		if len(results) != 1 {
			t.Fatalf("%d results", len(results))
		}
		wantMetrics(t, metrics(score.Scores{Metrics: results[0].Metrics}), map[string]float64{
			"packets": 780, "accuracy": 720. / 780, "macro_recall": 0.75, "real_accuracy": 1, "real_recall": 1,
		})
	}
}
