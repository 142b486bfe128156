package gate

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/joshdk/go-junit"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/reporttest"
	"veilbench/reports/schematest"
	"veilbench/reports/tables"
)

// everyState is an outcome with a line of each state.
func everyState(t *testing.T) Outcome {
	t.Helper()
	o := Outcome{Program: "veilbench v1.2.3 0123456789ab", Run: "runs/a<b>", Baseline: "runs/old", Budget: "ci/budget, strict.yaml"}
	add := func(run Run, b Budget, before Run) {
		t.Helper()
		b.At = map[string]int{ruleAdvantage: 2, At(ruleAdvantage, "event"): 3, ruleRise: 7}
		lines, err := Judge(run, b, before)
		if err != nil {
			t.Fatal(err)
		}
		o.Lines = append(o.Lines, lines...)
	}
	unearned := Run{o.Run, reports.NewSet(keepSubject(reporttest.Unearned(), "home:made_up", "wan"), reports.Options{})}
	add(unearned, Budget{Defense: "earned", AllTasks: limit(0.9)}, Run{})
	add(unearned, Budget{Defense: "worse", AllTasks: limit(0.2)}, Run{})
	add(unearned, Budget{Defense: "blind", AllTasks: limit(0.9)}, Run{})
	add(unearned, Budget{Defense: "blind", AllTasks: limit(0.9), AllowNoEvidence: true}, Run{})
	add(Run{o.Run, reports.NewSet(gateResults(0.2, 0.3, 0.3, 0.4), reports.Options{})}, Budget{AllTasks: limit(0.5), Overhead: limit(0.1)}, Run{})
	add(Run{o.Run, reports.NewSet(gateResults(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7), reports.Options{})}, Budget{Rise: limit(0.01)},
		Run{o.Baseline, reports.NewSet(gateResults(0.2, 0.1, 0.4, 0.3, 0.4, 0.3, 0.6), reports.Options{})})

	for _, want := range []State{pass, fail, noEvidence, allowed, tooFew, undecided, evidence} {
		if !slices.ContainsFunc(o.Lines, func(l Line) bool { return l.State == want }) {
			t.Fatalf("no line is %q: %+v", want, o.Lines)
		}
	}
	return o
}

func written(t *testing.T, o Outcome, f Format) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := o.Write(&b, f); err != nil {
		t.Fatalf("%s: %v", f, err)
	}
	return b.Bytes()
}

// Whatever is missed or open says what to try, and the tables it names exist.
func TestEveryFindingSaysWhatToTry(t *testing.T) {
	var names []string
	for _, k := range tables.All() {
		names = append(names, k.Name)
	}
	for _, l := range everyState(t).Lines {
		if (l.State.Missed() || l.State.Open()) != (l.Try != "") {
			t.Errorf("%s %s: what to try: %q", l.State, l.Name, l.Try)
		}
		for _, m := range regexp.MustCompile(`--table ([a-z-]+)`).FindAllStringSubmatch(l.Try, -1) {
			if !slices.Contains(names, m[1]) {
				t.Errorf("%s: there is no table %s", l.Try, m[1])
			}
		}
	}
}

// The JSON has every line, with the numbers that the text rounds.
func TestJSON(t *testing.T) {
	o := everyState(t)
	d := json.NewDecoder(bytes.NewReader(written(t, o, JSON)))
	d.DisallowUnknownFields()
	var got jsonOutcome
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	limits, missed, open := o.Counts()
	if got.Format != jsonFormat || got.Run != o.Run || got.Kept || got.Limits != limits || got.Missed != missed || got.Undecided != open || len(got.Lines) != len(o.Lines) {
		t.Errorf("%+v", got)
	}
	for i, l := range got.Lines {
		want := o.Lines[i]
		if l.State != want.State || l.Defense != want.Subject.Defense || l.Try != want.Try || (l.Limit == nil) != (want.Limit == nil) {
			t.Errorf("line %d is %+v, want %+v", i, l, want)
		}
		if l.State == pass && (l.Value == nil || *l.Value > *l.Limit) {
			t.Errorf("passes: %+v", l)
		}
	}
}

// A parser of JUnit files that is not ours counts as many tests, failures and skips
// as there are limits, missed ones and open ones.
func TestJUnit(t *testing.T) {
	o := everyState(t)
	for _, o.Strict = range []bool{false, true} {
		suites, err := junit.Ingest(written(t, o, JUnit))
		if err != nil || len(suites) != 1 {
			t.Fatalf("%d suites, %v", len(suites), err)
		}
		limits, missed, open := o.Counts()
		if o.Strict {
			missed, open = missed+open, 0
		}
		got := suites[0].Totals
		if got.Tests != limits || got.Failed != missed || got.Skipped != open || got.Error != 0 || suites[0].Name != o.Run {
			t.Errorf("strict %v: %+v of %q, want %d, %d missed, %d open", o.Strict, got, suites[0].Name, limits, missed, open)
		}
		for _, c := range suites[0].Tests {
			var f junit.Error
			if c.Status == junit.StatusFailed && (!errors.As(c.Error, &f) || !strings.Contains(f.Body, "what to try") || f.Message == "") {
				t.Errorf("%s fails without a word: %+v", c.Name, c.Error)
			}
			if c.Name == "advantage: events, earned" && !strings.Contains(c.SystemOut, "canaries behind it") {
				t.Errorf("no evidence in the output of %s: %q", c.Name, c.SystemOut)
			}
		}
	}
}

