package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Fetcher gets data sets over HTTP into a cache folder.
type Fetcher struct {
	// Client makes the requests; nil is http.DefaultClient.
	Client *http.Client
	// Cache is the folder that holds one folder per data set.
	Cache string
	// Progress is told how far a download is; total is -1 where the server
	// does not say. Nil: nobody is told.
	Progress func(url string, done, total int64)
	// Log gets one sentence for each try that failed. Nil: nobody gets it.
	Log func(message string)
	// Wait is the pause before the second try; it doubles from try to try.
	// 0 is one second.
	Wait time.Duration
	// Silence is how long a server may send nothing; 0 is one minute.
	Silence time.Duration
}

// archiveSlack is how many bytes an archive may have beyond its files: publishers
// pack more than what loaders read.
const archiveSlack = 4 << 30

// limit is how many bytes a download of e can have. A file alone is one of e's.
func (e Entry) limit(d Download) int64 {
	var most int64
	for _, f := range e.Files {
		most = max(most, f.Bytes)
	}
	if d.Archive {
		return e.Bytes() + archiveSlack
	}
	return most
}

// tries is how often a download is tried without any progress in between.
const tries = 5

// Get fetches e and returns its folder in the cache. A complete folder is left
// as it is. A download that was cut goes on where it stopped, also in the next
// run, if the server supports that and has the same content still. Every file
// is checked; the folder appears when all are there and right, or not at all.
func (f *Fetcher) Get(ctx context.Context, e Entry) (string, error) {
	folder := e.Folder(f.Cache)
	if e.Complete(ctx, folder) {
		return folder, nil
	}

	if !e.Offered() {
		return "", fmt.Errorf("the publisher has its files in another form (%s); take them in with import (veilbench datasets import %s PATH)", e.Source, e.Name)
	}

	// Downloads that are not complete outlive this run: the next goes on.
	parts := filepath.Join(f.Cache, "."+e.Name+".part")
	if err := os.MkdirAll(parts, 0o755); err != nil {
		return "", err
	}

	// What arrives whole and yet wrong is thrown away and fetched once more.
	err := f.get(ctx, e, parts)
	var damaged *damagedError
	if errors.As(err, &damaged) {
		f.log(err.Error() + "; fetching it again")
		err = errors.Join(os.RemoveAll(parts), os.MkdirAll(parts, 0o755))
		if err == nil {
			err = f.get(ctx, e, parts)
		}
		if errors.As(err, &damaged) {
			err = errors.Join(err, os.RemoveAll(parts))
		}
	}
	if err != nil {
		return "", err
	}
	return folder, os.RemoveAll(parts)
}

// damagedError says that a download is complete but not what was expected.
type damagedError struct{ err error }

func (d *damagedError) Error() string { return d.err.Error() }
func (d *damagedError) Unwrap() error { return d.err }

