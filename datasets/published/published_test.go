package published

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"veilbench/datasets/datatest"
)

// Every source has its facts.
func TestSources(t *testing.T) {
	es, err := Sources()
	if err != nil {
		t.Fatal(err)
	}
	var loads []string
	for i, e := range es {
		if i > 0 && es[i-1].Name >= e.Name {
			t.Errorf("%s is not in order", e.Name)
		}
		if e.Title == "" || e.Source == "" || e.Terms == "" || e.Note == "" || len(e.From) == 0 || len(e.Files) == 0 {
			t.Errorf("%s lacks a fact: %+v", e.Name, e)
		}
		for _, d := range e.From {
			if u, err := url.Parse(d.URL); err != nil || u.Scheme != "https" {
				t.Errorf("%s: %s", e.Name, d.URL)
			}
		}
		seen := map[string]bool{}
		for _, f := range e.Files {
			if seen[f.Path] || !filepath.IsLocal(f.Path) || f.Bytes <= 0 || strings.Trim(f.SHA256, "0123456789abcdef") != "" {
				t.Errorf("%s: %+v", e.Name, f)
			}
			seen[f.Path] = true
		}
		loads = append(loads, e.Loads()...)
	}
	slices.Sort(loads)
	if len(slices.Compact(loads)) != len(Names()) {
		t.Errorf("a name occurs twice in %q", Names())
	}
	listed, err := sumFiles.ReadDir("sums")
	if err != nil || len(listed) != len(es) {
		t.Errorf("%d lists of checksums for %d sources, %v", len(listed), len(es), err)
	}
}

func TestFind(t *testing.T) {
	for _, name := range []string{"iot-sentinel", "iot_sentinel", "iot-sentinel-windows"} {
		if e, err := Find(name); err != nil || e.Name != "iot-sentinel" {
			t.Errorf("%s: %s, %v", name, e.Name, err)
		}
	}
	if _, err := Find("iotevnts"); err == nil || !strings.Contains(err.Error(), `did you mean "iotevents"`) {
		t.Errorf("%v", err)
	}
}

// The recorded data beside the repository has the catalog's sums.
func TestVerifyRecorded(t *testing.T) {
	data := datatest.Recorded(t)
	es, err := Sources()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		folder := filepath.Join(data, strings.ReplaceAll(e.Name, "-", "_"))
		if !e.Complete(context.Background(), folder) {
			t.Errorf("%s is not what the catalog says", folder)
		}
	}
}

// A loader that was told to stop reads no further: nothing goes on behind a command
// that has returned.
func TestLoadStops(t *testing.T) {
	all, err := Sources()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, s := range all {
		path := datatest.Recorded(t, strings.ReplaceAll(s.Name, "-", "_"))
		for _, name := range s.Loads() {
			if _, err := Load(ctx, name, path); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: error %v, want %v", name, err, context.Canceled)
			}
		}
	}
}
