// Package results holds what a run leaves: what a cell is, what its result
// holds, the summary over attackers, and how these are kept in files. It is all
// that reports know of a run; it imports no attack and no defense.
//
// Read this file first, then metric.go.
package results

import (
	"cmp"
	"strings"

	"veilbench/datasets"
)

// Knowledge is what the attacker knows of the defense.
type Knowledge string

// The rungs of the knowledge ladder.
const (
	Unaware  Knowledge = "unaware"  // trained on undefended traffic
	Adaptive Knowledge = "adaptive" // trained on defended traffic, other draws than in test
	Transfer Knowledge = "transfer" // trained on another defense of the grid
	// Planted is that of cells that measure no defense: canaries, artificial
	// signals, stand in what such an attacker learns from and is tested on.
	Planted Knowledge = "planted"
)

// Cell names one experiment. It is comparable. Equal cells on equal data with an
// equal setup (the digests in Result) give equal results, byte for byte.
type Cell struct {
	Dataset   string           `json:"dataset"`
	Task      datasets.Task    `json:"task"`
	Vantage   datasets.Vantage `json:"vantage"`
	Defense   string           `json:"defense"`
	Attack    string           `json:"attack"`
	Knowledge Knowledge        `json:"knowledge"`
	// TrainDefense is what the attacker trained on: "none" when unaware,
	// Defense when adaptive.
	TrainDefense string         `json:"train_defense"`
	Split        datasets.Split `json:"split"`
	Fold         int            `json:"fold"`
	// Draw numbers the draws of a random defense.
	Draw int `json:"draw"`
	// TrainDraws is how many defense draws of each training trace the
	// attacker saw.
	TrainDraws int    `json:"train_draws"`
	Seed       uint64 `json:"seed"`
}

// Result is what one cell gave. It holds nothing that differs between repeats
// of the same cell: times and host names live in Timing.
type Result struct {
	Cell Cell `json:"cell"`
	// Data is the digest of the data set, Setup that of what else the cell rests
	// on (see Manifest.Setup), Method the version of the methods.
	Data   string `json:"data"`
	Setup  string `json:"setup,omitempty"`
	Method int    `json:"method"`
	// DefenseLabel and AttackLabel are short names for tables: only parameters
	// that differ from the defaults.
	DefenseLabel string `json:"defense_label,omitempty"`
	AttackLabel  string `json:"attack_label,omitempty"`
	// Err is why the cell failed; then nothing below is set.
	Err string `json:"err,omitempty"`
	// Warnings are doubts about this cell, printed as footnotes.
	Warnings []string `json:"warnings,omitempty"`
	// Generated is set when the data was made by a model.
	Generated bool `json:"generated,omitempty"`
	// Oracle is set when the defense looks ahead.
	Oracle bool `json:"oracle,omitempty"`
	// Control is set when the attack only sets a floor.
	Control bool `json:"control,omitempty"`
	// Headline names the metric in Metrics that speaks for the task.
	Headline string `json:"headline"`
	// Floor is what Headline is without looking at the traffic, FloorBy the control
	// that reached it.
	Floor   float64 `json:"floor"`
	FloorBy string  `json:"floor_by,omitempty"`
	// Metrics are scores, sorted by Name.
	Metrics []Metric `json:"metrics"`
	// Groups holds the headline metric of each test group, sorted by Group. Where
	// none has anything to find, Metrics has no headline either.
	Groups []GroupScore `json:"groups,omitempty"`
	// Devices holds, of an event task, each device over all groups, sorted by
	// Device: Headline is their mean.
	Devices []DeviceScore `json:"devices,omitempty"`
	// LeftOut are the test groups that have no score, sorted by Group: a 0 there
	// would be a defense's credit for nothing.
	LeftOut []LeftOut `json:"left_out,omitempty"`
	// Items are truth and answer of each test item, in order.
	Items []Item `json:"items,omitempty"`
	// Confusion is the confusion matrix of a device or routine task, one per group.
	Confusion []Confusion `json:"confusion,omitempty"`
	// Curve is the operating curve of an event task.
	Curve []Point `json:"curve,omitempty"`
	// Strips are beginnings of diaries of a routine task, to be looked at.
	Strips []Strip `json:"strips,omitempty"`
	// Bounds are what feature vectors of the attack say of any attacker's error;
	// of adaptive cells of attacks that have vectors, first draw.
	Bounds []Bound `json:"bounds,omitempty"`
	// Claims are the privacy accounts that the defense states for itself.
	Claims []Claim `json:"claims,omitempty"`
	// Audits are what was tried of those claims.
	Audits []Audit `json:"audits,omitempty"`
	// Against is the ID of what the defense is compared with in a detect task: the
	// same tunnel without cover and padding, or none.
	Against string `json:"against,omitempty"`
	// Visible says that the defense shows by construction against none: no packet that
	// leaves the home is on a flow of before. Detect task only.
	Visible bool `json:"visible,omitempty"`
	// Doubted are the reasons for which a low score of this cell is no evidence,
	// whatever its attack can do.
	Doubted []Reason `json:"doubted,omitempty"`
	// Cost is the ledger of the test traces.
	Cost Cost `json:"cost"`
}

