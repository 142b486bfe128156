// Package atomicfile writes files all or not at all: a reader, and whoever
// starts the program again after it was killed, sees the old content or the
// new one, never a part.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// TempPrefix begins the names of files in the making. Whoever lists a folder
// passes them over; a kill may leave some behind.
const TempPrefix = ".tmp-"

// Write replaces the content of the file at path. Folders on the way are made.
func Write(path string, data []byte) error {
	return WriteTo(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// WriteTo is Write of what fill writes to w, which is buffered. When fill fails
// the file stays as it was, and the error is fill's.
//
// What is no regular file, such as /dev/stdout or a pipe, is written to as it
// is: a rename would put a file in its place.
func WriteTo(path string, fill func(w io.Writer) error) (err error) {
	if i, err := os.Stat(path); err == nil && !i.Mode().IsRegular() {
		return writeInPlace(path, fill)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, TempPrefix+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()

	w := bufio.NewWriterSize(f, 1<<16)
	if err := fill(w); err != nil {
		return errors.Join(err, f.Close())
	}

	// Without the sync a file system may keep the new name and lose the bytes.
	// CreateTemp lets only the owner read.
	if err := errors.Join(w.Flush(), f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}

// writeInPlace writes to a device or a pipe.
func writeInPlace(path string, fill func(w io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	if err := fill(w); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(w.Flush(), f.Close())
}
