package figures

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"veilbench/bench/results"
	"veilbench/datasets/params"
	"veilbench/reports"
	"veilbench/reports/figure"
)

const (
	mostRates   = 5 // panels of a figure
	rateDevices = 2 // devices of a figure that has each before and after
)

// Rates are what devices send and receive: undefended, in the manner of "A
// Smart Home is No Castle", figure 2, and for one device (the one asked for)
// behind every defense; for two if there is but one defense.
var Rates = reports.FigureKind{
	Name: "rates", Doc: "rates with true and detected events, of each device and behind each defense",
	Draw: perPanel(figure.Nowhere, ratesOfPanel),
}

func ratesOfPanel(s *reports.Set, p reports.Panel) []figure.Figure {
	ds := s.Sampled(p)
	if len(ds) == 0 {
		return nil
	}
	var first []results.RateSample
	for _, r := range s.Sample(reports.Subject{Panel: p, Defense: ds[0]}).Rates {
		if picked(s, r.Device) || deviceOf(s.Options.Activity) == r.Device {
			first = append(first, r)
		}
	}
	if len(first) == 0 {
		return nil
	}

	// Who asks for one device wants it behind defenses, not beside others.
	var out []figure.Figure
	if len(ds) == 1 || len(ds) > 2 && s.Options.Activity == "" {
		out = append(out, ratesOfDevices(s, p, ds[0], first))
	}
	slices.SortStableFunc(first, func(a, b results.RateSample) int { return cmp.Compare(len(b.Events), len(a.Events)) })
	devices := 1
	if len(ds) == 2 {
		devices = min(len(first), rateDevices)
	}

	// Where the device's flows carry those of others too, all traffic stands beside
	// all traffic: before and after a defense are of the same flows.
	var apart, shared []string
	for _, d := range ds[1:] {
		if allTraffic(s, p, d, first[:devices]) {
			shared = append(shared, d)
		} else {
			apart = append(apart, d)
		}
	}
	for i, group := range [][]string{apart, shared} {
		for rest := range slices.Chunk(group, mostRates-1) {
			out = append(out, ratesBehind(s, p, append([]string{ds[0]}, rest...), first[:devices], i == 1))
		}
	}
	return out
}

// allTraffic says whether of any of the devices all traffic is to be drawn behind a
// defense, which samples of earlier versions do not hold.
func allTraffic(s *reports.Set, p reports.Panel, d string, devices []results.RateSample) bool {
	shared := false
	for _, want := range devices {
		if want.AllUp == nil {
			return false
		}
		for _, r := range s.Sample(reports.Subject{Panel: p, Defense: d}).Rates {
			shared = shared || sameStretch(r, want) && r.Shared && r.AllUp != nil
		}
	}
	return shared
}

// sameStretch says whether two samples can stand below each other.
func sameStretch(a, b results.RateSample) bool {
	return a.Device == b.Device && a.Recording == b.Recording && a.FromS == b.FromS && a.BinS == b.BinS
}

// ratesOfDevices has a panel for each device behind one defense.
func ratesOfDevices(s *reports.Set, p reports.Panel, d string, rates []results.RateSample) figure.Figure {
	rates = rates[:min(len(rates), mostRates)]
	var g figure.Rates
	for _, r := range rates {
		g.Panels = append(g.Panels, ratePanel(s, reports.Subject{Panel: p, Defense: d}, r, r.Device))
	}
	title := fmt.Sprintf("Rates of each device under %s: %s", s.DefenseLabel(d), s.About(p))
	f := g.Figure(title, rateCaption(s, p, []string{d}, rates[0].Recording, deviceFlows))
	f.About = []string{"under " + s.DefenseLabel(d)}
	return f
}

// ratesBehind has a panel for each of the devices and defenses.
func ratesBehind(s *reports.Set, p reports.Panel, ds []string, rates []results.RateSample, all bool) figure.Figure {
	var g figure.Rates
	var names []string

	// Only samples of the same stretch in the same bins stand below each other.
	for _, want := range rates {
		names = append(names, want.Device)
		for _, d := range ds {
			at := reports.Subject{Panel: p, Defense: d}
			for _, r := range s.Sample(at).Rates {
				if !sameStretch(r, want) {
					continue
				}
				if all {
					r.Up, r.Down, r.Shared = r.AllUp, r.AllDown, false
				}
				name := s.DefenseLabel(d)
				if len(rates) > 1 {
					name = r.Device + ", " + name
				}
				g.Panels = append(g.Panels, ratePanel(s, at, r, name))
			}
		}
	}

	of, flows := strings.Join(slices.Compact(names), ", "), deviceFlows
	if all {
		of, flows = "all traffic around events of "+of, allFlows
	}
	f := g.Figure(fmt.Sprintf("Rates of %s before and after defenses: %s", of, s.About(p)), rateCaption(s, p, ds, rates[0].Recording, flows))
	f.About = []string{of}
	return f
}

