package runs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"veilbench/bench/cli/command"
	"veilbench/bench/shards"
	"veilbench/bench/store"
	"veilbench/bench/store/s3"
)

// sendEvery is how often what a run has computed goes into an object store: what a
// lost machine has computed since must be computed again.
const sendEvery = 5 * time.Second

// remote is a folder of this machine that stands for a place in an object store.
type remote struct {
	place, dir string
	mirror     *store.Mirror
	stop       context.CancelFunc
	done       chan struct{}
}

// openRemote fetches what is at a place into a folder of its own, and sends what is
// written there from then on, until close.
func openRemote(ctx context.Context, a *command.App, place string) (*remote, error) {
	bucket, err := s3.Open(place)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "veilbench-")
	if err != nil {
		return nil, err
	}
	r := &remote{place: place, dir: dir, done: make(chan struct{})}
	if r.mirror, err = store.Fetch(ctx, bucket, dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}

	ctx, r.stop = context.WithCancel(ctx)
	go func() {
		defer close(r.done)
		r.mirror.Follow(ctx, sendEvery, func(err error) { fmt.Fprintln(a.Stderr, "not sent, will be tried again:", err) })
	}()
	return r, nil
}

// close sends the rest, also after ctx has ended, for a moment, and takes the folder
// away, unless something in it is nowhere else.
func (r *remote) close(ctx context.Context) error {
	r.stop()
	<-r.done

	// Who interrupts a run waits for a second and not for more.
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
	}
	if err := r.mirror.Send(ctx); err != nil {
		return fmt.Errorf("%s does not hold everything, %s does: %w", r.place, r.dir, err)
	}
	return os.RemoveAll(r.dir)
}

// atHome calls do with a folder for out: out itself, or one that stands for it where
// it is a place in an object store.
func atHome(ctx context.Context, a *command.App, out string, do func(dir string) error) error {
	if !strings.HasPrefix(out, s3.Scheme) {
		return do(out)
	}
	r, err := openRemote(ctx, a, out)
	if err != nil {
		return err
	}
	err = do(r.dir)
	if lost := r.close(ctx); err == nil {
		err = lost
	} else if lost != nil {
		fmt.Fprintln(a.Stderr, lost) // of two errors one decides the exit code
	}
	return err
}

// copies are the folders that stand for places in object stores.
type copies map[string]string

// remove takes them away.
func (c copies) remove() {
	for _, dir := range c {
		os.RemoveAll(dir)
	}
}

// fetch copies the runs below a place, what of them was not copied before, and
// returns their folders.
func (c copies) fetch(ctx context.Context, place string) ([]string, error) {
	bucket, err := s3.Open(place)
	if err != nil {
		return nil, err
	}
	if c[place] == "" {
		if c[place], err = os.MkdirTemp("", "veilbench-"); err != nil {
			return nil, err
		}
	}
	return store.FetchAll(ctx, bucket, c[place], shards.PlanFile)
}

// nearby are the folders of runs that args name: folders themselves, logs beside them
// left out, and copies of the runs below places in an object store.
func (c copies) nearby(ctx context.Context, args []string) ([]string, error) {
	var dirs []string
	for _, arg := range args {
		if strings.HasPrefix(arg, s3.Scheme) {
			found, err := c.fetch(ctx, arg)
			if err != nil {
				return nil, err
			}
			dirs = append(dirs, found...)
			continue
		}
		// Patterns match logs that lie beside folders.
		info, err := os.Stat(arg)
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			dirs = append(dirs, arg)
		}
	}
	if len(dirs) == 0 {
		return nil, fmt.Errorf("%s: want folders of runs, or s3://bucket/prefix above some", args[0])
	}
	return dirs, nil
}

// begun are those of args that are places in a store or runs with a plan: others may
// become some.
func begun(args []string) []string {
	return slices.DeleteFunc(slices.Clone(args), func(arg string) bool {
		_, err := os.Stat(filepath.Join(arg, shards.PlanFile))
		return err != nil && !strings.HasPrefix(arg, s3.Scheme)
	})
}

// patient waits until the runs that args name have computed everything, or for so
// long nothing more was. It returns those of args that have begun by then.
func (c copies) patient(ctx context.Context, a *command.App, args []string, most time.Duration) ([]string, error) {
	const look = 10 * time.Second
	last, since := -1, time.Now()
	for {
		var st []shards.Status
		var err error
		there := begun(args)
		if len(there) > 0 {
			st, err = c.status(ctx, there)
		}
		if err != nil {
			return nil, err
		}

		// What failed is there too: nobody computes it again by himself.
		have, missing := 0, 0
		for _, s := range st {
			have, missing = have+s.Done+s.Failed, missing+s.Missing()
		}
		if len(st) > 0 && missing == 0 {
			return there, nil
		}
		if have != last {
			last, since = have, time.Now()
			fmt.Fprintf(a.Stderr, "waiting: %d cells are there, %d missing\n", have, missing)
		}
		if time.Since(since) >= most {
			fmt.Fprintf(a.Stderr, "nothing more came for %s\n", most)
			return there, nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(min(look, most)):
		}
	}
}

// status is how far the runs are that there names, nothing as long as a store holds
// none.
func (c copies) status(ctx context.Context, there []string) ([]shards.Status, error) {
	dirs, err := c.nearby(ctx, there)
	if err != nil {
		return nil, err
	}
	return shards.StatusOf(dirs)
}
