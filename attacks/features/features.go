// Package features makes vectors of packets: the sets of features that published
// attacks look at, for forests and for the bounds of package bench.
package features

import (
	"math"
	"slices"
	"time"

	"veilbench/datasets"
)

// The feature sets of event-forest:
//
//   - hist: a histogram of sizes, the counts replaced by log(1 + count) as
//     Herrmann et al. have it for websites (CCSW 2009);
//   - kfp: k-fingerprinting (Hayes and Danezis, USENIX Security 2016, section 4),
//     with sizes, which Tor does not have;
//   - cumul: CUMUL (Panchenko et al., NDSS 2016, section 4).
//
// All read the headers of a stretch of packets: times, sizes and directions.
// Sizes are those of Packet.Size, with the 14 bytes of an Ethernet header, but
// for hist, which takes the IP length.

// MaxPackets is how much of a burst features are taken from.
const MaxPackets = 5000

// Set turns a stretch of packets into numbers. extract appends width
// values to dst; packets are indexes into t, in order of time.
type Set struct {
	Name    string
	Width   int
	Extract func(dst []float32, t datasets.Trace, packets []int32) []float32
}

// Sets lists what event-forest chooses from, in order of preference.
func Sets() []Set {
	return []Set{
		{"hist", 2*histBins + 3, histFeatures},
		{"kfp", kfpWidth, kfpFeatures},
		{"cumul", cumulPoints + 4, cumulFeatures},
	}
}

const (
	histBins    = 31 // of 50 bytes, up to the largest IP packet of an Ethernet
	cumulPoints = 100
)

// logCount is log(1 + n): the difference between 1 and 2 says as much as that
// between 100 and 200.
func logCount(n float64) float32 { return float32(math.Log1p(n)) }

// histFeatures are log counts of IP lengths in bins of 50 bytes for each
// direction, up first, and the logs of packets, bytes and duration in
// milliseconds.
func histFeatures(dst []float32, t datasets.Trace, packets []int32) []float32 {
	var n [2 * histBins]float64
	var bytes float64
	for _, i := range packets {
		p := t.Packets[i]
		ip := max(int(p.Size)-datasets.EthernetHeader, 0)
		bytes += float64(ip)
		n[int(p.Dir)*histBins+min(ip/50, histBins-1)]++
	}

	for _, c := range n {
		dst = append(dst, logCount(c))
	}
	return append(dst, logCount(float64(len(packets))), logCount(bytes), logCount(1000*span(t, packets).Seconds()))
}

// span is the time from the first to the last of packets.
func span(t datasets.Trace, packets []int32) time.Duration {
	if len(packets) == 0 {
		return 0
	}
	return t.Packets[packets[len(packets)-1]].Time - t.Packets[packets[0]].Time
}

// cumulFeatures are the features of CUMUL (Panchenko et al., NDSS 2016,
// section 4): packets and bytes of each direction, and the running sum of
// signed sizes (down counts positive) at 100 points evenly spaced over the
// packets.
func cumulFeatures(dst []float32, t datasets.Trace, packets []int32) []float32 {
	var packetsOf, bytesOf [2]float32
	sums := make([]float32, 1, len(packets)+1)
	for _, i := range packets {
		p := t.Packets[i]
		size := float32(p.Size)
		packetsOf[p.Dir]++
		bytesOf[p.Dir] += size
		if p.Dir == datasets.Up {
			size = -size
		}
		sums = append(sums, sums[len(sums)-1]+size)
	}
	dst = append(dst, packetsOf[0], packetsOf[1], bytesOf[0], bytesOf[1])

	// sums has the zero before the first packet too, so that a stretch of any
	// length is a curve from there to its end; between packets it is straight.
	for k := 1; k <= cumulPoints; k++ {
		at := float64(len(sums)-1) * float64(k) / cumulPoints
		lo := int(at)
		v := sums[lo]
		if lo+1 < len(sums) {
			v += (sums[lo+1] - v) * float32(at-float64(lo))
		}
		dst = append(dst, v)
	}
	return dst
}

