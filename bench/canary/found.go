package canary

import (
	"strings"

	"veilbench/bench/score"
)

// Found counts, of those with the name given, the items (of a device task
// the packets) that were taken for a canary. Of which kind is all the same: who takes
// one for the other has seen it.
func Found(s score.Scores, name string) (found, n int64) {
	for _, c := range s.Confusion {
		for i, truth := range c.Classes {
			if in(truth) != name {
				continue
			}
			for k, count := range c.Counts[i] {
				n += count
				if in(c.Classes[k]) != "" {
					found += count
				}
			}
		}
	}

	// Of events, clips and commands there are items; false alarms have another truth.
	for _, it := range s.Items {
		if in(it.Truth) != name {
			continue
		}
		n++
		if in(it.Answer) != "" {
			found++
		}
	}
	return found, n
}

// in is the name of the canaries that a class or command is of, "" if it is
// none.
func in(class string) string {
	if _, activity, ok := strings.Cut(class, "/"); ok {
		class = activity
	}
	switch class = strings.TrimPrefix(class, "2 x "); class {
	case Behind, Through:
		return class
	}
	return ""
}
