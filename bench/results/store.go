package results

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"veilbench/datasets/atomicfile"
)

// Store keeps each result in a file of its own, named by the hash of its cell,
// the digests of data and setup, and the method's version. A file is there whole or not at
// all, so a run that was killed goes on, two machines may compute the same
// cell without harm, and stores are merged by copying files.
type Store struct{ dir string }

// Timing is what a cell took on this machine. It is kept beside the result,
// never in it.
type Timing struct {
	TrainSeconds float64 `json:"train_s"`
	TrainPackets int64   `json:"train_packets,omitempty"`
	GuessSeconds float64 `json:"guess_s"`
	GuessPackets int64   `json:"guess_packets"`
	// ModelBytes is about what the largest of the cell's models holds in memory.
	ModelBytes int64 `json:"model_bytes,omitempty"`
}

// Places inside a store.
const (
	cellsDir   = "cells"
	timingDir  = "timing"
	samplesDir = "samples"
	cellExt    = ".json"
	failedExt  = ".failed.json"
)

// writing is longer than a file is in the making.
const writing = 10 * time.Second

// StoreAt is the store in dir for reading: it makes and sweeps nothing, so any
// number of readers may look at a folder that a run writes into.
func StoreAt(dir string) *Store { return &Store{dir} }

// Foreign lists what lies in dir without being of a run, whose command keeps own
// there too. In a folder with a manifest nothing is foreign, for reports leave files
// of many names; shards that were copied together have none. dir need not be there.
func Foreign(dir string, own ...string) ([]string, error) {
	there, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []string
	for _, e := range there {
		switch name := e.Name(); {
		case name == manifestFile:
			return nil, nil
		case slices.Contains([]string{cellsDir, timingDir, samplesDir, probesFile, publishedFile}, name), slices.Contains(own, name):
		case !strings.HasPrefix(name, "."): // systems and editors leave those
			out = append(out, name)
		}
	}
	return out, nil
}

// OpenStore is the store in dir for a run. It makes dir if needed and sweeps the
// files that a killed run left half written.
func OpenStore(dir string) (*Store, error) {
	if err := os.MkdirAll(filepath.Join(dir, cellsDir), 0o755); err != nil {
		return nil, err
	}

	s := &Store{dir}
	for _, at := range []string{filepath.Join(cellsDir, "*"), samplesDir} {
		left, err := filepath.Glob(filepath.Join(dir, at, atomicfile.TempPrefix+"*"))
		if err != nil {
			return nil, err
		}
		// A young one may be of a run beside this one. Either may be gone by now.
		for _, f := range left {
			if info, err := os.Stat(f); err == nil && time.Since(info.ModTime()) > writing {
				os.Remove(f)
			}
		}
	}
	return s, nil
}

