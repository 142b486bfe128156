package figures

import (
	"fmt"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/figure"
)

// Tradeoff is one scatter for each panel.
var Tradeoff = reports.FigureKind{
	Name: "tradeoff", Doc: "what is learned against what it costs, with the front",
	Draw: perPanel(figure.DownLeft, tradeoff),
}

func tradeoff(s *reports.Set, p reports.Panel) []figure.Figure {
	t := figure.Tradeoff{XName: "bytes added by the defense", YName: "advantage of the best attack"}
	var failed []string
	for _, d := range s.Defenses[p] {
		at := reports.Subject{Panel: p, Defense: d}
		m, cost := s.Summaries[at], s.Costs(at).Overhead()
		if m.NoEvidence != "" {
			continue
		}
		if !cost.OK || m.Attack == "" {
			failed = append(failed, s.Label(d))
			continue
		}
		t.Points = append(t.Points, figure.TradeoffPoint{
			Name: s.DefenseLabel(d), Cost: cost.Num, Share: m.Advantage, Lo: m.Lo, Hi: m.Hi, HasInterval: m.HasInterval, Tip: advantageTip(s, at),
		})
	}
	if len(t.Points) == 0 {
		return nil
	}

	// A defense that is missing must not be taken for one beside the front.
	what := fmt.Sprintf("What the best attack learns against what the defense sends, with %.0f %% intervals where there are enough groups. The line joins the defenses that no other beats in both.", 100*results.Level)
	if len(failed) > 0 {
		what += fmt.Sprintf(" Not shown, for want of a result: %s.", reports.List(failed))
	}
	what = withLeftOut(s, p, what)
	return []figure.Figure{t.Figure("Privacy against cost: "+s.About(p), s.Caption(p, what, s.Defenses[p], nil))}
}
