package page

import (
	"fmt"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Sections that are of the page alone.
const (
	acrossID    = "across"
	assumedID   = "assumed"
	citeID      = "cite"
	reproduceID = "reproduce"
	changedID   = "changed"
)

// across has the ranks of each defense on all data and tasks side by side: a
// defense that leads on one and trails on another is known by its row.
func across(s *reports.Set) []table.Table {
	if len(s.Panels) < 2 {
		return nil
	}
	t := table.Table{Title: "Rank of each defense on each data set and task (1 leaks least)", Columns: table.Columns("defense", "one rank?")}
	ranks := map[reports.Subject]ranked{}
	for _, p := range s.Panels {
		head := reports.TaskName(p.Task) + ", " + s.DataName(p.Dataset)
		if len(s.Vantages()) > 1 {
			head += ", " + string(p.Vantage)
		}
		t.Columns = append(t.Columns, table.Columns("#"+head)...)
		for _, x := range ranking(s, p) {
			ranks[x.at] = x
		}
	}

	for _, d := range s.DefensesOf(s.Panels) {
		row := []table.Value{table.Word(s.DefenseLabel(d)), table.Missing()}
		low, high, known := 0, 0, 0
		for _, p := range s.Panels {
			x, ok := ranks[reports.Subject{Panel: p, Defense: d}]
			v := table.Missing()
			if ok && !x.noVerdict {
				v = x.rank()
				v.Under = strings.TrimSpace(x.score.Text)
				if known == 0 {
					low, high = x.from, x.to
				}
				low, high, known = max(low, x.from), min(high, x.to), known+1
			}
			row = append(row, v)
		}

		// Ranks are ranges; one rank that lies in all of them may be the true one of all.
		switch {
		case known > 1 && low <= high:
			row[1] = table.Word("fits all")
		case known > 1:
			row[1] = table.Word("differs")
		}
		t.Rows = append(t.Rows, row)
	}
	t.Notes = []string{"Below each rank stands the advantage. Ranks are ranges where intervals overlap; a defense does alike on all where one rank lies in all of its ranges."}
	return []table.Table{t}
}

// assumed lists what the figures take for granted, from what the run says of itself.
func assumed(s *reports.Set) []table.Table {
	t := table.Table{Title: "What is taken for granted", Columns: table.Columns("of", "assumed")}
	add := func(of, what string, args ...any) {
		t.Rows = append(t.Rows, []table.Value{table.Word(of), table.Word(fmt.Sprintf(what, args...))})
	}
	add("the observer", "is passive: it sees when packets pass, how large they are, which way they go, and the headers that show at its place; it breaks no encryption and changes nothing")
	for _, v := range s.Vantages() {
		add("its place", "%s (%s)", reports.WhereName(v), v)
	}
	meaning := map[results.Knowledge]string{
		results.Unaware:  "is trained on traffic without the defense",
		results.Adaptive: "knows the defense and every parameter, and is trained on traffic behind it",
		results.Transfer: "is trained on traffic behind another defense",
	}

	// Only what was tried is listed: an attacker of another kind may do better.
	for _, k := range []results.Knowledge{results.Unaware, results.Adaptive, results.Transfer} {
		if slices.ContainsFunc(s.Results, func(r results.Result) bool { return r.Cell.Knowledge == k }) {
			add("its knowledge", "%s: it %s; the best of all counts", k, meaning[k])
		}
	}
	add("its training", "labeled traffic of the same kinds of devices as those it is tested on")

	var splits []string
	for _, p := range s.Panels {
		what := fmt.Sprintf("%s: %s", s.DataName(p.Dataset), p.Split)
		if p.Split.Within() {
			what += " (training and test share sessions)"
		}
		splits = append(splits, what)
	}
	add("split", "%s; all recordings of a group (a home, a session, a day) are on one side", strings.Join(reports.Distinct(splits), "; "))
	if slices.ContainsFunc(s.Panels, func(p reports.Panel) bool { return p.Task == datasets.TaskEvent }) {
		add("a hit", "an event counts as found within 5 s; the table of the tolerance has 1 s and 15 s")
	}
	for _, name := range datasetsOf(s) {
		if s.Generated[name] {
			add("data", "%s is generated from published figures of devices, which attacks rest on too", s.DataName(name))
		}
	}
	if m := s.Options.Manifest; m != nil {
		link := "no limit"
		if m.Link.UpMbitS > 0 || m.Link.DownMbitS > 0 {
			link = fmt.Sprintf("%s Mbit/s up, %s Mbit/s down (0: no limit)", table.Full(m.Link.UpMbitS), table.Full(m.Link.DownMbitS))
		}
		add("the home's line", "%s; what waits there is part of every delay", link)
		add("a low score", "counts only where canaries show that the attack works (canaries %s)", map[bool]string{true: "on", false: "OFF"}[m.Canaries])
		add("chance", "seed %d; %s of each defense in the test", m.Seed, reports.Plural(max(m.Draws, 1), "draw"))
	}
	return []table.Table{t}
}

// datasetsOf are the names of the data sets in the order of panels.
func datasetsOf(s *reports.Set) []string {
	var out []string
	for _, p := range s.Panels {
		if !slices.Contains(out, p.Dataset) {
			out = append(out, p.Dataset)
		}
	}
	return out
}

// reproduce is what to type. DIR stands for the folder of the run, whose name is of
// somebody's disk.
func reproduce(s *reports.Set) []table.Table {
	t := table.Table{Title: "Commands, DIR being the folder of this run", Columns: table.Columns("command", "what it does")}
	add := func(command, what string) {
		t.Rows = append(t.Rows, []table.Value{table.Word(command), table.Word(what)})
	}
	add("veilbench verify DIR --sample 20", "computes 20 cells again and compares bytes")
	if print, ok := strings.CutPrefix(s.Options.Fingerprint, "results "); ok {
		print, _, _ = strings.Cut(print, " ")
		add("veilbench verify OTHER --against "+print, "says whether another folder has these results")
	}
	add("veilbench artifact DIR --out artifact", "a folder with a script that makes everything again on a machine with Go and git")
	add("veilbench report DIR", "draws this page, every table and every picture again")
	add("veilbench report DIR --format csv", "every figure of every cell")
	if p := s.Options.Program; p != "" {
		t.Notes = append(t.Notes, "Drawn by "+p+"; the manifest below has data, seeds and digests.")
	}
	return []table.Table{t}
}
