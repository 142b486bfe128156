package detector

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"veilbench/attacks/bursts"
	"veilbench/datasets"
)

// The parts of a vector, behind the histogram of sizes.
const (
	gapBins  = 14 // of gaps, by powers of 4 from a microsecond on
	lags     = 12 // of the autocorrelation of bytes a second, in seconds
	quantile = 9  // of a minute's bytes and packets
	shapeLen = 5  // of sizes: see sizeShape
	rest     = 4
)

// width is how many numbers an hour is.
func width() int {
	return sizes().Width + 3*gapBins + 2*lags + 2*2*quantile + 2*shapeLen + rest
}

// names are those of the numbers, in order.
func names() []string {
	var out []string
	for i := range sizes().Width {
		out = append(out, fmt.Sprintf("sizes_%02d", i))
	}
	for _, of := range []string{"gaps", "gaps_up", "gaps_down"} {
		for i := range gapBins {
			out = append(out, fmt.Sprintf("%s_%02d", of, i))
		}
	}

	// In the order in which extract appends: all of one way, then of the other.
	for _, dir := range []string{"up", "down"} {
		for i := range lags {
			out = append(out, fmt.Sprintf("again_after_%02d_s_%s", i+1, dir))
		}
		for _, of := range []string{"bytes", "packets"} {
			for i := range quantile {
				out = append(out, fmt.Sprintf("minute_%s_%s_q%d", of, dir, i))
			}
		}
		for _, of := range []string{"commonest", "largest", "distinct", "entropy", "spread"} {
			out = append(out, "size_"+of+"_"+dir)
		}
	}
	return append(out, "flows", "largest_flow", "silent_seconds", "up_share")
}

// extract appends the numbers of an hour to dst. A trace of another length is taken
// for an hour that lasts so long.
func extract(dst []float32, t datasets.Trace) []float32 {
	dst = sizes().Extract(dst, t, bursts.AllPackets(t))

	// Gaps between all packets, and between those of each direction.
	var gaps [3][gapBins]float64
	last := [3]time.Duration{-1, -1, -1}
	for _, p := range t.Packets {
		for _, k := range []int{0, 1 + int(p.Dir)} {
			if last[k] >= 0 {
				gaps[k][gapBin(p.Time-last[k])]++
			}
			last[k] = p.Time
		}
	}
	for k := range gaps {
		dst = shares(dst, gaps[k][:])
	}

	s := secondsOf(t)
	for dir := range s.bytes {
		dst = append(dst, autocorrelation(s.bytes[dir])...)
		for _, of := range [][]float64{s.bytes[dir], s.packets[dir]} {
			dst = minuteQuantiles(dst, of)
		}
		dst = sizeShape(dst, t, datasets.Dir(dir))
	}
	return append(dst, whole(t, s)...)
}

// gapBin is by powers of 4: a microsecond and less, up to more than a minute.
func gapBin(gap time.Duration) int {
	us := max(float64(gap.Microseconds()), 1)
	return min(int(math.Log2(us)/2), gapBins-1)
}

// shares appends counts as shares of their sum, 0 where there is nothing.
func shares(dst []float32, n []float64) []float32 {
	sum := 0.0
	for _, x := range n {
		sum += x
	}
	for _, x := range n {
		dst = append(dst, float32(x/max(sum, 1)))
	}
	return dst
}

// seconds are the bytes and packets of each second, by direction.
type seconds struct{ bytes, packets [2][]float64 }

// secondsOf counts t second by second up to its end. A trace of days is no hour:
// only its first is looked at.
func secondsOf(t datasets.Trace) seconds {
	n := int(min(t.End, datasets.DetectItem)/time.Second) + 1
	var s seconds
	for dir := range s.bytes {
		s.bytes[dir], s.packets[dir] = make([]float64, n), make([]float64, n)
	}
	for _, p := range t.Packets {
		if i := int(p.Time / time.Second); i < n {
			s.bytes[p.Dir][i] += float64(p.Size)
			s.packets[p.Dir][i]++
		}
	}
	return s
}

// autocorrelation is that of x at lags of 1 to so many: cover at a clock's times
// comes back there, people do not. It is 0 where nothing varies.
func autocorrelation(x []float64) []float32 {
	mean, square := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		square += (v - mean) * (v - mean)
	}
	out := make([]float32, lags)
	if square == 0 {
		return out
	}
	for k := range out {
		sum := 0.0
		for i := k + 1; i < len(x); i++ {
			sum += (x[i] - mean) * (x[i-k-1] - mean)
		}
		out[k] = float32(sum / square)
	}
	return out
}

// minuteQuantiles appends the logs of quantiles of what a minute holds: cover fills
// the quiet ones, and a constant rate makes them alike.
func minuteQuantiles(dst []float32, x []float64) []float32 {
	var minutes []float64
	for lo := 0; lo < len(x); lo += 60 {
		sum := 0.0
		for _, v := range x[lo:min(lo+60, len(x))] {
			sum += v
		}
		minutes = append(minutes, sum)
	}

	// The last minute is cut short wherever the hour ends: it says nothing.
	if len(minutes) > 1 {
		minutes = minutes[:len(minutes)-1]
	}
	slices.Sort(minutes)
	for i := range quantile {
		dst = append(dst, float32(math.Log1p(minutes[i*(len(minutes)-1)/(quantile-1)])))
	}
	return dst
}

// sizeShape appends of the sizes in one direction the share of the commonest one
// and of the largest, the log of how many there are, their entropy and the standard
// deviation.
func sizeShape(dst []float32, t datasets.Trace, dir datasets.Dir) []float32 {
	count, n := map[int32]float64{}, 0.0
	var mean, square float64
	for _, p := range t.Packets {
		if p.Dir == dir {
			count[p.Size]++
			n++
			mean += float64(p.Size)
			square += float64(p.Size) * float64(p.Size)
		}
	}
	if n == 0 {
		return append(dst, make([]float32, shapeLen)...)
	}

	// In order of size: a sum in that of a map would differ in its last digit.
	var most, largest, entropy float64
	for _, size := range slices.Sorted(maps.Keys(count)) {
		share := count[size] / n
		most, largest = max(most, share), share
		entropy -= share * math.Log2(share)
	}
	mean /= n
	spread := math.Sqrt(max(square/n-mean*mean, 0))
	return append(dst, float32(most), float32(largest), float32(math.Log1p(float64(len(count)))), float32(entropy), float32(spread))
}

// whole is what remains: flows, the share of the largest of them, seconds without a
// packet, and the share of bytes that go up.
func whole(t datasets.Trace, s seconds) []float32 {
	of := make([]float64, len(t.Flows))
	var up, bytes, largest float64
	for _, p := range t.Packets {
		of[p.Flow] += float64(p.Size)
		bytes += float64(p.Size)
		if p.Dir == datasets.Up {
			up += float64(p.Size)
		}
	}
	for _, x := range of {
		largest = max(largest, x)
	}

	// A shaper leaves no second empty, or none that a person would leave.
	silent := 0.0
	for i := range s.packets[0] {
		if s.packets[0][i]+s.packets[1][i] == 0 {
			silent++
		}
	}
	return []float32{
		float32(math.Log1p(float64(len(t.Flows)))), float32(largest / max(bytes, 1)),
		float32(silent / float64(len(s.packets[0]))), float32(up / max(bytes, 1)),
	}
}
