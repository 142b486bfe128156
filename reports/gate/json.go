package gate

import (
	"encoding/json"
	"io"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// jsonFormat names the form of the JSON; a number at its end grows when a field
// changes its meaning or goes.
const jsonFormat = "veilbench gate 1"

type jsonOutcome struct {
	Format   string `json:"format"`
	Program  string `json:"program"`
	Run      string `json:"run"`
	Baseline string `json:"baseline,omitempty"`
	Budget   string `json:"budget"`
	Results  string `json:"results,omitempty"`
	// Verdict is the outcome in words, Kept whether no limit is missed.
	Verdict   string     `json:"verdict"`
	Kept      bool       `json:"kept"`
	Strict    bool       `json:"strict"`
	Limits    int        `json:"limits"`
	Missed    int        `json:"missed"`
	Undecided int        `json:"undecided"`
	Lines     []jsonLine `json:"lines"`
}

type jsonLine struct {
	Rule      string            `json:"rule"`
	State     State             `json:"state"`
	Name      string            `json:"name"`
	Detail    string            `json:"detail"`
	Try       string            `json:"what_to_try,omitempty"`
	Dataset   string            `json:"dataset,omitempty"`
	Task      datasets.Task     `json:"task,omitempty"`
	Vantage   datasets.Vantage  `json:"vantage,omitempty"`
	Split     datasets.Split    `json:"split,omitempty"`
	Defense   string            `json:"defense,omitempty"`
	Attack    string            `json:"attack,omitempty"`
	Knowledge results.Knowledge `json:"knowledge,omitempty"`
	Value     *float64          `json:"value,omitempty"`
	Lo        *float64          `json:"lo,omitempty"`
	Hi        *float64          `json:"hi,omitempty"`
	Limit     *float64          `json:"limit,omitempty"`
	Unit      string            `json:"unit,omitempty"`
	Groups    int               `json:"groups,omitempty"`
	P         *float64          `json:"p,omitempty"`
	At        int               `json:"budget_line,omitempty"`
}

func (o Outcome) writeJSON(w io.Writer) error {
	limits, missed, open := o.Counts()
	out := jsonOutcome{
		Format: jsonFormat, Program: o.Program, Run: o.Run, Baseline: o.Baseline, Budget: o.Budget, Results: o.Results, Verdict: o.Verdict(),
		Kept: missed == 0 && !(o.Strict && open > 0), Strict: o.Strict, Limits: limits, Missed: missed, Undecided: open, Lines: []jsonLine{},
	}
	for _, l := range o.Lines {
		at := l.Subject
		out.Lines = append(out.Lines, jsonLine{
			l.Rule, l.State, l.Name, l.Detail, l.Try, at.Dataset, at.Task, at.Vantage, at.Split, at.Defense, l.Attack, l.Knowledge,
			l.Value, l.Lo, l.Hi, l.Limit, l.Unit, l.Groups, l.P, l.At,
		})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}
