package cost

import (
	"math"
	"slices"

	"veilbench/bench/results"
)

// further returns what the ledger knows besides the headline figures: peak rates
// (bytes of the fullest second), the busiest and the quietest hour, share of
// cover, overhead on the line (without LAN flows), pure ACKs merged into other
// packets, LAN bytes, and the time until an event's last original is out.
// gb_per_month (10^9 bytes in 30 days) and kbytes_per_s are what the defense adds
// on the line, from recordings of at least an hour only; they are missing where
// there are none.
func (l *Ledger) further() []results.Metric {
	var peakIn, peakOut, acks, lanIn, lanOut, cover, in, out int64
	var busyIn, busyOut, idleIn, idleOut, added, hours int64
	var secs, idle []float64
	for _, r := range l.recs {
		peakIn, peakOut = max(peakIn, r.peakIn), max(peakOut, r.peakOut)
		acks += r.mergedACKs
		lanIn, lanOut = lanIn+r.lanIn, lanOut+r.lanOut
		cover += r.cover.bytes
		in += r.in[0].bytes + r.in[1].bytes
		out += r.out[0].bytes + r.out[1].bytes

		// A month cannot be extrapolated from a clip of seconds, nor has one a busy
		// hour.
		if r.hour {
			hours++
			busyIn, busyOut = busyIn+r.busyIn, busyOut+r.busyOut
			idleIn, idleOut = idleIn+r.idleIn, idleOut+r.idleOut
			added += r.out[0].bytes + r.out[1].bytes - r.lanOut - (r.in[0].bytes + r.in[1].bytes - r.lanIn)
			secs = append(secs, r.seconds)
			idle = append(idle, float64(r.idleOut-r.idleIn)/3.6e6) // bytes in an hour to kB/s
		}
	}

	ms := []results.Metric{
		{Name: results.LANInBytes, Value: float64(lanIn)},
		{Name: results.LANOutBytes, Value: float64(lanOut)},
		{Name: results.MergedACKs, Value: float64(acks)},
		{Name: results.PeakIn, Value: float64(peakIn)},
		{Name: results.PeakOut, Value: float64(peakOut)},
	}
	ms = appendRatio(ms, results.CoverShare, cover, out)
	ms = appendRatio(ms, results.LineOverhead, out-lanOut-(in-lanIn), in-lanIn)

	if hours > 0 {
		rate := float64(added) / sortedSum(secs)
		ms = append(ms, results.Metric{Name: results.GBPerMonth, Value: rate * 30 * 86400 / 1e9}, results.Metric{Name: results.KBytesPerS, Value: rate / 1e3},
			results.Metric{Name: results.IdleKBytesPerS, Value: sortedSum(idle) / float64(hours)})
		ms = appendRatio(ms, results.OverheadBusiest, busyOut-busyIn, busyIn)
		ms = appendRatio(ms, results.OverheadQuietest, idleOut-idleIn, idleIn)
	}

	if l.event.count() > 0 {
		ms = append(ms,
			results.Metric{Name: results.EventDoneInMean, Value: l.eventIn.mean()}, results.Metric{Name: results.EventDoneMean, Value: l.event.mean()},
			results.Metric{Name: results.EventDoneP95, Value: l.event.quantile(0.95)}, results.Metric{Name: results.EventDelayMean, Value: l.eventAdd.mean()},
			results.Metric{Name: results.EventDelayP95, Value: l.eventAdd.quantile(0.95)}, results.Metric{Name: results.EventDelayMax, Value: l.eventAdd.max.Seconds()})
	}
	return ms
}

// appendRatio appends a/b unless b is 0.
func appendRatio(ms []results.Metric, name string, a, b int64) []results.Metric {
	if b == 0 {
		return ms
	}
	return append(ms, results.Metric{Name: name, Value: float64(a) / float64(b)})
}

