package figures

import (
	"fmt"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/figure"
)

// stripDefenses is how many defenses a figure of diaries shows below the undefended
// one; more are more figures.
const stripDefenses = 3

// Routine is the diary of one home: its days as they were, as the best attack reads
// them without a defense, and behind each defense.
var Routine = reports.FigureKind{
	Name: "routine", Doc: "days of a home as they were and as they are read, before and behind each defense",
	Draw: perPanel(figure.Nowhere, strips),
}

// stripStates are the states of a strip by their letters in results, in the order of
// colors: those of people, or those of a home of whose people nobody knows.
func stripStates(truth string) (letters string, names []string) {
	if strings.ContainsAny(truth, "bq") {
		return "bq", []string{"something happens", "nothing happens"}
	}
	return "sha", []string{"asleep", "awake at home", "away"}
}

func strips(s *reports.Set, p reports.Panel) []figure.Figure {
	if p.Task != datasets.TaskRoutine || len(s.Defenses[p]) == 0 {
		return nil
	}

	// The home is that of the first fold; every attacker's results have its strip.
	first, ok := stripOf(s, reports.Subject{Panel: p, Defense: s.Defenses[p][0]}, "")
	if !ok {
		return nil
	}
	var behind []figure.StripPanel
	var named []string
	for _, d := range s.Defenses[p] {
		at := reports.Subject{Panel: p, Defense: d}
		x, ok := stripOf(s, at, first.Recording)
		if !ok {
			continue
		}
		m := s.Summaries[at]
		title := fmt.Sprintf("read behind %s by %s", s.DefenseLabel(d), s.Label(m.Attack))
		if d == results.NoDefense {
			title = "read without a defense by " + s.Label(m.Attack)
		}
		note := agreement(x)
		if m.NoEvidence != "" {
			note += ", " + reports.NoEvidence
		}
		behind = append(behind, stripPanel(title, note, x.Said, x))
		named = append(named, d)
	}

	// Truth and the undefended reading stand in each figure, for whatever is below is
	// to be held against both.
	head := []figure.StripPanel{stripPanel("as it was", "", first.Truth, first)}
	if len(named) > 0 && named[0] == results.NoDefense {
		head, behind, named = append(head, behind[0]), behind[1:], named[1:]
	}
	var out []figure.Figure
	for i := 0; i == 0 || i < len(behind); i += stripDefenses {
		to := min(i+stripDefenses, len(behind))
		g := figure.Strips{Panels: append(head[:len(head):len(head)], behind[i:to]...)}
		_, g.States = stripStates(first.Truth)
		// Several may be read where there was one, so the line may be drawn all the same.
		line := ""
		if slices.ContainsFunc(g.Panels, func(x figure.StripPanel) bool {
			return slices.ContainsFunc(x.Lines, func(day []bool) bool { return slices.Contains(day, true) })
		}) {
			line = "several people"
		}
		what := fmt.Sprintf("Days of %s from midnight to midnight: as they were, and as the attack that does best on each defense reads them from the traffic; a quarter hour is right where color and height agree, and shares are of the days drawn.", first.Recording)
		ds := append([]string{results.NoDefense}, named[i:to]...)
		out = append(out, g.Figure("A home's diary before and behind defenses: "+s.About(p), s.Caption(p, what, ds, nil), line))
	}
	return out
}

// stripOf is the strip of a recording, the first for "", in the results of the best
// attacker on a defense.
func stripOf(s *reports.Set, at reports.Subject, recording string) (results.Strip, bool) {
	for _, r := range s.BestResults(at) {
		for _, x := range r.Strips {
			if recording == "" || x.Recording == recording {
				return x, true
			}
		}
	}
	return results.Strip{}, false
}

// agreement says how much of a strip is right.
func agreement(x results.Strip) string {
	right, known := 0, 0
	said := strings.ToLower(x.Said)
	for i, t := range strings.ToLower(x.Truth) {
		if t == results.UnknownLetter {
			continue
		}
		known++
		if said[i] == byte(t) {
			right++
		}
	}
	return fmt.Sprintf("%.0f %% right", 100*results.Ratio(right, known))
}

// stripPanel cuts the letters of a strip into days from midnight on.
func stripPanel(title, note, letters string, x results.Strip) figure.StripPanel {
	out := figure.StripPanel{Title: title, Note: note}
	order, _ := stripStates(x.Truth)
	for i := range len(letters) {
		at := x.FirstSlot + i
		for at/x.SlotsPerDay >= len(out.Days) {
			empty := make([]int, x.SlotsPerDay)
			for k := range empty {
				empty[k] = -1
			}
			out.Days, out.Lines = append(out.Days, empty), append(out.Lines, make([]bool, x.SlotsPerDay))
		}
		c := letters[i]
		out.Lines[at/x.SlotsPerDay][at%x.SlotsPerDay] = c >= 'A' && c <= 'Z'
		out.Days[at/x.SlotsPerDay][at%x.SlotsPerDay] = strings.IndexByte(order, strings.ToLower(string(c))[0])
	}
	return out
}
