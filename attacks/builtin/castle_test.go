package builtin_test

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/attacks/rates"
	"veilbench/datasets"
	"veilbench/datasets/datatest"
	"veilbench/datasets/published"
)

// volume is what a rate shows of something that happened, and what it was.
type volume struct {
	v     []float64
	class string
}

// ofVolumes is the logarithm of each, so that doubling counts alike everywhere.
func ofVolumes(class string, xs ...float64) volume {
	out := volume{class: class}
	for _, x := range xs {
		out.v = append(out.v, math.Log1p(x))
	}
	return out
}

// nearestRight counts those of test whose class most of the five nearest of train
// have, a tie going to the nearer.
func nearestRight(train, test []volume, class func(string) string) int {
	right := 0
	for _, q := range test {
		dist := func(x volume) float64 {
			d := 0.0
			for i := range x.v {
				d += (x.v[i] - q.v[i]) * (x.v[i] - q.v[i])
			}
			return d
		}
		near := slices.SortedStableFunc(slices.Values(train), func(a, b volume) int { return cmp.Compare(dist(a), dist(b)) })
		near = near[:min(5, len(near))]
		votes, best := map[string]int{}, ""
		for _, x := range near {
			votes[class(x.class)]++
		}
		for _, x := range near {
			if c := class(x.class); best == "" || votes[c] > votes[best] {
				best = c
			}
		}
		if best == class(q.class) {
			right++
		}
	}
	return right
}

// Of the generated switch of 2016 most changes of state are found in the rates of
// homes that training did not see, but where the servers are far (Apthorpe et al.,
// section 5.3, saw each, in one home); on and off cannot be told apart, as said
// there, and button and app can, for a command comes down before the one: what the paper calls
// effectively equivalent is so to the eye.
func TestSwitchByRates(t *testing.T) {
	ds := generated(t, "home:castle-figures:homes=10", 1)
	var recs []datasets.Recording
	for _, r := range ds.Recordings {
		if slices.Contains(r.Labels.Devices, "wemo_2016") {
			recs = append(recs, r)
		}
	}
	half := len(recs) / 2
	m := trainedOn(t, rates.New(), recs[:half], classesOf(recs))
	events, found, state, way := 0, 0, 0, 0
	for _, r := range recs[half:] {
		got := detections(answerOf(t, m, r.Trace))
		for _, e := range r.Labels.Events {
			events++
			for _, b := range got {
				if (b.Start - e.Start).Abs() > 5*time.Second {
					continue
				}
				found++
				_, a, _ := strings.Cut(b.Ranked[0].Class, "/")
				how, what, _ := strings.Cut(a, "_")
				if strings.HasSuffix(e.Activity, "_"+what) {
					state++
				}
				if strings.HasPrefix(e.Activity, how+"_") {
					way++
				}
				break
			}
		}
	}
	share := func(n int) float64 { return float64(n) / float64(found) }
	t.Logf("%d of %d changes found; on or off right in %.3f of them, button or app in %.3f", found, events, share(state), share(way))
	if found < events*3/4 || share(state) < 0.35 || share(state) > 0.65 || share(way) < 0.7 {
		t.Error("want most found, on and off as by a coin, button and app told apart")
	}
}

// Of a recorded WeMo plug of 2021, driven by an app outside and inside the home and
// by a voice assistant, the bytes that an event sends and receives tell on from off
// better than a coin, unlike that of the paper; all features of its bursts tell it
// nearly always (33 of 36 by forest).
func TestRecordedSwitchByVolume(t *testing.T) {
	ds, err := published.ReadBursts(t.Context(), datatest.Recorded(t, "behaviot_bursts"))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(ds, func(d published.BurstDevice) bool { return d.Name == "t-wemo-plug" })
	d := ds[i]
	sums := func(bs []published.Burst) []volume {
		up, down, state := map[string]float64{}, map[string]float64{}, map[string]string{}
		var order []string
		for _, b := range bs {
			if _, ok := state[b.Event]; !ok {
				order = append(order, b.Event)
			}
			state[b.Event] = b.State

			// Columns: packets in and out, and the mean lengths of those beyond the home.
			down[b.Event] += float64(b.Features[12] * b.Features[19])
			up[b.Event] += float64(b.Features[13] * b.Features[18])
		}
		var out []volume
		for _, e := range order {
			out = append(out, ofVolumes(state[e], up[e], down[e]))
		}
		return out
	}
	train, test := sums(d.Train), sums(d.Test)
	action := nearestRight(train, test, func(s string) string { return d.Action[s] })
	way := nearestRight(train, test, func(s string) string { return s[:strings.LastIndex(s, "_")] })
	t.Logf("%d events: on or off right %d, which way right %d of three ways", len(test), action, way)
	if len(test) != 36 || action < 19 || way < 12 {
		t.Errorf("of %d events on or off %d right, way %d: want 36 events, both better than chance", len(test), action, way)
	}
}

// Three recorded questions to an Echo that are like those of figure 2E, trained in
// one session and asked in another: volumes tell them apart better than chance,
// which the paper does not say or deny.
func TestRecordedQuestionsByVolume(t *testing.T) {
	ds := recorded(t, "echo_voice", "echo-voice")
	questions := []string{"whats_the_weather_for_sunday", "what_time_is_it", "how_far_away_is_the_moon"}
	by := map[string][]volume{}
	for _, r := range ds.Recordings {
		if !slices.ContainsFunc(questions, func(q string) bool { return strings.HasSuffix(r.ClipClass(), q) }) {
			continue
		}
		var up, down float64
		for _, p := range r.Trace.Packets {
			if p.Dir == datasets.Up {
				up += float64(p.Size)
			} else {
				down += float64(p.Size)
			}
		}
		by[r.Group] = append(by[r.Group], ofVolumes(r.ClipClass(), up, down))
	}
	if len(by) != 2 || len(by["L"]) != 15 || len(by["S"]) != 15 {
		t.Fatalf("sessions %v, want two with 15 clips each", len(by))
	}
	same := func(s string) string { return s }
	ls, sl := nearestRight(by["L"], by["S"], same), nearestRight(by["S"], by["L"], same)
	t.Logf("of 15 questions each: %d right trained on L, %d trained on S; chance 5", ls, sl)
	if ls+sl < 12 {
		t.Errorf("%d and %d of 15 right; want more than chance, 5 each", ls, sl)
	}
}