// published returns the overheads as other publications define them, under
// their names. 0 is free, except that wtfpad_* are ratios where 1 is. Those
// that divide by a recording's size or duration leave out recordings where
// that is 0, and are missing when none is left. Seconds and bytes are those of
// this ledger: behind the link, at the IP layer.
//
//   - dyer_bandwidth: (out - in) / in, a ratio of sums of bytes, without
//     packets that carry no payload (Dyer et al. 2012; theirs also sums over
//     the training traces).
//   - wtfpad_bandwidth, wtfpad_latency: median of the ratio of rates (bytes by
//     duration from first to last packet) and of durations (Juarez et al.
//     2016, as coded). Delay makes this bandwidth smaller.
//   - front_data: packets of the defense's own by original packets, a ratio of
//     sums (Gong and Wang 2020). front_latency: sum of durations to the last
//     original over those of the input, minus 1.
//   - regulator_bandwidth: packets sent by original packets minus 1, mean over
//     recordings; regulator_latency: delay of the last download plus the
//     largest delay of an upload, by the duration of the input, mean over
//     recordings (Holland and Hopper 2022, as coded; theirs takes the next
//     packet of the schedule, dummy or not, for the delivery, here it is the
//     original itself).
//   - maybenot_load, maybenot_delay: mean over recordings of packets sent up
//     to the last original by original packets minus 1, and of the last
//     original's time by the input's minus 1 (Pulls et al. 2023; the tail is
//     not counted).
//   - netshaper_overhead, netshaper_overhead_sd: mean and standard deviation
//     over recordings of bytes added by bytes (Sabzi et al. 2024).
//   - qcsd_bandwidth, qcsd_latency: median over recordings of the paired
//     (defended - undefended) / undefended, of bytes and of the time to the
//     last original (Smith et al. 2022).
func (l *Ledger) published() []results.Metric {
	var fullIn, fullOut, cover, in int64
	var durIn, durReal []float64
	var wtfB, wtfL, regB, regL, mbLoad, mbDelay, net, qcsdL []float64
	for _, r := range l.recs {
		fullIn, fullOut = fullIn+r.fullIn, fullOut+r.fullOut
		cover += r.cover.packets
		n := r.in[0].packets + r.in[1].packets
		in += n
		bytesIn, bytesOut := r.in[0].bytes+r.in[1].bytes, r.out[0].bytes+r.out[1].bytes

		// dOut is the defended trace's own, from its first packet of any kind. dReal
		// begins where the undefended trace does: holding back the first packet is
		// latency too.
		dIn, dOut := (r.lastIn - r.firstIn).Seconds(), (r.lastOut - r.firstOut).Seconds()
		dReal := (r.lastReal - r.firstIn).Seconds()
		durIn, durReal = append(durIn, dIn), append(durReal, dReal)

		if n > 0 {
			regB = append(regB, float64(r.out[0].packets+r.out[1].packets)/float64(n)-1)
			mbLoad = append(mbLoad, float64(r.untilReal.packets)/float64(n)-1)
		}

		if bytesIn > 0 {
			net = append(net, float64(bytesOut-bytesIn)/float64(bytesIn))
		}

		if dIn > 0 {
			wtfL = append(wtfL, dOut/dIn)
			down := max(0, r.lastDownOut-r.lastDownIn)
			regL = append(regL, (down+r.maxUp).Seconds()/dIn)
			mbDelay = append(mbDelay, dReal/dIn-1)
			qcsdL = append(qcsdL, (dReal-dIn)/dIn)
			if bytesIn > 0 && dOut > 0 {
				wtfB = append(wtfB, float64(bytesOut)/dOut/(float64(bytesIn)/dIn))
			}
		}
	}

	// Ratios of sums weigh recordings by size, means and medians weigh them alike:
	// that choice is each paper's own, and part of its definition.
	ms := appendRatio(nil, results.DyerBandwidth, fullOut-fullIn, fullIn)
	ms = appendRatio(ms, results.FrontData, cover, in)
	if d := sortedSum(durIn); d > 0 {
		ms = append(ms, results.Metric{Name: results.FrontLatency, Value: sortedSum(durReal)/d - 1})
	}

	for _, m := range []struct {
		name string
		of   func([]float64) float64
		xs   []float64
	}{
		{results.MaybenotDelay, mean, mbDelay},
		{results.MaybenotLoad, mean, mbLoad},
		{results.NetShaperOverhead, mean, net},
		{results.NetShaperOverheadSD, deviation, net},
		{results.QCSDBandwidth, median, net},
		{results.QCSDLatency, median, qcsdL},
		{results.RegulaTorBandwidth, mean, regB},
		{results.RegulaTorLatency, mean, regL},
		{results.WTFPADBandwidth, median, wtfB},
		{results.WTFPADLatency, median, wtfL},
	} {
		if len(m.xs) > 0 {
			ms = append(ms, results.Metric{Name: m.name, Value: m.of(m.xs)})
		}
	}
	return ms
}

// The means here add by sortedSum, and gonum's would move results in their last
// digits: floats.Sum, on which stat.Mean and stat.StdDev rest, keeps several
// partial sums and adds in the order of recordings, and no kind of stat.Quantile
// is the mean of the middle two.

// mean of at least one value.
func mean(xs []float64) float64 { return sortedSum(xs) / float64(len(xs)) }

// deviation is the standard deviation of a sample, 0 of one value.
func deviation(xs []float64) float64 {
	if len(xs) < 2 {
		return 0
	}
	m := mean(xs)
	sq := make([]float64, len(xs))
	for i, x := range xs {
		sq[i] = (x - m) * (x - m)
	}
	return math.Sqrt(sortedSum(sq) / float64(len(xs)-1))
}

// median of at least one value: the mean of the middle two of an even number.
func median(xs []float64) float64 {
	xs = slices.Sorted(slices.Values(xs))
	n := len(xs)
	return (xs[(n-1)/2] + xs[n/2]) / 2
}