// SARIF is what its schema allows. What is missed is a failure, what is open the kind
// that is for it, what is kept no finding; each stands in the budget, and is known
// again in another run.
func TestSARIF(t *testing.T) {
	o := everyState(t)
	text := written(t, o, SARIF)
	schematest.Validate(t, schematest.SARIF, text)
	schematest.Validate(t, schematest.SARIF, written(t, Outcome{Program: "veilbench devel", Budget: "b.yaml"}, SARIF))

	var log sarifLog
	if err := json.Unmarshal(text, &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	var want []string
	for _, l := range o.Lines {
		switch {
		case l.State.Missed():
			want = append(want, "fail error")
		case l.State.Open():
			want = append(want, "open none")
		case l.State == allowed:
			want = append(want, "review none")
		}
	}
	var got []string
	marks := map[string]bool{}
	for _, r := range run.Results {
		got = append(got, r.Kind+" "+r.Level)
		at := r.Locations[0].Physical
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID || at.Artifact.URI != "ci/budget,%20strict.yaml" {
			t.Errorf("%+v", r)
		}
		if n := at.Region.StartLine; r.RuleID == ruleAdvantage && n != 3 || r.RuleID == ruleRise && n != 7 || r.RuleID == ruleOverhead && n != 1 {
			t.Errorf("%s stands in line %d", r.RuleID, n)
		}
		marks[r.Fingerprints["limit/v1"]] = true
	}
	if !slices.Equal(got, want) {
		t.Errorf("results %q, want %q", got, want)
	}

	// blind is judged twice; all others are findings of their own.
	if len(marks) != len(got)-1 {
		t.Errorf("%d fingerprints of %d findings", len(marks), len(got))
	}
	again := everyState(t)
	for i := range again.Lines {
		again.Lines[i].Detail += ", and other figures"
		if l := again.Lines[i]; l.Subject.Defense != "" && l.fingerprint() != o.Lines[i].fingerprint() {
			t.Errorf("%s is not known again", l.Name)
		}
	}

	o.Strict = true
	schematest.Validate(t, schematest.SARIF, written(t, o, SARIF))
	if s := string(written(t, o, SARIF)); strings.Contains(s, `"open"`) {
		t.Error("a strict gate leaves something open")
	}
}

// A machine on which the data lie in another folder knows findings and cases again.
func TestFoldersAreNoIdentity(t *testing.T) {
	in := func(folder string) Outcome {
		rs := keepSubject(reporttest.Unearned(), "home:made_up", "wan")
		for i := range rs {
			rs[i].Cell.Dataset = "folder=" + folder + "/lab"
		}
		lines, err := Judge(Run{"out", reports.NewSet(rs, reports.Options{})}, Budget{Defense: "worse", AllTasks: limit(0.2)}, Run{})
		if err != nil {
			t.Fatal(err)
		}
		return Outcome{Program: "veilbench", Run: "out", Budget: "b.yaml", Lines: lines}
	}
	a, b := in("/home/jane"), in("/ci/7")
	for _, f := range []Format{JUnit, SARIF, Markdown} {
		if x, y := written(t, a, f), written(t, b, f); !bytes.Equal(x, y) || bytes.Contains(x, []byte("jane")) {
			t.Errorf("%s of one run in two folders:\n%s\n%s", f, x, y)
		}
	}
}

// Annotations have no line break or separator that a name could break out of.
func TestGitHub(t *testing.T) {
	o := everyState(t)
	o.Lines = append(o.Lines, Line{Rule: ruleProbe, State: fail, Name: "a,b::c\n::error::d", Detail: "50 %\n::error ::e", Try: "x"})
	command := regexp.MustCompile(`^::(error|warning) file=ci/budget%2C strict\.yaml,line=\d+,title=[^,:]*::[^\r\n]*$`)
	lines := strings.Split(strings.TrimSuffix(string(written(t, o, GitHub)), "\n"), "\n")
	if len(lines) != len(o.Lines) {
		t.Fatalf("%d lines, want %d", len(lines), len(o.Lines))
	}
	for i, line := range lines {
		l := o.Lines[i]
		want := l.State.Missed() || l.State.Open() || l.State == allowed
		if strings.HasPrefix(line, "::") != want || want && !command.MatchString(line) || want && strings.HasPrefix(line, "::error") != l.State.Missed() {
			t.Errorf("%s: %s", l.State, line)
		}
	}
	if last := lines[len(lines)-1]; !strings.Contains(last, "50 %25%0A::error ::e") {
		t.Errorf("not escaped: %s", last)
	}
}

// A badge is well-formed XML whose words fit the boxes drawn for them.
func TestBadge(t *testing.T) {
	o := everyState(t)
	for _, lines := range [][]Line{o.Lines, o.Lines[:2], nil} {
		o.Lines = lines
		text := written(t, o, Badge)
		d := xml.NewDecoder(bytes.NewReader(text))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v in %s", err, text)
			}
		}
		if !strings.Contains(string(text), ">"+o.Verdict()+"</text>") {
			t.Errorf("the badge does not say %q: %s", o.Verdict(), text)
		}
	}
}

