package reports

import (
	"fmt"

	"veilbench/bench/results"
	"veilbench/reports/table"
)

// change is what happened to one defense of one panel between two runs.
type change struct {
	at            Subject
	before, after results.Summary
	test          Comparison
}

func (c change) difference() float64 { return c.after.Advantage - c.before.Advantage }

// changes pairs the defenses of both runs that did not fail; alone counts
// those of the second run that have no counterpart.
func changes(before, after *Set) (cs []change, alone int) {
	var ats []Subject
	for _, p := range after.Panels {
		for _, d := range after.Defenses[p] {
			at := Subject{p, d}
			_, was := before.Best(at)
			_, is := after.Best(at)
			if !was || !is {
				if after.Summaries[at].Cells > 0 { // what only controls answer has nothing to be compared
					alone++
				}
				continue
			}
			ats = append(ats, at)
			cs = append(cs, change{at: at, before: before.Summaries[at], after: after.Summaries[at]})
		}
	}
	for i, test := range Changes(before, after, ats) {
		cs[i].test = test
	}
	return cs, alone
}

// Changes tests what happened to each of ats from one run to another, paired by
// test group, with p-values adjusted over all of them.
func Changes(before, after *Set, ats []Subject) []Comparison {
	var out []Comparison
	for _, at := range ats {
		out = append(out, compareGroups(after, at, before, at))
	}
	adjust(out)
	return out
}

// SameData says whether two runs judged a defense on the same data.
func SameData(before, after *Set, at Subject) bool {
	return digest(before.BySubject[at]) == digest(after.BySubject[at])
}

// verdict says whether the change is more than noise, and which way it goes.
func (c change) verdict() table.Value {
	d := c.difference()
	switch {
	case c.before.NoEvidence != "" || c.after.NoEvidence != "":
		return table.Word(NoEvidence)
	case d == 0:
		return table.Word("same")
	case c.test.Told() && d > 0:
		return table.Word("WORSE: leaks more")
	case c.test.Told():
		return table.Word("better: leaks less")
	}
	return table.Word(c.test.undecided())
}

// Compare says for each panel and defense that both runs have what changed
// from before to after: the best attack's advantage, paired by test group, and
// the bytes. Data that differ are marked.
func Compare(before, after *Set) table.Table {
	t := table.Table{Name: "compare", Title: "What changed from the first run to the second", Columns: table.Columns(
		"data", "task", "defense", "#before", "#after", "±difference", "#Cliff's delta", "#p (ranks)", "#p (Holm)", "verdict", "#bytes before", "#bytes after")}

	cs, alone := changes(before, after)
	var tests []Comparison
	for _, c := range cs {
		tests = append(tests, c.test)
		difference := c.test.Difference(c.difference())
		if c.at.Split.Within() {
			difference = table.Number(c.difference(), table.Signed) // groups are no samples there
		}
		if c.before.NoEvidence != "" || c.after.NoEvidence != "" {
			difference = table.Missing()
		}
		data := after.DataName(c.at.Dataset)
		if !SameData(before, after, c.at) {
			data += " (other data)"
		}
		t.Rows = append(t.Rows, []table.Value{
			table.Word(data), table.Word(TaskName(c.at.Task)), table.Word(after.DefenseLabel(c.at.Defense)),
			advantageOf(c.before), advantageOf(c.after), difference,
			table.Number(c.test.Cliff, table.Signed), c.test.RankValue(), c.test.PValue(c.test.Holm), c.verdict(),
			before.Costs(c.at).Bytes(), after.Costs(c.at).Bytes(),
		})
	}
	t.Notes = append(t.Notes, "Advantage of the best attack, paired by the test groups that both runs have; no interval below 5 groups. "+TestNote(tests), AboutTraining)
	if was, is := before.Options.Fingerprint, after.Options.Fingerprint; was != "" || is != "" {
		t.Stamp = "first run: " + was + "; second run: " + is
	}
	if alone > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%d of the second run's defenses and tasks have no counterpart that did not fail in the first.", alone))
	}
	return t
}

// advantageOf is the advantage of a summary, if it is known.
func advantageOf(m results.Summary) table.Value {
	if m.NoEvidence != "" {
		return table.Word(NoEvidence)
	}
	return table.Number(m.Advantage, table.Score)
}

// digest is that of the data behind results.
func digest(rs []*results.Result) string {
	if len(rs) == 0 {
		return ""
	}
	return rs[0].Data
}
