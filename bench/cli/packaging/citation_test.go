package packaging

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"veilbench/datasets/cite"
	"veilbench/reports/schematest"
)

// The citation file is what its schema allows, and says of the program what the
// bibliography and the changelog say.
func TestCitationFile(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(top, ".github/CITATION.cff"))
	must(t, err)
	asJSON, err := yaml.YAMLToJSON(text)
	must(t, err)
	schematest.Validate(t, schematest.CFF, asJSON)

	var got struct {
		Title, Version, License string
		Authors                 []struct{ Name string }
	}
	must(t, json.Unmarshal(asJSON, &got))
	want := cite.Of("veilbench")[0]
	if got.Title != want.Title || len(got.Authors) != 1 || got.Authors[0].Name != want.Authors[0] {
		t.Errorf("it says %+v, the bibliography %+v", got, want)
	}
	changes, err := os.ReadFile(filepath.Join(top, "CHANGELOG.md"))
	must(t, err)
	_, newest, _ := strings.Cut(string(changes), "\n## ")
	if newest, _, _ = strings.Cut(newest, " "); got.Version != newest {
		t.Errorf("version %s, that of the changelog is %s", got.Version, newest)
	}
	license, err := os.ReadFile(filepath.Join(top, "LICENSE"))
	must(t, err)
	if got.License != "Apache-2.0" || !strings.Contains(string(license), "Apache License") {
		t.Errorf("license %s", got.License)
	}
}
