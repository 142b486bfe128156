package captures

import (
	"regexp"
	"strings"
	"testing"
)

// No two devices share a file, not even where A and a are one name.
func TestDevicesHaveFilesOfTheirOwn(t *testing.T) {
	if fileName("plug-1.lamp") != "plug-1.lamp" {
		t.Error("a plain name was changed")
	}
	plain := regexp.MustCompile(`^[A-Za-z0-9._-]{1,80}$`)
	seen := map[string]string{}
	long := strings.Repeat("a", 300)
	for _, name := range []string{"日本", "中国", "plug a", "plug_a", "plug/a", "plug-a", "Plug-a", "plug A", long, long + "b", "\x1b", "..", "é"} {
		f := strings.ToLower(fileName(name))
		if seen[f] != "" || !plain.MatchString(f) {
			t.Errorf("%q and %q have the file %q", name, seen[f], f)
		}
		seen[f] = name
	}
}