// Claim is a figure of the privacy account that a defense, a stage of a chain,
// states for itself: nothing that the harness measured.
type Claim struct {
	Stage string  `json:"stage"`
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
}

// Audit is what measurement says of a claim that can be refuted: a lower limit of
// the same quantity, from how often an attack was right. The attack and its
// threshold were chosen in training, on other draws.
type Audit struct {
	Stage string `json:"stage"`
	Claim string `json:"claim"`
	// Claimed is the claim as it is held against Limit: of sets, the mean recall that
	// they leave of the classes tested.
	Claimed float64 `json:"claimed"`
	// Limit is the lower limit, at AuditLevel for all audits of a cell together
	// (Holm).
	Limit float64 `json:"limit"`
	// Attack says what was decided by: a figure of what is seen in a window, or the
	// attack of the cell.
	Attack string `json:"attack,omitempty"`
	// Hits of With trials with the difference were told, and Alarms of Without were
	// false. Of recall, Hits of With items are right.
	Hits    int `json:"hits"`
	With    int `json:"with"`
	Alarms  int `json:"alarms"`
	Without int `json:"without"`
	// Why says why there is no limit.
	Why string `json:"why,omitempty"`
}

// AuditLevel is the confidence with which a claim is refuted: a cell fails by it, so
// it errs once in a thousand.
const AuditLevel = 0.999

// Refuted says whether the limit lies above the claim.
func (a Audit) Refuted() bool { return a.Why == "" && a.Limit > a.Claimed }

// Metric is a named figure. Names are snake_case with the unit last; one of a
// single class has a colon and the class behind.
type Metric struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// GroupScore is the headline metric over one group's test items, N of them.
type GroupScore struct {
	Group string  `json:"group"`
	Value float64 `json:"value"`
	Floor float64 `json:"floor"`
	N     int     `json:"n"`
	// Devices holds, of an event task, each device with an event in the group,
	// sorted by Device. Value is the mean of theirs, and Floor such that the
	// advantage is the mean of theirs.
	Devices []DeviceScore `json:"devices,omitempty"`
	// Pooled is F1 over all devices at once with its floor; event task only.
	Pooled      float64 `json:"pooled,omitempty"`
	PooledFloor float64 `json:"pooled_floor,omitempty"`
	// Parts are further figures of the group with the same of the control that knows
	// the clock alone, sorted by name; routine task only.
	Parts []Part `json:"parts,omitempty"`
}

// Part is one more figure of a group: a metric, for some after so many days of
// watching (OfClass), and what a control reaches.
type Part struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Floor float64 `json:"floor"`
}

// Part returns the figure of that name.
func (g GroupScore) Part(name string) (Part, bool) {
	for _, p := range g.Parts {
		if p.Name == name {
			return p, true
		}
	}
	return Part{}, false
}

// Strip is the beginning of a diary as it was and as it was read, a letter for each
// slot (StateLetter). FirstSlot is where in its day the first slot lies.
type Strip struct {
	Recording   string `json:"rec"`
	Group       string `json:"group"`
	FirstSlot   int    `json:"first_slot"`
	SlotsPerDay int    `json:"slots_per_day"`
	Truth       string `json:"truth"`
	Said        string `json:"said"`
}

// UnknownLetter stands for a slot whose state nobody knows or says.
const UnknownLetter = '.'

// StateLetter stands for a state of a home in a Strip: a of away, h of awake (at home),
// s of asleep, b of active (busy), q of quiet; a capital where several people are at
// home.
func StateLetter(state string, several bool) byte {
	letter, ok := map[string]byte{"away": 'a', "awake": 'h', "asleep": 's', "active": 'b', "quiet": 'q'}[state]
	switch {
	case !ok:
		return UnknownLetter
	case several && (letter == 'h' || letter == 's'):
		return letter - 'a' + 'A'
	}
	return letter
}

// DeviceScore is F1 over the N events of one device: those found of it, and what
// was taken for it. Floor is what a control reaches on it.
type DeviceScore struct {
	Device string  `json:"device"`
	Value  float64 `json:"value"`
	Floor  float64 `json:"floor"`
	N      int     `json:"n"`
}

// clockwork is the floor from which on a device is known by the clock: an attacker
// that does worse there would ask the clock, and counts as one that does. Uncut, a
// device with a floor of .99 that an attack misses would count -99, and hide what it
// finds of all others. Below, nothing is cut: noise must count both ways.
const clockwork = 0.5

