package reports

import (
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// MetricLabel writes a metric for people.
func MetricLabel(m string) string {
	info, _ := results.Describe(m)
	return info.Label
}

// RightMetrics are shares of things that an attack named right; the lowest
// counts. An attack that calls several events where there is one has a high
// recall, but no higher precision for it.
func RightMetrics(t datasets.Task) []string {
	switch t {
	case datasets.TaskEvent:
		return []string{results.Recall, results.Precision}
	case datasets.TaskClip:
		return []string{results.Accuracy}
	}
	return []string{results.Headline(t)}
}

// studyMetrics are the scores that a study of a task shows beside its headline.
func studyMetrics(t datasets.Task) []string {
	switch t {
	case datasets.TaskCommand:
		return []string{results.InCandidates, results.InCandidatesBounded}
	case datasets.TaskEvent:
		return []string{results.Precision} // figure 5 of IoTEvent draws it against k
	}
	return nil
}

// Overheads is a group of overheads as other publications define them.
type Overheads struct {
	// What is added, and what value says that it costs nothing.
	What, Free string
	Of         []Overhead
}

// Overhead is one of them: its metric, who defines it, and how.
type Overhead struct{ Metric, By, Definition string }

// PublishedOverheads lists the definitions that the ledger is printed in.
func PublishedOverheads() []Overheads {
	const free = "0 is free, but for WTF-PAD, where 1 is."
	return []Overheads{
		{"bytes or packets", free, []Overhead{
			{results.DyerBandwidth, "Dyer", "bytes added by bytes, of packets with payload"},
			{results.FrontData, "FRONT", "packets of the defense's own by original packets"},
			{results.MaybenotLoad, "Maybenot", "packets sent up to the last original one by original packets, minus 1, mean over recordings"},
			{results.NetShaperOverhead, "NetShaper", "bytes added by bytes, mean over recordings"},
			{results.QCSDBandwidth, "QCSD", "bytes added by bytes, median over recordings"},
			{results.RegulaTorBandwidth, "RegulaTor", "packets sent by original packets, minus 1, mean over recordings"},
			{results.WTFPADBandwidth, "WTF-PAD", "bytes a second by those without the defense, median over recordings (so delay makes it smaller)"},
		}},
		{"time", free, []Overhead{
			{results.FrontLatency, "FRONT", "time to the last original packet by that without the defense, sums over recordings, minus 1"},
			{results.MaybenotDelay, "Maybenot", "the same, mean over recordings"},
			{results.QCSDLatency, "QCSD", "the same, median over recordings"},
			{results.RegulaTorLatency, "RegulaTor", "delay of the last download plus the largest of an upload by the duration, mean over recordings"},
			{results.WTFPADLatency, "WTF-PAD", "duration by that without the defense, median over recordings"},
		}},
	}
}

// SplitUnit takes a setting apart from the unit that ends its name: gap_s is
// "gap" in "s". The unit is empty where the name ends in none.
func SplitUnit(name string) (what, unit string) {
	words := strings.Split(name, "_")
	n := len(words) - 1
	if n > 0 && slices.Contains([]string{"s", "bytes", results.Packets, "percent"}, words[n]) {
		return strings.Join(words[:n], " "), strings.Replace(words[n], "percent", "%", 1)
	}
	return strings.Join(words, " "), ""
}

// WithUnit writes a setting with its unit: gap_s is "gap (s)".
func WithUnit(name string) string {
	what, unit := SplitUnit(name)
	if unit == "" {
		return what
	}
	return what + " (" + unit + ")"
}
