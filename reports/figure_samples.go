package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// sample is what the run keeps of the traffic behind a defense, nil if nothing.
func (s *Set) sample(p Panel, d string) *results.Sample {
	for i := range s.opt.Samples {
		x := &s.opt.Samples[i]
		if x.Dataset == p.Dataset && x.Task == p.Task && x.Vantage == p.Vantage && x.Split == p.Split && x.Defense == d {
			return x
		}
	}
	return nil
}

// sampled lists the defenses of p that have a sample, "none" first even if
// only its sample is among the results.
func (s *Set) sampled(p Panel) []string {
	var out []string
	for _, d := range append([]string{results.NoDefense}, s.defenses[p]...) {
		if !slices.Contains(out, d) && s.sample(p, d) != nil {
			out = append(out, d)
		}
	}
	return out
}

// picked says whether the user asked for a class, or for its device.
func (s *Set) picked(class string) bool {
	return s.opt.Activity == "" || class == s.opt.Activity || strings.HasPrefix(class, s.opt.Activity+"/")
}

func deviceOf(class string) string {
	d, _, _ := strings.Cut(class, "/")
	return d
}

const (
	ratesShown  = 5 // panels of a figure
	rateDevices = 2 // devices of a figure that has each before and after
)

// rateFigures draws what devices send and receive: undefended, in the manner
// of "A Smart Home is No Castle", figure 2, and for one device (the one asked
// for) behind every defense; for two if there is but one defense.
func (s *Set) rateFigures() []Figure {
	var out []Figure
	for _, p := range s.panels {
		ds := s.sampled(p)
		if len(ds) == 0 {
			continue
		}
		var first []results.RateSample
		for _, r := range s.sample(p, ds[0]).Rates {
			if s.picked(r.Device) || deviceOf(s.opt.Activity) == r.Device {
				first = append(first, r)
			}
		}
		if len(first) == 0 {
			continue
		}
		if len(ds) == 1 || len(ds) > 2 && s.opt.Activity == "" {
			out = append(out, s.ratesOfDevices(p, ds[0], first))
		}
		slices.SortStableFunc(first, func(a, b results.RateSample) int { return cmp.Compare(len(b.Events), len(a.Events)) })
		if len(ds) == 2 {
			out = append(out, s.ratesBehind(p, ds, first[:min(len(first), rateDevices)]))
		}
		for rest := ds[min(1, len(ds)):]; len(ds) > 2 && len(rest) > 0; {
			n := min(len(rest), ratesShown-1)
			out = append(out, s.ratesBehind(p, append([]string{ds[0]}, rest[:n]...), first[:1]))
			rest = rest[n:]
		}
	}
	return out
}

// ratesOfDevices has a panel for each device behind one defense.
func (s *Set) ratesOfDevices(p Panel, d string, rates []results.RateSample) Figure {
	rates = rates[:min(len(rates), ratesShown)]
	var panels []RatePanel
	for _, r := range rates {
		panels = append(panels, s.ratePanel(p, d, r, r.Device))
	}
	title := fmt.Sprintf("Rates of each device under %s: %s", s.defenseLabel(d).Text, p.about())
	return RateFigure(title, s.rateCaption(p, []string{d}, rates[0].Recording), 0, 0, panels)
}

// ratesBehind has a panel for each of the devices and defenses.
func (s *Set) ratesBehind(p Panel, ds []string, rates []results.RateSample) Figure {
	var panels []RatePanel
	var names []string
	for _, want := range rates {
		names = append(names, want.Device)
		for _, d := range ds {
			for _, r := range s.sample(p, d).Rates {
				if r.Device == want.Device && r.Recording == want.Recording && r.FromS == want.FromS && r.BinS == want.BinS {
					name := s.defenseLabel(d).Text
					if len(rates) > 1 {
						name = r.Device + ", " + name
					}
					panels = append(panels, s.ratePanel(p, d, r, name))
				}
			}
		}
	}
	title := fmt.Sprintf("Rates of %s before and after defenses: %s", strings.Join(slices.Compact(names), ", "), p.about())
	return RateFigure(title, s.rateCaption(p, ds, rates[0].Recording), 0, 0, panels)
}

func (s *Set) rateCaption(p Panel, ds []string, recording string) string {
	what := fmt.Sprintf("Bytes per second on the flows that carry the device's traffic in %s, sent above the axis and received below it, with the events that happened and those that an attack found there (%s; at the time of the event where it took one for another or found it within 5 s; right within a group of activities that nobody can tell apart is right); counts are of what is drawn. Where it says shared, the flows carry other devices' packets too, which are drawn.", recording, s.finder(p))
	return s.caption(p, what, ds, nil)
}

// finder says which attack's detections are drawn.
func (s *Set) finder(p Panel) string {
	if id := s.ratesAttack(p); id != "" {
		return s.names.of(id)
	}
	return "the best on each defense"
}

