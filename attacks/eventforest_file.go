package attacks

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"time"

	"veilbench/datasets"
)

// eventForestMagic begins the file of an event-forest, version 1: a header (see
// writeHead) that is eventForestHead, then the forests it announces as
// Forest.Save writes them.
const eventForestMagic = "VBEVFO\x00\x01"

// eventForestHead is what a file says before the forests. Of a clip model only
// Task, Classes, Features and Pooled are set.
type eventForestHead struct {
	Task      datasets.Task `json:"task"`
	Classes   []string      `json:"classes"`  // sorted; with Other in the event task
	Features  string        `json:"features"` // name of a featureSet
	Gap       time.Duration `json:"gap_ns,omitempty"`
	Pair      time.Duration `json:"pair_ns,omitempty"`
	Single    bool          `json:"single,omitempty"`
	Threshold float64       `json:"threshold,omitempty"`
	// Streams are those the forest Named knows, in the order of its columns.
	Streams []string `json:"streams,omitempty"`
	// Named and Pooled are the lengths of the two forests in bytes, 0 for one
	// that is not there.
	Named  int `json:"named_bytes"`
	Pooled int `json:"pooled_bytes"`
}

// save writes the header, with the lengths filled in, and the forests.
func (h eventForestHead) save(w io.Writer, named, pooled *Forest) error {
	var body bytes.Buffer
	for _, f := range []struct {
		forest *Forest
		length *int
	}{{named, &h.Named}, {pooled, &h.Pooled}} {
		if f.forest == nil {
			continue
		}
		before := body.Len()
		if err := f.forest.Save(&body); err != nil {
			return err
		}
		*f.length = body.Len() - before
	}
	if err := writeHead(w, eventForestMagic, h); err != nil {
		return err
	}
	_, err := body.WriteTo(w)
	return err
}

// Save writes the model (see eventForestMagic).
func (m *clipModel) Save(w io.Writer) error {
	return eventForestHead{Task: datasets.Clip, Classes: m.classes, Features: m.set.name}.save(w, nil, m.forest)
}

// Save writes the model (see eventForestMagic).
func (m *eventForestModel) Save(w io.Writer) error {
	h := eventForestHead{
		Task: datasets.Events, Classes: m.classes, Features: m.set.name,
		Gap: m.gap, Pair: m.pair, Single: m.single, Threshold: m.threshold, Streams: make([]string, len(m.forests.keys)),
	}
	for k, column := range m.forests.keys {
		h.Streams[column] = writeKey(k)
	}
	return h.save(w, m.forests.named, m.forests.pooled)
}

// Load reads a model that Save of an event-forest wrote. Parameters come from
// the file, not from a.
func (a EventForest) Load(r io.Reader) (Model, error) {
	m, err := loadEventForest(r)
	if err != nil {
		return nil, fmt.Errorf("event-forest model: %w", err)
	}
	return m, nil
}

func loadEventForest(r io.Reader) (Model, error) {
	var h eventForestHead
	if err := readHead(r, eventForestMagic, &h); err != nil {
		return nil, err
	}
	set, err := h.check()
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if len(body) != h.Named+h.Pooled {
		return nil, fmt.Errorf("%d bytes of forests, header of %d", len(body), h.Named+h.Pooled)
	}
	named, err := h.forest(body[:h.Named], set.width+len(h.Streams))
	if err != nil {
		return nil, err
	}
	pooled, err := h.forest(body[h.Named:], set.width)
	if err != nil {
		return nil, err
	}
	if h.Task == datasets.Clip {
		return &clipModel{classes: h.Classes, set: set, forest: pooled}, nil
	}
	keys, err := h.keys()
	if err != nil {
		return nil, err
	}
	return &eventForestModel{
		classes: h.Classes, set: set, gap: h.Gap, pair: h.Pair, single: h.Single, threshold: h.Threshold,
		forests: streamForests{keys: keys, named: named, pooled: pooled},
	}, nil
}

// check reports what a header must not say and returns the feature set.
func (h *eventForestHead) check() (featureSet, error) {
	sets := EventForest{Features: h.Features}.sets()
	events := h.Task == datasets.Events
	_, other := slices.BinarySearch(h.Classes, datasets.Other)
	switch {
	case !events && h.Task != datasets.Clip:
		return featureSet{}, fmt.Errorf("task %q: want %q or %q", h.Task, datasets.Clip, datasets.Events)
	case h.Features == "auto" || len(sets) != 1:
		return featureSet{}, fmt.Errorf("features %q: want hist, kfp or cumul", h.Features)
	case !slices.IsSorted(h.Classes) || len(slices.Compact(slices.Clone(h.Classes))) != len(h.Classes):
		return featureSet{}, fmt.Errorf("classes %q: want them sorted, each once", h.Classes)
	case events && !other:
		return featureSet{}, fmt.Errorf("classes %q: want %q among them", h.Classes, datasets.Other)
	case events && (h.Gap <= 0 || h.Gap > time.Hour || h.Pair <= 0 || h.Pair > time.Hour):
		return featureSet{}, fmt.Errorf("gap of %v and pair of %v: want more than 0, at most an hour", h.Gap, h.Pair)
	case events && (h.Threshold < 0 || h.Threshold > 1):
		return featureSet{}, fmt.Errorf("threshold %v: want 0 to 1", h.Threshold)
	case h.Named < 0 || h.Pooled < 0 || (h.Named > 0) != (len(h.Streams) > 0) || (!events && h.Named > 0):
		return featureSet{}, fmt.Errorf("forests of %d and %d bytes, %d streams", h.Named, h.Pooled, len(h.Streams))
	}
	return sets[0], nil
}

// forest reads one forest over the given columns; nil of nothing.
func (h *eventForestHead) forest(b []byte, columns int) (*Forest, error) {
	if len(b) == 0 {
		return nil, nil
	}
	f, err := LoadForest(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	if f.Classes() != len(h.Classes) || f.Features() != columns {
		return nil, fmt.Errorf("forest of %d columns and %d classes, header of %d and %d", f.Features(), f.Classes(), columns, len(h.Classes))
	}
	return f, nil
}

// keys reads the streams; nil of none.
func (h *eventForestHead) keys() (map[StreamKey]int, error) {
	if len(h.Streams) == 0 {
		return nil, nil
	}
	keys := map[StreamKey]int{}
	for column, s := range h.Streams {
		k, err := readKey(s)
		if err != nil {
			return nil, err
		}
		if _, twice := keys[k]; twice {
			return nil, fmt.Errorf("stream %s stands there twice", s)
		}
		keys[k] = column
	}
	return keys, nil
}
