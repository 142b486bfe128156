package results

import (
	"cmp"
	"fmt"

	"veilbench/datasets"
)

// Sample is a little of what one vantage point sees behind one defense, with
// the truth, so that packets and rates can be drawn from stored results alone.
// It depends on the data and the defense (draw 0 of a test) and on no attack.
type Sample struct {
	SampleKey
	// Data, Setup and Method are as in Result; Setup is without an attack.
	Data   string `json:"data"`
	Setup  string `json:"setup,omitempty"`
	Method int    `json:"method"`
	// Sequences are of the tasks event, clip and command, by Class; Rates of
	// event, by Device; Names of all but clip, by Device.
	Sequences []Sequence    `json:"sequences,omitempty"`
	Rates     []RateSample  `json:"rates,omitempty"`
	Names     []DeviceNames `json:"names,omitempty"`
}

// SampleKey says what a Sample is of; the fields mean what they do in Cell.
type SampleKey struct {
	Dataset string           `json:"dataset"`
	Task    datasets.Task    `json:"task"`
	Vantage datasets.Vantage `json:"vantage"`
	Split   datasets.Split   `json:"split"`
	Defense string           `json:"defense"`
	Seed    uint64           `json:"seed"`
}

// cell is the part of a cell that k tells.
func (k SampleKey) cell() Cell {
	return Cell{Dataset: k.Dataset, Task: k.Task, Vantage: k.Vantage, Defense: k.Defense, TrainDefense: k.Defense, Split: k.Split, Seed: k.Seed}
}

func (k SampleKey) compare(o SampleKey) int {
	return cmp.Or(
		cmp.Compare(k.Dataset, o.Dataset), cmp.Compare(k.Task, o.Task), cmp.Compare(k.Vantage, o.Vantage),
		cmp.Compare(k.Split, o.Split), cmp.Compare(k.Defense, o.Defense), cmp.Compare(k.Seed, o.Seed))
}

// Sequence is the packets about one event, clip or command: those on the flows
// that carry the device's traffic, which is as far as an observer can take it
// apart.
type Sequence struct {
	Recording string `json:"rec"`
	// Class is the event's class or the command's actions.
	Class string `json:"class"`
	// AtS is when it happened, in seconds of the recording.
	AtS float64 `json:"at_s"`
	// TimesUS are the packets' times in microseconds since AtS, Sizes their
	// Packet.Size in bytes, those of Down negative.
	TimesUS []int64 `json:"t_us"`
	Sizes   []int32 `json:"size"`
	// Whose holds a letter for each packet: one of the Whose constants. It is
	// empty where nobody knows.
	Whose string `json:"whose,omitempty"`
	// Cut is how many packets there were beyond those kept.
	Cut int `json:"cut,omitempty"`
}

// Whose packet it is.
const (
	WhoseEvent = 'e' // it belongs to what happened
	WhoseOther = 'o' // other traffic that a device sent
	WhoseCover = 'c' // a packet that the defense added
)

// RateSample is what the flows of one device carry in each bin of a stretch of
// one recording.
type RateSample struct {
	Device    string `json:"device"`
	Recording string `json:"rec"`
	// FromS is where the stretch begins, BinS the width of a bin, in seconds.
	FromS float64 `json:"from_s"`
	BinS  float64 `json:"bin_s"`
	// Up and Down are bytes (Packet.Size) in each bin.
	Up   []int64 `json:"up"`
	Down []int64 `json:"down"`
	// AllUp and AllDown are those of all flows, for what stands beside a sample that
	// is Shared; nil in samples of earlier versions.
	AllUp   []int64 `json:"all_up,omitempty"`
	AllDown []int64 `json:"all_down,omitempty"`
	// Shared is set when other devices' packets are on the same flows.
	Shared bool `json:"shared,omitempty"`
	// Events are those of the device in the stretch, in order of start.
	Events []EventSample `json:"events"`
}

// EventSample is an event, in seconds of the recording; EndS is when its last
// original byte left.
type EventSample struct {
	StartS float64 `json:"start_s"`
	EndS   float64 `json:"end_s"`
	Class  string  `json:"class"`
}

// DeviceNames are the host names that an observer sees a device talk to in one
// recording, sorted, and those that it sees the device look up, where the data tell.
type DeviceNames struct {
	Device    string   `json:"device"`
	Recording string   `json:"rec"`
	Hosts     []string `json:"hosts"`
	Asked     []string `json:"asked,omitempty"`
}

// SamplePackets is how many packets a Sequence holds at most.
const SamplePackets = 300

// check refuses a sample whose lists do not fit each other: pictures index one by
// another.
func (s *Sample) check() error {
	for _, q := range s.Sequences {
		if len(q.Sizes) != len(q.TimesUS) || q.Whose != "" && len(q.Whose) != len(q.TimesUS) {
			return fmt.Errorf("sequence of %s: %d times, %d sizes, %d owners", q.Class, len(q.TimesUS), len(q.Sizes), len(q.Whose))
		}
	}
	for _, r := range s.Rates {
		if len(r.Up) != len(r.Down) {
			return fmt.Errorf("rates of %s: %d bins up, %d down", r.Device, len(r.Up), len(r.Down))
		}
		if n := len(r.AllUp); n != len(r.AllDown) || n > 0 && n != len(r.Up) {
			return fmt.Errorf("rates of %s: %d bins up, of all flows %d up and %d down", r.Device, len(r.Up), n, len(r.AllDown))
		}
	}
	return nil
}
