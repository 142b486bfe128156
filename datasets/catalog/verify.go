package catalog

import (
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
	"slices"
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
	// Without this a folder that is absent would be a long list of missing
	// files.
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
		sum, n, err := sumEither(filepath.Join(folder, filepath.FromSlash(f.Path)), f.Bytes)
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
	return err == nil && len(st) > 0 && !slices.ContainsFunc(st, func(s Status) bool { return s.Problem != "" })
}

// packed is the ending of a file that is compressed.
const packed = ".gz"

// sumEither returns checksum and length of a file or, where there is only a
// compressed one, of what that holds: no more than a byte above most is read, for
// a small file may hold a lot.
func sumEither(name string, most int64) (string, int64, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = os.Open(name + packed)
	}
	if err != nil {
		return "", 0, err
	}
	defer f.Close()

	var r io.Reader = f
	if f.Name() != name {
		if r, err = gzip.NewReader(f); err != nil {
			return "", 0, fmt.Errorf("%s: %w", f.Name(), err)
		}
		r = io.LimitReader(r, most+1)
	}
	h := sha256.New()
	n, err := io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), n, err
}
