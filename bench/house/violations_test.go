package house

import (
	"strings"
	"testing"
)

// TestRulesFindWhatTheyForbid shows every rule a source that breaks it, and one
// close to it that does not.
func TestRulesFindWhatTheyForbid(t *testing.T) {
	const doc = "// Package x is there for a test.\n"
	long := "\tprint()\n\tprint()\n" + strings.Repeat("\n", whyLines)
	for _, c := range []struct {
		rule            string
		name, bad, good string
	}{
		{"imports point left", "attacks/x/x.go", `package x; import _ "veilbench/bench/results"`, `package x; import _ "veilbench/datasets"`},
		{"imports point left", "attacks/x/x.go", `package x; import _ "veilbench/defenses/pad"`, `package x; import _ "veilbench/attacks"`},
		{"reports see results alone", "reports/x/x.go", `package x; import _ "veilbench/datasets/home"`, `package x; import _ "veilbench/bench/results"`},
		{"reports see results alone", "bench/results/x.go", `package results; import _ "veilbench/defenses"`, `package results; import _ "veilbench/datasets"`},
		{"some know little", "reports/table/x.go", `package table; import _ "veilbench/bench/results"`, `package table; import _ "strings"`},
		{"families do not see each other", "defenses/pad/x.go", `package pad; import _ "veilbench/defenses/cover"`, `package pad; import _ "veilbench/defenses/shaping"`},
		{"families do not see each other", "attacks/bursts/x.go", `package bursts; import _ "veilbench/attacks/knn"`, `package bursts; import _ "veilbench/attacks"`},
		{"families do not see each other", "attacks/knn/x.go", `package knn; import _ "veilbench/attacks/builtin"`, `package knn; import _ "veilbench/attacks/bursts"`},
		{"forbidden imports", "datasets/x.go", `package datasets; import _ "math/rand"`, `package datasets; import _ "math/rand/v2"`},
		{"no init", "datasets/x.go", `package datasets; func init() {}`, `package datasets; func start() {}`},
		{"no mutable package state", "datasets/x.go", "package datasets\nvar n int\nfunc f() { n = 1 }", "package datasets\nvar n int\nfunc f() { var n int; n = 1; _ = n }"},
		{"no mutable package state", "datasets/x.go", "package datasets\nvar m = map[int]int{}\nfunc f() { m[1]++ }", "package datasets\nfunc f() { m := map[int]int{}; m[1]++ }"},
		{"files and functions stay readable", "datasets/x.go", "package datasets\n" + strings.Repeat("\n", maxFileLines), "package datasets\n"},
		{"files and functions stay readable", "datasets/x.go", "package datasets\nfunc f() {" + strings.Repeat("\n", maxFuncLines+1) + "}", "package datasets\nfunc f() {\n}"},
		{"long functions say why", "datasets/x.go", "package datasets\nfunc f() {\n" + long + "}", "package datasets\nfunc f() {\n\t// A reason.\n" + long + "}"},
		{"packages say what they are", "datasets/x/x.go", "package x", doc + "package x"},
		{"exports are documented", "datasets/x.go", "package datasets\nfunc F() {}", "package datasets\n// F does what it is called for.\nfunc F() {}"},
		{"exports are documented", "datasets/x.go", "package datasets\n// F does.\nfunc F() {}", "package datasets\n// F does all of it.\nfunc F() {}"},
		{"exports are used", "datasets/x/x.go", "package x\nfunc F() {}", "package x\nfunc f() {}"},
		{"metrics are spelled once", "reports/x.go", "package reports\nvar x = \"macro_recall\"", "package reports\nvar x = \"other_recall\""},
		{"contracts have examples", "attacks/x.go", "package attacks", "package main"},
	} {
		var check func([]source) []string
		for _, r := range rules() {
			if r.name == c.rule {
				check = r.check
			}
		}
		if check == nil {
			t.Fatalf("no rule %q", c.rule)
		}
		if got := check([]source{parse(t, c.name, c.bad)}); len(got) != 1 {
			t.Errorf("%s: %d findings in a source that breaks it: %q\n%s", c.rule, len(got), got, c.bad)
		}
		good := c.name
		if c.rule == "contracts have examples" {
			good = "elsewhere/x.go"
		}
		if got := check([]source{parse(t, good, c.good)}); len(got) != 0 {
			t.Errorf("%s: %q in a source that keeps it\n%s", c.rule, got, c.good)
		}
	}

	var many []source
	for range maxFiles + 1 {
		many = append(many, parse(t, "datasets/x.go", "package datasets"))
	}
	if len(packageSizes(many)) != 1 || len(packageSizes(many[1:])) != 0 {
		t.Errorf("packages are no halls: a package of %d files is not found, or one of %d is", maxFiles+1, maxFiles)
	}
}

// TestEveryRuleIsShownAViolation holds the table above to all rules.
func TestEveryRuleIsShownAViolation(t *testing.T) {
	s := project(t)
	i := len(s)
	for k := range s {
		if s[k].path == "bench/house/violations_test.go" {
			i = k
		}
	}
	if i == len(s) {
		t.Fatal("the table of violations is not where it was")
	}
	for _, r := range rules() {
		if !strings.Contains(s[i].text, `"`+r.name+`"`) && !strings.Contains(s[i].text, r.name+":") {
			t.Errorf("rule %q is shown no violation", r.name)
		}
	}
}
