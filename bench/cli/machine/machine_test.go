package machine

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// A tool that is missing is named with what needs it and how to get it; one that is
// there with its place, by any of its names.
func TestToolsAreFound(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("programs have other names there")
	}
	dir := t.TempDir()
	for _, name := range []string{"git", "podman"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	r, err := examine(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]string{}
	for _, x := range r.Tools {
		has[x.Name] = x.Path
		if x.For == "" || x.Get == "" {
			t.Errorf("%s: nothing says what it is for and how to get it", x.Name)
		}
	}
	if has["git"] != filepath.Join(dir, "git") || has["docker"] != filepath.Join(dir, "podman") || has["tshark"] != "" {
		t.Errorf("tools %v", has)
	}

	ts := r.tables()
	var text []string
	for _, row := range ts[1].Rows {
		text = append(text, row[0].Text+" "+row[1].Text)
		if bad := strings.HasPrefix(row[1].Text, "missing: "); bad != row[1].Bad {
			t.Errorf("%s stands out: %v", row[0].Text, row[1].Bad)
		}
	}
	if !slices.Contains(text, "tshark missing: apt install tshark") {
		t.Errorf("%q", text)
	}
	if !slices.ContainsFunc(ts[1].Notes, func(n string) bool { return strings.HasPrefix(n, "missing: go, tshark, ") }) {
		t.Errorf("notes %q", ts[1].Notes)
	}
}

// What the system says of itself is there, and the cache is measured, or the disk that
// it would be made on.
func TestMachineIsMeasured(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "iotevents"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "iotevents", "x.csv"), make([]byte, 1000), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := examine(dir)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" && (r.Memory <= 0 || r.Available <= 0 || r.Available > r.Memory) {
		t.Errorf("memory %d, %d available", r.Memory, r.Available)
	}
	if r.Free <= 0 || r.Cores < 1 || r.Used < 1 || len(r.Kernels) == 0 {
		t.Errorf("%+v", r)
	}
	if c := r.Cache; !c.There || c.Bytes != 1000 || !slices.Equal(c.Sets, []string{"iotevents"}) || c.Free <= 0 {
		t.Errorf("cache %+v", c)
	}
	if c := cacheIn(filepath.Join(dir, "not", "there")); c.There || c.Free <= 0 || c.Bytes != 0 {
		t.Errorf("a cache that is not there: %+v", c)
	}
}

// Little memory, little disk and few cores are notes with what to do.
func TestNotes(t *testing.T) {
	r := report{Cores: 8, Used: 2, Kernels: []string{"plain"}, Memory: 4 << 30, Available: 1 << 30, Folder: "here", Free: 1 << 20, Cache: cache{Folder: "there", Free: 1 << 40}}
	r.judge()
	want := []string{"no vector kernels", "2 of 8 cores are used", "1.0 GiB of memory are free: run with --jobs 1", "1.0 MiB are free where here lies"}
	if len(r.Notes) != len(want) {
		t.Fatalf("%q", r.Notes)
	}
	for i, w := range want {
		if !strings.Contains(r.Notes[i], w) {
			t.Errorf("%q: want %q", r.Notes[i], w)
		}
	}
}
