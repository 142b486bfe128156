package schematest

import "testing"

// Every schema is whole and tells right from wrong.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		schema, good, bad string
	}{
		{SARIF, `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":[]}]}`, `{"version":"2.1.0","runs":[{"tool":{"driver":{}},"results":[]}]}`},
		{CycloneDX, `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"x"}]}`, `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"name":"x"}]}`},
		{CFF, `{"cff-version":"1.2.0","message":"m","title":"t","authors":[{"name":"n"}],"date-released":"2026-01-31"}`, `{"cff-version":"1.2.0","message":"m","title":"t","authors":[{"name":"n"}],"date-released":"31 January"}`},
	} {
		if err := check(c.schema, []byte(c.good)); err != nil {
			t.Errorf("%s refuses %s: %v", c.schema, c.good, err)
		}
		if check(c.schema, []byte(c.bad)) == nil {
			t.Errorf("%s allows %s", c.schema, c.bad)
		}
	}
}
