package yamlfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file that would take the parser's time and memory is refused unparsed.
func TestHostileFilesAreRefused(t *testing.T) {
	for what, text := range map[string]string{
		"flow mappings":  strings.Repeat("{a: ", 50_000) + strings.Repeat("}", 50_000),
		"flow sequences": strings.Repeat("[", 50_000),
		"over lines":     strings.Repeat("{a:\n ", 50_000),
		"marks":          strings.Repeat("- ", 50_000) + "a",
		"questions":      strings.Repeat("? ", 50_000) + "a",
		"indented":       "a:\n" + strings.Repeat(" ", 1000) + "b: 1",
		"long":           strings.Repeat("# a line of a comment\n", 100_000),
	} {
		if _, _, err := Parse("x.yaml", text, ""); err == nil || !strings.Contains(err.Error(), "x.yaml") || len(err.Error()) > 200 {
			t.Errorf("%s: error %v", what, err)
		}
	}

	if _, _, err := Parse("x.yaml", "a: "+strings.Repeat("[", 40)+strings.Repeat("]", 40)+"\n# ----------------------------------------------------------------\n", ""); err != nil {
		t.Error(err)
	}
	path := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(path, make([]byte, 5<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	if text, err := ReadFile(path); err != nil || len(text) != maxBytes+1 {
		t.Errorf("%d bytes read, %v", len(text), err)
	}
}