// Sizes of the parts of kfpFeatures. kfpWidth adds up what counts, order,
// concentration, rates, times and sizes append, in this order.
const (
	kfpHead   = 30 // packets at each end
	kfpChunk  = 20 // packets in a chunk
	kfpChunks = 30 // chunk values kept
	kfpRates  = 20 // rate values kept
	kfpSizes  = 20 // first sizes kept
	kfpWidth  = 5 + 4 + 4 + 5 + kfpChunks + 5 + kfpRates + 12 + 12 + 24 + kfpSizes + 32 + 2
)

// kfpFeatures are the features of k-fingerprinting (Hayes and Danezis, USENIX
// Security 2016, section 4): counts, first and last 30 packets, order of each
// direction, concentration of upward packets in chunks of 20, packets per
// second, gaps and transmission times. Tor's cells all have one size; here
// sizes differ, so statistics of sizes, the first 20 signed sizes and counts of
// sizes in bins of 100 bytes join (deviation). Values beyond the end of a
// short stretch are 0. kfpNames names them in the same order.
func kfpFeatures(dst []float32, t datasets.Trace, packets []int32) []float32 {
	want := len(dst) + kfpWidth
	k := newKFP(t, packets)
	dst = k.counts(dst)
	dst = k.order(dst)
	dst = k.concentration(dst)
	dst = k.rates(dst)
	dst = k.times(dst)
	dst = k.sizes(dst)
	if len(dst) != want {
		panic("attacks: kfpFeatures: wrong width")
	}
	return dst
}

// kfp holds a stretch of packets split by direction: index 0 is up, 1 down and 2
// both.
type kfp struct {
	dirs  []datasets.Dir
	at    [3][]float64 // seconds since the first packet
	size  [3][]float64
	place [2][]float64 // where in the sequence packets of a direction are
}

// newKFP splits packets, which are in order of time.
func newKFP(t datasets.Trace, packets []int32) *kfp {
	k := &kfp{}
	for i, pi := range packets {
		p := t.Packets[pi]
		at := (p.Time - t.Packets[packets[0]].Time).Seconds()
		k.dirs = append(k.dirs, p.Dir)
		for _, d := range [2]int{int(p.Dir), 2} {
			k.at[d] = append(k.at[d], at)
			k.size[d] = append(k.size[d], float64(p.Size))
		}
		k.place[p.Dir] = append(k.place[p.Dir], float64(i))
	}
	return k
}

// counts: packets in all, by direction and as shares; then those of the first
// and last 30 packets.
func (k *kfp) counts(dst []float32) []float32 {
	n, up, down := float64(len(k.dirs)), float64(len(k.at[0])), float64(len(k.at[1]))
	dst = append(dst, float32(n), float32(up), float32(down), float32(up/max(n, 1)), float32(down/max(n, 1)))
	for _, end := range [2][]datasets.Dir{k.dirs[:min(kfpHead, len(k.dirs))], k.dirs[max(0, len(k.dirs)-kfpHead):]} {
		ups := 0
		for _, d := range end {
			if d == datasets.Up {
				ups++
			}
		}
		dst = append(dst, float32(ups), float32(len(end)-ups))
	}
	return dst
}

// order: mean and deviation of the places of a direction's packets in the
// sequence, which tell whether it speaks early or late.
func (k *kfp) order(dst []float32) []float32 {
	for _, p := range k.place {
		m, s := meanDeviation(p)
		dst = append(dst, float32(m), float32(s))
	}
	return dst
}

// concentration is the number of upward packets in every chunk of 20: five
// statistics of all chunks, then the first ones.
func (k *kfp) concentration(dst []float32) []float32 {
	var chunks []float64
	for i := 0; i < len(k.dirs); i += kfpChunk {
		n := 0.
		for _, d := range k.dirs[i:min(i+kfpChunk, len(k.dirs))] {
			if d == datasets.Up {
				n++
			}
		}
		chunks = append(chunks, n)
	}
	return appendPadded(appendFive(dst, chunks), chunks, kfpChunks)
}