// OverDevices is the mean score of devices and the floor that goes with it: the
// advantage of the two is the mean of the devices' own, each over its own floor; that
// of a device whose floor is .5 or more is not below 0. No device may have a floor of
// 1.
func OverDevices(ds []DeviceScore) (value, floor float64) {
	var advantage, floors float64
	for _, d := range ds {
		n := float64(len(ds))
		value += d.Value / n
		floors += d.Floor / n
		own := (d.Value - d.Floor) / (1 - d.Floor)
		if d.Floor >= clockwork {
			own = max(own, 0)
		}
		advantage += own / n
	}

	// (value - floor) / (1 - floor) = advantage, solved for the floor; at an
	// advantage of 1 every floor solves it.
	if advantage >= 1-1e-12 {
		return value, floors
	}
	return value, (value - advantage) / (1 - advantage)
}

// LeftOut is a test group, or a device in it, without a score, and why that is.
type LeftOut struct {
	Group  string `json:"group"`
	Device string `json:"device,omitempty"`
	Why    string `json:"why"`
}

// Compare orders by group and device.
func (l LeftOut) Compare(m LeftOut) int {
	return cmp.Or(strings.Compare(l.Group, m.Group), strings.Compare(l.Device, m.Device))
}

// Why a group is left out.
const (
	NothingToFind = "nothing to find" // no event, or no packet of it is seen
	NothingToHide = "floor of 1"      // known without a look at the traffic
)

// Item is one test item: an event, a clip, a command or an hour.
type Item struct {
	Recording string  `json:"rec"`
	Group     string  `json:"group"`
	TimeS     float64 `json:"t,omitempty"`
	Truth     string  `json:"truth"`
	Answer    string  `json:"answer"`
	// Score is the attack's own confidence.
	Score float64 `json:"score,omitempty"`
	// Named is the ID of the defense that the hour was taken for; detect task only.
	Named string `json:"named,omitempty"`
}

// Confusion counts packets: Counts[i][j] of true class i were named class j.
type Confusion struct {
	Group   string    `json:"group"`
	Classes []string  `json:"classes"`
	Counts  [][]int64 `json:"counts"`
}

// Point is one point of an operating curve.
type Point struct {
	Threshold   float64 `json:"threshold"`
	Recall      float64 `json:"recall"`
	Precision   float64 `json:"precision"`
	FalsePerDay float64 `json:"false_per_day"`
}

// DelayParts is how many quantiles of the delay a Cost keeps.
const DelayParts = 64

// Cost is the ledger of a defense over the test recordings of a cell: sums of
// the defended traffic against the undefended traffic behind the same link
// queue. Bytes are at the IP layer.
type Cost struct {
	InBytes    [2]int64 `json:"in_bytes"` // by datasets.Dir
	OutBytes   [2]int64 `json:"out_bytes"`
	InPackets  [2]int64 `json:"in_packets"`
	OutPackets [2]int64 `json:"out_packets"`
	// CoverBytes is the part of OutBytes in packets that carry no original.
	CoverBytes int64 `json:"cover_bytes"`
	// Seconds is the observed time, summed over recordings.
	Seconds float64 `json:"seconds"`
	// NoDelay is set where no delay can be known: of sessions with and without a real
	// device. Then those below are 0.
	NoDelay bool `json:"no_delay,omitempty"`
	// Delay of original packets in seconds.
	DelayMean   float64 `json:"delay_mean_s"`
	DelayMedian float64 `json:"delay_median_s"`
	DelayP95    float64 `json:"delay_p95_s"`
	DelayP99    float64 `json:"delay_p99_s"`
	DelayMax    float64 `json:"delay_max_s"`
	// Delays is the histogram of delays in short: DelayParts quantiles, the
	// k-th the smallest delay that at least (k+1)/DelayParts of the packets stay
	// within, to four digits. Nil when nothing was delayed.
	Delays []float64 `json:"delays_s,omitempty"`
	// Unknown says what captures of a real device cannot tell, a sentence each.
	Unknown []string `json:"unknown,omitempty"`
	// More holds further figures of the ledger, sorted by Name.
	More []Metric `json:"more,omitempty"`
}

// Overhead is the headline bandwidth overhead: (out - in) / in, a ratio of
// sums. It is 0 when nothing was sent either way.
func (c Cost) Overhead() float64 {
	in, out := c.InBytes[0]+c.InBytes[1], c.OutBytes[0]+c.OutBytes[1]
	if in == 0 {
		return 0
	}
	return float64(out-in) / float64(in)
}

// Metric returns the figure with the given name.
func (r *Result) Metric(name string) (float64, bool) {
	for _, m := range r.Metrics {
		if m.Name == name {
			return m.Value, true
		}
	}
	return 0, false
}

// Advantage is how far a score is above its floor: max(0, (score - floor) /
// (1 - floor)), 0 when the floor is 1.
func Advantage(score, floor float64) float64 {
	if floor >= 1 {
		return 0
	}
	return max(0, (score-floor)/(1-floor))
}

// NoDefense is the ID of the defense that changes nothing.
const NoDefense = "none"

// Method is the version of the methods: it changes when a change of the code
// may change a result, and is part of each result's name.
const Method = 6

// Missed is the answer of an event that no detection stands for.
const Missed = "missed"
