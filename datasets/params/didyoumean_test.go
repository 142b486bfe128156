package params

import (
	"strings"
	"testing"
)

// Names with commas between are no name, and the message says what to do.
func TestDidYouMeanOfSeveral(t *testing.T) {
	names := []string{"none", "vpn"}
	for name, want := range map[string]string{"none,vpn": "repeat the flag", "vpm": `"vpn"`, "nobody,vpn": "", "none": `"none"`} {
		if got := DidYouMean(name, names); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
