package gate

import (
	"cmp"
	"encoding/xml"
	"io"
)

// The elements of JUnit's XML that runners of tests agree on: a suite of cases,
// each failed, skipped or neither.
type (
	junitSuites struct {
		XMLName  xml.Name   `xml:"testsuites"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Suite    junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string `xml:"name,attr"`
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Errors   int    `xml:"errors,attr"`
		Skipped  int    `xml:"skipped,attr"`
		// Runners want them before the cases.
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Class   string    `xml:"classname,attr"`
		Name    string    `xml:"name,attr"`
		Failure *junitSay `xml:"failure"`
		Skipped *junitSay `xml:"skipped"`
		Out     string    `xml:"system-out,omitempty"`
	}
	junitSay struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// writeJUnit writes a case for each limit. What is open is skipped, or failed where
// the gate is strict; evidence stands in the output of the case before it.
func (o Outcome) writeJUnit(w io.Writer) error {
	// Readers hold the sums against the cases, so they must be those of the strict gate.
	limits, missed, open := o.Counts()
	if o.Strict {
		missed, open = missed+open, 0
	}
	out := junitSuites{Name: "veilbench gate", Tests: limits, Failures: missed, Skipped: open}
	out.Suite = junitSuite{Name: o.Run, Tests: limits, Failures: missed, Skipped: open}
	if o.Results != "" {
		out.Suite.Properties = []junitProperty{{"results", o.Results}}
	}

	for _, l := range o.Lines {
		if l.State == evidence {
			if n := len(out.Suite.Cases); n > 0 {
				out.Suite.Cases[n-1].Out += "\n" + string(l.State) + ": " + l.Detail
			}
			continue
		}
		c := junitCase{Class: "veilbench." + cmp.Or(l.Data, "harness"), Name: l.Rule + ": " + l.Name, Out: l.Detail}
		say := &junitSay{Message: l.Detail, Type: l.Rule, Text: string(l.State) + ": " + l.message()}
		switch {
		case l.State.Missed() || o.Strict && l.State.Open():
			c.Failure = say
		case l.State.Open():
			c.Skipped = &junitSay{Message: string(l.State) + ": " + l.message()}
		}
		out.Suite.Cases = append(out.Suite.Cases, c)
	}

	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(out); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
