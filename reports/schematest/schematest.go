// Package schematest holds the schemas of formats that others define, for tests of
// what this project writes in them: Validate checks a document against one.
package schematest

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The schemas, by the names of their files (schemas/README.md says whence).
const (
	SARIF     = "sarif-2.1.0"
	CycloneDX = "cyclonedx-1.6"
	CFF       = "cff-1.2.0"
)

//go:embed schemas
var schemas embed.FS

// Validate fails the test unless text is JSON that the schema allows, formats of
// strings (dates, URIs) included.
func Validate(t testing.TB, schema string, text []byte) {
	t.Helper()
	if err := check(schema, text); err != nil {
		t.Errorf("%s: %v", schema, err)
	}
}

// check is what Validate says of a text, nil if the schema allows it.
func check(schema string, text []byte) error {
	c := jsonschema.NewCompiler()
	c.AssertFormat()

	// The schemas name each other by addresses that no test may ask for.
	for name, url := range map[string]string{
		SARIF: "mem:///" + SARIF, CFF: "mem:///" + CFF, CycloneDX: "http://cyclonedx.org/schema/bom-1.6.schema.json",
		"spdx": "http://cyclonedx.org/schema/spdx.schema.json", "jsf-0.82": "http://cyclonedx.org/schema/jsf-0.82.schema.json",
	} {
		doc, err := read(name)
		if err != nil {
			return err
		}
		if err := c.AddResource(url, doc); err != nil {
			return err
		}
		if name == schema {
			schema = url
		}
	}
	if !strings.Contains(schema, "://") {
		return fmt.Errorf("no schema %q", schema)
	}
	compiled, err := c.Compile(schema)
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return compiled.Validate(doc)
}

// read unpacks a schema.
func read(name string) (any, error) {
	f, err := schemas.Open("schemas/" + name + ".json.gz")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(z)
}
