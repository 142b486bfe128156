// Package source makes data sets of what the command line names: generated
// homes, captures with their labels, published data on disk or in the cache.
package source

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/folder"
	"veilbench/datasets/home"
	"veilbench/datasets/params"
	"veilbench/datasets/published"
)

// Options say how captures named on the command line, and their labels, are to
// be read.
type Options struct {
	Capture Capture
	labels  labelFlags
	// Shared says that other captures get the same label files.
	Shared bool
	// Readers is how many captures are read at once, which share the memory. 0 is
	// one.
	Readers int
	// Own are the data sets of the program's own, which are asked first.
	Own []datasets.Loader
	// Progress is told how many captures of a folder are read. Nil: nobody is.
	Progress func(done, total int)
}

// WithoutLabels is o for data that are labeled by what their ID says, if they are.
func (o Options) WithoutLabels() Options {
	o.labels = labelFlags{}
	return o
}

// Words in front of a path that say what lies there.
const (
	captureWord = "capture"
	folderWord  = "folder"
)

// AddFlags adds the flags of captures and of labels to those of a command.
func (o *Options) AddFlags(fl *pflag.FlagSet) {
	o.Capture.AddFlags(fl)
	o.labels.addFlags(fl)
}

// Load makes the data sets that id names: home:PRESET, capture=FILE, folder=PATH
// or the path of a folder alone, or the name of published data and where it lies
// (without a place: in the cache). seed is that of generated data.
func Load(ctx context.Context, id string, seed uint64, opt Options) ([]datasets.Dataset, error) {
	type loaded struct {
		ds  []datasets.Dataset
		err error
	}
	done := make(chan loaded, 1)
	go func() {
		ds, err := load(ctx, id, seed, opt)
		done <- loaded{ds, err}
	}()

	// All that reads or makes data stops with ctx, between two packets, lines or
	// homes, so nothing goes on behind a command that has returned. Only laying one
	// large label file over one trace may take longer than people wait.
	select {
	case l := <-done:
		return l.ds, l.err
	case <-ctx.Done():
	}
	select {
	case <-done:
	case <-time.After(stopWithin):
	}
	return nil, context.Cause(ctx)
}

// stopWithin is how long a command that was told to stop waits for its readers.
const stopWithin = time.Second

// Expand lists the captures that an ID with a glob names, sorted, each with the
// settings behind it: "capture=lab/*.pcap:zone=Europe/Berlin". Every other ID
// stands for itself.
func Expand(id string) ([]string, error) {
	pattern, ok := strings.CutPrefix(id, captureWord+"=")
	if !ok {
		return []string{id}, nil
	}
	settings := ""
	if at := keyRE.FindStringIndex(pattern); at != nil {
		pattern, settings = pattern[:at[0]], pattern[at[0]:]
	}

	// A file may be called so: its name is no pattern then.
	if _, err := os.Stat(pattern); err == nil || !strings.ContainsAny(pattern, "*?[") {
		return []string{id}, nil
	}
	files, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", id, err)
	}
	var ids []string
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && info.Mode().IsRegular() {
			ids = append(ids, captureWord+"="+f+settings)
		}
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("%s: no file fits", id)
	}
	return ids, nil
}

func load(ctx context.Context, id string, seed uint64, opt Options) ([]datasets.Dataset, error) {
	name, path, has := strings.Cut(id, "=")
	if i := slices.IndexFunc(opt.Own, func(l datasets.Loader) bool { return l.Name == name }); i >= 0 {
		return opt.loadOwn(ctx, opt.Own[i], path, seed)
	}
	if strings.HasPrefix(id, "home:") {
		ds, err := home.Generate(ctx, id, seed)
		return []datasets.Dataset{ds}, err
	}
	if !has && slices.Contains(published.Names(), name) {
		return loadCached(ctx, name)
	}

	// Names of data come before folders of the same name; a path with a slash in
	// front can be nothing else.
	if !has && isFolder(id) || strings.HasPrefix(id, ".") || strings.HasPrefix(id, "/") {
		name, path, has = folderWord, id, true
	}
	if !has {
		known := append([]string{"home:", captureWord, folderWord}, published.Names()...)
		for _, l := range opt.Own {
			known = append(known, l.Name)
		}
		return nil, fmt.Errorf("data set %q: want home:PRESET or NAME=PATH%s (names: %s)", id, params.DidYouMean(name, known), strings.Join(known, ", "))
	}
	switch name {
	case captureWord:
		return opt.loadCapture(ctx, path)
	case folderWord:
		f, err := OpenFolder(ctx, path, opt)
		if err != nil {
			return nil, err
		}
		return []datasets.Dataset{f.Dataset()}, nil
	}
	return published.Load(ctx, name, path)
}

