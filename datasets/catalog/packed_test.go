package catalog

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func zipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	zw := gzip.NewWriter(&out)
	zw.Write(b)
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Files may lie compressed beside others; import takes them in as they are inside.
// A bomb is no file of the entry and is not read to its end.
func TestCompressedFiles(t *testing.T) {
	e, files := entryOf("")
	dir := t.TempDir()
	put := func(name string, b []byte) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("a/one.txt.gz", zipped(t, files["a/one.txt"]))
	put("a/two.txt", files["a/two.txt"])
	ctx := context.Background()
	if st, err := e.Verify(ctx, dir); err != nil || len(st) != 2 || !e.Complete(ctx, dir) {
		t.Errorf("%v, %v", st, err)
	}

	put("bomb.gz", zipped(t, make([]byte, 50<<20)))
	put("no.gz", []byte("no gzip"))
	cache := t.TempDir()
	if err := e.Import(ctx, dir, cache); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(e.Folder(cache), "a", "one.txt")); err != nil || !bytes.Equal(b, files["a/one.txt"]) {
		t.Errorf("%d bytes, %v", len(b), err)
	}

	put("a/one.txt.gz", zipped(t, append(files["a/one.txt"], 1)))
	if st, err := e.Verify(ctx, dir); err != nil || st[0].Problem != "40001 bytes, want 40000" {
		t.Errorf("%v, %v", st, err)
	}
	put("a/one.txt.gz", []byte("no gzip"))
	if _, err := e.Verify(ctx, dir); err == nil || !strings.Contains(err.Error(), "one.txt.gz") {
		t.Errorf("%v", err)
	}
}

// Of an entry that the publisher has in another form alone, nothing is fetched, an
// empty folder is not complete, and import wants all of it.
func TestNothingOffered(t *testing.T) {
	e, files := entryOf("")
	for i := range e.Files {
		e.Files[i].Labels = true
	}
	ctx, cache := context.Background(), t.TempDir()
	f := &Fetcher{Cache: cache}
	if _, err := f.Get(ctx, e); err == nil || !strings.Contains(err.Error(), "take them in with import") {
		t.Errorf("%v", err)
	}
	if dir := t.TempDir(); e.Complete(ctx, dir) || e.Bytes() == 0 {
		t.Errorf("an empty folder is complete, of %d bytes", e.Bytes())
	}

	dir := t.TempDir()
	for name, b := range files {
		if err := e.Import(ctx, dir, cache); err == nil || !strings.Contains(err.Error(), "of 3 files are missing") {
			t.Errorf("%v", err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Import(ctx, dir, cache); err != nil || !e.Complete(ctx, e.Folder(cache)) {
		t.Error(err)
	}
}
