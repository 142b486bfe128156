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

	"veilbench/bench/pack"
	"veilbench/datasets/atomicfile"
)

// Store keeps results, those of a unit of work (a defense on a data set) in one file:
// see package pack. The name of a result is the hash of its cell, the digests of data
// and setup, and the method's version. A result is there whole or not at all, so a
// run that was killed goes on, two machines may compute the same cell without harm,
// and folders of one run are merged by copying files.
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
	sampleExt  = ".json.gz"
)

// writing is longer than a file is in the making.
const writing = 10 * time.Second

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
	for _, at := range []string{cellsDir, timingDir, samplesDir} {
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

// Cells are the results in the folder of a run, to be read; it makes and sweeps
// nothing, so any number of readers may look at a folder that a run writes into.
func Cells(dir string) pack.Folder {
	return pack.Folder{Records: filepath.Join(dir, cellsDir), Notes: filepath.Join(dir, timingDir), Describe: func(object []byte) (string, bool, error) {
		var r struct {
			Cell             Cell
			Data, Setup, Err string
		}
		err := json.Unmarshal(object, &r)
		return cellName(r.Cell, r.Data, r.Setup), r.Err != "", err
	}}
}

// Unit is what a store holds of one defense on one data set. It may be used by
// several workers at the same time.
type Unit struct{ unit *pack.Unit }

// Unit opens a unit. What is put there is kept at once; Close packs it.
func (s *Store) Unit(dataset, defense string) (*Unit, error) {
	u, err := Cells(s.dir).Unit(dataset, defense)
	return &Unit{u}, err
}

// Get returns the stored result of a cell of the unit with these digests of data and
// setup; ok is false when there is none.
func (u *Unit) Get(c Cell, data, setup string) (res Result, ok bool, err error) {
	r, ok := u.unit.Get(cellName(c, data, setup))
	if !ok {
		return res, false, nil
	}
	object, err := pack.Open(r.Line)
	if err == nil {
		err = json.Unmarshal(object, &res)
	}
	if err == nil && res.Cell != c {
		err = errors.New("a note names another cell's record")
	}
	return res, err == nil, err
}

// Put keeps a result, and its timing beside it, so that it outlives the process. A
// result without error replaces an earlier failure.
func (u *Unit) Put(res Result, t Timing) error {
	b, err := json.Marshal(res)
	if err != nil {
		return fmt.Errorf("result of %+v: %w", res.Cell, err)
	}
	more, err := json.Marshal(t)
	if err != nil {
		return err
	}
	note := pack.Note{Name: cellName(res.Cell, res.Data, res.Setup), Failed: res.Err != "", More: more}
	return u.unit.Put(pack.Record{Note: note, Line: pack.Seal(append(b, '\n'))})
}

// Close packs what the unit holds into one file. Without it nothing is lost, and the
// next run does it.
func (u *Unit) Close() error { return u.unit.Close() }

// Timings is what cells took where they were computed, by name.
type Timings map[string]Timing

// ReadTimings reads what the cells in the folder of a run took.
func ReadTimings(dir string) (Timings, error) {
	notes, err := Cells(dir).List()
	if err != nil {
		return nil, err
	}
	out := Timings{}
	for _, n := range notes {
		var t Timing
		if n.More != nil && json.Unmarshal(n.More, &t) == nil {
			out[n.Name] = t
		}
	}
	return out, nil
}

// Of returns the timing of the cell of res; ok is false when it is not known.
func (t Timings) Of(res Result) (Timing, bool) {
	x, ok := t[cellName(res.Cell, res.Data, res.Setup)]
	return x, ok
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

// samplePath is the file of a sample.
func (s *Store) samplePath(k SampleKey, data, setup string) string {
	b, _ := json.Marshal(Sample{SampleKey: k, Data: data, Setup: setup, Method: Method}) // strings and numbers cannot fail
	sum := sha256.Sum256(b)
	return filepath.Join(s.dir, samplesDir, hex.EncodeToString(sum[:])+sampleExt)
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
	return write(s.samplePath(x.SampleKey, x.Data, x.Setup), pack.Zip(pack.Seal(append(b, '\n'))))
}

// ReadSamples reads every sample that runs left below dir, sorted by key; none
// is no error: runs of earlier versions kept none.
func ReadSamples(dir string) ([]Sample, error) {
	files, err := filepath.Glob(filepath.Join(dir, samplesDir, "*"+sampleExt))
	if err != nil {
		return nil, err
	}

	var out []Sample
	for _, f := range files {
		var x Sample
		line, err := pack.Unzip(f)
		if err != nil {
			return nil, err
		}
		// Pictures index one list by another: a sample must also be consistent.
		object, err := pack.Open(line)
		if err == nil {
			err = json.Unmarshal(object, &x)
		}
		if err := cmp.Or(err, x.check()); err != nil {
			return nil, pack.Damaged(f, err)
		}
		out = append(out, x)
	}

	slices.SortStableFunc(out, func(a, b Sample) int { return a.compare(b.SampleKey) })
	return out, nil
}

// ReadResults reads every result below dir in canonical order, of whatever run.
// A failed cell that was computed later is read once.
func ReadResults(dir string) ([]Result, error) {
	if _, err := os.Stat(filepath.Join(dir, cellsDir)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no results (no folder %s): is it the --out folder of a run?", dir, cellsDir)
	}
	out, err := pack.Read(Cells(dir), func(object []byte) (r Result, err error) {
		err = json.Unmarshal(object, &r)
		return r, err
	})
	if err != nil {
		return nil, err
	}

	// What counts of a cell comes first: what is no failure.
	slices.SortStableFunc(out, func(a, b Result) int {
		return cmp.Or(compareCells(a.Cell, b.Cell), cmp.Compare(a.Data, b.Data), cmp.Compare(a.Setup, b.Setup), cmp.Compare(a.Method, b.Method),
			cmp.Compare(min(len(a.Err), 1), min(len(b.Err), 1)))
	})
	return slices.CompactFunc(out, func(a, b Result) bool {
		return a.Cell == b.Cell && a.Data == b.Data && a.Setup == b.Setup && a.Method == b.Method
	}), nil
}

// Name is the name under which a store keeps the result of a cell of m.
func (m Manifest) Name(c Cell) string { return cellName(c, m.DataDigest(c.Dataset), m.Setup(c)) }

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
