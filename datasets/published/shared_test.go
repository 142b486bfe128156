package published

import (
	"encoding/csv"
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

// readCSV returns all rows of a file.
func readCSV(t testing.TB, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
