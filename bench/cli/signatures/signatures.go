// Package signatures holds "veilbench signatures": what the tool of the IoTEvent
// article does, from a labeled capture to alerts on an unlabeled one, and the
// tables of that article with our figures.
//
// Read this file first: what the commands share. Then learn.go, show.go and
// detect.go, one command each, and papertables.go for the article's tables:
// measure.go has the methods measured, comparison.go compares them.
package signatures

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"veilbench/attacks"
	"veilbench/attacks/sigfile"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/bench/draws"
	"veilbench/datasets"
	"veilbench/datasets/privacy"
	"veilbench/reports/table"
)

// Command is "veilbench signatures" with all below it.
func Command(a *command.App) *cobra.Command {
	cmd := command.Group(&cobra.Command{
		Use:   "signatures",
		Short: "learn what events look like from a labeled capture, show it, and raise alerts on an unlabeled one",
	})
	cmd.AddCommand(learnCommand(a), showCommand(a), detectCommand(a), tablesCommand(a))
	return cmd
}

// Notes that "learn" leaves in a file.
const (
	noteVantage = "vantage"
	noteData    = "data"
	notePrivate = "private"
)

// loadData loads one data set: a file is a capture, all else is named as in run.
func loadData(ctx context.Context, name string, seed uint64, opt source.Options) (datasets.Dataset, error) {
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
		name = "capture=" + name
	}
	if err := opt.Counts(name); err != nil {
		return datasets.Dataset{}, err
	}
	sets, err := source.Load(ctx, name, seed, opt)
	if err != nil {
		return datasets.Dataset{}, err
	}

	// Of a folder, what is asked for is the part with events.
	if len(sets) > 1 {
		sets = slices.DeleteFunc(sets, func(ds datasets.Dataset) bool { return !slices.Contains(ds.Tasks, datasets.TaskEvent) })
	}
	if len(sets) != 1 {
		return datasets.Dataset{}, fmt.Errorf("%s: want one data set, found %d with events", name, len(sets))
	}
	return sets[0], nil
}

// look is what an observer at v sees of a recording, with its truth.
func look(ds *datasets.Dataset, i int, v datasets.Vantage, seed uint64) (attacks.Labeled, error) {
	r := &ds.Recordings[i]
	if !v.Sees(ds.Recorded) {
		return attacks.Labeled{}, fmt.Errorf("%s was recorded at %s: nobody at %s can be shown from that (--vantage)", ds.Name, ds.Recorded, v)
	}

	// Frames that a radio caught have their lengths there already; only those from
	// inside grow on the way.
	sight := v
	if v == datasets.WiFi && ds.Recorded == datasets.WiFi {
		sight = datasets.LAN
	}
	view, kept := sight.View(draws.New(seed, "signatures", r.ID), r.Trace)
	if len(view.Packets) == 0 && len(r.Trace.Packets) > 0 {
		return attacks.Labeled{}, fmt.Errorf("%s: nothing of it is seen at %s (--vantage)", r.ID, v)
	}
	return attacks.Labeled{Trace: view, Labels: r.Labels.Keep(kept), Group: r.Group, Class: r.ClipClass()}, nil
}

// opened is a signature file with its model.
type opened struct {
	raw   []byte
	head  sigfile.Head
	model attacks.Model
}

// open reads a signature file by the attack that it names.
func open(a *command.App, path string) (opened, error) {
	var f opened
	raw, err := os.ReadFile(path)
	if err != nil {
		return f, err
	}
	f.raw = raw

	// Checked before its attack sees it: a capture that is named by mistake gives
	// the error of a file that is none.
	if f.head, err = sigfile.ReadHead(raw); err != nil {
		return f, fmt.Errorf("%s: %w", path, err)
	}

	// The attack's own parameters stand in the file, so its name is enough.
	at, err := savable(a, f.head.Attack)
	if err != nil {
		return f, fmt.Errorf("%s: %w", path, err)
	}
	if f.model, err = at.(attacks.Loader).Load(bytes.NewReader(raw)); err != nil {
		return f, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// private says which event classes raise an alert.
type private struct {
	words []string // of --private
	// byAttack leaves it to the attack, which was told.
	byAttack bool
}

// parsePrivate reads --private: kinds of what is told ("sleep"), classes, activities
// or devices, separated by commas. "" is all that tells more than that a device is
// used.
func parsePrivate(s string) private {
	return private{words: strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })}
}

// alerts says whether a detection of class does.
func (p private) alerts(class string, b attacks.Burst) bool {
	m := privacy.OfClass(class)
	switch {
	case p.byAttack:
		return b.Alert
	case len(p.words) == 0:
		return m.Private()
	}
	device, activity, _ := strings.Cut(class, "/")
	return slices.ContainsFunc(p.words, func(w string) bool {
		return w == class || w == device || w == activity || slices.Contains(m.Tells, w)
	})
}

// printTo prints tables as text, or in another format.
func printTo(a *command.App, format string, show command.Show, ts []table.Table) error {
	f := table.Format(format)
	if !slices.Contains([]table.Format{table.Text, table.Markdown, table.LaTeX, table.CSV}, f) {
		return errors.New("--format " + format + ": want text, markdown, latex or csv")
	}
	return a.Tables(f, show, ts...)
}
