package results

import (
	"strconv"
	"strings"

	"veilbench/datasets"
)

// Better says which way a metric is good for whoever reads it: scores for the
// attacker, costs for the user of the defense.
type Better int8

// The directions.
const (
	Neither Better = iota // a count or a fact
	Higher
	Lower
)

// MetricInfo describes a metric. Its Name is the key in Result.Metrics,
// Cost.More and results.csv; nothing outside of this file spells it.
type MetricInfo struct {
	// Name is snake_case with the unit last.
	Name string
	// Unit is "share" for figures between 0 and 1 (overheads may exceed it), a
	// unit of the SI or what is counted.
	Unit   string
	Better Better
	// Label is what people read, without the unit.
	Label string
	// Tasks are those whose cells have it; nil: what reports derive, and costs,
	// of every task.
	Tasks []datasets.Task
}

// Names of metrics. A metric of one class or feature set has a colon and the
// name of it behind; see OfClass.
const (
	// Scores of clips (and, where tasks say so, of others).
	Correct     = "correct"
	Tested      = "tested"
	Accuracy    = "accuracy"
	MacroRecall = "macro_recall"

	// Scores of packets.
	Packets      = "packets"
	RealRecall   = "real_recall"
	RealAccuracy = "real_accuracy"
	RealPackets  = "real_packets"
	HammingLoss  = "hamming_loss"
	ShareTo3     = "recall_share_00_03_pct"
	ShareTo10    = "recall_share_03_10_pct"
	ShareTo30    = "recall_share_10_30_pct"
	ShareTo100   = "recall_share_30_100_pct"

	// Packets of one length and direction, of a device: "echo_dot 66 up".
	RecallLength  = "recall_length"
	PacketsLength = "packets_length"

	// Whether a device is at work, told by how densely its packets come.
	BusyRight = "busy_right"
	BusyKnown = "busy_right_known"
	BusyShare = "busy_share"

	// Scores of commands.
	MessagesFound       = "messages_found"
	InCandidates        = "in_candidates"
	InCandidatesBounded = "in_candidates_bounded"
	Unique              = "unique"
	NamedRight          = "named_right"
	CandidatesMean      = "candidates_mean"
	CandidatesBounded   = "candidates_bounded_mean"
	ExactRecovery       = "exact_recovery"

	// Scores of events; without a suffix by device and activity within 5 s.
	F1DeviceMean        = "f1_device_mean"
	F1                  = "f1"
	F1In1S              = "f1_1s"
	F1In15S             = "f1_15s"
	F1TimeOnly          = "f1_time_only"
	F1DeviceOnly        = "f1_device_only"
	Precision           = "precision"
	PrecisionIn1S       = "precision_1s"
	PrecisionIn15S      = "precision_15s"
	PrecisionTimeOnly   = "precision_time_only"
	PrecisionDeviceOnly = "precision_device_only"
	Recall              = "recall"
	RecallIn1S          = "recall_1s"
	RecallIn15S         = "recall_15s"
	RecallTimeOnly      = "recall_time_only"
	RecallDeviceOnly    = "recall_device_only"
	Detections          = "detections"
	FalseAlarms         = "false_alarms"
	FalsePerHomeDay     = "false_per_home_day"
	FalsePerMillion     = "false_per_million_packets"
	ObservedDays        = "observed_days"
	ObservedPackets     = "observed_packets"
	PPVAtRate           = "ppv_at_rate"
	TimeToDetect        = "time_to_detect_median_s"
	Alerts              = "alerts"
	AlertsRight         = "alerts_right"
	Bursts              = "bursts"
	BurstsAtEvents      = "bursts_at_events"
	BurstsLeftOut       = "bursts_left_out"
	EventsLeftOut       = "events_left_out"
	EventsWithoutBurst  = "events_without_burst"
	BurstAccuracy       = "burst_accuracy"
	BurstFloor          = "burst_accuracy_floor"
	StateRight          = "state_seconds_right"
	StateOff            = "state_seconds_off"

	// Scores of diaries. A colon and a number behind says that so many days were
	// watched.
	HoursRight          = "hours_right"
	PresenceRight       = "presence_right"
	SleepRight          = "sleep_right"
	SeveralRight        = "several_right"
	BedError            = "bed_error_median_min"
	WakeError           = "wake_error_median_min"
	ActivityError       = "activity_error_per_hour"
	ActivityCorrelation = "activity_correlation"

	// Scores of hours with and without a defense.
	Detected     = "detected"
	DefenseNamed = "defense_named"

	// Scores of planted cells.
	CanaryRecall        = "canary_recall"
	Canaries            = "canaries"
	CanaryThroughRecall = "canary_through_recall"
	CanariesThrough     = "canaries_through"

	// What reports derive of every cell.
	Failed          = "failed"
	AdvantageMetric = "advantage"
	Floor           = "floor"
	BoundWrong      = "bound_wrong"
	BoundTested     = "bound_tested"
	BoundClasses    = "bound_classes"
	BoundClassBits  = "bound_class_bits"
	BoundChanceBits = "bound_chance_bits"
	NamesSeen       = "names_seen"

	// What is in a data set, as the manifest says.
	DataHours   = "data_hours"
	DataPackets = "data_packets"
	DataBytes   = "data_bytes"
	DataWindows = "data_windows"

	// Costs of a defense; lower is better for the user of it.
	Overhead    = "overhead"
	InBytes     = "in_bytes"
	OutBytes    = "out_bytes"
	InBytesUp   = "in_bytes_up"
	OutBytesUp  = "out_bytes_up"
	InPackets   = "in_packets"
	OutPackets  = "out_packets"
	CoverBytes  = "cover_bytes"
	ObservedS   = "observed_s"
	DelayMean   = "delay_mean_s"
	DelayMedian = "delay_median_s"
	DelayP95    = "delay_p95_s"
	DelayP99    = "delay_p99_s"
	DelayMax    = "delay_max_s"
	LANInBytes  = "lan_in_bytes"
	LANOutBytes = "lan_out_bytes"
	MergedACKs  = "merged_acks"

	// What a tunnel adds inside, tx is up: the counters that GotaTun prints, under
	// its names.
	TxPadding = "tx_padding_bytes"
	RxPadding = "rx_padding_bytes"
	TxDecoy   = "tx_decoy_packet_bytes"
	RxDecoy   = "rx_decoy_packet_bytes"

	PeakIn           = "peak_in_bytes_per_s"
	PeakOut          = "peak_out_bytes_per_s"
	CoverShare       = "cover_share"
	LineOverhead     = "line_overhead"
	GBPerMonth       = "gb_per_month"
	KBytesPerS       = "kbytes_per_s"
	IdleKBytesPerS   = "idle_kbytes_per_s"
	OverheadBusiest  = "overhead_busiest_hour"
	OverheadQuietest = "overhead_quietest_hour"
	EventDoneInMean  = "event_done_in_mean_s"
	EventDoneMean    = "event_done_mean_s"
	EventDoneP95     = "event_done_p95_s"
	EventDelayMean   = "event_delay_mean_s"
	EventDelayP95    = "event_delay_p95_s"
	EventDelayMax    = "event_delay_max_s"

	// Of captures before and after a real device, packet by packet.
	PairMatched    = "pair_matched"
	PairLostUp     = "pair_lost_up"
	PairLostDown   = "pair_lost_down"
	PairOwn        = "pair_own"
	PairReordered  = "pair_reordered"
	PairAmbiguous  = "pair_ambiguous"
	PairOffset     = "pair_clock_offset_s"
	PairDrift      = "pair_clock_drift_ppm"
	PairUpMedian   = "pair_delay_up_median_s"
	PairUpP95      = "pair_delay_up_p95_s"
	PairDownMedian = "pair_delay_down_median_s"
	PairDownP95    = "pair_delay_down_p95_s"

	// Of sessions with and without a real device. A suffix lo or hi is a limit of the
	// interval.
	SessionHourBefore  = "session_kbytes_per_hour_before"
	SessionHourAfter   = "session_kbytes_per_hour_after"
	SessionHour        = "session_kbytes_per_hour_added"
	SessionHourLo      = "session_kbytes_per_hour_added_lo"
	SessionHourHi      = "session_kbytes_per_hour_added_hi"
	SessionEventBefore = "session_kbytes_per_event_before"
	SessionEventAfter  = "session_kbytes_per_event_after"
	SessionEvent       = "session_kbytes_per_event_added"
	SessionEventLo     = "session_kbytes_per_event_added_lo"
	SessionEventHi     = "session_kbytes_per_event_added_hi"

	// Overheads as publications define them.
	DyerBandwidth       = "dyer_bandwidth"
	FrontData           = "front_data"
	FrontLatency        = "front_latency"
	MaybenotDelay       = "maybenot_delay"
	MaybenotLoad        = "maybenot_load"
	NetShaperOverhead   = "netshaper_overhead"
	NetShaperOverheadSD = "netshaper_overhead_sd"
	QCSDBandwidth       = "qcsd_bandwidth"
	QCSDLatency         = "qcsd_latency"
	RegulaTorBandwidth  = "regulator_bandwidth"
	RegulaTorLatency    = "regulator_latency"
	WTFPADBandwidth     = "wtfpad_bandwidth"
	WTFPADLatency       = "wtfpad_latency"
)

