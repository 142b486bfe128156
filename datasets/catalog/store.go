package catalog

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"veilbench/datasets/atomicfile"
)

// Import copies the files of e from a folder, in which they may lie anywhere
// under any name, or from a gzipped tar archive into the cache. The cache's
// folder appears when everything is there and right, or not at all; the error
// then says what is missing. Files that are not of e are left alone.
func (e Entry) Import(ctx context.Context, from, cache string) error {
	return e.fill(ctx, cache, func(s *store) error { return s.addPath(from) })
}

// fill makes a new folder for e, lets add put files into it and moves it into
// place if it is complete. Label files that the cache has already are kept.
func (e Entry) fill(ctx context.Context, cache string, add func(*store) error) error {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}

	// The new folder lies in the cache: renaming works within a file system
	// only.
	tmp, err := os.MkdirTemp(cache, "."+e.Name+".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)

	s := newStore(ctx, e, tmp)
	if err := add(s); err != nil {
		return err
	}
	if err := s.missing(); err != nil {
		return err
	}

	old := e.Folder(cache)
	for _, f := range e.Files {
		if f.Labels && !s.have[f.Path] {
			// Absent or damaged labels are simply not taken along.
			_ = s.addFile(filepath.Join(old, filepath.FromSlash(f.Path)))
		}
	}
	return swap(tmp, old)
}

// swap puts folder tmp in the place of folder to, which may exist.
func swap(tmp, to string) error {
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}

	// A folder cannot be renamed onto one that is not empty, so the old one
	// steps aside, and back if the new one does not get in.
	aside := tmp + ".old"
	err := os.Rename(to, aside)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(tmp, to); err != nil {
		return errors.Join(err, os.Rename(aside, to))
	}
	return os.RemoveAll(aside)
}

// store collects the files of an entry by content.
type store struct {
	ctx    context.Context
	e      Entry
	folder string
	bySize map[int64]bool    // sizes that files of e have: others need not be read
	most   int64             // of these sizes
	bySum  map[string][]File // some data sets have one content under two names
	have   map[string]bool   // paths that are stored
}

// newStore collects into folder, which is empty.
func newStore(ctx context.Context, e Entry, folder string) *store {
	s := &store{ctx, e, folder, map[int64]bool{}, 0, map[string][]File{}, map[string]bool{}}
	for _, f := range e.Files {
		s.bySize[f.Bytes] = true
		s.most = max(s.most, f.Bytes)
		s.bySum[f.SHA256] = append(s.bySum[f.SHA256], f)
	}
	return s
}

// missing names the files that are not there yet, labels aside.
func (s *store) missing() error {
	var first string
	n, all := 0, 0
	for _, f := range s.e.Files {
		// Where the publisher has no file in this form, all have to be there.
		if f.Labels && s.e.Offered() {
			continue
		}
		if all++; !s.have[f.Path] {
			if n++; n == 1 {
				first = f.Path
			}
		}
	}
	if n == 0 {
		return nil
	}

	// One name is enough to see whether it was the wrong folder.
	return fmt.Errorf("%s: %d of %d files are missing or have another content, %s the first; nothing was stored", s.e.Name, n, all, first)
}

// addPath takes what it can use from a folder or an archive.
func (s *store) addPath(from string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return s.addArchive(from)
	}
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		// The size of a compressed file tells nothing of what it holds.
		if strings.HasSuffix(name, packed) {
			return s.addPacked(name)
		}
		info, err := d.Info()
		if err != nil || !s.bySize[info.Size()] {
			return err
		}
		return s.addFile(name)
	})
}

// addFile stores a file if it is one of the entry's.
func (s *store) addFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return s.add(f)
}

// addPacked stores what a compressed file holds if it is one of the entry's, not
// compressed any more. One that is no gzip is not of the entry; nor is one that
// holds more than the largest file.
func (s *store) addPacked(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(zr, s.most+1))
	if err != nil || !s.bySize[int64(len(b))] {
		return nil
	}
	return s.add(bytes.NewReader(b))
}

// addArchive takes what it can use from a gzipped tar archive. It reads to the
// end, so that a damaged archive is noticed whatever it holds.
func (s *store) addArchive(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: want a folder or a gzipped tar archive: %w", name, err)
	}

	tr := tar.NewReader(zr)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			// The checksum of gzip comes last, behind the end of the tar.
			if _, err = io.Copy(io.Discard, zr); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}

		// Links and folders are passed over; names are never used, so none can
		// lead out of the folder.
		if h.Typeflag == tar.TypeReg && s.bySize[h.Size] {
			if err := s.add(tr); err != nil {
				return fmt.Errorf("%s: %s: %w", name, h.Name, err)
			}
		}
	}
}

// add stores r's content under each path of the entry that has it, if any.
func (s *store) add(r io.Reader) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}

	// What the content is shows when all of it is read, so it is stored first
	// and named then.
	in, h := filepath.Join(s.folder, ".in"), sha256.New()
	err := atomicfile.WriteTo(in, func(w io.Writer) error {
		_, err := io.Copy(io.MultiWriter(w, h), r)
		return err
	})
	if err != nil {
		return err
	}
	defer os.Remove(in)

	for _, f := range s.bySum[hex.EncodeToString(h.Sum(nil))] {
		if s.have[f.Path] {
			continue
		}
		if err := copyFile(in, filepath.Join(s.folder, filepath.FromSlash(f.Path))); err != nil {
			return err
		}
		s.have[f.Path] = true
	}
	return nil
}

// copyFile links where it can and copies where it must, as on file systems
// without hard links.
func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if os.Link(from, to) == nil {
		return nil
	}
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return atomicfile.Write(to, b)
}