// What rates are of.
const (
	deviceFlows = "on the flows that carry the device's traffic"
	allFlows    = "of the whole home, since behind some of these defenses the device's flows carry that of others"
)

func rateCaption(s *reports.Set, p reports.Panel, ds []string, recording, flows string) string {
	finder := "the best on each defense"
	if id := ratesAttack(s, p); id != "" {
		finder = s.Label(id)
	}
	what := fmt.Sprintf("Bytes per second in %s, %s, sent above the axis and received below it, with the events that happened and those that an attack found there (%s; at the time of the event where it took one for another or found it within 5 s; right within a group of activities that nobody can tell apart is right); counts are of what is drawn. Panels of the same time have one scale, a logarithmic one where they differ much. Where it says shared, the flows carry other devices' packets too, which are drawn.", recording, flows, finder)
	return s.Caption(p, what, ds, nil)
}

// ratesAttack is the attack that decides on rates, if it is in the grid.
func ratesAttack(s *reports.Set, p reports.Panel) string {
	for _, a := range s.Attackers[p] {
		if name, _, _ := strings.Cut(a.Attack, ":"); name == "rates" {
			return a.Attack
		}
	}
	return ""
}

// foundBy are results of the attacker whose detections are drawn: the attack
// on rates that was trained on the defense, else any, else the best attack.
func foundBy(s *reports.Set, at reports.Subject) []*results.Result {
	if id := ratesAttack(s, at.Panel); id != "" {
		for _, k := range []results.Knowledge{results.Adaptive, results.Unaware} {
			who := reports.Pair{Panel: at.Panel, Defense: at.Defense, Attacker: reports.Attacker{Attack: id, Knowledge: k}}
			if len(s.ByPair[who]) > 0 {
				rs, _ := reports.Good(s.ByPair[who])
				return rs
			}
		}
	}
	return s.BestResults(at)
}

// ratePanel is a sample with what was found in it.
func ratePanel(s *reports.Set, at reports.Subject, r results.RateSample, title string) figure.RatePanel {
	if r.Shared {
		title += " (shared)"
	}
	mark := func(start, end time.Duration, class string) figure.RateMark {
		return figure.RateMark{Start: start, End: end, Class: strings.TrimPrefix(class, r.Device+"/")}
	}
	out := figure.RatePanel{
		Title: title, Bin: params.Seconds(r.BinS), Start: params.Seconds(r.FromS),
		From: params.Seconds(r.FromS), To: params.Seconds(r.FromS + r.BinS*float64(len(r.Up))),
		Up: perSecond(r.Up, r.BinS), Down: perSecond(r.Down, r.BinS),
	}
	for _, e := range r.Events {
		out.True = append(out.True, mark(params.Seconds(e.StartS), params.Seconds(e.EndS), e.Class))
	}

	// The sample is of draw 0, so detections in other draws are of other traffic.
	right, wrong, known := 0, 0, false
	for _, res := range foundBy(s, at) {
		if res.Cell.Draw != 0 {
			continue
		}
		known = true
		for _, it := range res.Items {
			t := params.Seconds(it.TimeS)
			if it.Recording != r.Recording || t < out.From || t >= out.To || deviceOf(it.Answer) != r.Device {
				continue
			}
			class := it.Answer
			if it.Truth == it.Answer {
				right++
				class = eventClass(r.Events, it)
			} else {
				wrong++
			}
			out.Found = append(out.Found, mark(t, t, class))
		}
	}
	slices.SortStableFunc(out.Found, func(a, b figure.RateMark) int { return cmp.Compare(a.Start, b.Start) })
	if known {
		out.Note = fmt.Sprintf("%d events, %d right, %d wrong", len(r.Events), right, wrong)
	}
	return out
}

// eventClass is the class of the event that an item is about: items have one
// name for classes that nobody can tell apart.
func eventClass(events []results.EventSample, it results.Item) string {
	for _, e := range events {
		if e.StartS == it.TimeS {
			return e.Class
		}
	}
	return it.Answer
}

func perSecond(bytes []int64, bin float64) []float64 {
	out := make([]float64, len(bytes))
	for i, b := range bytes {
		out[i] = float64(b) / bin
	}
	return out
}
