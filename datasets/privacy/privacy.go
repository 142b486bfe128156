// Package privacy says what a leak tells about people: which activity of a device
// tells who is home, who sleeps, what people do and have. It extends table 4 of
// the IoTEvent article (Security and Communication Networks, 2022), of which the
// stored text says, in sections 3.4.2 and 4.2.3, what hubs and other devices give
// away; what rests on no word of the authors is marked as ours.
//
// The entries are in taxonomy.go. They are found by the words in the names of
// devices and activities, so that recordings with names of their own have
// meanings too.
package privacy

import (
	"strings"
)

// Kinds of what is told, in the order of tables.
const (
	presence   = "presence"   // is anybody home, and where
	sleep      = "sleep"      // who sleeps when
	health     = "health"     // of body and mind
	habits     = "habits"     // what people do, and when
	belongings = "belongings" // what there is in the home
	household  = "household"  // who lives there
	security   = "security"   // how the home is guarded, and when it is not
)

// Kinds lists them in the order of tables.
func Kinds() []string {
	return []string{presence, sleep, health, habits, belongings, household, security}
}

// Where a meaning comes from: the text of the article, the column "Privacy
// Command" of its authors' own table (Sum up.xlsx in the repository IoTEvents), or
// this project.
const (
	paper   = "IoTEvent"
	authors = "IoTEvents repository"
	ours    = "ours"
)

// Meaning is what something tells about people.
type Meaning struct {
	// ID names the meaning, "" for none.
	ID string
	// Tells are the kinds, in order; Says is the same in a sentence.
	Tells []string
	Says  string
	// Source says whose finding it is.
	Source string
}

// Private says whether an activity is one of IoTEvent's private ones, of which a
// detection raises an alert: it tells more than that the device is used.
func (m Meaning) Private() bool { return m.ID != "" && m.ID != used }

// Kinds is Tells in one cell, with a star if they are ours.
func (m Meaning) Kinds() string {
	s := strings.Join(m.Tells, ", ")
	if m.Source == ours && s != "" {
		s += " *"
	}
	return s
}

// Star explains the star of Kinds.
const Star = "what it tells about people, after table 4 of IoTEvent; *: ours."

// used is the meaning that every event has.
const used = "used"

// entry is a meaning with the names that it belongs to.
type entry struct {
	devices, activities string // patterns, see matches
	Meaning
}

// Entry is a line of the taxonomy as people read it.
type Entry struct {
	// Devices and Activities are words of names, "" for any.
	Devices, Activities string
	// There is set where no activity tells it, but that the device is there.
	There bool
	Meaning
}

// Entries lists the taxonomy: activities first, then devices whose mere presence
// tells something.
func Entries() []Entry {
	var out []Entry
	for _, e := range activities() {
		out = append(out, Entry{e.devices, e.activities, false, e.Meaning})
	}
	for _, e := range devices() {
		out = append(out, Entry{e.devices, "", true, e.Meaning})
	}
	return out
}

// OfClass is what an event class ("device/activity") tells, or an activity alone.
// Every class of an event tells something: that the device is used, at least.
// Classes that stand for no event (other, unknown, cover) tell nothing.
func OfClass(class string) Meaning {
	device, activity, ok := strings.Cut(class, "/")
	if !ok {
		switch class {
		case "other", "unknown", "cover", "nobody":
			return Meaning{}
		}
		device, activity = "", class
	}

	// An activity of a hub names the device behind it, so words of devices may
	// stand in either name.
	all, what := words(device+" "+activity), words(activity)
	for _, e := range activities() {
		if matches(e.devices, all) && matches(e.activities, what) {
			return e.Meaning
		}
	}
	return Meaning{}
}

// OfDevice is what the mere presence of a device tells; no Tells where it is no
// more than what everybody has.
func OfDevice(device string) Meaning {
	all := words(device)
	for _, e := range devices() {
		if matches(e.devices, all) {
			return e.Meaning
		}
	}
	return Meaning{}
}

// Combination is what several leaks together tell.
type Combination struct {
	Meaning
	// Needs are the IDs of the meanings that must all be seen, Without those of
	// which none may be.
	Needs, Without []string
}

// Classes returns for each need the classes among those given that meet it; false
// where one has none.
func (c Combination) Classes(among []string) ([][]string, bool) {
	out := make([][]string, len(c.Needs))
	whole := true
	for i, id := range c.Needs {
		for _, class := range among {
			if OfClass(class).ID == id {
				out[i] = append(out[i], class)
			}
		}
		whole = whole && len(out[i]) > 0
	}
	return out, whole
}

// words is a name as its lower-case words with "_" around each: digits and signs
// part words, so "gosund-bulb1" is "_gosund_bulb_".
func words(name string) string {
	parts := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r < 'a' || r > 'z' })
	return "_" + strings.Join(parts, "_") + "_"
}

// matches says whether some pattern of a list stands in words: one or more whole
// words ("no_motion"), or with a star at an end, where any letters may follow. An
// empty list is met by all.
func matches(list, words string) bool {
	if list == "" {
		return true
	}
	for p := range strings.FieldsSeq(list) {
		q := "_" + p + "_"
		q = strings.TrimPrefix(q, "_*")
		q = strings.TrimSuffix(q, "*_")
		if strings.Contains(words, q) {
			return true
		}
	}
	return false
}
