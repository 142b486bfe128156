package results

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestPublishedKept(t *testing.T) {
	dir := t.TempDir()
	want := []Published{
		{Task: "device", Defense: NoDefense, Attack: "x:k=1", Metric: "recall", Class: "lamp", Value: 0.5, Source: "table 1"},
		{Task: "event", Defense: "vpn", Attack: "y", Metric: "f1", Value: 1, Source: "table 2"},
	}
	if err := WritePublished(dir, want); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadPublished(dir); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v (%v), want %+v", got, err, want)
	}
	// A later run without figures leaves none behind.
	for range 2 {
		if err := WritePublished(dir, nil); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadPublished(dir); got != nil || err != nil {
			t.Errorf("read %+v (%v), want nothing", got, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "published.json"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPublished(dir); err == nil || !strings.Contains(err.Error(), "published.json") {
		t.Errorf("error %v: want one that names the file", err)
	}
}
