// Package pack keeps records, JSON objects of one line each, in few files: one for
// each unit of work. It knows nothing of what a record says.
//
// A Folder has a place for records, and one for notes on them that differ between
// machines. Names of files begin with the unit (a word to read and a digest):
//
//	UNIT.CONTENT.ndjson.gz   a segment: records of the unit, sorted, each with its
//	                         checksum. CONTENT is a digest of them, so a file of this
//	                         name never changes, and two of one name are the same
//	UNIT.WRITER.part         records as one process makes them, each with its note
//
// Notes have the names of their segments. Segments are written whole or not at all.
// A part only grows, and any beginning of it is a good one: what a kill or a copy
// cuts off is left out. When a unit is done its parts, and segments of earlier runs,
// become one segment. So files may be copied at any time and in any order, also
// without those that were taken away later: of equal records one counts, and one of
// success before one of failure.
//
// "zcat cells/*.gz | jq" reads segments. Read this file first, then unit.go, which
// writes.
package pack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"veilbench/datasets/atomicfile"
	"veilbench/datasets/parallel"
)

// Folder is where records and their notes lie.
type Folder struct {
	Records, Notes string
	// Describe tells from a record its name and whether it is one of a failure. It is
	// asked where a segment has lost its notes.
	Describe func(line []byte) (name string, failed bool, err error)
}

// Note is what is known of a record beside what it says.
type Note struct {
	// Name is equal for records that stand for the same.
	Name   string `json:"name"`
	Failed bool   `json:"failed,omitempty"`
	// At is when the record was written, zero if nobody knows.
	At time.Time `json:"at,omitzero"`
	// More is the writer's own, nil if nothing is known.
	More json.RawMessage `json:"more,omitempty"`
}

// Record is a sealed line (see Seal) and its note.
type Record struct {
	Note
	Line []byte
}

// Endings of files.
const (
	segmentExt = ".ndjson.gz"
	partExt    = ".part"
)

// files lists the segments and parts in place whose names begin with prefix, the
// segments first. A folder that is not there has none.
func (f Folder) files(prefix string) (segments, parts []string, err error) {
	there, err := os.ReadDir(f.Records)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	for _, e := range there {
		name := e.Name()
		switch {
		case e.IsDir():
			return nil, nil, fmt.Errorf("%s holds a file for each cell, as earlier versions wrote them and this one does not read: report it with the program that made it, or run into another folder", f.Records)
		case !strings.HasPrefix(name, prefix) || strings.HasPrefix(name, atomicfile.TempPrefix):
		case strings.HasSuffix(name, segmentExt):
			segments = append(segments, name)
		case strings.HasSuffix(name, partExt):
			parts = append(parts, name)
		}
	}
	return segments, parts, err
}

