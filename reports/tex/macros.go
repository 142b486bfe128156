package tex

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Macros is the name of the format that WriteMacros writes.
const Macros = "macros"

// macroStart defines the look-up. Keys go through \detokenize, for names hold signs
// that packages such as babel make active; one that is not known stops the paper,
// for a number that is missing would not be seen in print.
const macroStart = `\makeatletter
\def\vb@short#1{\ifcsname vb@as@\detokenize{#1}\endcsname\csname vb@as@\detokenize{#1}\endcsname\else\detokenize{#1}\fi}
\def\vb@as#1#2{\expandafter\gdef\csname vb@as@\detokenize{#1}\endcsname{#2}}
\def\vb@key#1#2#3#4{vb@#1@\vb@short{#2}@\vb@short{#3}@\detokenize{#4}}
\def\vb@set#1#2#3#4#5{\expandafter\gdef\csname\vb@key{#1}{#2}{#3}{#4}\endcsname{#5}}
\def\vb@get#1#2#3#4{\ifcsname\vb@key{#1}{#2}{#3}{#4}\endcsname\csname\vb@key{#1}{#2}{#3}{#4}\endcsname\else
  \PackageError{veilbench}{no #1 of data set \detokenize{#2}, defense \detokenize{#3}, task \detokenize{#4}}{The keys are in the comments of the file with the macros.}\textbf{??}\fi}
`

// macro is a command of the paper and the figure that it prints.
type macro struct {
	name, key, doc string
	text           func(s *reports.Set, at reports.Subject) string
}

// macros lists the commands. All take data set, defense and task.
func macros() []macro {
	scored := func(show func(m results.Summary) string) func(*reports.Set, reports.Subject) string {
		return func(s *reports.Set, at reports.Subject) string {
			m := s.Summaries[at]
			switch {
			case m.Attack == "" || m.Failed == m.Cells:
				return "failed"
			case m.NoEvidence != "":
				return reports.NoEvidence
			}
			return show(m)
		}
	}

	// A text that asks for a limit that there is none of must not print 0, nor one that
	// has both below the floor an interval of exactly 0.
	limit := func(m results.Summary, v float64) string {
		switch {
		case !m.HasInterval:
			return "n/a"
		case m.Hi == 0:
			return "≤0"
		}
		return table.Score(v)
	}
	return []macro{
		{"vbScore", "score", "advantage of the best attack over guessing", scored(func(m results.Summary) string { return table.Score(m.Advantage) })},
		{"vbLow", "low", "lower limit of its interval", scored(func(m results.Summary) string { return limit(m, m.Lo) })},
		{"vbHigh", "high", "upper limit of its interval", scored(func(m results.Summary) string { return limit(m, m.Hi) })},
		{"vbRaw", "raw", "score of that attack, before the floor is taken off", scored(func(m results.Summary) string { return table.Score(m.Score) })},
		{"vbFloor", "floor", "score without a look at the traffic", scored(func(m results.Summary) string { return table.Score(m.Floor) })},
		{"vbAttack", "attack", "name of that attack", func(s *reports.Set, at reports.Subject) string {
			return scored(func(m results.Summary) string { return s.Label(m.Attack) })(s, at)
		}},
		{"vbGroups", "groups", "test groups that count", func(s *reports.Set, at reports.Subject) string { return fmt.Sprint(s.Summaries[at].Groups) }},
		{"vbEvidence", "evidence", "what a low score rests on", func(s *reports.Set, at reports.Subject) string {
			if m := s.Summaries[at]; m.NoEvidence != "" {
				return reports.NoEvidence + ": " + m.NoEvidence.Text()
			}
			return reports.State(s.Summaries[at].Evidence)
		}},
		{"vbBytes", "bytes", "bytes that the defense adds", func(s *reports.Set, at reports.Subject) string { return s.Costs(at).Bytes().Text }},
		{"vbDelay", "delay", "delay that 19 of 20 packets stay within", func(s *reports.Set, at reports.Subject) string { return s.Costs(at).Delay().Text }},
		{"vbTraffic", "traffic", "gigabytes added to a home's month", func(s *reports.Set, at reports.Subject) string { return s.Costs(at).Traffic().Text }},
	}
}

// WriteMacros writes the figures of the headline as LaTeX commands, so that the text
// of a paper names what it means: \vbScore{data}{defense}{task}. Each key may be
// the short name or the whole one. Where a task was seen from several places the
// task is of the first, and task@place of each.
func WriteMacros(w io.Writer, s *reports.Set) error {
	var b strings.Builder
	b.WriteString("% Numbers of a run, for \\input before the text that uses them. Unknown keys are errors.\n%\n")
	for _, m := range macros() {
		fmt.Fprintf(&b, "%% \\%s{data}{defense}{task}: %s\n", m.name, m.doc)
	}
	b.WriteString(macroStart)
	for _, m := range macros() {
		fmt.Fprintf(&b, "\\newcommand*\\%s[3]{\\vb@get{%s}{#1}{#2}{#3}}\n", m.name, m.key)
	}

	names := shortNames(s)
	taken := map[[3]string]bool{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		alias(&b, name, names[name])
	}
	for _, d := range s.DefensesOf(s.Panels) {
		alias(&b, d, s.Label(d))
	}
	for _, p := range s.Panels {
		// What the whole key tells apart, one without place is the first of.
		tasks := []string{string(p.Task)}
		if n := of(s.Panels, p); n > 1 {
			tasks = append(tasks, string(p.Task)+"@"+string(p.Vantage), string(p.Task)+"@"+string(p.Vantage)+"@"+string(p.Split))
		}
		for _, d := range s.Defenses[p] {
			at := reports.Subject{Panel: p, Defense: d}
			if _, ok := s.Summaries[at]; !ok {
				continue // controls alone
			}
			for _, task := range tasks {
				if k := [3]string{names[p.Dataset], s.Label(d), task}; !taken[k] {
					taken[k] = true
					setAll(&b, s, at, k)
				}
			}
		}
	}
	fmt.Fprintf(&b, "\\newcommand*\\vbCells{%d}\n\\newcommand*\\vbSeed{%s}\n\\newcommand*\\vbProgram{%s}\n\\newcommand*\\vbResults{%s}\n\\makeatother\n",
		len(s.Results), table.EscapeTeX(s.Seeds()), table.EscapeTeX(s.Options.Program), table.EscapeTeX(s.Options.Fingerprint))
	_, err := io.WriteString(w, b.String())
	return err
}

// of is how many panels have the data set and the task of p.
func of(ps []reports.Panel, p reports.Panel) int {
	n := 0
	for _, q := range ps {
		if q.Dataset == p.Dataset && q.Task == p.Task {
			n++
		}
	}
	return n
}

// alias lets a whole name stand for a short one.
func alias(b *strings.Builder, name, short string) {
	if name != short && plain(name) && plain(short) {
		fmt.Fprintf(b, "\\vb@as{%s}{%s}\n", name, short)
	}
}

// plain says that TeX reads a name between braces as it stands.
func plain(name string) bool {
	return !strings.ContainsAny(name, "{}\\%#^~$&\n") && table.Plain(name) == name
}

// setAll writes every figure of a subject under one key. A name that TeX could not
// read between braces is left out.
func setAll(b *strings.Builder, s *reports.Set, at reports.Subject, key [3]string) {
	for _, k := range key {
		if !plain(k) {
			return
		}
	}
	for _, m := range macros() {
		fmt.Fprintf(b, "\\vb@set{%s}{%s}{%s}{%s}{%s}\n", m.key, key[0], key[1], key[2], table.EscapeTeX(m.text(s, at)))
	}
}