// cellName is the file name of a cell without its ending.
func cellName(c Cell, data, setup string) string {
	b, _ := json.Marshal(struct {
		Cell        Cell
		Data, Setup string
		Method      int
	}{c, data, setup, Method}) // a struct of strings and numbers cannot fail
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (s *Store) path(kind, name, ext string) string {
	return filepath.Join(s.dir, kind, name[:2], name+ext)
}

// Get returns the stored result of a cell with these digests of data and setup.
// ok is false when there is none; one that was damaged since is an error that
// names its file.
func (s *Store) Get(c Cell, data, setup string) (res Result, ok bool, err error) {
	n := cellName(c, data, setup)

	for _, ext := range []string{cellExt, failedExt} {
		res, err = readResult(s.path(cellsDir, n, ext))
		if err == nil && res.Cell == c {
			return res, true, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Result{}, false, err
		}
	}
	return Result{}, false, nil
}

// Put writes a result, synced and whole, and its timing to a file of its own. A
// result without error replaces an earlier failure.
func (s *Store) Put(res Result, t Timing) error {
	n := cellName(res.Cell, res.Data, res.Setup)
	ext := cellExt
	if res.Err != "" {
		ext = failedExt
	}

	b, err := json.Marshal(res)
	if err != nil {
		return fmt.Errorf("result of %+v: %w", res.Cell, err)
	}
	if err := write(s.path(cellsDir, n, ext), seal(append(b, '\n'))); err != nil {
		return err
	}

	// After the write, so that at every moment one of the two is there to be read.
	if ext == cellExt {
		if err := os.Remove(s.path(cellsDir, n, failedExt)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}

	b, err = json.Marshal(t)
	if err != nil {
		return err
	}
	return write(s.path(timingDir, n, cellExt), append(b, '\n'))
}

// write is atomicfile.Write that bears another run's sweeping, should a disk be
// slower than writing: what that took away in the making is made again.
func write(path string, b []byte) error {
	var err error
	for range 5 {
		if err = atomicfile.Write(path, b); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

// Timing returns what the cell of res took where it was computed; ok is false
// when that is not known.
func (s *Store) Timing(res Result) (t Timing, ok bool) {
	b, err := os.ReadFile(s.path(timingDir, cellName(res.Cell, res.Data, res.Setup), cellExt))
	return t, err == nil && json.Unmarshal(b, &t) == nil
}

// samplePath is the file of a sample.
func (s *Store) samplePath(k SampleKey, data, setup string) string {
	b, _ := json.Marshal(Sample{SampleKey: k, Data: data, Setup: setup, Method: Method}) // strings and numbers cannot fail
	sum := sha256.Sum256(b)
	return filepath.Join(s.dir, samplesDir, hex.EncodeToString(sum[:])+cellExt)
}

// HasSample says whether a sample with these digests of data and setup is stored.
func (s *Store) HasSample(k SampleKey, data, setup string) bool {
	_, err := os.Stat(s.samplePath(k, data, setup))
	return err == nil
}

// PutSample keeps a sample, whole or not at all; an earlier one of its key and
// data is replaced.
func (s *Store) PutSample(x Sample) error {
	b, err := json.Marshal(x)
	if err != nil {
		return fmt.Errorf("sample of %+v: %w", x.SampleKey, err)
	}
	return write(s.samplePath(x.SampleKey, x.Data, x.Setup), seal(append(b, '\n')))
}

// ReadSamples reads every sample that runs left below dir, sorted by key; none
// is no error: runs of earlier versions kept none.
func ReadSamples(dir string) ([]Sample, error) {
	files, err := filepath.Glob(filepath.Join(dir, samplesDir, "*"+cellExt))
	if err != nil {
		return nil, err
	}

	var out []Sample
	for _, f := range files {
		var x Sample
		if err := readSealed(f, &x); err != nil {
			return nil, err
		}
		if err := x.check(); err != nil {
			return nil, damaged(f, err)
		}
		out = append(out, x)
	}

	slices.SortStableFunc(out, func(a, b Sample) int { return a.compare(b.SampleKey) })
	return out, nil
}

// ReadResults reads every result below dir in canonical order, of whatever run.
// A failed cell that was computed later is read once.
func ReadResults(dir string) ([]Result, error) {
	var out []Result
	root := filepath.Join(dir, cellsDir)
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), atomicfile.TempPrefix) {
			return err
		}

		// A run that goes on beside us takes a failure away when the cell is done.
		res, err := readResult(p)
		if done, failed := strings.CutSuffix(p, failedExt); failed && errors.Is(err, fs.ErrNotExist) {
			res, err = readResult(done + cellExt)
		}
		if err != nil {
			return err
		}
		// "x.failed.json" is walked just before "x.json", which counts.
		if n := len(out); n > 0 && out[n-1].Cell == res.Cell && out[n-1].Data == res.Data && out[n-1].Setup == res.Setup {
			out = out[:n-1]
		}
		out = append(out, res)
		return nil
	})

	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no results (no folder %s): is it the --out folder of a run?", dir, cellsDir)
	}
	if err != nil {
		return nil, err
	}

	Sort(out)
	return out, nil
}

