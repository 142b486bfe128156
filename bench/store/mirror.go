package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"veilbench/datasets/parallel"
)

// atOnce is how many files are on their way at one time: they are small, and most of
// the time of each is waiting for an answer.
const atOnce = 16

// Mirror makes a store hold what a folder holds.
type Mirror struct {
	dir Folder
	to  Store

	mu   sync.Mutex // one Send at a time
	sent map[string]stamp
}

// stamp tells a file from what had its name before.
type stamp struct {
	size int64
	at   time.Time
}

// Fetch copies all that a store holds into a folder, and returns the mirror that
// sends back what is changed there from then on. A run goes on there as if the
// folder had always been its own.
func Fetch(ctx context.Context, from Store, dir string) (*Mirror, error) {
	m := &Mirror{dir: Folder(dir), to: from, sent: map[string]stamp{}}
	names, err := from.List(ctx)
	if err != nil {
		return nil, err
	}
	err = parallel.For(ctx, atOnce, len(names), func(_, i int) error {
		b, err := from.Get(ctx, names[i])
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a failure that another machine has just computed
		}
		if err != nil {
			return err
		}
		return m.dir.Put(ctx, names[i], b)
	})
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if s, ok := m.stamp(name); ok {
			m.sent[name] = s
		}
	}
	return m, nil
}

func (m *Mirror) stamp(name string) (stamp, bool) {
	info, err := os.Stat(filepath.Join(string(m.dir), filepath.FromSlash(name)))
	if err != nil {
		return stamp{}, false
	}
	return stamp{info.Size(), info.ModTime()}, true
}

// Send copies what is new or changed in the folder into the store, and takes away
// there what was taken away here. Files at the top, which say what the others are,
// go first; what takes another's place is there before that goes.
func (m *Mirror) Send(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	names, err := m.dir.List(ctx)
	if err != nil {
		return err
	}

	// Stamps are taken before the content is read: a change in between is sent twice
	// and never missed.
	here := map[string]bool{}
	now := map[string]stamp{}
	var top, rest []string
	for _, name := range names {
		s, ok := m.stamp(name)
		if !ok {
			continue
		}
		here[name] = true
		switch was, ok := m.sent[name]; {
		case ok && was == s:
			continue
		case strings.Contains(name, "/"):
			rest = append(rest, name)
		default:
			top = append(top, name)
		}
		now[name] = s
	}
	for _, part := range [][]string{top, rest} {
		if err := m.put(ctx, part, now); err != nil {
			return err
		}
	}

	for name := range m.sent {
		if here[name] {
			continue
		}
		if err := m.to.Delete(ctx, name); err != nil {
			return err
		}
		delete(m.sent, name)
	}
	return nil
}

// put sends files and notes the stamps of those that arrived, also if one did not.
func (m *Mirror) put(ctx context.Context, names []string, stamps map[string]stamp) error {
	arrived := make([]bool, len(names))
	err := parallel.For(ctx, atOnce, len(names), func(_, i int) error {
		b, err := m.dir.Get(ctx, names[i])
		if errors.Is(err, fs.ErrNotExist) {
			return nil // replaced by a file of another name
		}
		if err == nil {
			err = m.to.Put(ctx, names[i], b)
		}
		arrived[i] = err == nil
		return err
	})
	for i, name := range names {
		if arrived[i] {
			m.sent[name] = stamps[name]
		}
	}
	return err
}

// Follow sends again and again until ctx ends. What could not be sent is tried again
// the next time: a store that is away for a while costs nothing. Failures go to say.
func (m *Mirror) Follow(ctx context.Context, every time.Duration, say func(error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := m.Send(ctx); err != nil && ctx.Err() == nil {
				say(err)
			}
		}
	}
}

// FetchAll copies the runs below a store, each a set of files with marker among them
// in a folder of its own, into folders of these names below dir, and returns these,
// sorted. A store that is one run itself gives dir. What dir has already of results is
// not asked for again: only files at the top of a run ever change.
func FetchAll(ctx context.Context, from Store, dir, marker string) ([]string, error) {
	names, err := from.List(ctx)
	if err != nil {
		return nil, err
	}
	var runs []string
	for _, name := range names {
		if path.Base(name) == marker {
			runs = append(runs, path.Dir(name))
		}
	}

	// What is below no run is no result, and may be anything.
	to := Folder(dir)
	err = parallel.For(ctx, atOnce, len(names), func(_, i int) error {
		if !slices.Contains(runs, path.Dir(names[i])) {
			below := slices.ContainsFunc(runs, func(r string) bool { return r == "." || strings.HasPrefix(names[i], r+"/") })
			if _, err := to.Get(ctx, names[i]); !below || err == nil {
				return nil
			}
		}
		b, err := from.Get(ctx, names[i])
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a failure that another machine has just computed
		}
		if err != nil {
			return err
		}
		return to.Put(ctx, names[i], b)
	})
	if err != nil {
		return nil, err
	}

	var out []string
	for _, r := range runs {
		out = append(out, filepath.Join(dir, filepath.FromSlash(r)))
	}
	slices.Sort(out)
	return out, nil
}
