package reporttest

import (
	"slices"

	"veilbench/bench/results"
)

// captured are events behind two real devices: one captured on both sides, of which
// a third is lost and packets down are seen outside first, and one of sessions, whose
// cost has limits.
func captured() []results.Result {
	var out []results.Result
	for _, r := range Study(5) {
		if r.Cell.Defense != "pad" {
			out = append(out, r)
			continue
		}
		pair, session := r, r
		pair.Cell.Defense, pair.DefenseLabel = "box", "box (paired)"
		pair.Cost.Unknown = []string{"66.7 % of the packets inside were found outside: the others never left, or left before or after what the outer capture holds"}
		pair.Cost.More = append(slices.Clone(r.Cost.More), figures(map[string]float64{
			results.PairMatched: 2. / 3, results.PairAmbiguous: 0.2, results.PairLostUp: 0.25, results.PairLostDown: 0.5, results.PairReordered: 0.001,
			results.PairOwn: 0.1, results.PairUpMedian: 0.00002, results.PairUpP95: 0.1234, results.PairDownMedian: -0.0001, results.PairDownP95: -1.5,
			results.PairOffset: -7.3, results.PairDrift: 39.97,
		})...)
		session.Cell.Defense, session.DefenseLabel = "tap", "tap (sessions)"
		session.Cost.NoDelay, session.Cost.Unknown = true, []string{"sessions of other times: no delay is known"}
		session.Cost.More = figures(map[string]float64{
			results.SessionHourBefore: 1234.5, results.SessionHourAfter: 1300, results.SessionHour: 65.5, results.SessionHourLo: -10, results.SessionHourHi: 141,
			results.SessionEventBefore: 2.5, results.SessionEventAfter: 2.25, results.SessionEvent: -0.25,
		})

		// Who knows the defense was trained behind it.
		for _, x := range []*results.Result{&pair, &session} {
			if x.Cell.TrainDefense == "pad" {
				x.Cell.TrainDefense = x.Cell.Defense
			}
			out = append(out, *x)
		}
	}
	return out
}

// figures are metrics, sorted by name.
func figures(of map[string]float64) []results.Metric {
	var out []results.Metric
	for _, m := range results.Metrics() {
		if v, ok := of[m.Name]; ok {
			out = append(out, results.Metric{Name: m.Name, Value: v})
		}
	}
	return out
}
