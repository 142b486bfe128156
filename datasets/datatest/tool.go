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
