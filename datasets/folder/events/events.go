// Package events reads what happened when from label files of every layout that
// folders of recordings hold: tables, lists of times alone, JSON. Start here, at
// Event; table.go, triggers.go and json.go are one layout each, times.go knows the
// spellings of times.
package events

import (
	"time"

	"veilbench/datasets"
)

// Event is something that a label file says, before it meets a recording.
type Event struct {
	// Start and End are times of the wall clock. If Since is set they count from
	// 1970 in place of the recording's start; if Zoneless they are the digits of
	// a clock of unknown zone, as if it were UTC.
	Start, End       time.Time
	Since, Zoneless  bool
	Vague            bool // End is when it happened at the latest
	Device, Activity string
	Actions          []datasets.ActionCount // of a command, which has no activity
	Capture          string                 // the capture that it is of, as the file names it
	MAC              string
}
