package packaging

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"veilbench/reports/schematest"
)

// The list of what is in a binary is what its schema allows, names every module that
// the linker says is in it, and is the same when made again.
func TestSBOM(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "veilbench-here")
	run := func(args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = top
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, errs.Bytes())
		}
		return out
	}
	run("build", "-o", bin, "./bench/cmd/veilbench")
	text := run("run", "./.tools/sbom", bin)
	schematest.Validate(t, schematest.CycloneDX, text)
	if again := run("run", "./.tools/sbom", bin); !bytes.Equal(text, again) {
		t.Error("made again it differs")
	}

	var doc struct {
		Components []struct {
			Type, Name, Version string
			Hashes              []struct{ Content string }
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, c := range doc.Components {
		switch c.Type {
		case "library":
			got = append(got, c.Name+" "+c.Version)
		case "file":
			b, err := os.ReadFile(bin)
			if err != nil || c.Name != "veilbench-here" || c.Hashes[0].Content != fmt.Sprintf("%x", sha256.Sum256(b)) {
				t.Errorf("the binary is %+v, %v", c, err)
			}
		}
	}
	for line := range strings.Lines(string(run("version", "-m", bin))) {
		w := strings.Fields(line)
		switch {
		case len(w) > 2 && w[0] == "dep":
			want = append(want, w[1]+" "+w[2])
		case len(w) == 2 && strings.HasPrefix(w[1], "go1"):
			want = append(want, "std "+strings.TrimPrefix(w[1], "go"))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || len(want) < 10 {
		t.Errorf("it lists %q\nwant %q", got, want)
	}
}
