package gate

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
)

// The part of SARIF 2.1.0 (OASIS, section 3) that is written: one run, the rules of
// its tool, and a result for each line that a pipeline should know of.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		Results    []sarifResult     `json:"results"`
		Properties map[string]string `json:"properties,omitempty"`
		ColumnKind string            `json:"columnKind"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string    `json:"id"`
		Name    string    `json:"name"`
		Short   sarifText `json:"shortDescription"`
		Default struct {
			Level string `json:"level"`
		} `json:"defaultConfiguration"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Kind         string            `json:"kind"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
		Properties   map[string]any    `json:"properties"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region struct {
				StartLine int `json:"startLine"`
			} `json:"region"`
		} `json:"physicalLocation"`
	}
)

// writeSARIF writes what is missed as failures and what is open as the kind that
// SARIF has for it. What is kept is no finding and has no result. Each stands at
// the line of the budget that sets the limit: a run has no source text.
func (o Outcome) writeSARIF(w io.Writer) error {
	run := sarifRun{Results: []sarifResult{}, ColumnKind: "unicodeCodePoints"}
	run.Tool.Driver = sarifDriver{Name: "veilbench", Version: strings.TrimPrefix(o.Program, "veilbench ")}
	if o.Results != "" {
		run.Properties = map[string]string{"results": o.Results}
	}
	index := map[string]int{}
	for i, r := range rules() {
		index[r.id] = i
		x := sarifRule{ID: r.id, Name: r.name, Short: sarifText{r.doc}}
		x.Default.Level = "error"
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, x)
	}

	for _, l := range o.Lines {
		// A kind other than fail has no level (section 3.27.10).
		kind, level := "fail", "error"
		switch {
		case l.State.Missed() || o.Strict && l.State.Open():
		case l.State.Open():
			kind, level = "open", "none"
		case l.State == allowed:
			kind, level = "review", "none"
		default:
			continue
		}

		var at sarifLocation
		at.Physical.Artifact.URI = (&url.URL{Path: filepath.ToSlash(o.Budget)}).String()
		at.Physical.Region.StartLine = max(l.At, 1)
		r := sarifResult{
			RuleID: l.Rule, RuleIndex: index[l.Rule], Kind: kind, Level: level, Message: sarifText{string(l.State) + "  " + l.Name + ": " + l.message()},
			Locations: []sarifLocation{at}, Fingerprints: map[string]string{"limit/v1": l.fingerprint()}, Properties: map[string]any{"state": l.State},
		}
		for name, v := range map[string]*float64{"value": l.Value, "lo": l.Lo, "hi": l.Hi, "limit": l.Limit} {
			if v != nil {
				r.Properties[name] = *v
			}
		}
		run.Results = append(run.Results, r)
	}

	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

// fingerprint is the same for the same limit on the same defense in every run, so
// that a tool knows a finding again whose figures changed.
func (l Line) fingerprint() string {
	at := l.Subject
	key := []string{l.Rule, l.Data, string(at.Task), string(at.Vantage), string(at.Split), at.Defense}

	// What the harness says of itself has no subject; its detail begins with the name.
	if at.Defense == "" {
		check, _, _ := strings.Cut(l.Detail, ":")
		key = append(key, check)
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(key, "\x00"))))[:32]
}
