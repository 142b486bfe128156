package score

import (
	"time"

	"veilbench/attacks/match"
	"veilbench/attacks/rates"
)

// Match counts the detections that name an event right: one to one, of the
// same class, beginning inside the event or at most tol before or after it. Both lists
// are intervals with a class; events must be in order of start.
func Match(events, found []rates.FoundInterval, tol time.Duration) int {
	spans := func(in []rates.FoundInterval) []match.Span {
		out := make([]match.Span, len(in))
		for i, f := range in {
			out[i] = match.Span{From: f.Start, To: max(f.End, f.Start), Class: f.Class, Score: f.Score}
		}
		return out
	}
	return match.Hits(match.Windows(spans(events), spans(found), tol, match.ByClass))
}