// The Markdown is one table with a row for each line, whatever stands in names.
func TestMarkdown(t *testing.T) {
	o := everyState(t)
	o.Lines[0].Name = "a | b\nc"
	text := string(written(t, o, Markdown))
	if n := strings.Count(text, "\n|"); n != len(o.Lines)+2 {
		t.Errorf("%d rows, want %d and a head of two:\n%s", n, len(o.Lines), text)
	}
	if !strings.Contains(text, o.Verdict()) {
		t.Errorf("no verdict in\n%s", text)
	}
}

func TestUnknownFormat(t *testing.T) {
	if err := (Outcome{}).Write(io.Discard, "pdf"); err == nil || !strings.Contains(err.Error(), "sarif") {
		t.Errorf("error %v", err)
	}
}

// A rise is judged by the test paired by group: a mean above the limit misses it
// where groups are too few for a test or the test shows it, and is open where it may
// be noise; below, it is open only where no test could have shown more.
func TestRiseIsPaired(t *testing.T) {
	before := []float64{0.2, 0.3, 0.25, 0.35, 0.4, 0.3, 0.2, 0.25}
	plus := func(d ...float64) []float64 {
		out := slices.Clone(before[:len(d)])
		for i, x := range d {
			out[i] += x
		}
		return out
	}
	for _, c := range []struct {
		name  string
		after []float64
		limit float64
		want  State
		words string
	}{
		{"the same", plus(0, 0, 0), 0, pass, "the same in all 3 groups"},
		{"few, above", plus(0.1, 0.1, 0.1), 0.05, fail, "more in 3 of 3 groups, too few for a test"},
		{"few, below", plus(0.1, 0.1, 0.1), 0.2, tooFew, "more in 3 of 3 groups, too few for a test"},
		{"more than noise", plus(0.1, 0.12, 0.1, 0.11, 0.1, 0.1, 0.13, 0.1), 0.05, fail, "more than noise"},
		{"noise", plus(0.3, -0.2, 0.3, -0.2, 0.3, -0.2, 0.3, -0.2), 0.01, undecided, "it may be noise"},
		{"kept", plus(0.01, -0.01, 0.01, -0.01, 0.02, -0.02, 0.01, -0.01), 0.05, pass, "over 8 groups"},
		{"better", plus(-0.1, -0.1, -0.1, -0.1, -0.1, -0.1, -0.1, -0.1), 0, pass, "over 8 groups"},
	} {
		was := Run{"was", reports.NewSet(gateResults(before[:len(c.after)]...), reports.Options{})}
		is := Run{"is", reports.NewSet(gateResults(c.after...), reports.Options{})}
		lines, err := Judge(is, Budget{Rise: &c.limit}, was)
		if err != nil || len(lines) != 1 {
			t.Fatalf("%s: %+v, %v", c.name, lines, err)
		}
		if l := lines[0]; l.State != c.want || !strings.Contains(l.Detail, c.words) {
			t.Errorf("%s: %s: %s, want %s with %q", c.name, l.State, l.Detail, c.want, c.words)
		}
	}
}

// The advice of a missed limit names the number of groups that would do, and the
// cheapest other defense that keeps it.
func TestAdvice(t *testing.T) {
	rs := gateResults(0.2, 0.3, 0.3, 0.3, 0.4)
	for _, r := range gateResults(0.05, 0.05, 0.05, 0.05, 0.05) {
		if r.Cell.Defense != results.NoDefense {
			r.Cell.Defense, r.Cell.TrainDefense = "strong", "strong"
			rs = append(rs, r)
		}
	}
	s := Run{"runs/x", reports.NewSet(rs, reports.Options{})}
	lines, err := Judge(s, Budget{Defense: "acme", AllTasks: limit(0.35), Overhead: limit(0.1)}, Run{})
	if err != nil {
		t.Fatal(err)
	}

	// The upper end lies .09737 above the mean of .3, the limit .05: 5 groups times
	// (.09737/.05)^2 are 18.96.
	for i, want := range []string{"about 19 test groups that differ as these 5 do; strong keeps it in this run (0.05, bytes +50 %); veilbench report runs/x --table per-activity shows what leaks", "", "a weaker setting of acme"} {
		if !strings.Contains(lines[i].Try, want) {
			t.Errorf("line %d says to try %q, want %q", i, lines[i].Try, want)
		}
	}
}
