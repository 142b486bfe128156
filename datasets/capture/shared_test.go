package capture

import (
	"os"
	"path/filepath"
	"testing"
)

// shared returns the path of a file or folder of the recorded data beside the
// repository, or skips the test.
func shared(t testing.TB, path ...string) string {
	t.Helper()
	p := filepath.Join(append([]string{"..", "..", "..", "shared", "data"}, path...)...)
	if _, err := os.Stat(p); err != nil {
		t.Skip("recorded data is not beside the repository: " + p)
	}
	return p
}
