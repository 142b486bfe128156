package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/home"
	"veilbench/datasets/params"
	"veilbench/datasets/published"
)

// sourceOptions say how captures named on the command line are to be read.
type sourceOptions struct {
	capture captureFlags
	labels  labelFlags
}

func (o *sourceOptions) flags(fl *pflag.FlagSet) {
	o.capture.flags(fl)
	o.labels.flags(fl)
}

// loadCapture makes a data set of one capture and its labels.
func (o *sourceOptions) loadCapture(ctx context.Context, path string) ([]datasets.Dataset, error) {
	co, err := o.capture.options()
	if err != nil {
		return nil, err
	}
	lo, err := o.labels.options()
	if err != nil {
		return nil, err
	}
	ds, err := capture.Dataset(ctx, path, capture.DatasetOptions{Options: co, Labels: o.labels.files, Times: lo})
	return []datasets.Dataset{ds}, err
}

// load makes the data sets that id names: home:PRESET, capture=FILE, or the
// name of published data and where it lies (without a place: in the cache).
func load(ctx context.Context, id string, seed uint64, opt sourceOptions) ([]datasets.Dataset, error) {
	if strings.HasPrefix(id, "home:") {
		ds, err := home.Generate(id, seed)
		return []datasets.Dataset{ds}, err
	}
	name, path, has := strings.Cut(id, "=")
	if !has && slices.Contains(published.Names(), name) {
		return loadCached(name)
	}
	if !has {
		known := append([]string{"home:", "capture"}, published.Names()...)
		return nil, fmt.Errorf("data set %q: want home:PRESET or NAME=PATH%s (names: %s)", id, params.DidYouMean(name, known), strings.Join(known, ", "))
	}
	if name == "capture" {
		return opt.loadCapture(ctx, path)
	}
	return published.Load(name, path)
}

// describe is one line on a data set.
func describe(ds *datasets.Dataset) string {
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
