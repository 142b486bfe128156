package defenses

import (
	"fmt"
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
