package folder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/parallel"
)

// packetBytes is what a packet costs while it is read: 24 bytes in the trace, as
// much again while slices grow.
const packetBytes = 50

// budget is how many more packets may be held, shared by all readers.
type budget struct {
	left  atomic.Int64
	limit int64 // bytes, 0 for none
}

// errMemory is a folder that does not fit; it ends the run, for the next capture
// would not fit either.
var errMemory = errors.New("the packets do not fit the memory limit")

// take takes n packets off the budget.
func (b *budget) take(n int64) error {
	if b.limit > 0 && b.left.Add(-n) < 0 {
		return fmt.Errorf("%w of %d MB at %d bytes each; raise the limit or name fewer captures", errMemory, b.limit>>20, packetBytes)
	}
	return nil
}

// minRecord is the least that a packet takes in a file: its header and that of
// Ethernet and IP.
const minRecord = 16 + 34

// read opens all units in parallel. One that fails costs itself.
func (l *loader) read() error {
	b := &budget{limit: l.o.MemoryBytes}
	b.left.Store(l.o.MemoryBytes / packetBytes)

	// Progress is told in order, by whoever has just finished.
	var mu sync.Mutex
	done := 0
	err := parallel.For(l.ctx, l.o.Workers, len(l.units), func(_, i int) error {
		u := l.units[i]
		u.err = l.readUnit(u, b)
		if errors.Is(u.err, errMemory) || errors.Is(u.err, context.Canceled) {
			return u.err
		}
		if l.o.Progress != nil {
			mu.Lock()
			done++
			l.o.Progress(done, len(l.units))
			mu.Unlock()
		}
		return nil
	})
	if err != nil {
		return err
	}

	// The rest of the package sees whole units only.
	for _, u := range l.units {
		if u.err != nil {
			l.f.broken = append(l.f.broken, problem{u.files[0], u.err.Error()})
		}
	}
	l.units = slices.DeleteFunc(l.units, func(u *unit) bool { return u.err != nil })
	if len(l.units) == 0 {
		if len(l.f.broken) > 0 {
			return fmt.Errorf("%s: no capture can be read; the first: %s: %s", filepath.Base(l.root), l.f.broken[0].file, l.f.broken[0].reason)
		}
		return fmt.Errorf("%s: no capture and no trace of cells in it", filepath.Base(l.root))
	}
	return nil
}

// readUnit reads the files of one recording.
func (l *loader) readUnit(u *unit, b *budget) (err error) {
	if u.rep == nil && u.named.Events != nil {
		return l.readCells(u, b)
	}
	o := l.o.Capture
	if name := l.truth.namesFor(u); name != "" && o.Names == "" {
		o.Names = filepath.Join(l.root, name)
	}

	// What a plain file can hold is known from its size. All else is counted
	// while it is read: a few bytes of a compressed file may be a gigabyte.
	size := l.files.size[u.files[0]]
	name := filepath.Join(l.root, u.files[0])
	if len(u.files) == 1 && (b.limit == 0 || !packed.MatchString(name) && size/minRecord < b.left.Load()/2) {
		if u.trace, u.rep, err = capture.Open(l.ctx, name, o); err != nil {
			return err
		}
		u.mac = commonMAC(u.trace)
		return b.take(int64(len(u.trace.Packets)))
	}

	j := &joined{root: l.root, files: u.files, budget: b, alone: len(u.files) == 1 && !o.AllowTruncated}
	defer j.close()
	if u.trace, u.rep, err = capture.Read(l.ctx, j, filepath.Base(u.stem), o); err != nil {
		return err
	}
	u.rep.Warnings = append(u.rep.Warnings, j.notes...)
	u.mac = commonMAC(u.trace)
	return nil
}

// commonMAC is the hardware address of the home side that most packets have.
func commonMAC(t datasets.Trace) datasets.MAC {
	count := make([]int, len(t.Flows))
	for _, p := range t.Packets {
		count[p.Flow]++
	}
	sum := map[datasets.MAC]int{}
	var best datasets.MAC
	for i, f := range t.Flows {
		if f.MAC != (datasets.MAC{}) {
			sum[f.MAC] += count[i]
		}
	}
	for m, n := range sum { // the least of equally frequent ones, whatever the order
		if c := cmp.Compare(n, sum[best]); c > 0 || c == 0 && slices.Compare(m[:], best[:]) < 0 {
			best = m
		}
	}
	return best
}
