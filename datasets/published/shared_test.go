package published

import (
	"os"
	"path/filepath"
	"testing"
)

// sharedData returns a folder of the recorded data that is kept beside the
// repository, or skips the test where it is absent.
func sharedData(t testing.TB, folder string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", folder)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("recorded data %s is not here: %v", folder, err)
	}
	return path
}