// readResult reads one file. An error says which, and what to do about it: a
// file that was changed, or whose cell belongs into another one, is damaged.
func readResult(path string) (Result, error) {
	var r Result
	if err := readSealed(path, &r); err != nil {
		return r, err
	}
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	if r.Method == Method && name != cellName(r.Cell, r.Data, r.Setup) {
		return r, damaged(path, errors.New("the cell in it belongs into a file of another name"))
	}
	return r, nil
}

// Name is the name under which a store keeps the result of a cell of m.
func (m Manifest) Name(c Cell) string { return cellName(c, m.DataDigest(c.Dataset), m.Setup(c)) }

// Entry is a result that a store holds, unread.
type Entry struct {
	// Name is that of Manifest.Name.
	Name   string
	Failed bool
	// Written is when it was, by the clock of the file system.
	Written time.Time
}

// Entries lists what the store holds without reading it, in no order. A store that
// is not there holds nothing.
func (s *Store) Entries() ([]Entry, error) {
	var out []Entry
	err := filepath.WalkDir(filepath.Join(s.dir, cellsDir), func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), atomicfile.TempPrefix) {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a failure that was just computed
		}
		if err != nil {
			return err
		}
		name, ext, _ := strings.Cut(e.Name(), ".")
		out = append(out, Entry{name, "."+ext == failedExt, info.ModTime()})
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return out, err
}

// Raw returns the bytes of the result with this name and whether it is one of a
// failed cell. The error wraps fs.ErrNotExist if there is none.
func (s *Store) Raw(name string) (b []byte, failed bool, err error) {
	if b, err = os.ReadFile(s.path(cellsDir, name, cellExt)); errors.Is(err, fs.ErrNotExist) {
		b, err = os.ReadFile(s.path(cellsDir, name, failedExt))
		failed = true
	}
	return b, failed, err
}

// CopyTo copies the result with this name, and how long it took, into another
// store, where one of a cell that is done replaces a failure. A file that was
// damaged since it was written is an error and not copied.
func (s *Store) CopyTo(other *Store, name string) error {
	b, failed, err := s.Raw(name)
	if err != nil {
		return err
	}
	ext := cellExt
	if failed {
		ext = failedExt
	}
	if _, err := readResult(s.path(cellsDir, name, ext)); err != nil {
		return err
	}
	if err := write(other.path(cellsDir, name, ext), b); err != nil {
		return err
	}
	if !failed {
		if err := os.Remove(other.path(cellsDir, name, failedExt)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}

	// Timings are of the machine that took them; a store may lack them.
	t, err := os.ReadFile(s.path(timingDir, name, cellExt))
	if err != nil {
		return nil
	}
	return write(other.path(timingDir, name, cellExt), t)
}

// SortCells puts cells into the order of Sort.
func SortCells(cs []Cell) { slices.SortFunc(cs, compareCells) }

// Sort puts results into canonical order: by the fields of their cells.
func Sort(rs []Result) {
	slices.SortFunc(rs, func(a, b Result) int { return compareCells(a.Cell, b.Cell) })
}

func compareCells(a, b Cell) int {
	return cmp.Or(
		cmp.Compare(a.Dataset, b.Dataset), cmp.Compare(a.Task, b.Task), cmp.Compare(a.Vantage, b.Vantage),
		cmp.Compare(a.Defense, b.Defense), cmp.Compare(a.Attack, b.Attack), cmp.Compare(a.Knowledge, b.Knowledge),
		cmp.Compare(a.TrainDefense, b.TrainDefense), cmp.Compare(a.Split, b.Split), cmp.Compare(a.Fold, b.Fold),
		cmp.Compare(a.Draw, b.Draw), cmp.Compare(a.TrainDraws, b.TrainDraws), cmp.Compare(a.Seed, b.Seed),
	)
}
