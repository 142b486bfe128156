// Package s3test is a service that speaks as much of S3 as a store needs, in the
// memory of a test.
package s3test

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Page is how many names a list has at most before its reader must ask for more; that
// of services is 1,000.
const Page = 7

// Server is a service with one bucket of each name that is asked for.
type Server struct {
	*httptest.Server

	mu      sync.Mutex
	objects map[string][]byte // by bucket and name
	fail    int
}

// New starts a service, which whoever started it closes.
func New() *Server {
	s := &Server{objects: map[string][]byte{}}
	s.Server = httptest.NewServer(s)
	return s
}

// Env are the variables by which a program finds the service.
func (s *Server) Env() []string {
	return []string{"AWS_ENDPOINT_URL=" + s.URL, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=secret", "AWS_REGION=us-east-1"}
}

// Fail makes the next n requests that put something be refused, as by a service that
// has no room.
func (s *Server) Fail(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = n
}

// ServeHTTP answers one request. Signatures are not checked.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := strings.TrimPrefix(r.URL.Path, "/")
	switch _, isList := r.URL.Query()["list-type"]; {
	case isList:
		s.list(w, r, strings.TrimSuffix(name, "/")+"/")
	case r.Method == http.MethodPut:
		s.put(w, r, name)
	case r.Method == http.MethodDelete:
		delete(s.objects, name)
		w.WriteHeader(http.StatusNoContent)
	default:
		// HEAD and parts of objects are what ServeContent makes of them.
		b, ok := s.objects[name]
		if !ok {
			refuse(w, http.StatusNotFound, "NoSuchKey")
			return
		}
		w.Header().Set("ETag", etag(b))
		w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
		http.ServeContent(w, r, "", time.Unix(0, 0), bytes.NewReader(b))
	}
}

// put keeps an object. Bodies come in signed pieces: a line with the length in
// hexadecimal before each, a line of length 0 behind the last.
func (s *Server) put(w http.ResponseWriter, r *http.Request, name string) {
	if s.fail > 0 {
		s.fail--
		refuse(w, http.StatusForbidden, "QuotaExceeded")
		return
	}
	body := io.Reader(r.Body)
	if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		body = pieces(r.Body)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		refuse(w, http.StatusBadRequest, "IncompleteBody")
		return
	}
	s.objects[name] = b
	w.Header().Set("ETag", etag(b))
}

// pieces is the content of a body in signed pieces.
func pieces(body io.Reader) io.Reader {
	var out bytes.Buffer
	in := bufio.NewReader(body)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return &out
		}
		size, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		n, err := strconv.ParseInt(size, 16, 64)
		if err != nil || n == 0 {
			return &out
		}
		if _, err := io.CopyN(&out, in, n); err != nil {
			return &out
		}
		in.ReadString('\n') //nolint:errcheck // the next line says what is wrong
	}
}

// list answers with the names below a prefix, a page of them.
func (s *Server) list(w http.ResponseWriter, r *http.Request, bucket string) {
	type object struct {
		Key, ETag, LastModified string
		Size                    int
	}
	var out struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string
		Contents              []object
	}

	// The token is the last name of the page before.
	q := r.URL.Query()
	after := q.Get("continuation-token")
	for _, k := range slices.Sorted(maps.Keys(s.objects)) {
		key, ok := strings.CutPrefix(k, bucket)
		if !ok || !strings.HasPrefix(key, q.Get("prefix")) || key <= after {
			continue
		}
		if len(out.Contents) == Page {
			out.IsTruncated, out.NextContinuationToken = true, out.Contents[Page-1].Key
			break
		}
		b := s.objects[k]
		out.Contents = append(out.Contents, object{key, etag(b), "2026-01-01T00:00:00.000Z", len(b)})
	}
	w.Header().Set("Content-Type", "application/xml")
	xml.NewEncoder(w).Encode(out) //nolint:errcheck // who asked sees that it ends
}

func etag(b []byte) string {
	sum := md5.Sum(b)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func refuse(w http.ResponseWriter, code int, why string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(code)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", why, why)
}