// Metrics lists every metric, in the order of Names. The slice is the caller's.
func Metrics() []MetricInfo { return append(scoreMetrics(), otherMetrics()...) }

// scoreMetrics are the scores of each task.
func scoreMetrics() []MetricInfo {
	clip, event, device, command := datasets.TaskClip, datasets.TaskEvent, datasets.TaskDevice, datasets.TaskCommand
	routine := []datasets.Task{datasets.TaskRoutine}

	return []MetricInfo{
		// In the order of the names above. What merely counts the material, such as
		// items tested and time observed, is Neither: more of it is no better score.
		{Correct, "clips", Higher, "right", []datasets.Task{clip}},
		{Tested, "items", Neither, "tested", []datasets.Task{clip, event, command, datasets.TaskRoutine, datasets.TaskDetect}},
		{Accuracy, "share", Higher, "accuracy", []datasets.Task{clip, device}},
		{MacroRecall, "share", Higher, "macro recall", []datasets.Task{clip, device}},
		{Packets, "packets", Neither, "packets", []datasets.Task{device}},
		{RealRecall, "share", Higher, "real recall", []datasets.Task{device}},
		{RealAccuracy, "share", Higher, "real accuracy", []datasets.Task{device}},
		{RealPackets, "packets", Neither, "real packets", []datasets.Task{device}},
		{HammingLoss, "share", Lower, "hamming loss", []datasets.Task{device}},
		{ShareTo3, "share", Higher, "recall below 3 % of the window", []datasets.Task{device}},
		{ShareTo10, "share", Higher, "recall at 3 to 10 % of the window", []datasets.Task{device}},
		{ShareTo30, "share", Higher, "recall at 10 to 30 % of the window", []datasets.Task{device}},
		{ShareTo100, "share", Higher, "recall above 30 % of the window", []datasets.Task{device}},
		{RecallLength, "share", Higher, "recall of packets of one length", []datasets.Task{device}},
		{PacketsLength, "packets", Neither, "packets of one length", []datasets.Task{device}},
		{BusyRight, "share", Higher, "busy or not told right", []datasets.Task{device}},
		{BusyKnown, "share", Neither, "busy or not by true labels", []datasets.Task{device}},
		{BusyShare, "share", Neither, "share of time at work", []datasets.Task{device}},
		{MessagesFound, "share", Higher, "messages found", []datasets.Task{command}},
		{InCandidates, "share", Higher, "in candidates", []datasets.Task{command}},
		{InCandidatesBounded, "share", Higher, "in candidates bounded", []datasets.Task{command}},
		{Unique, "share", Higher, "unique", []datasets.Task{command}},
		{NamedRight, "share", Higher, "named right", []datasets.Task{command}},
		{CandidatesMean, "candidates", Lower, "candidates mean", []datasets.Task{command}},
		{CandidatesBounded, "candidates", Lower, "candidates bounded mean", []datasets.Task{command}},
		{ExactRecovery, "share", Higher, "exact recovery", []datasets.Task{command}},
		{F1DeviceMean, "share", Higher, "device F1", []datasets.Task{event}},
		{F1, "share", Higher, "F1", []datasets.Task{event}},
		{F1In1S, "share", Higher, "F1 within 1 s", []datasets.Task{event}},
		{F1In15S, "share", Higher, "F1 within 15 s", []datasets.Task{event}},
		{F1TimeOnly, "share", Higher, "F1 of times", []datasets.Task{event}},
		{F1DeviceOnly, "share", Higher, "F1 of devices", []datasets.Task{event}},
		{Precision, "share", Higher, "precision", []datasets.Task{event}},
		{PrecisionIn1S, "share", Higher, "precision within 1 s", []datasets.Task{event}},
		{PrecisionIn15S, "share", Higher, "precision within 15 s", []datasets.Task{event}},
		{PrecisionTimeOnly, "share", Higher, "precision of times", []datasets.Task{event}},
		{PrecisionDeviceOnly, "share", Higher, "precision of devices", []datasets.Task{event}},
		{Recall, "share", Higher, "recall", []datasets.Task{event}},
		{RecallIn1S, "share", Higher, "recall within 1 s", []datasets.Task{event}},
		{RecallIn15S, "share", Higher, "recall within 15 s", []datasets.Task{event}},
		{RecallTimeOnly, "share", Higher, "recall of times", []datasets.Task{event}},
		{RecallDeviceOnly, "share", Higher, "recall of devices", []datasets.Task{event}},
		{Detections, "detections", Neither, "detections", []datasets.Task{event}},
		{FalseAlarms, "alarms", Lower, "false alarms", []datasets.Task{event}},
		{FalsePerHomeDay, "alarms/day", Lower, "false alarms a home and day", []datasets.Task{event}},
		{FalsePerMillion, "alarms/10^6 packets", Lower, "false alarms a million packets", []datasets.Task{event}},
		{ObservedDays, "days", Neither, "observed days", []datasets.Task{event}},
		{ObservedPackets, "packets", Neither, "observed packets", []datasets.Task{event}},
		{PPVAtRate, "share", Higher, "right at the published rate of events", []datasets.Task{event}},
		{TimeToDetect, "s", Lower, "median time to detect", []datasets.Task{event}},
		{Alerts, "alerts", Neither, "alerts", []datasets.Task{event}},
		{AlertsRight, "alerts", Higher, "right alerts", []datasets.Task{event}},
		{Bursts, "bursts", Neither, "bursts", []datasets.Task{event}},
		{BurstsAtEvents, "bursts", Neither, "bursts at events", []datasets.Task{event}},
		{BurstsLeftOut, "bursts", Neither, "bursts left out", []datasets.Task{event}},
		{EventsLeftOut, "events", Neither, "events whose bursts were left out", []datasets.Task{event}},
		{EventsWithoutBurst, "events", Neither, "events without a burst", []datasets.Task{event}},
		{BurstAccuracy, "share", Higher, "burst accuracy", []datasets.Task{event}},
		{BurstFloor, "share", Neither, "burst accuracy of always other", []datasets.Task{event}},
		{StateRight, "share", Higher, "time whose states are right", []datasets.Task{event}},
		{StateOff, "share", Neither, "time without a state", []datasets.Task{event}},
		{HoursRight, "share", Higher, "time whose state is right", routine},
		{PresenceRight, "share", Higher, "time whose presence is right", routine},
		{SleepRight, "share", Higher, "time whose sleep is right", routine},
		{SeveralRight, "share", Higher, "time of which it is right whether several are home", routine},
		{BedError, "min", Lower, "median error of going to bed", routine},
		{WakeError, "min", Lower, "median error of getting up", routine},
		{ActivityError, "events/h", Lower, "mean error of events in an hour", routine},
		{ActivityCorrelation, "correlation", Higher, "correlation of events in an hour", routine},
		{Detected, "share", Higher, "defense on or off told right", []datasets.Task{datasets.TaskDetect}},
		{DefenseNamed, "share", Higher, "which defense named right", []datasets.Task{datasets.TaskDetect}},
		{CanaryRecall, "share", Higher, "canaries found behind the defense", datasets.Tasks()},
		{Canaries, "canaries", Neither, "canaries behind the defense", datasets.Tasks()},
		{CanaryThroughRecall, "share", Higher, "canaries found that passed the defense", datasets.Tasks()},
		{CanariesThrough, "canaries", Neither, "canaries that passed the defense", datasets.Tasks()},
	}
}

