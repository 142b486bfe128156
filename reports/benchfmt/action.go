package benchfmt

import (
	"encoding/json"
	"fmt"
	"io"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/table"
)

// point is what github-action-benchmark reads of one figure; of all of ours smaller
// is better (its tool customSmallerIsBetter).
type point struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
	Range string  `json:"range,omitempty"`
	Extra string  `json:"extra,omitempty"`
}

// WriteAction writes the headline of every defense and panel as a list of figures:
// the advantage of the best attack with its interval, and the costs. What is not known
// is left out, for a chart would draw it as 0.
func WriteAction(w io.Writer, s *reports.Set) error {
	out := []point{}
	for _, p := range s.Panels {
		for _, d := range s.Defenses[p] {
			at := reports.Subject{Panel: p, Defense: d}
			about := fmt.Sprintf("%s, %s at %s: %s", reports.TaskName(p.Task), s.DataName(p.Dataset), p.Vantage, s.Label(d))
			m := s.Summaries[at]
			if m.Attack != "" && m.Failed == 0 && m.NoEvidence == "" {
				x := point{Name: about + ", advantage", Unit: "share", Value: m.Advantage, Extra: fmt.Sprintf("worst attack %s, %s, over %d test groups", s.Label(m.Attack), m.Knowledge, m.Groups)}
				if print := s.Options.Fingerprint; print != "" {
					x.Extra += "; " + print
				}
				if m.HasInterval {
					x.Range = reports.BoundsOf(m)
				}
				out = append(out, x)
			}

			// Costs of the undefended traffic are 0 by definition.
			for _, c := range []struct {
				name, unit string
				v          table.Value
			}{
				{"bytes added", "share", s.Costs(at).Bytes()}, {"delay p95", "s", s.Costs(at).Delay()}, {"traffic added", trafficGB, s.Costs(at).Traffic()},
			} {
				if c.v.OK && d != results.NoDefense {
					out = append(out, point{Name: about + ", " + c.name, Unit: c.unit, Value: c.v.Num})
				}
			}
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}
