package captures

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"

	"veilbench/bench/cli/command"
	"veilbench/bench/cli/progress"
	"veilbench/bench/cost"
	"veilbench/datasets/folder"
	"veilbench/datasets/parallel"
	"veilbench/defenses"
)

// mayFill refuses a folder OUT that holds something, without --force, and one in
// IN or around it: what is written would be read as a recording next time.
func (ap *applier) mayFill(in, out string) error {
	if ap.f.plot != "" {
		return errors.New("--plot draws one capture; IN is a folder")
	}

	// By where they lead: a link to IN is IN.
	from, err := realPath(in)
	if err != nil {
		return err
	}
	to, err := realPath(out)
	if err != nil {
		return err
	}
	if within(to, from) || within(from, to) {
		return fmt.Errorf("%s and %s lie in each other; name a folder outside of IN", in, out)
	}

	there, err := os.ReadDir(out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(there) > 0 && !ap.f.force:
		return fmt.Errorf("%s exists and is not empty; --force overwrites what has the same names", out)
	}
	return nil
}

// realPath is where path leads, by whatever links, also where its last parts are
// yet to be made.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(path) != path {
		dir, err := realPath(filepath.Dir(path))
		return filepath.Join(dir, filepath.Base(path)), err
	}
	return real, err
}

// within says whether path is dir or lies in it; both are real paths.
func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// folder puts every capture below in through the defense. Captures that fail cost
// themselves; the end of ctx ends all.
func (ap *applier) folder(ctx context.Context, in, out string) error {
	files, err := folder.Captures(ctx, in)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("%s: no capture in it", in)
	}
	names := mirrored(files)

	var mu sync.Mutex
	total, done := &cost.Ledger{}, 0
	failed := make([]error, len(files))
	p := progress.New(command.Raw(ap.a.Stderr), "applying the defense")
	err = parallel.For(ctx, runtime.GOMAXPROCS(0), len(files), func(_, i int) error {
		// Each capture has draws of its own, by its path: the same padding in all
		// would make of many captures one, and none must hang on its neighbors.
		from, to := filepath.Join(in, files[i]), filepath.Join(out, names[i])
		draw := drawsOf(ap.f.seed, defenses.DrawID(ap.defense)+"\x00"+files[i])
		err := ap.mayWrite(from, to)
		var got applied
		if err == nil {
			got, err = ap.capture(ctx, draw, from, to, p.Print)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}

		mu.Lock()
		defer mu.Unlock()
		if failed[i] = err; err == nil {
			total.Add(got.ledger)
		}
		done++
		p.Step(done, len(files), 0)
		return nil
	})
	if err != nil {
		return err
	}
	return ap.summary(files, names, out, failed, total)
}

// summary says what became of the captures of a folder: all costs in one, and the
// first of those that failed.
func (ap *applier) summary(files, names []string, out string, failed []error, total *cost.Ledger) error {
	const shown = 20
	n, said := 0, priced{Wrote: []string{}}
	for i, err := range failed {
		if err == nil {
			said.Wrote = append(said.Wrote, filepath.Join(out, names[i]))
			continue
		}
		why := strings.TrimPrefix(err.Error(), filepath.Base(files[i])+": ")
		said.Failed = append(said.Failed, failure{files[i], why})
		if n++; n <= shown {
			fmt.Fprintf(ap.a.Stderr, "failed: %s: %s\n", files[i], why)
		}
	}
	if n > shown {
		fmt.Fprintf(ap.a.Stderr, "failed: %d more\n", n-shown)
	}

	// Without any there is no cost to be told.
	if good := len(files) - n; good > 0 || ap.f.show.JSON {
		if err := ap.print(fmt.Sprintf("wrote %d of %d captures, each with its .truth.csv, into %s", good, len(files), out), said, total.Cost()); err != nil {
			return err
		}
	}
	if n > 0 {
		return command.Exit{Code: command.FailedCells, Err: fmt.Errorf("%d of %d captures failed", n, len(files))}
	}
	return nil
}

var (
	packedRE  = regexp.MustCompile(`(?i)\.(gz|zst|zstd|xz)$`)
	captureRE = regexp.MustCompile(`(?i)\.(pcap|pcapng|cap|dmp|ntar|trace)$`)
)

// mirrored are the paths of what captures become: the same with the ending .pcap,
// for that is what is written. Where two would be one, the later keeps its ending
// in front of it.
func mirrored(files []string) []string {
	taken := map[string]bool{} // in lower case: some file systems know no other
	out := make([]string, len(files))
	for i, f := range files {
		out[i] = captureRE.ReplaceAllString(packedRE.ReplaceAllString(f, ""), "") + ".pcap"
		for ; taken[strings.ToLower(out[i])]; f += "_" {
			out[i] = f + ".pcap"
		}
		taken[strings.ToLower(out[i])] = true
	}
	return out
}
