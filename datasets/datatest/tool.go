// Package datatest finds what some tests want beside Go.
package datatest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// needTools is the environment variable that turns a skip for a missing tool
// into a failure, for a machine that is meant to have them all.
const needTools = "VEILBENCH_NEED_TOOLS"

// Tool returns the path of the first of the programs that is installed. If
// none is, the test is skipped, or fails where needTools is set.
func Tool(t testing.TB, names ...string) string {
	t.Helper()
	for _, n := range names {
		if p, err := exec.LookPath(n); err == nil {
			return p
		}
	}
	if os.Getenv(needTools) != "" {
		t.Fatalf("%s is not installed, and %s is set", strings.Join(names, " or "), needTools)
	}
	t.Skipf("%s is not installed", strings.Join(names, " or "))
	return ""
}

// PythonWith returns the interpreter that a system's own packages are for, if it has
// those named; else the test is skipped, as by Tool.
func PythonWith(t testing.TB, packages ...string) string {
	t.Helper()
	const python = "/usr/bin/python3"
	err := exec.Command(python, "-c", "import "+strings.Join(packages, ", ")).Run()
	switch {
	case err == nil:
		return python
	case os.Getenv(needTools) != "":
		t.Fatalf("%s has no %s, and %s is set", python, strings.Join(packages, ", "), needTools)
	}
	t.Skipf("%s has no %s", python, strings.Join(packages, ", "))
	return ""
}

// Python returns the path of Python itself, not of a script that looks for one and takes
// ten times as long to start. Where there is none the test is skipped, as by Tool.
func Python(t testing.TB) string {
	t.Helper()
	found := Tool(t, "python3")
	out, err := exec.Command(found, "-S", "-c", "import sys; print(sys.executable)").Output()
	if real := strings.TrimSpace(string(out)); err == nil && real != "" {
		return real
	}
	return found
}
