package reports

import (
	"slices"
	"strings"

	"veilbench/bench"
	"veilbench/datasets"
)

// This file is the only one of the reports that spells metrics, and holds what
// is printed for them.

// Scores of attacks, as results name them.
const (
	metricF1           = "f1"
	metricRecall       = "recall"
	metricRecall1s     = "recall_1s"
	metricRecall15s    = "recall_15s"
	metricPrecision    = "precision"
	metricAccuracy     = "accuracy"
	metricInCandidates = "in_candidates"
	metricInBounded    = "in_candidates_bounded"

	MetricFalseAlarms     = "false_alarms"
	MetricObservedDays    = "observed_days"
	MetricObservedPackets = "observed_packets"
	MetricAlerts          = "alerts"
	MetricAlertsRight     = "alerts_right"
	// MetricRightAtRate is the share of detections that are right where events
	// come as often as people cause them.
	MetricRightAtRate = "ppv_at_rate"
)

// Figures of results.csv that are no score: the ledger, and what a cell has
// beside its metrics.
const (
	MetricFloor     = "floor"
	metricAdvantage = "advantage"
	metricFailed    = "failed"

	metricOverhead    = "overhead"
	metricInBytes     = "in_bytes"
	metricOutBytes    = "out_bytes"
	metricInBytesUp   = "in_bytes_up"
	metricOutBytesUp  = "out_bytes_up"
	metricInPackets   = "in_packets"
	MetricOutPackets  = "out_packets"
	MetricCoverBytes  = "cover_bytes"
	metricObserved    = "observed_s"
	MetricDelayMean   = "delay_mean_s"
	MetricDelayMedian = "delay_median_s"
	metricDelayP95    = "delay_p95_s"
	MetricDelayP99    = "delay_p99_s"
	MetricDelayMax    = "delay_max_s"
	MetricPeakRate    = "peak_out_bytes_per_s"
	metricGBPerMonth  = "gb_per_month"

	// Bounds have a colon and the name of a feature set behind.
	metricBoundWrong      = "bound_wrong"
	metricBoundTested     = "bound_tested"
	metricBoundClasses    = "bound_classes"
	metricBoundClassBits  = "bound_class_bits"
	metricBoundChanceBits = "bound_chance_bits"
)

// MetricLabel writes a metric for people.
func MetricLabel(m string) string {
	if m == metricF1 {
		return "F1"
	}
	return strings.ReplaceAll(m, "_", " ")
}

// RightMetrics are shares of things that an attack named right; the lowest
// counts. An attack that calls several events where there is one has a high
// recall, but no higher precision for it.
func RightMetrics(t datasets.Task) []string {
	switch t {
	case datasets.Events:
		return []string{metricRecall, metricPrecision}
	case datasets.Clip:
		return []string{metricAccuracy}
	}
	return []string{bench.Headline(t)}
}

// studyMetrics are the scores that a study of a task shows beside its headline.
func studyMetrics(t datasets.Task) []string {
	if t == datasets.Gateway {
		return []string{metricInCandidates, metricInBounded}
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
			{"dyer_bandwidth", "Dyer", "bytes added by bytes, of packets with payload"},
			{"front_data", "FRONT", "packets of the defense's own by original packets"},
			{"maybenot_load", "Maybenot", "packets sent up to the last original one by original packets, minus 1, mean over recordings"},
			{"netshaper_overhead", "NetShaper", "bytes added by bytes, mean over recordings"},
			{"qcsd_bandwidth", "QCSD", "bytes added by bytes, median over recordings"},
			{"regulator_bandwidth", "RegulaTor", "packets sent by original packets, minus 1, mean over recordings"},
			{"wtfpad_bandwidth", "WTF-PAD", "bytes a second by those without the defense, median over recordings (so delay makes it smaller)"},
		}},
		{"time", free, []Overhead{
			{"front_latency", "FRONT", "time to the last original packet by that without the defense, sums over recordings, minus 1"},
			{"maybenot_delay", "Maybenot", "the same, mean over recordings"},
			{"qcsd_latency", "QCSD", "the same, median over recordings"},
			{"regulator_latency", "RegulaTor", "delay of the last download plus the largest of an upload by the duration, mean over recordings"},
			{"wtfpad_latency", "WTF-PAD", "duration by that without the defense, median over recordings"},
		}},
	}
}

// SplitUnit takes a setting apart from the unit that ends its name: gap_s is
// "gap" in "s". The unit is empty where the name ends in none.
func SplitUnit(name string) (what, unit string) {
	words := strings.Split(name, "_")
	n := len(words) - 1
	if n > 0 && slices.Contains([]string{"s", "bytes", "packets", "percent"}, words[n]) {
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