// get downloads into the folder parts and fills the cache from it.
func (f *Fetcher) get(ctx context.Context, e Entry, parts string) error {
	var names []string
	for i, d := range e.From {
		// Two downloads may have one base name.
		name := filepath.Join(parts, strconv.Itoa(i)+"-"+path.Base(d.URL))
		if err := f.download(ctx, d.URL, name, e.limit(d)); err != nil {
			return err
		}
		names = append(names, name)
	}

	err := e.fill(ctx, f.Cache, func(s *store) error {
		for i, d := range e.From {
			add := s.addFile
			if d.Archive {
				add = s.addArchive
			}
			if err := add(names[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		return &damagedError{err}
	}
	return err
}

func (f *Fetcher) log(message string) {
	if f.Log != nil {
		f.Log(message)
	}
}

// download fetches url, of at most limit bytes, into the file name, which holds
// what earlier tries got. A file name+".done" marks it as complete.
func (f *Fetcher) download(ctx context.Context, url, name string, limit int64) error {
	if _, err := os.Stat(name + ".done"); err == nil {
		return nil
	}
	wait := cmp.Or(f.Wait, time.Second)
	for try := 1; ; try++ {
		before := size(name)
		retry, err := f.once(ctx, url, name, limit)
		if err == nil {
			return os.WriteFile(name+".done", nil, 0o644)
		}

		// A server that hangs up now and then is no reason to give up as long
		// as each try brings something.
		if size(name) > before {
			try = 1
		}
		if !retry || try == tries || ctx.Err() != nil {
			return err
		}
		f.log(fmt.Sprintf("%v; trying again in %v", err, wait))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		wait = min(2*wait, time.Minute)
	}
}

func size(name string) int64 {
	if info, err := os.Stat(name); err == nil {
		return info.Size()
	}
	return 0
}

// once makes one request and says whether another may help.
func (f *Fetcher) once(ctx context.Context, url, name string, limit int64) (retry bool, err error) {
	// A server that takes the request and then says nothing would be waited for
	// without end. Each byte that arrives starts the clock anew.
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	silence := cmp.Or(f.Silence, time.Minute)
	clock := time.AfterFunc(silence, func() { stop(fmt.Errorf("%s: the server sent nothing for %v", url, silence)) })
	defer clock.Stop()
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
	}()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false, err
	}
	// Without this, a server that compresses on the way would have another
	// length and other ranges.
	req.Header.Set("Accept-Encoding", "identity")

	// If-Range: the server goes on only if it has the same content still, else
	// it sends all of it, with status 200.
	have := size(name)
	if tag, err := os.ReadFile(name + ".tag"); err == nil && have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
		req.Header.Set("If-Range", string(tag))
	}
	res, err := cmp.Or(f.Client, http.DefaultClient).Do(req)
	if err != nil {
		return true, err
	}
	defer res.Body.Close()

	switch {
	case res.StatusCode == http.StatusOK:
		have = 0
	case res.StatusCode == http.StatusPartialContent && rangeStart(res.Header.Get("Content-Range")) == have:
	case res.StatusCode == http.StatusPartialContent, res.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		return true, errors.Join(fmt.Errorf("%s: the server does not go on where the download stopped", url), forget(name))
	default:
		// Only what the server may get over is worth another try.
		retry = res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusRequestTimeout
		return retry, fmt.Errorf("%s: %s", url, res.Status)
	}
	if err := remember(name, res.Header); err != nil {
		return false, err
	}
	return f.body(res, url, name, have, limit, func() { clock.Reset(silence) })
}

// rangeStart reads the first byte's number off "bytes 5-9/10", -1 if it cannot.
func rangeStart(header string) int64 {
	s, _ := strings.CutPrefix(header, "bytes ")
	s, _, _ = strings.Cut(s, "-")
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// remember keeps what tells later whether the server's content is the same; a
// weak tag cannot tell.
func remember(name string, h http.Header) error {
	tag := h.Get("ETag")
	if tag == "" || strings.HasPrefix(tag, "W/") {
		tag = h.Get("Last-Modified")
	}
	if tag == "" {
		if err := os.Remove(name + ".tag"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil // the next try starts from the beginning
	}
	return os.WriteFile(name+".tag", []byte(tag), 0o644)
}

// forget throws a partial download away.
func forget(name string) error {
	for _, n := range []string{name, name + ".tag"} {
		if err := os.Remove(n); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// body writes the response behind the first have bytes of the file, which then
// has limit bytes at most. alive is called with what arrives.
func (f *Fetcher) body(res *http.Response, url, name string, have, limit int64, alive func()) (retry bool, err error) {
	w, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return false, err
	}
	defer w.Close()

	// What the server sends begins at have: the old bytes behind it are of
	// another content when it sends all anew.
	if err := w.Truncate(have); err != nil {
		return false, err
	}
	if _, err := w.Seek(have, io.SeekStart); err != nil {
		return false, err
	}

	total := int64(-1)
	if res.ContentLength >= 0 {
		total = have + res.ContentLength
	}
	r := &progressReader{res.Body, have, func(done int64) {
		alive()
		if f.Progress != nil {
			f.Progress(url, done, total)
		}
	}}

	// One byte more than there can be tells an end from a cut.
	n, err := io.Copy(w, io.LimitReader(r, limit-have+1))
	switch {
	case err != nil:
		return true, fmt.Errorf("%s: %w", url, err)
	case have+n > limit:
		return false, errors.Join(fmt.Errorf("%s: more than the %d bytes that it can have: not the data of the catalog", url, limit), forget(name))
	}
	return false, w.Sync()
}

// progressReader tells how much was read.
type progressReader struct {
	io.Reader
	done int64
	tell func(done int64)
}

// Read implements io.Reader.
func (p *progressReader) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	p.done += int64(n)
	p.tell(p.done)
	return n, err
}
