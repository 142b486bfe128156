package maybenot

import (
	"math/rand/v2"
	"time"
)

// Machines for the tests.

type randSource = rand.Source

func reply(n int) *Machine { return Answer(n, 100*time.Microsecond, 900*time.Microsecond) }

func steady(every time.Duration) *Machine { return Idle(every/2, every) }
