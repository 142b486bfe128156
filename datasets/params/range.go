package params

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// The checks below are what plug-ins put into Validate; cmp.Or returns the
// first that fails. Each error names the key, the value and what was expected.

// Within refuses a value of key outside [lo, hi], NaN included.
func Within[T int | float64](key string, value, lo, hi T) error {
	if value >= lo && value <= hi {
		return nil
	}
	return fmt.Errorf("%s=%v: want %v to %v", key, value, lo, hi)
}

// ZeroOrWithin refuses a value of key that is neither 0 nor within [lo, hi]: 0
// stands for "not set".
func ZeroOrWithin[T int | float64](key string, value, lo, hi T) error {
	if value == 0 {
		return nil
	}
	return Within(key, value, lo, hi)
}

// OneOf refuses a value of key that is not among the choices.
func OneOf(key, value string, choices ...string) error {
	if slices.Contains(choices, value) {
		return nil
	}
	return fmt.Errorf("%s=%s: want %s", key, value, strings.Join(choices, " or "))
}

// KeyOf is OneOf of the keys of a table, which the error lists in order.
func KeyOf[V any](key, value string, table map[string]V) error {
	return OneOf(key, value, slices.Sorted(maps.Keys(table))...)
}

// Seconds turns seconds into a duration, to the nearest nanosecond; halves are
// rounded away from zero.
func Seconds(s float64) time.Duration {
	return time.Duration(math.Round(s * float64(time.Second)))
}
