package page

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html/template"
	"math"
	"slices"

	"github.com/klauspost/compress/gzip"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
)

const eventsID = "events"

// Bounds of a list of events: a page has to stay light.
const (
	mostEvents = 300 // that happened
	mostAlarms = 60  // that did not, those that the attack was surest of
)

// eventLists are what page.js makes tables of: for each panel and defense what
// happened, and what the best attack made of it.
type eventLists struct {
	Words []string    `json:"words"`
	Lists []eventList `json:"lists"`
}

// eventList is column by column, which packs well. Names are indexes of words.
type eventList struct {
	Panel   string `json:"panel"`
	Defense string `json:"defense"`
	Attack  string `json:"attack"`
	// Events and Alarms are how many there are of both kinds, those left out too.
	Events    int       `json:"events"`
	Alarms    int       `json:"alarms"`
	Recording []int     `json:"recording"`
	Seconds   []float64 `json:"seconds"`
	Truth     []int     `json:"truth"`
	Guess     []int     `json:"guess"`
	Score     []float64 `json:"score"`
}

// eventsOf lists what the best attack on each defense made of each event, clip or
// command.
func eventsOf(s *reports.Set) eventLists {
	var out eventLists
	index := map[string]int{}
	word := func(w string) int {
		i, ok := index[w]
		if !ok {
			i = len(out.Words)
			index[w], out.Words = i, append(out.Words, w)
		}
		return i
	}
	for _, p := range s.Panels {
		for _, d := range s.Defenses[p] {
			at := reports.Subject{Panel: p, Defense: d}
			items, events, alarms := itemsOf(s.BestResults(at))
			if len(items) == 0 {
				continue
			}
			l := eventList{Panel: s.About(p), Defense: s.DefenseLabel(d), Attack: s.Label(s.Summaries[at].Attack), Events: events, Alarms: alarms}

			// Whoever reads that all were missed must know that nothing follows from it.
			if s.Summaries[at].NoEvidence != "" {
				l.Attack += " (" + reports.NoEvidence + ")"
			}
			for _, it := range items {
				l.Recording, l.Truth, l.Guess = append(l.Recording, word(it.Recording)), append(l.Truth, word(it.Truth)), append(l.Guess, word(it.Answer))
				l.Seconds, l.Score = append(l.Seconds, rounded(it.TimeS, 10)), append(l.Score, rounded(it.Score, 1000))
			}
			out.Lists = append(out.Lists, l)
		}
	}
	return out
}

// itemsOf are those of one draw and seed in order of time, and how many there are.
// Every draw has the same events, so several would list each of them again.
func itemsOf(rs []*results.Result) (items []results.Item, events, alarms int) {
	var happened, cried []results.Item
	for _, r := range rs {
		if r.Cell.Draw != rs[0].Cell.Draw || r.Cell.Seed != rs[0].Cell.Seed {
			continue
		}
		for _, it := range r.Items {
			switch it.Truth {
			case "":
			case datasets.Other:
				cried = append(cried, it)
			default:
				happened = append(happened, it)
			}
		}
	}

	// Homes come one after the other, so the first would be all of one: of many events
	// every so many are taken.
	events, alarms = len(happened), len(cried)
	if step := (events + mostEvents - 1) / mostEvents; step > 1 {
		var some []results.Item
		for i := 0; i < events; i += step {
			some = append(some, happened[i])
		}
		happened = some
	}
	slices.SortStableFunc(cried, func(a, b results.Item) int { return cmp.Compare(b.Score, a.Score) })
	items = append(happened, cried[:min(alarms, mostAlarms)]...)
	slices.SortStableFunc(items, func(a, b results.Item) int {
		return cmp.Or(cmp.Compare(a.Recording, b.Recording), cmp.Compare(a.TimeS, b.TimeS))
	})
	return items, events, alarms
}

// rounded is v to 1/parts; what is no number is 0, for JSON has none.
func rounded(v, parts float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return math.Round(v*parts) / parts
}

// packJSON is v as JSON in gzip in base64, for page.js to unpack.
func packJSON(v any) (template.HTML, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if err := errors.Join(json.NewEncoder(z).Encode(v), z.Close()); err != nil {
		return "", err
	}
	return template.HTML(base64.StdEncoding.EncodeToString(b.Bytes())), nil
}
