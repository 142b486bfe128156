package attacks

import (
	"context"
	"io"
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
)

// Attack learns from labeled traffic. Implementations are immutable values
// whose exported fields are their parameters (package params).
type Attack interface {
	// Info says what the attack is, whatever its parameters.
	Info() Info
	// Train learns. It must not modify t, draws randomness only from rng and
	// stops with ctx's error when ctx ends. Parameters left open are chosen
	// inside t, split by group. No training example of some class, or none at
	// all, is no error: the model then answers Unknown.
	Train(ctx context.Context, rng *rand.Rand, t Training) (Model, error)
}

// Model answers for one trace at a time. It is immutable and safe for
// concurrent use, and answers the same for the same trace.
type Model interface {
	// Guess fills the part of the Answer that belongs to the task it was
	// trained for. An empty trace is no error.
	Guess(ctx context.Context, t datasets.Trace) (Answer, error)
}

// PairModel is the further ability of a model whose training had two places.
type PairModel interface {
	// GuessPair is Guess about both views of a recording, the inner one first. A view
	// may be empty: a defense can hide all from one of the places.
	GuessPair(ctx context.Context, inner, outer datasets.Trace) (Answer, error)
}

// Info is what lists and tables say about an attack, and which tasks it is asked
// for.
type Info struct {
	// Name is kebab-case and unique in a list.
	Name string
	// Doc is one line for tables of attacks, no capital, no period.
	Doc string
	// Tasks lists what the attack can answer. Train is never called with another.
	Tasks []datasets.Task
	// Cite names the publication and section, "" for common practice.
	Cite string
	// Works are what to put into a bibliography, nil for common practice.
	Works []cite.Work
	// Control marks attacks that only set a floor (guess-*): they are rows of
	// every table but never the "best attack".
	Control bool
	// Pairs says that the attack can see a home at two places at once: for the event
	// task it learns from Labeled.Second as well, and its models are PairModels.
	// Other attacks are not run where an observer has two places.
	Pairs bool
}

// Training is what an attack may learn from. It belongs to the caller and is
// shared by attacks that train at once.
type Training struct {
	// Task is what the model will be asked for, one of Info.Tasks.
	Task datasets.Task
	// Classes lists the classes that can be answered, sorted: event classes
	// ("device/activity") for clip and event, device names for device (with
	// datasets.Nobody and datasets.Cover where they occur), actions for
	// command, states of package diary for routine, for detect "off" and "on" or the
	// defenses that it may be. It does not hold Other and Unknown.
	Classes []string
	// Examples are in the order of the data set; there may be none.
	Examples []Labeled
	// Within is set when the split tests groups that train, too. Each recording is
	// then a Group of its own, and tuning that splits by Group tests as the split
	// does; else it would choose what carries over to other homes or sessions.
	Within bool
}

// Labeled is a training trace with its truth, as seen at the vantage point and
// through the defense that the attacker trains on. Indexes in Labels are those of
// this Trace.
type Labeled struct {
	Trace  datasets.Trace
	Labels datasets.Labels
	// Group is the home, day or session (Training.Within: the recording, of which
	// there may be several draws); tuning inside training splits by it.
	Group string
	// Class is the class of the whole trace; clip and detect task only. An hour of a
	// detect task comes without Labels.
	Class string
	// Second is the Trace and the Labels of the same recording as an observer with
	// two places sees it at the outer one; its events are the same by the same clock.
	// Nil of one place, and of attacks that do not ask for it (Info.Pairs).
	Second *Labeled
}

// Answer is what a model says about one trace. Only the part of the trained
// task is filled.
type Answer struct {
	// Clip ranks classes for the whole trace of a clip or detect task, best first;
	// probabilities sum to at most 1. The first may be datasets.Unknown.
	Clip []Ranked
	// Events lists the bursts the attack looked at, in order of time. One
	// whose best class is datasets.Other is no detection.
	Events []Burst
	// Threshold is the score at and above which the attack calls a burst a
	// detection; event task only.
	Threshold float64
	// Devices holds one guess for each packet of the trace; device task only.
	Devices []Owner
	// Commands lists the messages found, in order of time; command task only.
	Commands []Message
	// Slots holds one guess for each quarter of an hour of the trace, as many as
	// diary.Slots says; routine task only.
	Slots []Slot
}

// Slot is the guess for one quarter of an hour of a home.
type Slot struct {
	// State indexes Training.Classes, the states of package diary; -1 is unknown.
	State int32
	// P is the probability of that state, Several that more than one person is at
	// home, both 0 to 1.
	P, Several float32
	// Events is how many events are thought to begin in it.
	Events float32
}

// Ranked is a class with its probability, 0 to 1. Probabilities order classes;
// nobody promises that they are calibrated.
type Ranked struct {
	Class string  `json:"class"`
	P     float64 `json:"p"`
}

// Burst is a stretch of traffic and what the attack takes it for. It is a
// detection if its first class is that of an event and its Score reaches the
// Answer's Threshold; the event is then said to have been from Start to End.
type Burst struct {
	// Start and End are the first and last packet, as times since the trace's
	// start.
	Start, End time.Duration
	// Ranked holds classes, best first: event classes, Other or Unknown.
	Ranked []Ranked
	// Score orders detections: higher is surer.
	Score float64
	// Alert is set when a private activity was named (event-knn).
	Alert bool
	// LeftOut is set when the attack, as published, does not look at bursts of this
	// kind: its first class is Unknown, and accuracy over bursts leaves it out.
	LeftOut bool
}

// Owner is the guess for one packet: whose it is.
type Owner struct {
	// Class indexes Training.Classes; -1 is unknown.
	Class int32
	// P is the probability of that class, 0 to 1.
	P float32
}

// Message is one gateway command as found in the traffic.
type Message struct {
	Time time.Duration
	// Bytes is the size the attack saw.
	Bytes int
	// Candidates holds every multiset of actions that fits, in a fixed order:
	// counts of Training.Classes. Nil: nothing fits.
	Candidates [][]uint8
	// Bounded are the indexes of the candidates left after the second stage, all
	// where an attack has none.
	Bounded []int
	// Best is the index of the candidate the attack names, -1 for none.
	Best int
}

// Featurer is the optional ability to show feature vectors, for the bounds.
type Featurer interface {
	// Vectors returns the items of a trace whose class is known, in order of
	// time, each as a vector in every feature set; no sets for a task that it
	// has no vectors for. It must not modify l.
	Vectors(task datasets.Task, l Labeled) Features
}

// Features is what an attack looks at in one trace, computed when it is asked
// for.
type Features struct {
	// Items is how many there are: clips, bursts of events or packets. Class is
	// the true one of an item.
	Items int
	Class func(item int) string
	// Sets are the same for every trace of a task, but for their vectors.
	Sets []FeatureSet
}

// FeatureSet is one way to make a vector of an item.
type FeatureSet struct {
	Name string
	// Names of the features, as many as a vector has numbers.
	Names []string
	// Vector returns that of an item by its number from 0; the slice is the
	// caller's.
	Vector func(item int) []float32
}

// Saver is the optional ability of a model to be written down. Load is the
// inverse: it refuses what Save did not write.
type Saver interface {
	Save(w io.Writer) error
}

// Loader is the optional ability of an attack to read a saved model back.
type Loader interface {
	Load(r io.Reader) (Model, error)
}