// loadOwn makes data sets of the program's own. What every later step takes for
// granted of a data set is checked here, by name.
func (o Options) loadOwn(ctx context.Context, l datasets.Loader, path string, seed uint64) ([]datasets.Dataset, error) {
	ds, err := l.Load(ctx, path, seed)
	if err != nil {
		return nil, fmt.Errorf("data set %s: %w", l.Name, err)
	}
	for _, d := range ds {
		switch {
		case d.Name == "":
			return nil, fmt.Errorf("data set %s: its loader gave one without a name", l.Name)
		case d.Split == "":
			return nil, fmt.Errorf("data set %s: %s has no split, such as group-kfold:k=5", l.Name, d.Name)
		case !slices.Contains(datasets.Vantages(), d.Recorded):
			return nil, fmt.Errorf("data set %s: %s is recorded at %q (want one of %v)", l.Name, d.Name, d.Recorded, datasets.Vantages())
		}
	}
	return ds, nil
}

// loadCapture makes a data set of one capture and its labels.
func (o Options) loadCapture(ctx context.Context, path string) ([]datasets.Dataset, error) {
	shared, readers := o.Shared, o.Readers
	path, o, err := o.split(path)
	if err != nil {
		return nil, err
	}
	co, err := o.Capture.Options()
	if err != nil {
		return nil, err
	}
	lo, err := o.labels.options()
	if err != nil {
		return nil, err
	}
	co.MemoryBytes /= int64(max(readers, 1))
	ds, err := capture.Dataset(ctx, path, capture.DatasetOptions{Options: co, Labels: slices.Concat(o.labels.files, o.labels.devices), Times: lo, SharedLabels: shared})
	return []datasets.Dataset{ds}, err
}

// OpenFolder opens a folder of recordings, with settings behind its path and the
// flags over them.
func OpenFolder(ctx context.Context, path string, o Options) (*folder.Folder, error) {
	path, o, err := o.split(path)
	if err != nil {
		return nil, err
	}
	co, err := o.Capture.Options()
	if err != nil {
		return nil, err
	}
	lo, err := o.labels.options()
	if err != nil {
		return nil, err
	}

	// A label file that is not in the working directory may be in the folder,
	// where dataset.yaml would look for it.
	files := slices.Concat(o.labels.files, o.labels.devices)
	for i, name := range files {
		if _, err := os.Stat(name); err != nil && !filepath.IsAbs(name) {
			if _, err := os.Stat(filepath.Join(path, name)); err == nil {
				files[i] = filepath.Join(path, name)
			}
		}
	}
	return folder.Open(ctx, path, folder.Options{
		Capture: co, Labels: files, Times: lo, Progress: o.Progress,
		Workers: runtime.GOMAXPROCS(0), MemoryBytes: memoryLimit(),
	})
}

// memoryLimit is what the packets of a folder may take: the limit that Go was
// given, else three quarters of what the machine has free.
func memoryLimit() int64 {
	if n := debug.SetMemoryLimit(-1); n < math.MaxInt64 {
		return n
	}
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0 // a system that does not say: no limit
	}
	for line := range strings.Lines(string(b)) {
		var kb int64
		if _, err := fmt.Sscanf(line, "MemAvailable: %d kB", &kb); err == nil {
			return kb * 1024 / 4 * 3
		}
	}
	return 0
}

// loadCached reads published data that "datasets get" or "datasets import" put
// into the user's cache.
func loadCached(ctx context.Context, name string) ([]datasets.Dataset, error) {
	e, cache, err := Published(name, "")
	if err != nil {
		return nil, err
	}
	folder := e.Folder(cache)
	if _, err := os.Stat(folder); err != nil {
		return nil, fmt.Errorf("data set %q is not in the cache: say where it lies (%s=FOLDER) or fetch it (veilbench datasets get %s)", name, name, e.Name)
	}
	return published.Load(ctx, name, folder)
}

// Published finds public data by their name, and the folder that holds fetched
// data: the one of flag, or the user's.
func Published(name, flag string) (published.Source, string, error) {
	e, err := published.Find(name)
	if err != nil {
		return e, "", err
	}
	cache, err := Cache(flag)
	return e, cache, err
}

// Cache is the folder of fetched data that a flag names, else the user's.
func Cache(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder (%w); name one with --cache", err)
	}
	return filepath.Join(dir, "veilbench", "datasets"), nil
}

// IsCapture says whether an ID names a single capture.
func IsCapture(id string) bool { return strings.HasPrefix(id, captureWord+"=") }

// Describe is one line on a data set: how much of it there is.
func Describe(ds *datasets.Dataset) string {
	groups := map[string]bool{}
	var packets int
	var hours float64
	for _, r := range ds.Recordings {
		groups[r.Group] = true
		packets += len(r.Trace.Packets)
		hours += r.Trace.End.Hours()
	}
	made := "recorded"
	if ds.Generated {
		made = "generated"
	}
	return fmt.Sprintf("%s: %s, %d recordings in %d groups, %.1f h, %d packets", ds.Name, made, len(ds.Recordings), len(groups), hours, packets)
}
