// Package outside is the way out and back in for classifiers that are no plug-ins, such
// as a network trained elsewhere on a GPU. What a grid's attackers learn from and are
// asked about has names that hang on nothing but what it is (Item); Read reads what was
// said about items; Resolve makes of that an attack of the grid, which is scored as any
// other. It can be right about what it was asked, and knows nothing else.
package outside

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// Roles of items.
const (
	Train = "train"
	Test  = "test"
)

// Item says which defended trace one is: the same item of the same experiment has the
// same ID in every export of it, whatever else is exported.
type Item struct {
	// Data is the digest of the data set, so that no prediction is taken for one about
	// other content of the same name.
	Data    string
	Task    datasets.Task
	Vantage datasets.Vantage
	// Defense is an ID, and Seed that of the grid: both seed the defense's draws.
	Defense string
	Seed    uint64
	// Role and Draw name the draw of the defense.
	Role string
	Draw int
	// Fit names the training that a defense that learns was fitted to, as
	// "fold.part"; "" for all others, and for tests, of which a recording has one.
	Fit       string
	Recording string
}

// ID is short, safe in file names and CSV, and begins with a letter, so that no program
// takes it for a number. Its 60 bits tell a billion items apart but for one chance in two.
func (i Item) ID() string {
	const digits = 15
	b, _ := json.Marshal(i) // strings and numbers cannot fail
	sum := sha256.Sum256(b)
	return "i" + hex.EncodeToString(sum[:])[:digits]
}

// Asked is a test item and the cells that ask about it, but for what names an attacker.
type Asked struct {
	Item
	Dataset string
	// Classes are those that can be answered, sorted.
	Classes []string
	// Same names the class that stands for others that nobody can tell from it, for
	// scores merge them. Missing are classes that stand for themselves.
	Same map[string]string
}

// Numbered are the classes that scores tell apart, in the order of their numbers.
func (a Asked) Numbered() []string {
	var out []string
	for _, c := range a.Classes {
		if s := a.scored(c); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// Label is the number of a class, -1 for one that no answer has.
func (a Asked) Label(class string) int { return slices.Index(a.Numbered(), a.scored(class)) }

// scored is the class that a score takes c for.
func (a Asked) scored(c string) string {
	if s, ok := a.Same[c]; ok {
		return s
	}
	return c
}

// place is what cells with the same test items have in common.
type place struct {
	dataset string
	task    datasets.Task
	vantage datasets.Vantage
	defense string
	draw    int
}

func placeOf(c results.Cell) place {
	return place{c.Dataset, c.Task, c.Vantage, c.Defense, c.Draw}
}

func (a Asked) place() place { return place{a.Dataset, a.Task, a.Vantage, a.Defense, a.Draw} }
