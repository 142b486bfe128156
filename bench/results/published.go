package results

import (
	"strings"

	"veilbench/datasets"
)

// Published is a figure that a paper printed for something that a run computes
// too. Reports print it beside the run's own.
type Published struct {
	Task datasets.Task `json:"task"`
	// Defense and Attack are IDs, as in Cell.
	Defense string `json:"defense"`
	Attack  string `json:"attack"`
	// Metric is the name of the run's figure to compare with, as in
	// Result.Metrics; with Class it is Recall or Precision. NamesSeen is of the
	// device that Class names: how many of Names it looks up.
	Metric string `json:"metric"`
	// Class narrows Metric down to one class, or to the classes of one device.
	Class string `json:"class,omitempty"`
	// As makes of the recall of Class the share of it that is named As, which is an
	// error: a square of a confusion matrix off its diagonal.
	As string `json:"as,omitempty"`
	// Names are what NamesSeen counts.
	Names []string `json:"names,omitempty"`
	Value float64  `json:"value"`
	// Source says where the figure stands and, if the paper counted otherwise,
	// how.
	Source string `json:"source"`
	// Calibrated says what of the run's own data or settings was chosen so that this
	// figure comes out, which is then no finding; "" for nothing, Yes for no more
	// than that it was.
	Calibrated string `json:"calibrated,omitempty"`
	// Data narrows it down to data sets of this name, whatever their settings; "" for
	// all.
	Data string `json:"data,omitempty"`
	// Over makes of the figure an order: the paper says no more than that Metric is
	// higher here than there. Value is 0 then.
	Over *Place `json:"over,omitempty"`
}

// Place is where the lower side of an order was measured.
type Place struct {
	Data    string `json:"data,omitempty"`
	Defense string `json:"defense"`
	Attack  string `json:"attack"`
}

// OfData says whether a data set is one of those that Data names: "home:x" is
// "home:x" with any settings behind, not "home:x-y".
func OfData(name, data string) bool {
	return data == "" || name == data || strings.HasPrefix(name, data+":")
}

// Yes is what Published.Calibrated holds where nobody said how.
const Yes = "true"

// publishedFile lies in the folder of a run.
const publishedFile = "published.json"

// WritePublished keeps ps in the folder of a run, in their order. Those of an
// earlier run there are replaced; without any there is no file.
func WritePublished(dir string, ps []Published) error {
	return writeRunFile(dir, publishedFile, ps, len(ps) == 0)
}

// ReadPublished reads what WritePublished kept in dir, nil if nothing. A file
// that is no list of published figures is an error that names it.
func ReadPublished(dir string) ([]Published, error) {
	var ps []Published
	_, err := readRunFile(dir, publishedFile, &ps)
	return ps, err
}
