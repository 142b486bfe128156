// Command sbom prints what is in binaries of Go as a CycloneDX 1.6 document: the
// modules that the linker wrote into them, with their sums, and the binaries
// themselves. It holds no time and no path, so equal binaries give equal bytes.
//
//	go run ./.tools/sbom dist/veilbench-* > dist/sbom.cdx.json
package main

import (
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

type (
	document struct {
		Schema       string       `json:"$schema"`
		Format       string       `json:"bomFormat"`
		Spec         string       `json:"specVersion"`
		Serial       string       `json:"serialNumber"`
		Version      int          `json:"version"`
		Metadata     metadata     `json:"metadata"`
		Components   []component  `json:"components"`
		Dependencies []dependency `json:"dependencies"`
	}
	metadata struct {
		Component component `json:"component"`
	}
	component struct {
		Type       string     `json:"type"`
		Ref        string     `json:"bom-ref"`
		Name       string     `json:"name"`
		Version    string     `json:"version,omitempty"`
		PURL       string     `json:"purl,omitempty"`
		Licenses   []license  `json:"licenses,omitempty"`
		Hashes     []hash     `json:"hashes,omitempty"`
		Properties []property `json:"properties,omitempty"`
	}
	license struct {
		License struct {
			ID string `json:"id"`
		} `json:"license"`
	}
	hash struct {
		Alg     string `json:"alg"`
		Content string `json:"content"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	dependency struct {
		Ref       string   `json:"ref"`
		DependsOn []string `json:"dependsOn"`
	}
)

func main() {
	if err := write(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func write(w io.Writer, files []string) error {
	if len(files) == 0 {
		return fmt.Errorf("want the binaries to describe")
	}
	d := document{Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", Spec: "1.6", Version: 1}
	whole := sha256.New()
	in := map[debug.Module][]string{}
	toolchain := ""
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		info, err := buildinfo.ReadFile(f)
		if err != nil {
			return err
		}
		whole.Write(b)
		name := filepath.Base(f)

		// All binaries are of one build: else one document could not speak of them.
		main := module(info.Main, "application")
		main.Licenses = make([]license, 1)
		main.Licenses[0].License.ID = "Apache-2.0"
		if d.Metadata.Component.Ref != "" && (d.Metadata.Component.Ref != main.Ref || toolchain != info.GoVersion) {
			return fmt.Errorf("%s is of %s and %s, the others of %s and %s", name, main.Ref, info.GoVersion, d.Metadata.Component.Ref, toolchain)
		}
		d.Metadata.Component, toolchain = main, info.GoVersion

		file := component{Type: "file", Ref: "file:" + name, Name: name, Hashes: []hash{{"SHA-256", fmt.Sprintf("%x", sha256.Sum256(b))}}}
		for _, s := range info.Settings {
			file.Properties = append(file.Properties, property{"go:build:" + s.Key, s.Value})
		}
		d.Components = append(d.Components, file)
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			in[debug.Module{Path: m.Path, Version: m.Version, Sum: m.Sum}] = append(in[debug.Module{Path: m.Path, Version: m.Version, Sum: m.Sum}], name)
		}
	}

	std := component{Type: "library", Name: "std", Version: strings.TrimPrefix(toolchain, "go"), PURL: "pkg:golang/std@" + strings.TrimPrefix(toolchain, "go")}
	std.Ref = std.PURL
	libraries := []component{std}
	for m, of := range in {
		c := module(m, "library")
		c.Properties = []property{{"go:sum", m.Sum}}

		// Some modules are for one system alone.
		if len(of) < len(files) {
			c.Properties = append(c.Properties, property{"veilbench:only-in", strings.Join(of, " ")})
		}
		libraries = append(libraries, c)
	}
	slices.SortFunc(libraries, func(a, b component) int { return cmp.Compare(a.Ref, b.Ref) })

	// The linker writes down which modules are in, not which of them asked for which.
	all := dependency{Ref: d.Metadata.Component.Ref}
	for _, c := range libraries {
		all.DependsOn = append(all.DependsOn, c.Ref)
	}
	d.Dependencies = []dependency{all}
	d.Components = append(libraries, d.Components...)

	// A name-based UUID (RFC 9562, version 8) of the binaries, for equal ones are one
	// delivery.
	id := whole.Sum(nil)[:16]
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	d.Serial = fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])

	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(d)
}

// module is a module as a component, named as package URLs name those of Go.
func module(m debug.Module, kind string) component {
	purl := "pkg:golang/" + m.Path
	if m.Version != "" {
		purl += "@" + strings.ReplaceAll(m.Version, "+", "%2B")
	}
	return component{Type: kind, Ref: purl, Name: m.Path, Version: m.Version, PURL: purl}
}
