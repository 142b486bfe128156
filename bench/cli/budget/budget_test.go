package budget

import (
	"strings"
	"testing"
)

// FuzzBudget: any text is a budget or an error that names the file.
func FuzzBudget(f *testing.F) {
	for _, s := range []string{"", "advantage: 0.2", "advantage: {events: 20 %, device: 1}\noverhead: 50 %\ndelay_p95: 50ms\ngb_per_month: 20\nrise: 0", "defense: {vpn: {kind: wireguard}}", "overhead: [1]", "rise: .nan", "advantage: ~"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := Parse("file.yaml", text); err != nil && !strings.Contains(err.Error(), "file.yaml") {
			t.Errorf("%q: the error names no file: %v", text, err)
		}
	})
}
