package pack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"veilbench/datasets/atomicfile"
)

// Unit is the records of one unit of work, to be read and written. Its methods may
// be called at the same time.
type Unit struct {
	folder Folder
	stem   string // of the names of its files
	part   string // name of the part that this process writes

	mu      sync.Mutex
	records map[string]Record
	read    map[string]int64 // files that records are from, and how long they were
	fresh   bool             // records have some that no segment has
	synced  time.Time
}

// Unit opens a unit, which has so far whatever others left of it. words tell it from
// others, and the last of them begins the names of its files.
func (f Folder) Unit(words ...string) (*Unit, error) {
	word := []byte(words[len(words)-1])
	for i, c := range word {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-') {
			word[i] = '_'
		}
	}
	const legible = 40 // systems bound the length of a name
	stem := string(word[:min(len(word), legible)]) + "." + digest([]byte(strings.Join(words, "\x00")))

	u := &Unit{folder: f, stem: stem, part: fmt.Sprintf("%s.%016x%s", stem, rand.Uint64(), partExt), records: map[string]Record{}, read: map[string]int64{}, synced: time.Now()}
	return u, again(u.load)
}

// load reads the files of the unit that were not read yet.
func (u *Unit) load() error {
	segments, parts, err := u.folder.files(u.stem + ".")
	if err != nil {
		return err
	}
	for _, name := range slices.Concat(segments, parts) {
		if _, ok := u.read[name]; ok || name == u.part {
			continue
		}

		// The length before the content: of a part that another process lengthens
		// meanwhile we then know too little, and leave it there.
		info, err := os.Stat(filepath.Join(u.folder.Records, name))
		if err != nil {
			return err
		}
		rs, err := u.folder.read(name)
		if err != nil {
			return err
		}
		for _, r := range rs {
			u.add(r)
		}
		u.read[name] = info.Size()
	}
	return nil
}

// add keeps a record unless there is one of its name that is no failure.
func (u *Unit) add(r Record) {
	if was, ok := u.records[r.Name]; !ok || was.Failed {
		u.records[r.Name] = r
	}
}

// Get returns the record with this name.
func (u *Unit) Get(name string) (Record, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	r, ok := u.records[name]
	return r, ok
}

// Each returns the records in the order of their names.
func (u *Unit) Each() []Record {
	u.mu.Lock()
	defer u.mu.Unlock()
	var out []Record
	for _, name := range slices.Sorted(maps.Keys(u.records)) {
		out = append(out, u.records[name])
	}
	return out
}

// syncEvery is how much of its work a run may lose when the machine, not only its
// process, goes down: what took longer to compute is on the disk at once.
const syncEvery = time.Second

// Put keeps a record, before Close in a part: a process that is killed loses only
// what it had not put. Of one name a failure never replaces what is none.
func (u *Unit) Put(r Record) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	r.At = time.Now().UTC().Truncate(time.Millisecond)
	note, err := json.Marshal(r.Note)
	if err != nil {
		return err
	}

	// Opened each time, since another process that computes the same unit may have
	// packed this part, and taken it away.
	f, err := os.OpenFile(filepath.Join(u.folder.Records, u.part), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(slices.Concat(r.Line, note, []byte{'\n'}))
	if err == nil && time.Since(u.synced) > syncEvery {
		err = f.Sync()
		u.synced = time.Now()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}

	u.add(r)
	u.fresh = true
	return nil
}

// Add keeps a record with its note until Close writes them.
func (u *Unit) Add(r Record) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.add(r)
	u.fresh = true
}

// Close makes one segment of all there is of the unit, unless it is one already. Who
// stops before leaves parts, which the next one closes.
func (u *Unit) Close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := again(u.load); err != nil {
		return err
	}
	if len(u.records) == 0 || !u.fresh && len(u.read) == 1 && strings.HasSuffix(slices.Collect(maps.Keys(u.read))[0], segmentExt) {
		return nil
	}

	// By content, which begins with what a record is of: like stands beside like,
	// and is packed well.
	rs := slices.Collect(maps.Values(u.records))
	slices.SortFunc(rs, func(a, b Record) int { return bytes.Compare(a.Line[sealLen:], b.Line[sealLen:]) })
	var lines, notes bytes.Buffer
	for _, r := range rs {
		lines.Write(r.Line)
		n, err := json.Marshal(r.Note)
		if err != nil {
			return err
		}
		notes.Write(append(n, '\n'))
	}

	// Notes first: a segment without them could still be read, but not in a moment.
	name := fmt.Sprintf("%s.%s%s", u.stem, digest(lines.Bytes()), segmentExt)
	if _, ok := u.read[name]; !ok {
		if err := write(filepath.Join(u.folder.Notes, name), Zip(notes.Bytes())); err != nil {
			return err
		}
		if err := write(filepath.Join(u.folder.Records, name), Zip(lines.Bytes())); err != nil {
			return err
		}
	}
	u.fresh = false
	return u.sweep(name)
}

// sweep takes away what is in the segment called name by now.
func (u *Unit) sweep(name string) error {
	u.read[u.part] = -1
	for old, size := range u.read {
		path := filepath.Join(u.folder.Records, old)
		info, err := os.Stat(path)
		switch {
		case old == name || errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		case size >= 0 && info.Size() != size:
			continue // another process is at it
		}
		for _, p := range []string{path, filepath.Join(u.folder.Notes, old)} {
			if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	info, err := os.Stat(filepath.Join(u.folder.Records, name))
	if err != nil {
		return err
	}
	u.read = map[string]int64{name: info.Size()}
	return nil
}

// write is atomicfile.Write that bears another run's sweeping, should a disk be
// slower than that waits: what it took away in the making is made again.
func write(path string, b []byte) error {
	return again(func() error { return atomicfile.Write(path, b) })
}
