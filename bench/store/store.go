// Package store keeps the files of a run where every machine of a cluster can
// reach them, in an object store or in a folder, so that they need no disk in
// common.
//
// Read this file first: Store is what such a place must be able to do, and a folder
// is the plainest one. mirror.go keeps a place like the folder that a run writes
// into; the package s3 below is a place that speaks S3.
package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"veilbench/datasets/atomicfile"
)

// Store is a place for files by name. Names have slashes, as paths have. A file is
// there whole or not at all; two that write one name at once leave that of either.
// All methods may be called at the same time.
type Store interface {
	// Put keeps b under a name, in the place of what was there.
	Put(ctx context.Context, name string, b []byte) error
	// Get returns what lies under a name. The error wraps fs.ErrNotExist if nothing
	// does.
	Get(ctx context.Context, name string) ([]byte, error)
	// List returns all names, sorted.
	List(ctx context.Context) ([]string, error)
	// Delete takes a file away; one that is not there is no error.
	Delete(ctx context.Context, name string) error
}

// Folder is the store in a folder of a file system. It need not be there before
// something is put into it.
type Folder string

// Put writes a file, synced and renamed into place.
func (f Folder) Put(_ context.Context, name string, b []byte) error {
	path, err := f.path(name)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, b)
}

// Get reads a file.
func (f Folder) Get(_ context.Context, name string) ([]byte, error) {
	path, err := f.path(name)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// List walks the folder. Files that somebody is writing are not there yet.
func (f Folder) List(ctx context.Context) ([]string, error) {
	var out []string
	err := filepath.WalkDir(string(f), func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // taken away while we look
		case err != nil:
			return err
		case e.IsDir() || strings.HasPrefix(e.Name(), atomicfile.TempPrefix):
			return ctx.Err()
		}
		name, err := filepath.Rel(string(f), path)
		out = append(out, filepath.ToSlash(name))
		return err
	})
	slices.Sort(out) // a walk has "a/b" before "a.x"
	return out, err
}

// Delete removes a file. Folders that are then empty stay.
func (f Folder) Delete(_ context.Context, name string) error {
	path, err := f.path(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// path is the file of a name. Names come from other machines: one that leads out of
// the folder is refused.
func (f Folder) path(name string) (string, error) {
	local := filepath.FromSlash(name)
	if !filepath.IsLocal(local) {
		return "", fmt.Errorf("file name %q leads out of the folder %s", name, string(f))
	}
	return filepath.Join(string(f), local), nil
}