// ratesAttack is the attack that decides on rates, if it is in the grid.
func (s *Set) ratesAttack(p Panel) string {
	for _, a := range s.attackers[p] {
		if name, _, _ := strings.Cut(a.Attack, ":"); name == "rates" {
			return a.Attack
		}
	}
	return ""
}

// foundBy are results of the attacker whose detections are drawn: the attack
// on rates that was trained on the defense, else any, else the best attack.
func (s *Set) foundBy(p Panel, d string) []*results.Result {
	if id := s.ratesAttack(p); id != "" {
		for _, k := range []results.Knowledge{results.Adaptive, results.Unaware} {
			if rs := s.byPair[pair{p, d, Attacker{Attack: id, Knowledge: k}}]; len(rs) > 0 {
				return rs
			}
		}
	}
	return s.bestResults(p, d, s.summaries())
}

// ratePanel is a sample with what was found in it.
func (s *Set) ratePanel(p Panel, d string, r results.RateSample, title string) RatePanel {
	if r.Shared {
		title += " (shared)"
	}
	since := func(v float64) time.Duration { return time.Duration(v * float64(time.Second)) }
	out := RatePanel{
		Title: title, Bin: since(r.BinS), Start: since(r.FromS),
		From: since(r.FromS), To: since(r.FromS + r.BinS*float64(len(r.Up))),
		Up: perSecond(r.Up, r.BinS), Down: perSecond(r.Down, r.BinS),
	}
	for _, e := range r.Events {
		out.True = append(out.True, RateMark{since(e.StartS), since(e.EndS), e.Class})
	}
	right, wrong, known := 0, 0, false
	rs, _ := good(s.foundBy(p, d))
	for _, res := range rs {
		known = known || res.Cell.Draw == 0
		for _, it := range res.Items {
			at := since(it.TimeS)
			if res.Cell.Draw != 0 || it.Recording != r.Recording || at < out.From || at >= out.To || deviceOf(it.Answer) != r.Device {
				continue
			}
			class := it.Answer
			if it.Truth == it.Answer {
				right++
				class = ownClass(r.Events, it)
			} else {
				wrong++
			}
			out.Found = append(out.Found, RateMark{at, at, class})
		}
	}
	slices.SortStableFunc(out.Found, func(a, b RateMark) int { return cmp.Compare(a.Start, b.Start) })
	if known {
		out.Note = fmt.Sprintf("%d events, %d right, %d wrong", len(r.Events), right, wrong)
	}
	for _, marks := range [][]RateMark{out.True, out.Found} {
		for i := range marks {
			marks[i].Class = strings.TrimPrefix(marks[i].Class, r.Device+"/")
		}
	}
	return out
}

// ownClass is the class of the event that an item is about: items have one
// name for classes that nobody can tell apart.
func ownClass(events []results.EventSample, it results.Item) string {
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

// nameTables list the host names that an observer sees each device talk to, in
// the manner of "A Smart Home is No Castle", figure 1, and which of them each
// defense leaves visible.
func (s *Set) nameTables() []Table {
	var out []Table
	type place struct {
		data string
		seen datasets.Vantage
	}
	done := map[place]bool{}
	for _, p := range s.panels {
		ds := s.sampled(p)
		if len(ds) == 0 || done[place{p.Dataset, p.Vantage}] {
			continue
		}
		t := Table{Columns: []Column{{Head: "device"}, {Head: "host name"}}}
		seen := map[string][]string{} // by device: names behind any defense
		visible := map[[3]string]bool{}
		var devices []string
		recording := ""
		for _, d := range ds {
			t.Columns = append(t.Columns, Column{Head: s.defenseLabel(d).Text})
			for _, n := range s.sample(p, d).Names {
				devices = append(devices, n.Device)
				seen[n.Device] = append(seen[n.Device], n.Hosts...)
				recording = n.Recording
				for _, h := range n.Hosts {
					visible[[3]string{n.Device, h, d}] = true
				}
			}
		}
		for _, dev := range distinct(devices) {
			for _, host := range distinct(seen[dev]) {
				row := []Value{word(dev), word(host)}
				for _, d := range ds {
					if visible[[3]string{dev, host, d}] {
						row = append(row, word("seen"))
					} else {
						row = append(row, missing())
					}
				}
				t.Rows = append(t.Rows, row)
			}
		}
		if len(t.Rows) == 0 {
			continue
		}
		done[place{p.Dataset, p.Vantage}] = true
		t.Title = fmt.Sprintf("Names that devices talk to: %s, seen %s", p.Dataset, whereName(p.Vantage))
		t.Notes = append([]string{fmt.Sprintf("Of %s; by DNS or TLS. – is hidden there.", recording)}, s.stamps(p)...)
		t.Notes = append(t.Notes, s.idNotes(ds, nil)...)
		out = append(out, t)
	}
	return out
}
