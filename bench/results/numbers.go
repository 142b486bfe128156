package results

import "time"

// Ratio is a / b, and 0 when b is 0.
func Ratio[T int | int64 | float64](a, b T) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// Seconds rounds to the microsecond: results are read by people too.
func Seconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e6 }
