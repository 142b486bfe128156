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
	Draw: reports.PerPanel(ratesOfPanel),
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
	if len(ds) == 2 {
		out = append(out, ratesBehind(s, p, ds, first[:min(len(first), rateDevices)]))
	}
	if len(ds) > 2 {
		for rest := range slices.Chunk(ds[1:], mostRates-1) {
			out = append(out, ratesBehind(s, p, append([]string{ds[0]}, rest...), first[:1]))
		}
	}
	return out
}

// ratesOfDevices has a panel for each device behind one defense.
func ratesOfDevices(s *reports.Set, p reports.Panel, d string, rates []results.RateSample) figure.Figure {
	rates = rates[:min(len(rates), mostRates)]
	var g figure.Rates
	for _, r := range rates {
		g.Panels = append(g.Panels, ratePanel(s, reports.Subject{Panel: p, Defense: d}, r, r.Device))
	}
	title := fmt.Sprintf("Rates of each device under %s: %s", s.DefenseLabel(d), p.About())
	return g.Figure(title, rateCaption(s, p, []string{d}, rates[0].Recording))
}

// ratesBehind has a panel for each of the devices and defenses.
func ratesBehind(s *reports.Set, p reports.Panel, ds []string, rates []results.RateSample) figure.Figure {
	var g figure.Rates
	var names []string

	// Only samples of the same stretch in the same bins stand below each other.
	for _, want := range rates {
		names = append(names, want.Device)
		for _, d := range ds {
			at := reports.Subject{Panel: p, Defense: d}
			for _, r := range s.Sample(at).Rates {
				if r.Device != want.Device || r.Recording != want.Recording || r.FromS != want.FromS || r.BinS != want.BinS {
					continue
				}
				name := s.DefenseLabel(d)
				if len(rates) > 1 {
					name = r.Device + ", " + name
				}
				g.Panels = append(g.Panels, ratePanel(s, at, r, name))
			}
		}
	}

	title := fmt.Sprintf("Rates of %s before and after defenses: %s", strings.Join(slices.Compact(names), ", "), p.About())
	return g.Figure(title, rateCaption(s, p, ds, rates[0].Recording))
}

func rateCaption(s *reports.Set, p reports.Panel, ds []string, recording string) string {
	finder := "the best on each defense"
	if id := ratesAttack(s, p); id != "" {
		finder = s.Label(id)
	}
	what := fmt.Sprintf("Bytes per second on the flows that carry the device's traffic in %s, sent above the axis and received below it, with the events that happened and those that an attack found there (%s; at the time of the event where it took one for another or found it within 5 s; right within a group of activities that nobody can tell apart is right); counts are of what is drawn. Where it says shared, the flows carry other devices' packets too, which are drawn.", recording, finder)
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
