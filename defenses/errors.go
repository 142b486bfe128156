package defenses

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// oneOf refuses a value of key that is not among the choices.
func oneOf(key, value string, choices ...string) error {
	if slices.Contains(choices, value) {
		return nil
	}
	return fmt.Errorf("%s=%s: want %s", key, value, strings.Join(choices, " or "))
}

// within refuses a value of key outside [lo, hi].
func within[T int | float64](key string, value, lo, hi T) error {
	if value >= lo && value <= hi {
		return nil
	}
	return fmt.Errorf("%s=%v: want %v to %v", key, value, lo, hi)
}

// first returns the first error that is not nil.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// seconds turns s into a time, rounded to nanoseconds.
func seconds(s float64) time.Duration {
	return time.Duration(s*float64(time.Second) + 0.5)
}

// orZero refuses a value of key that is neither 0 nor within [lo, hi].
func orZero[T int | float64](key string, value, lo, hi T) error {
	if value == 0 {
		return nil
	}
	return within(key, value, lo, hi)
}

// either is a unless that is 0, then b.
func either(a, b float64) float64 {
	if a != 0 {
		return a
	}
	return b
}

// variant refuses a name that is not among the known ones, and lists those in
// order.
func variant[V any](name string, known map[string]V) error {
	if _, ok := known[name]; ok {
		return nil
	}
	return fmt.Errorf("variant=%s: want %s", name, strings.Join(slices.Sorted(maps.Keys(known)), " or "))
}
