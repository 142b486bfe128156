package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every command and result of the page on captures before and after a device is
// tried by its script.
func TestBeforeAfterPageIsTried(t *testing.T) {
	page, err := os.ReadFile("../../reports/docs/before-after.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/script/beforeafter.txtar")
	if err != nil {
		t.Fatal(err)
	}
	tried := regexp.MustCompile(`\\(.)`).ReplaceAllString(string(script), "$1")
	n := 0
	for line := range strings.Lines(string(page)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "    veilbench "):
			line = "exec " + strings.TrimSpace(line)
		case strings.HasPrefix(line, "gateway (") && !strings.Contains(line, "4.8 ms"), strings.HasPrefix(line, "vpn  "):
		default:
			continue
		}
		if n++; !strings.Contains(tried, line) {
			t.Errorf("not tried: %s", line)
		}
	}
	if n < 8 {
		t.Errorf("%d lines of the page are tried", n)
	}
}