// again calls read until no file vanishes under it: a unit that is done beside us
// puts one file in the place of others, which then has to be listed anew.
func again(read func() error) error {
	var err error
	for range 100 {
		if err = read(); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

// Read decodes every record in f, those of a name that occurs twice as well, in the
// order of files and lines. decode gets the object without its checksum, and is
// called for several at the same time.
func Read[T any](f Folder, decode func(object []byte) (T, error)) ([]T, error) {
	var out []T
	err := again(func() error {
		segments, parts, err := f.files("")
		if err != nil {
			return err
		}

		// To decode is what takes the time, so files are shared between workers.
		names := slices.Concat(segments, parts)
		of := make([][]T, len(names))
		err = parallel.For(context.Background(), runtime.GOMAXPROCS(0), len(names), func(_, i int) error {
			lines, err := f.lines(names[i])
			if err != nil {
				return err
			}
			of[i] = make([]T, len(lines))
			for k, l := range lines {
				if of[i][k], err = decode(open(l)); err != nil {
					return Damaged(filepath.Join(f.Records, names[i]), err)
				}
			}
			return nil
		})
		out = slices.Concat(of...)
		return err
	})
	return out, err
}

// List returns the note of each record in f, in no order, that of a success where
// there are several. It opens no segment that has its notes beside it.
func (f Folder) List() ([]Note, error) {
	var out []Note
	err := again(func() error {
		segments, parts, err := f.files("")
		if err != nil {
			return err
		}

		names := slices.Concat(segments, parts)
		of := make([][]Note, len(names))
		err = parallel.For(context.Background(), runtime.GOMAXPROCS(0), len(names), func(_, i int) (err error) {
			of[i], err = f.notes(names[i])
			return err
		})
		if err != nil {
			return err
		}

		// A copy of a folder may hold segments that were packed into others since.
		out = out[:0]
		at := map[string]int{}
		for _, notes := range of {
			for _, n := range notes {
				i, seen := at[n.Name]
				switch {
				case !seen:
					at[n.Name] = len(out)
					out = append(out, n)
				case out[i].Failed:
					out[i] = n
				}
			}
		}
		return nil
	})
	return out, err
}

// notes are those of the records in a file.
func (f Folder) notes(name string) ([]Note, error) {
	if strings.HasSuffix(name, segmentExt) {
		notes, err := f.noted(name)
		if !errors.Is(err, fs.ErrNotExist) {
			return notes, err
		}
	}
	rs, err := f.read(name)
	notes := make([]Note, len(rs))
	for i, r := range rs {
		notes[i] = r.Note
	}
	return notes, err
}

// noted reads the notes of a segment, one a line.
func (f Folder) noted(name string) ([]Note, error) {
	path := filepath.Join(f.Notes, name)
	b, err := Unzip(path)
	if err != nil {
		return nil, err
	}
	var out []Note
	for line := range bytes.Lines(b) {
		var n Note
		if err := json.Unmarshal(line, &n); err != nil {
			return nil, Damaged(path, err)
		}
		out = append(out, n)
	}
	return out, nil
}

// read returns the records of a file with their notes.
func (f Folder) read(name string) ([]Record, error) {
	if strings.HasSuffix(name, partExt) {
		return f.part(name)
	}
	lines, err := f.lines(name)
	if err != nil {
		return nil, err
	}
	notes, err := f.noted(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}

	// Notes may be lost, with the folder they lie in: records tell the most of it.
	out := make([]Record, len(lines))
	for i, l := range lines {
		out[i].Line = l
		if len(notes) == len(lines) {
			out[i].Note = notes[i]
		} else if out[i].Name, out[i].Failed, err = f.Describe(open(l)); err != nil {
			return nil, Damaged(filepath.Join(f.Records, name), err)
		}
	}
	return out, nil
}

// lines returns the sealed lines of a file.
func (f Folder) lines(name string) ([][]byte, error) {
	if strings.HasSuffix(name, partExt) {
		rs, err := f.part(name)
		out := make([][]byte, len(rs))
		for i, r := range rs {
			out[i] = r.Line
		}
		return out, err
	}

	path := filepath.Join(f.Records, name)
	b, err := Unzip(path)
	if err != nil {
		return nil, err
	}

	// The digest in the name finds lines that were taken away, too, which no checksum
	// of a line could.
	if !strings.HasSuffix(strings.TrimSuffix(name, segmentExt), "."+digest(b)) {
		return nil, Damaged(path, errors.New("its checksum is wrong: the content is not the one that its name tells"))
	}
	var out [][]byte
	for line := range bytes.Lines(b) {
		if !sealed(line) {
			return nil, Damaged(path, fmt.Errorf("line %d: its checksum is wrong", len(out)+1))
		}
		out = append(out, line)
	}
	return out, nil
}

// part reads what one process left of a unit: a record and its note in turn. It ends
// where one of them is not whole.
func (f Folder) part(name string) ([]Record, error) {
	b, err := os.ReadFile(filepath.Join(f.Records, name))
	if err != nil {
		return nil, err
	}
	var out []Record
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n') + 1
		n := bytes.IndexByte(b[i:], '\n') + 1
		if i == 0 || n == 0 || !sealed(b[:i]) {
			break
		}
		r := Record{Line: b[:i]}
		if json.Unmarshal(b[i:i+n], &r.Note) != nil {
			break
		}
		out = append(out, r)
		b = b[i+n:]
	}
	return out, nil
}

// digest is the start of the SHA-256 of b, long enough for a name.
func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// Zip is b as a gzip file without name and time, so that equal content is equal
// bytes.
func Zip(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b) //nolint:errcheck // a buffer takes everything
	w.Close()  //nolint:errcheck // as above
	return out.Bytes()
}

// Unzip reads what Zip made. An error other than that there is no such file names
// it and says what to do.
func Unzip(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()

	r, err := gzip.NewReader(file)
	if err != nil {
		return nil, Damaged(path, err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, Damaged(path, err)
	}
	return b, nil
}
