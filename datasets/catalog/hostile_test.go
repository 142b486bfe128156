package catalog

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A server that never stops sending fills no disk, one that says nothing is not
// waited for, and both are named.
func TestHostileServers(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		for b := make([]byte, 1<<20); ; {
			if _, err := w.Write(b); err != nil {
				return
			}
		}
	})
	release := make(chan bool)
	silent := func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-release:
		}
	}
	mux.HandleFunc("/silent", silent)
	mux.HandleFunc("/stalls", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		silent(w, r)
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	defer close(release)

	e, _ := entryOf(srv.URL)
	for path, want := range map[string]string{
		"/endless": "more than the 50000 bytes", "/silent": "sent nothing for 20ms", "/stalls": "sent nothing for 20ms",
	} {
		e.From = []Download{{URL: srv.URL + path}}
		f := Fetcher{Cache: t.TempDir(), Wait: time.Millisecond, Silence: 20 * time.Millisecond}
		if path == "/endless" {
			f.Silence = 0
		}
		_, err := f.Get(context.Background(), e)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v", path, err)
		}

		var left int64
		filepath.Walk(f.Cache, func(_ string, i os.FileInfo, err error) error {
			if err == nil && !i.IsDir() {
				left += i.Size()
			}
			return nil
		})
		if left > 50_001 {
			t.Errorf("%s: %d bytes are on disk", path, left)
		}
	}
}
