package catalog

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Status is what a check found for one file.
type Status struct {
	File File
	// Problem is "" if the file is right, else "missing" or what is wrong.
	Problem string
}

// Verify compares the files of e with those in folder. The error is about
// reading; a file that is missing or differs is a Problem of its Status. Label
// files that are absent are no problem and are not listed.
func (e Entry) Verify(ctx context.Context, folder string) ([]Status, error) {
	if info, err := os.Stat(folder); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s: want the folder that holds the data set", folder)
	}
	var out []Status
	for _, f := range e.Files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s := Status{File: f}
		sum, n, err := sumFile(filepath.Join(folder, filepath.FromSlash(f.Path)))
		switch {
		case errors.Is(err, fs.ErrNotExist) && f.Labels:
			continue
		case errors.Is(err, fs.ErrNotExist):
			s.Problem = "missing"
		case err != nil:
			return nil, err
		case n != f.Bytes:
			s.Problem = fmt.Sprintf("%d bytes, want %d", n, f.Bytes)
		case sum != f.SHA256:
			s.Problem = "another checksum: " + sum
		}
		out = append(out, s)
	}
	return out, nil
}

// Complete says whether folder holds all of e but perhaps the labels.
func (e Entry) Complete(ctx context.Context, folder string) bool {
	st, err := e.Verify(ctx, folder)
	if err != nil {
		return false
	}
	for _, s := range st {
		if s.Problem != "" {
			return false
		}
	}
	return true
}

func sumFile(name string) (string, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), n, err
}

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
	bySize map[int64]bool
	bySum  map[string][]File
	have   map[string]bool
}

func newStore(ctx context.Context, e Entry, folder string) *store {
	s := &store{ctx, e, folder, map[int64]bool{}, map[string][]File{}, map[string]bool{}}
	for _, f := range e.Files {
		s.bySize[f.Bytes] = true
		s.bySum[f.SHA256] = append(s.bySum[f.SHA256], f)
	}
	return s
}

// missing names the files that are not there yet, labels aside.
func (s *store) missing() error {
	var first string
	n, all := 0, 0
	for _, f := range s.e.Files {
		if f.Labels {
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
			if _, err = io.Copy(io.Discard, zr); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
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
	tmp, err := os.CreateTemp(s.folder, ".in-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(tmp, h), r)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	for _, f := range s.bySum[sum(h)] {
		if s.have[f.Path] {
			continue
		}
		to := filepath.Join(s.folder, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := copyFile(tmp.Name(), to); err != nil {
			return err
		}
		s.have[f.Path] = true
	}
	return nil
}

func sum(h hash.Hash) string { return strings.ToLower(hex.EncodeToString(h.Sum(nil))) }

// copyFile links where it can and copies where it must.
func copyFile(from, to string) error {
	if os.Link(from, to) == nil {
		return os.Chmod(to, 0o644)
	}
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o644)
}
