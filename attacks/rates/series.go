package rates

import (
	"time"

	"veilbench/attacks/bursts"
	"veilbench/attacks/match"
	"veilbench/datasets"
)

// RateSeries is the send and receive rate of one device or stream with what
// was seen in it: one panel of the paper's figure 2.
type RateSeries struct {
	// Name is the device, else the service or address.
	Name string
	// Bin is the width of a bin; Up and Down are bytes/s in each bin from time 0
	// on, up to the end of the trace. They are the caller's.
	Bin      time.Duration
	Up, Down []float64
	// Found holds the detected intervals in order of time.
	Found []match.Span
}

// RateShower is the optional ability of a model to show the rates it decides
// on. The model that Rates trains for events has it.
type RateShower interface {
	// Rates returns the series of every device and stream in t, devices first in
	// order of name, then other streams in order of their first packet.
	Rates(t datasets.Trace) []RateSeries
}

// Rates shows the rates of t in the bins learned, with the detections of Guess.
func (m *rateModel) Rates(t datasets.Trace) []RateSeries {
	t = withNames(t, m.file)
	var out []RateSeries
	for _, f := range m.detect(t, m.names.labelStreams(t)) {
		s := seriesOf(t, f.packets, f.width)
		s.Name = f.name
		for _, b := range f.bursts {
			// Guess also answers with intervals below the threshold, for operating
			// curves; a picture shows what was detected.
			if c := b.Ranked[0].Class; b.Score >= rateThreshold && c != datasets.Other && c != datasets.Unknown {
				s.Found = append(s.Found, match.Span{From: b.Start, To: b.End, Class: c, Score: b.Score})
			}
		}
		out = append(out, s)
	}
	return out
}

// StreamRates returns the rates of every stream of t in bins of the given
// width, in order of first packet, without a trained model: nothing is found.
func StreamRates(t datasets.Trace, bin time.Duration) []RateSeries {
	var out []RateSeries
	for _, s := range bursts.Streams(t) {
		r := seriesOf(t, s.Packets, bin)
		r.Name = s.Key.String()
		out = append(out, r)
	}
	return out
}

// seriesOf is the rate of some packets, in order of time, bin by bin.
func seriesOf(t datasets.Trace, packets []int32, bin time.Duration) RateSeries {
	b := binRates(t, packets, bin)
	s := RateSeries{Bin: bin, Up: make([]float64, b.count), Down: make([]float64, b.count)}
	for _, x := range b.bins {
		s.Up[x.index] = float64(x.up) / bin.Seconds()
		s.Down[x.index] = float64(x.down) / bin.Seconds()
	}
	return s
}
