package catalog

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// content is a file's content: size bytes that no compressor makes smaller.
func content(name string, size int) []byte {
	var b []byte
	for len(b) < size {
		h := sha256.Sum256(fmt.Append(nil, name, len(b)))
		b = append(b, h[:]...)
	}
	return b[:size]
}

// entryOf is an entry with two data files and one of labels, which come as an
// archive and a single file from base.
func entryOf(base string) (Entry, map[string][]byte) {
	files := map[string][]byte{
		"a/one.txt": content("one", 40_000), "a/two.txt": content("two", 50_000), "labels.csv": content("labels", 100),
	}
	e := Entry{Name: "small", From: []Download{{URL: base + "/archive", Archive: true}, {URL: base + "/two"}}}
	for _, p := range []string{"a/one.txt", "a/two.txt", "labels.csv"} {
		e.Files = append(e.Files, File{Path: p, SHA256: fmt.Sprintf("%x", sha256.Sum256(files[p])), Bytes: int64(len(files[p])), Labels: p == "labels.csv"})
	}
	return e, files
}

// archiveOf is a gzipped tar with a file under another name and some that do
// not belong.
func archiveOf(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	for _, f := range []struct {
		name string
		body []byte
	}{{"repo-1/../../README", []byte("hello")}, {"repo-1/data/renamed", files["a/one.txt"]}, {"repo-1/same-size", content("x", 40_000)}} {
		if err := tw.WriteHeader(&tar.Header{Name: f.name, Size: int64(len(f.body)), Mode: 0o644, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(f.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// server serves an entry's downloads; spoil may take a request away.
type server struct {
	*httptest.Server
	body     map[string][]byte
	requests []string // path and Range of each request
	spoil    func(n int, w http.ResponseWriter, r *http.Request) bool
}

func serve(t *testing.T) (*server, Entry, map[string][]byte) {
	t.Helper()
	s := &server{body: map[string][]byte{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests = append(s.requests, r.URL.Path+" "+r.Header.Get("Range"))
		if s.spoil != nil && s.spoil(len(s.requests), w, r) {
			return
		}
		b, ok := s.body[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(b)))
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	}))
	t.Cleanup(s.Close)
	e, files := entryOf(s.URL)
	s.body["/archive"], s.body["/two"] = archiveOf(t, files), files["a/two.txt"]
	return s, e, files
}

// cut sends the first n bytes of a response and hangs up.
func cut(w http.ResponseWriter, b []byte, n int) {
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(b)))
	w.Header().Set("Content-Length", fmt.Sprint(len(b)))
	w.WriteHeader(http.StatusOK)
	w.Write(b[:n])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func fetcher(t *testing.T) *Fetcher {
	return &Fetcher{Cache: filepath.Join(t.TempDir(), "cache"), Wait: time.Millisecond, Log: func(m string) { t.Log(m) }}
}

// tidy checks that the cache holds the complete entry and nothing else, or
// nothing that could be taken for one.
func tidy(t *testing.T, f *Fetcher, e Entry, complete bool) {
	t.Helper()
	if got := e.Complete(context.Background(), e.Folder(f.Cache)); got != complete {
		t.Errorf("complete is %v, want %v", got, complete)
	}
	names, err := os.ReadDir(f.Cache)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if n.Name() != e.Name && (complete || n.Name() != "."+e.Name+".part") || n.Name() == e.Name && !complete {
			t.Errorf("%s is left in the cache", n.Name())
		}
	}
}

func TestGet(t *testing.T) {
	s, e, _ := serve(t)
	f := fetcher(t)
	told := int64(0)
	f.Progress = func(_ string, done, total int64) {
		if done < 0 || total >= 0 && done > total {
			t.Errorf("%d of %d", done, total)
		}
		told = max(told, done)
	}
	folder, err := f.Get(context.Background(), e)
	if err != nil || folder != e.Folder(f.Cache) {
		t.Fatal(folder, err)
	}
	tidy(t, f, e, true)
	if told < 50_000 {
		t.Errorf("progress ended at %d", told)
	}
	// The second time nothing is asked for.
	n := len(s.requests)
	if _, err := f.Get(context.Background(), e); err != nil || len(s.requests) != n {
		t.Errorf("%v, requests %q", err, s.requests[n:])
	}
	// A damaged file is replaced, labels that were there stay.
	os.WriteFile(filepath.Join(folder, "a", "one.txt"), []byte("x"), 0o644)
	os.WriteFile(filepath.Join(folder, "labels.csv"), content("labels", 100), 0o644)
	if _, err := f.Get(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	tidy(t, f, e, true)
	if _, err := os.Stat(filepath.Join(folder, "labels.csv")); err != nil {
		t.Error(err)
	}
}

// Downloads cut several times go on where they stopped.
func TestGetCut(t *testing.T) {
	s, e, _ := serve(t)
	s.spoil = func(n int, w http.ResponseWriter, r *http.Request) bool {
		b := s.body[r.URL.Path]
		switch n {
		case 1:
			cut(w, b, 1000)
		case 2: // a part of the rest
			w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(b)))
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 1000-%d/%d", len(b)-1, len(b)))
			w.Header().Set("Content-Length", fmt.Sprint(len(b)-1000))
			w.WriteHeader(http.StatusPartialContent)
			w.Write(b[1000:3000])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case 3:
			http.Error(w, "later", http.StatusServiceUnavailable)
			return true
		}
		return false
	}
	f := fetcher(t)
	if _, err := f.Get(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	tidy(t, f, e, true)
	want := "/archive |/archive bytes=1000-|/archive bytes=3000-|/archive bytes=3000-|/two "
	if got := strings.Join(s.requests, "|"); got != want {
		t.Errorf("requests %q, want %q", got, want)
	}
}

// A run that was stopped goes on in the next one; what it had is not fetched
// again, and until then there is no folder.
func TestGetStopped(t *testing.T) {
	s, e, _ := serve(t)
	ctx, stop := context.WithCancel(context.Background())
	s.spoil = func(n int, w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/two" && n == 2 {
			cut(w, s.body["/two"], 20_000)
		}
		return false
	}
	f := fetcher(t)
	f.Wait = time.Minute
	f.Log = func(string) { stop() }
	if _, err := f.Get(ctx, e); err == nil {
		t.Fatal("no error")
	}
	tidy(t, f, e, false)
	f.Log, f.Wait = nil, time.Millisecond
	if _, err := f.Get(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	tidy(t, f, e, true)
	if got := strings.Join(s.requests, "|"); got != "/archive |/two |/two bytes=20000-" {
		t.Errorf("requests %q", got)
	}
}

// Content that changed on the server while a download was stopped is fetched
// from the beginning.
func TestGetChanged(t *testing.T) {
	s, e, files := serve(t)
	s.spoil = func(n int, w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/two" && n == 2 {
			cut(w, content("older", 60_000), 30_000)
		}
		return false
	}
	s.body["/two"] = files["a/two.txt"]
	f := fetcher(t)
	if _, err := f.Get(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	tidy(t, f, e, true)
}

// A server that ignores ranges, says nothing of versions, or answers 416.
func TestGetWithoutRanges(t *testing.T) {
	for _, kind := range []string{"ignores", "untagged", "refuses", "lies"} {
		s, e, _ := serve(t)
		s.spoil = func(n int, w http.ResponseWriter, r *http.Request) bool {
			b := s.body[r.URL.Path]
			switch {
			case n == 1:
				if kind == "untagged" {
					w.Header().Set("Content-Length", fmt.Sprint(len(b)))
					w.Write(b[:500])
					w.(http.Flusher).Flush()
					panic(http.ErrAbortHandler)
				}
				cut(w, b, 500)
			case kind == "ignores" || kind == "untagged":
				r.Header.Del("Range")
			case kind == "refuses" && n == 2:
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				return true
			case kind == "lies" && n == 2:
				w.Header().Set("Content-Range", "bytes 7-9/10")
				w.WriteHeader(http.StatusPartialContent)
				w.Write([]byte("xyz"))
				return true
			}
			return false
		}
		f := fetcher(t)
		if _, err := f.Get(context.Background(), e); err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		tidy(t, f, e, true)
	}
}

// Damage on the way: fetched once more; damage at the source: an error, no
// folder, and nothing is kept that would be taken for good.
func TestGetCorrupt(t *testing.T) {
	for _, url := range []string{"/archive", "/two"} {
		s, e, _ := serve(t)
		good := s.body[url]
		bad := bytes.Clone(good)
		bad[len(bad)/2] ^= 1
		s.body[url] = bad
		f := fetcher(t)
		if _, err := f.Get(context.Background(), e); err == nil {
			t.Errorf("%s: no error", url)
		}
		if n := len(s.requests); n != 4 {
			t.Errorf("%s: %d requests, want each twice", url, n)
		}
		tidy(t, f, e, false)
		s.spoil = func(n int, _ http.ResponseWriter, r *http.Request) bool {
			if s.body[url] = good; n == 5 && url == "/archive" || n == 6 && url == "/two" {
				s.body[url] = bad
			}
			return false
		}
		if _, err := f.Get(context.Background(), e); err != nil {
			t.Errorf("%s: %v", url, err)
		}
		tidy(t, f, e, true)
	}
}

func TestGetErrors(t *testing.T) {
	s, e, _ := serve(t)
	delete(s.body, "/two")
	f := fetcher(t)
	if _, err := f.Get(context.Background(), e); err == nil || !strings.Contains(err.Error(), "/two: 404 Not Found") {
		t.Errorf("%v", err)
	}
	if n := len(s.requests); n != 2 {
		t.Errorf("%d requests, want 2: what is not there will not be there later", n)
	}
	// An archive without the files.
	s.body["/two"] = []byte("something else")
	if _, err := f.Get(context.Background(), e); err == nil || !strings.Contains(err.Error(), "small: 1 of 2 files are missing or have another content, a/two.txt the first; nothing was stored") {
		t.Errorf("%v", err)
	}
	tidy(t, f, e, false)
	s.Close()
	if _, err := f.Get(context.Background(), e); err == nil {
		t.Error("no error from a server that is gone")
	}
}

func TestImport(t *testing.T) {
	e, files := entryOf("")
	from, cache := t.TempDir(), t.TempDir()
	write := func(name string, b []byte) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(from, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(from, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("somewhere/x", files["a/one.txt"])
	ctx := context.Background()
	if err := e.Import(ctx, from, cache); err == nil || !strings.Contains(err.Error(), "1 of 2 files are missing") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(e.Folder(cache)); err == nil {
		t.Error("an incomplete import left a folder")
	}
	write("y", files["a/two.txt"])
	write("labels", files["labels.csv"])
	if err := e.Import(ctx, from, cache); err != nil {
		t.Fatal(err)
	}
	st, err := e.Verify(ctx, e.Folder(cache))
	if err != nil || len(st) != 3 || !e.Complete(ctx, e.Folder(cache)) {
		t.Errorf("%v, %v", st, err)
	}
	// From an archive that has one file only.
	tgz := filepath.Join(t.TempDir(), "x.tar.gz")
	if err := os.WriteFile(tgz, archiveOf(t, files), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := e.Import(ctx, tgz, t.TempDir()); err == nil || !strings.Contains(err.Error(), "a/two.txt the first") {
		t.Errorf("%v", err)
	}
	if err := e.Import(ctx, filepath.Join(from, "y"), cache); err == nil || !strings.Contains(err.Error(), "want a folder or a gzipped tar archive") {
		t.Errorf("%v", err)
	}
}

func TestVerify(t *testing.T) {
	e, files := entryOf("")
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(folder, "a", "one.txt"), files["a/one.txt"][:7], 0o644)
	os.WriteFile(filepath.Join(folder, "labels.csv"), content("others", 100), 0o644)
	st, err := e.Verify(context.Background(), folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range st {
		got = append(got, s.File.Path+": "+s.Problem)
	}
	want := "a/one.txt: 7 bytes, want 40000|a/two.txt: missing|labels.csv: another checksum"
	if s := strings.Join(got, "|"); !strings.HasPrefix(s, want) {
		t.Errorf("%s", s)
	}
	if _, err := e.Verify(context.Background(), filepath.Join(folder, "absent")); err == nil {
		t.Error("an absent folder is no error")
	}
}
