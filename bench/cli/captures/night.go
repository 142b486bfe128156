package captures

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/rates"
	"veilbench/bench/cli/command"
	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/reports/figure"
)

// nightTolerance is how far from an event of the night a spike still counts: a
// night is told in minutes.
const nightTolerance = 5 * time.Minute

// night is what can be seen and found of a sleep monitor that is known by name.
func (j *ratesJob) night(l attacks.Labeled) ratesSide {
	s := rates.Night(l.Trace, j.flags.device, strings.Split(j.flags.hosts, ","))
	return ratesSide{truth: l.Labels, series: []rates.RateSeries{s}, all: s, found: s.Found}
}

// drawNight draws the night, with a defense below it if there is one, and prints
// each spike beside the event nearest to it.
func (j *ratesJob) drawNight(a *command.App, w io.Writer, device string, seen [2]ratesSide) (drawn, error) {
	// Without a defense both sides are the same, and one panel is the figure of the
	// paper.
	rec := j.ds.Recordings[j.look]
	panels := []figure.RatePanel{seen[0].panel("no defense", device, false, nightTolerance)}
	sides := []string{"none"}
	if _, none := j.sides[1].(defenses.None); !none {
		label := defenses.Label(a.Defenses, j.sides[1])
		panels = append(panels, seen[1].panel(label, device, false, nightTolerance))
		sides = append(sides, label)
	}

	caption := fmt.Sprintf("Bytes per second sent and received by %s in %s of %s, as seen at %s from %s on, with the events that happened and what spikes of the rate tell by the clock, nothing learned; right is at most %v from an event of that name. Defense %s, seed %d. Where no server's name holds any of %q, all traffic is drawn.",
		device, rec.ID, j.ds.Name, j.vantage, rec.Trace.Start.Format("15:04"), nightTolerance, defenses.ID(j.sides[1]), j.flags.seed, j.flags.hosts)
	file, err := j.write(device, "Nights of "+device, caption, panels...)
	if err != nil {
		return drawn{}, err
	}
	out := drawn{Wrote: file, Device: device}
	for i, p := range panels {
		out.Panels = append(out.Panels, panelOf(sides[i], p))
		fmt.Fprintf(w, "%s: %s: %s\n", file, sides[i], p.Note)
		if seen[i].all.Name == "" {
			// Spikes of a whole home are its people's, too: whoever misspelt the word must know.
			fmt.Fprintf(w, "  no server's name that is seen holds any of %q: all traffic was looked at\n", j.flags.hosts)
		}
		tellNight(w, rec.Trace.Start, p, seen[i].truth, device)
	}
	return out, nil
}

// tellNight prints the spikes that were named, each with the nearest event that
// the monitor was told of.
func tellNight(w io.Writer, start time.Time, p figure.RatePanel, truth datasets.Labels, device string) {
	for _, f := range p.Found {
		fmt.Fprintf(w, "  %s %s", start.Add(f.Start).Format("15:04"), f.Class)

		// Activities may be named wrong: what is nearest says what happened.
		near := slices.DeleteFunc(slices.Clone(truth.Events), func(e datasets.Event) bool { return truth.Devices[e.Device] != device })
		slices.SortStableFunc(near, func(x, y datasets.Event) int {
			return cmp.Compare((x.Start - f.Start).Abs(), (y.Start - f.Start).Abs())
		})
		if len(near) > 0 {
			fmt.Fprintf(w, " (true: %s at %s)", near[0].Activity, start.Add(near[0].Start).Format("15:04"))
		}
		fmt.Fprintln(w)
	}
}