// otherMetrics are those that cells of every task have.
func otherMetrics() []MetricInfo {
	return []MetricInfo{
		{Failed, "cells", Lower, "failed", nil},
		{AdvantageMetric, "share", Higher, "advantage", nil},
		{Floor, "share", Neither, "floor", nil},
		{BoundWrong, "items", Neither, "nearest neighbors of another class", nil},
		{BoundTested, "items", Neither, "items tested for the bound", nil},
		{BoundClasses, "classes", Neither, "classes of the bound", nil},
		{BoundClassBits, "bit", Neither, "entropy of the class", nil},
		{BoundChanceBits, "bit", Neither, "information by chance", nil},
		{NamesSeen, "names", Neither, "names looked up", nil},
		{DataHours, "h", Neither, "hours of the data", nil},
		{DataPackets, "packets", Neither, "packets of the data", nil},
		{DataBytes, "B", Neither, "bytes of the data", nil},
		{DataWindows, "windows", Neither, "windows of 100 packets of the data", nil},
		{Overhead, "share", Lower, "bytes added", nil},

		// Figures of the undefended traffic are Neither: no defense moves them.
		{InBytes, "B", Neither, "bytes without the defense", nil},
		{OutBytes, "B", Lower, "bytes with the defense", nil},
		{InBytesUp, "B", Neither, "bytes up without the defense", nil},
		{OutBytesUp, "B", Lower, "bytes up with the defense", nil},
		{InPackets, "packets", Neither, "packets without the defense", nil},
		{OutPackets, "packets", Lower, "packets with the defense", nil},
		{CoverBytes, "B", Lower, "bytes of cover", nil},
		{ObservedS, "s", Neither, "observed time", nil},
		{DelayMean, "s", Lower, "mean delay", nil},
		{DelayMedian, "s", Lower, "median delay", nil},
		{DelayP95, "s", Lower, "delay p95", nil},
		{DelayP99, "s", Lower, "delay p99", nil},
		{DelayMax, "s", Lower, "largest delay", nil},
		{LANInBytes, "B", Neither, "bytes inside the home without the defense", nil},
		{LANOutBytes, "B", Lower, "bytes inside the home with the defense", nil},
		{MergedACKs, "packets", Lower, "merged ACKs", nil},
		{TxPadding, "B", Lower, "padding of data packets up", nil},
		{RxPadding, "B", Lower, "padding of data packets down", nil},
		{TxDecoy, "B", Lower, "decoy packets up", nil},
		{RxDecoy, "B", Lower, "decoy packets down", nil},
		{PeakIn, "B/s", Neither, "peak rate without the defense", nil},
		{PeakOut, "B/s", Lower, "peak rate with the defense", nil},
		{CoverShare, "share", Lower, "share of cover", nil},
		{LineOverhead, "share", Lower, "bytes added outside the home", nil},
		{GBPerMonth, "GB/month", Lower, "GB a month", nil},
		{KBytesPerS, "kB/s", Lower, "kB/s added", nil},
		{IdleKBytesPerS, "kB/s", Lower, "kB/s added in the quietest hour", nil},
		{OverheadBusiest, "share", Lower, "bytes added in the busiest hour", nil},
		{OverheadQuietest, "share", Lower, "bytes added in the quietest hour", nil},
		{EventDoneInMean, "s", Neither, "mean time of an event without the defense", nil},
		{EventDoneMean, "s", Lower, "mean time of an event", nil},
		{EventDoneP95, "s", Lower, "time of an event p95", nil},
		{EventDelayMean, "s", Lower, "mean delay of an event", nil},
		{EventDelayP95, "s", Lower, "delay of an event p95", nil},
		{EventDelayMax, "s", Lower, "largest delay of an event", nil},
		{PairMatched, "share", Neither, "packets found outside", nil},
		{PairLostUp, "share", Lower, "packets up not found outside", nil},
		{PairLostDown, "share", Lower, "packets down not found outside", nil},
		{PairOwn, "share", Lower, "packets outside that carry nothing known", nil},
		{PairReordered, "share", Lower, "packets out of order", nil},
		{PairAmbiguous, "share", Neither, "packets that look like others", nil},
		{PairOffset, "s", Neither, "offset of the outer clock", nil},
		{PairDrift, "ppm", Neither, "drift of the outer clock", nil},
		{PairUpMedian, "s", Neither, "median delay up", nil},
		{PairUpP95, "s", Neither, "delay up p95", nil},
		{PairDownMedian, "s", Neither, "median delay down", nil},
		{PairDownP95, "s", Neither, "delay down p95", nil},
		{SessionHourBefore, "kB/h", Neither, "kB an hour before", nil},
		{SessionHourAfter, "kB/h", Lower, "kB an hour after", nil},
		{SessionHour, "kB/h", Lower, "kB added an hour", nil},
		{SessionHourLo, "kB/h", Lower, "kB added an hour, at least", nil},
		{SessionHourHi, "kB/h", Lower, "kB added an hour, at most", nil},
		{SessionEventBefore, "kB/event", Neither, "kB an event before", nil},
		{SessionEventAfter, "kB/event", Lower, "kB an event after", nil},
		{SessionEvent, "kB/event", Lower, "kB added an event", nil},
		{SessionEventLo, "kB/event", Lower, "kB added an event, at least", nil},
		{SessionEventHi, "kB/event", Lower, "kB added an event, at most", nil},
		{DyerBandwidth, "share", Lower, "Dyer bandwidth", nil},
		{FrontData, "share", Lower, "FRONT data", nil},
		{FrontLatency, "share", Lower, "FRONT latency", nil},
		{MaybenotDelay, "share", Lower, "Maybenot delay", nil},
		{MaybenotLoad, "share", Lower, "Maybenot load", nil},
		{NetShaperOverhead, "share", Lower, "NetShaper overhead", nil},
		{NetShaperOverheadSD, "share", Lower, "NetShaper overhead, standard deviation", nil},
		{QCSDBandwidth, "share", Lower, "QCSD bandwidth", nil},
		{QCSDLatency, "share", Lower, "QCSD latency", nil},
		{RegulaTorBandwidth, "share", Lower, "RegulaTor bandwidth", nil},
		{RegulaTorLatency, "share", Lower, "RegulaTor latency", nil},

		// Ratios of the defended to the undefended, where 1 is free.
		{WTFPADBandwidth, "ratio", Lower, "WTF-PAD bandwidth", nil},
		{WTFPADLatency, "ratio", Lower, "WTF-PAD latency", nil},
	}
}