// rates is the number of packets in every second of the first hour, in the form
// of concentration.
func (k *kfp) rates(dst []float32) []float32 {
	var perSecond []float64
	for _, at := range k.at[2] {
		s := int(at)
		if s >= 3600 {
			break
		}
		for len(perSecond) <= s {
			perSecond = append(perSecond, 0)
		}
		perSecond[s]++
	}
	return appendPadded(appendFive(dst, perSecond), perSecond, kfpRates)
}

// times: maximum, mean, deviation and upper quartile of gaps, and quartiles of
// the times of packets, for up, down and both.
func (k *kfp) times(dst []float32) []float32 {
	for _, at := range k.at {
		var gaps []float64
		for i := 1; i < len(at); i++ {
			gaps = append(gaps, at[i]-at[i-1])
		}
		slices.Sort(gaps)
		m, s := meanDeviation(gaps)
		dst = append(dst, quantileOf(gaps, 1), float32(m), float32(s), quantileOf(gaps, 0.75))
	}
	for _, at := range k.at {
		for _, q := range [4]float64{0.25, 0.5, 0.75, 1} {
			dst = append(dst, quantileOf(at, q))
		}
	}
	return dst
}

// sizes: sum, mean, deviation, smallest, quartiles and largest for up, down
// and both; the first sizes, signed; log counts in bins of 100 bytes for each
// direction; the logs of all bytes and of the duration.
func (k *kfp) sizes(dst []float32) []float32 {
	var signed []float64
	for i, d := range k.dirs[:min(kfpSizes, len(k.dirs))] {
		s := k.size[2][i]
		if d == datasets.Down {
			s = -s
		}
		signed = append(signed, s)
	}

	// The last round is of both directions: its sum is that of all bytes, and
	// its sizes are in the bins already.
	bytes := 0.
	var bins [32]float64
	for d, size := range k.size {
		sum := 0.
		for _, s := range size {
			sum += s
			if d < 2 {
				bins[16*d+min(int(s)/100, 15)]++
			}
		}
		bytes = sum
		m, dev := meanDeviation(size)
		slices.Sort(size) // in place: signed has what is needed of the order
		dst = append(dst, float32(sum), float32(m), float32(dev))
		for _, q := range [5]float64{0, 0.25, 0.5, 0.75, 1} {
			dst = append(dst, quantileOf(size, q))
		}
	}

	dst = appendPadded(dst, signed, kfpSizes)
	for _, b := range bins {
		dst = append(dst, logCount(b))
	}
	return append(dst, logCount(bytes), logCount(1000*float64(quantileOf(k.at[2], 1))))
}

// appendFive appends mean, deviation, median, smallest and largest.
func appendFive(dst []float32, v []float64) []float32 {
	m, s := meanDeviation(v)
	sorted := slices.Sorted(slices.Values(v))
	return append(dst, float32(m), float32(s), quantileOf(sorted, 0.5), quantileOf(sorted, 0), quantileOf(sorted, 1))
}

// appendPadded appends the first n of v, zeros where there are fewer.
func appendPadded(dst []float32, v []float64, n int) []float32 {
	for i := range n {
		x := 0.
		if i < len(v) {
			x = v[i]
		}
		dst = append(dst, float32(x))
	}
	return dst
}

// meanDeviation returns mean and standard deviation (of the population), 0
// for nothing. It adds in order of v: gonum's PopMeanStdDev corrects for rounding
// and sums in lanes, so that its last bits differ, and with them the bins and
// cuts of forests.
func meanDeviation(v []float64) (m, s float64) {
	if len(v) == 0 {
		return 0, 0
	}
	for _, x := range v {
		m += x
	}
	m /= float64(len(v))
	for _, x := range v {
		s += (x - m) * (x - m)
	}
	return m, math.Sqrt(s / float64(len(v)))
}

// quantileOf is the value at share q of sorted v, the lower of two neighbors; 0
// for nothing.
func quantileOf(v []float64, q float64) float32 {
	if len(v) == 0 {
		return 0
	}
	return float32(v[int(q*float64(len(v)-1))])
}
