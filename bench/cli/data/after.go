package data

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"veilbench/bench/cli/command"
	"veilbench/bench/draws"
	"veilbench/bench/truth"
	"veilbench/datasets"
	"veilbench/datasets/home"
	"veilbench/defenses"
)

// Folders of captures before and after a defense.
const (
	beforeDir = "before"
	afterDir  = "after"
)

// sessionsLater is how much later than the homes before those after are recorded, of
// sessions: four weeks, on the same days of the week.
const sessionsLater = 28 * 24 * time.Hour

// device is a defense that generate writes captures of as if it were a real device.
type device struct {
	defense  string
	sessions bool
	offset   time.Duration
	driftPPM float64
	limits   command.Limits
}

func (d *device) addFlags(fl *pflag.FlagSet) {
	fl.StringVar(&d.defense, "defense", "", "defense ID: write the homes into the folder before, and into after what left them behind that defense, for run --before --after")
	fl.BoolVar(&d.sessions, "sessions", false, "with --defense: after are other homes, four weeks later, with their labels")
	fl.DurationVar(&d.offset, "clock-offset", 0, "with --defense: how far the clock of the captures after is ahead")
	fl.Float64Var(&d.driftPPM, "clock-drift", 0, "with --defense: how much that clock gains, in millionths")
	d.limits.AddProgramFlags(fl)
}

// check refuses flags that say nothing without a defense, and times that no clock has.
func (d device) check(fl *pflag.FlagSet) error {
	if d.driftPPM < -1000 || d.driftPPM > 1000 {
		return fmt.Errorf("--clock-drift %g: want -1000 to 1000", d.driftPPM)
	}
	return command.Refuse(fl, command.Idle{Here: d.defense == "", Unless: "with --defense", Flags: []string{"sessions", "clock-offset", "clock-drift", "plugin-timeout", "plugin-memory"}})
}

// write writes the captures before and after, homes made with seed and, where others
// are needed, with the next one.
func (d device) write(ctx context.Context, a *command.App, id, out string, seed uint64, show command.Show) error {
	if err := d.limits.Hold(a.Plugins); err != nil {
		return err
	}
	defense, err := a.Defense(d.defense)
	if err != nil {
		return err
	}
	ds, err := home.Generate(ctx, id, seed)
	if err != nil {
		return err
	}
	other, err := home.Generate(ctx, id, seed+1)
	if err != nil {
		return err
	}
	w := homesWritten{list: []generated{}}
	if err := w.write(ctx, filepath.Join(out, beforeDir), ds); err != nil {
		return err
	}

	// What a defense learns from is never what it is applied to.
	behind, training := ds, other.Recordings
	if d.sessions {
		behind, training = other, ds.Recordings
	}
	g := draws.New(seed, "generate", defenses.DrawID(defense))
	if defense, err = fitted(ctx, g, defense, training); err != nil {
		return err
	}
	behind.Recordings = slices.Clone(behind.Recordings)
	for i := range behind.Recordings {
		if err := ctx.Err(); err != nil {
			return err
		}
		if behind.Recordings[i], err = d.after(g, defense, &behind.Recordings[i]); err != nil {
			return err
		}
	}
	err = w.write(ctx, filepath.Join(out, afterDir), behind)
	return errors.Join(err, show.Print(a, w.list, w.text.String()))
}

// fitted is d with the stages that learn fitted to training, as a chain, which
// proves each stage.
func fitted(ctx context.Context, g *rand.Rand, d defenses.Defense, training []datasets.Recording) (defenses.Defense, error) {
	var chain defenses.Chain
	for _, s := range defenses.Stages(d) {
		if f, ok := s.(defenses.Fitter); ok {
			var err error
			if s, err = f.Fit(ctx, defenses.Stream(g), training); err != nil {
				return nil, err
			}
		}
		chain = append(chain, s)
	}
	return chain, nil
}

// after is what a capture behind the defense has of rec, by its own clock. Of the
// same traffic on both sides nothing is labeled, as no gateway labels anything.
func (d device) after(g *rand.Rand, defense defenses.Defense, rec *datasets.Recording) (datasets.Recording, error) {
	got, err := defense.Apply(defenses.Stream(g), rec.Trace)
	if err != nil {
		return datasets.Recording{}, fmt.Errorf("recording %s: %w", rec.ID, err)
	}
	out := datasets.Recording{ID: rec.ID, Group: rec.Group, Trace: got.Trace}
	out.Labels.Owners = slices.Repeat([]int32{-1}, len(got.Trace.Packets))
	shift := d.offset
	if d.sessions {
		out.Labels = truth.Defended(rec, got.Trace, got.Carried)
		shift += sessionsLater
	}

	// Labels of sessions are by the clock of their captures, which start with it.
	late := func(t time.Duration) time.Duration { return t + time.Duration(float64(t)*d.driftPPM/1e6) }
	t := &out.Trace
	t.Start, t.End = t.Start.Add(shift), late(t.End)
	t.Packets = slices.Clone(t.Packets)
	for i := range t.Packets {
		t.Packets[i].Time = late(t.Packets[i].Time)
	}
	return out, nil
}

// homesWritten is what was written: a list for programs, lines for people.
type homesWritten struct {
	list []generated
	text strings.Builder
}

// write writes the captures of ds and their truth into dir.
func (w *homesWritten) write(ctx context.Context, dir string, ds datasets.Dataset) error {
	// What was written before an export failed is there, so it is listed too.
	files, err := home.Export(ctx, dir, ds)
	for i, x := range files {
		t := ds.Recordings[i].Trace
		g := generated{filepath.Join(dir, x.Capture), len(t.Packets), t.Bytes(), t.End.Seconds(), []string{}}
		fmt.Fprintf(&w.text, "%s: %d packets, %d bytes, %v", g.Capture, g.Packets, g.Bytes, t.End)
		for _, more := range []string{x.Events, x.Devices, x.Commands, x.Stays, x.Names} {
			if more != "" {
				g.Truth = append(g.Truth, filepath.Join(dir, more))
				fmt.Fprintf(&w.text, ", %s", more)
			}
		}
		fmt.Fprintln(&w.text)
		w.list = append(w.list, g)
	}
	return err
}