// Describe returns the description of a metric, that of one class or feature
// set included; ok is false for a name that Metrics does not have.
func Describe(name string) (info MetricInfo, ok bool) {
	base, _, _ := strings.Cut(name, ":")
	for _, m := range Metrics() {
		if m.Name == base {
			return m, true
		}
	}
	return MetricInfo{Name: name, Label: strings.ReplaceAll(name, "_", " ")}, false
}

// OfClass is the name of metric for one class, device or feature set.
func OfClass(metric, class string) string { return metric + ":" + class }

// OfDays is the name of metric after so many days of watching a home.
func OfDays(metric string, days int) string { return OfClass(metric, strconv.Itoa(days)) }

// DaysOf is after how many days of watching a metric is asked, 0 for all there are.
func DaysOf(name string) int {
	_, days, _ := strings.Cut(name, ":")
	n, _ := strconv.Atoi(days)
	return n
}

// Headline is the metric that speaks for a task.
func Headline(t datasets.Task) string {
	switch t {
	case datasets.TaskEvent:
		return F1DeviceMean
	case datasets.TaskCommand:
		return ExactRecovery
	case datasets.TaskRoutine:
		return HoursRight
	case datasets.TaskDetect:
		return Detected
	}
	return MacroRecall
}

// ShareMetrics are the metrics of a device task that are the recall of packets
// in a range of their device's share of the window, in ascending order.
func ShareMetrics() []string { return []string{ShareTo3, ShareTo10, ShareTo30, ShareTo100} }
