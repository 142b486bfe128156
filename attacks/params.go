package attacks

import (
	"fmt"
	"time"
)

// inRange is the error for a parameter outside [lo, hi], naming its key.
func inRange(key string, v, lo, hi float64) error {
	if v < lo || v > hi {
		return fmt.Errorf("%s=%v: want %v to %v", key, v, lo, hi)
	}
	return nil
}

// seconds turns a parameter into a duration.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
