package datasets

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Doubt is something about data that a reader of results has to know: a count, a
// sentence with figures, what can be done about it, and which results it makes
// worthless. Loaders find doubts while they read, package doubt when all is
// there.
type Doubt struct {
	// Code is the kind of doubt, one of the constants below.
	Code string `json:"code"`
	// Where is the recording, device or file that it is about, "" for the whole
	// data set.
	Where string `json:"where,omitempty"`
	// Count of Of are doubtful: packets, labels, classes. Of is 0 where there is
	// no whole.
	Count int64 `json:"count"`
	Of    int64 `json:"of,omitempty"`
	// Detail is one plain sentence with figures and without a full stop, Remedy
	// what to do, with the flag that does it, "" if nothing can be done.
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
	// Spoils are the tasks whose results mean nothing as long as the doubt
	// stands: a run of one of them is refused.
	Spoils []Task `json:"spoils,omitempty"`
}

// The codes of doubts. They stand in manifests, so a code keeps its meaning.
const (
	// DoubtUnseen: the view leaves less than 5 % of all packets, so a defense has
	// next to nothing to hide. DoubtUnseenDevices: of those of devices that labels
	// are about. DoubtEmpty: whole recordings have no packet left.
	DoubtUnseen        = "unseen"
	DoubtUnseenDevices = "unseen-devices"
	DoubtEmpty         = "empty-recordings"
	// DoubtAbsent: no packet has an address that a list names, or is of a device
	// that labels name.
	DoubtAbsent = "absent"
	// DoubtShifted: labels have no traffic near them, but would have it if all
	// were moved by the same time.
	DoubtShifted = "shifted-labels"
	// DoubtSilent: labels have no traffic near them, and no shift explains it.
	DoubtSilent = "silent-labels"
	// DoubtMinutes: label times are whole minutes and no resolution is stated:
	// they count as intervals.
	DoubtMinutes = "whole-minutes"
	// DoubtZone: label times name no zone.
	DoubtZone = "no-zone"
	// DoubtOutside: labels lie outside of the recording.
	DoubtOutside = "outside-labels"
	// DoubtConflict: labels or lists of devices contradict each other.
	DoubtConflict = "conflict"
	// DoubtRare: a class has fewer than 5 labels.
	DoubtRare = "rare-classes"
	// DoubtUntrained: a class is in one group only, so that a split across groups
	// never has it in training and test.
	DoubtUntrained = "untrained-classes"
	// DoubtStays: who is home and who sleeps is known for too short a time, or never
	// changes.
	DoubtStays = "stays"
	// DoubtOneGroup: all recordings are one group, and the split is within it.
	DoubtOneGroup = "one-group"
	// DoubtMisspelt: a column of a label file is not used but looks like a known
	// one.
	DoubtMisspelt = "misspelt"
	// DoubtShared: one label file was laid over several captures.
	DoubtShared = "shared-labels"
	// DoubtCopies: packets were captured twice.
	DoubtCopies = "copies"
	// DoubtClock: the capturing clock jumped.
	DoubtClock = "clock-jump"
	// DoubtOrder: packets are earlier than one before them.
	DoubtOrder = "out-of-order"
	// DoubtUnopened: packets are in wrappers that hide what is inside.
	DoubtUnopened = "not-opened"
	// DoubtSkipped: records are of a link or of a kind that is not read.
	DoubtSkipped = "skipped"
	// DoubtDamaged: what headers say of packets cannot be true, or frames came
	// damaged over the air.
	DoubtDamaged = "damaged"
	// DoubtLarge: frames are longer than any line takes.
	DoubtLarge = "large-frames"
	// DoubtSides: nothing says which side of a flow is the home.
	DoubtSides = "unknown-home"
	// DoubtCut: a capture ends inside a packet, or could not be read at all.
	DoubtCut = "cut-capture"
)

// String is the doubt in one line: where, what, what to do, and its code.
func (d Doubt) String() string {
	s := d.Detail
	if d.Where != "" {
		s = d.Where + ": " + s
	}
	if d.Remedy != "" {
		s += "; " + d.Remedy
	}
	return fmt.Sprintf("%s [%s]", s, d.Code)
}

// SortDoubts returns ds with those that spoil a task first, then in order of
// code, place and words, each once. ds is not modified.
func SortDoubts(ds []Doubt) []Doubt {
	order := func(a, b Doubt) int {
		return cmp.Or(cmp.Compare(min(len(b.Spoils), 1), min(len(a.Spoils), 1)), strings.Compare(a.Code, b.Code),
			strings.Compare(a.Where, b.Where), strings.Compare(a.Detail, b.Detail))
	}
	return slices.CompactFunc(slices.SortedStableFunc(slices.Values(ds), order), func(a, b Doubt) bool { return order(a, b) == 0 })
}
