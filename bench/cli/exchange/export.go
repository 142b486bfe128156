package exchange

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"veilbench/attacks"
	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/gridfile"
	"veilbench/bench/cli/source"
	"veilbench/bench/results"
	"veilbench/datasets/exchange"
)

// exportFlags are the flags of "veilbench export".
type exportFlags struct {
	gridfile.Words
	out, format  string
	tensor       string
	length, jobs int
	features     string
	force        bool
	limits       command.Limits
	source       source.Options
	show         command.Show
}

func exportCommand(a *command.App) *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export [RUN|PRESET|FILE.yaml|FOLDER]",
		Short: "write defended traces, or features of them, for other people's tools",
		Long: `Export writes what the attackers of an experiment learn from and are asked about: every recording
behind every defense, seen from the vantage point, in other draws to train on than to be tested on. The
experiment is that of a run's folder, or is said as for "veilbench run"; flags narrow it.

Below --out lies a folder for each data set, vantage point, task and defense, and beside them

  items.csv    item, role (train or test), folds in which it serves in that role, dataset, task, vantage,
               defense, draw, recording, group, class, label, packets, file, row and rows in that file
  classes.csv  dataset, task, label, class; classes that nobody can tell apart share a label, as in scores
  events.csv   item, time, end, class: what happened, of the task event
  manifest.json  what it was made from; veilbench import reads it

To score a classifier as the attacks of a run are, take for each fold the items of role train whose
folds name it, ask about those of role test, and hand "veilbench import" the lines item,class,score.

Formats, with sizes of IP packets in bytes and times in seconds, negative sizes towards the home:
  npz       X, y and item (IDs), in train.npz and test.npz; what X says of a packet is --tensor
  cells     a file for each trace, LABEL-N.cell: time, tab, signed size
  maybenot  the same as LABEL-N.log: nanoseconds, comma, s (sent) or r (received)
  ndjson    a line for each trace, its packets as columns: time_ns, size, payload, flow, owner
  csv       a line for each packet`,
		Example: `  veilbench export out --task clip --format npz --out tensors
  veilbench export --dataset home:event_clips --defense none --defense vpn --format cells --out cells
  veilbench export out --task event --features event-forest --format csv --out features`,
		Args: command.Args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			tensors := f.features == "" && f.format == string(exchange.Npz)
			if err := command.Refuse(cmd.Flags(), command.Idle{Here: !tensors, Unless: "with --format npz and without --features", Flags: []string{"tensor", "length"}}); err != nil {
				return err
			}
			return export(cmd.Context(), a, f, args)
		},
	}

	// What says the experiment are the flags of run; the others say the files.
	fl := cmd.Flags()
	fl.StringVar(&f.out, "out", "", "folder to write into")
	fl.StringVar(&f.format, "format", string(exchange.Npz), words(exchange.Formats()))
	fl.StringVar(&f.tensor, "tensor", string(exchange.DirectionTime), "what X of npz says of a packet: "+words(exchange.Kinds()))
	fl.IntVar(&f.length, "length", 0, fmt.Sprintf("packets in a row of X; 0: those of the longest trace, at most %d", exchange.LengthLimit))
	fl.StringVar(&f.features, "features", "", "attack whose feature vectors to write in place of packets, such as event-forest")
	fl.BoolVar(&f.force, "force", false, "write into a folder that holds files already")
	fl.IntVar(&f.jobs, "jobs", 0, "how many things to do at once (default all processors)")
	fl.StringVar(&f.Seed, "seed", "", "seed of every random draw (default 1)")
	fl.StringArrayVar(&f.Datasets, "dataset", nil, "data set, as for run; repeatable")
	fl.StringVar(&f.Test, "test", "", "data set to test on; those of --dataset train")
	fl.StringArrayVar(&f.Defenses, "defense", nil, "defense ID, exec:COMMAND, or all; repeatable (default none)")
	fl.StringArrayVar(&f.Tasks, "task", nil, "task; repeatable (default all that the data can serve)")
	fl.StringArrayVar(&f.Vantages, "vantage", nil, "vantage point; repeatable (default wan, or that of a recording without a home border)")
	fl.StringVar(&f.Split, "split", "", "split ID (default the data set's own)")
	command.AddAllowExec(fl, &f.AllowExec, "RUN or FILE.yaml")
	f.limits.AddFlags(fl)
	f.show.AddJSON(fl)
	f.source.AddFlags(fl)
	return cmd
}

// words joins the words of a list for a help text.
func words[T ~string](list []T) string {
	var out []string
	for _, w := range list {
		out = append(out, string(w))
	}
	return strings.Join(out, ", ")
}

// check refuses flags that do not fit before any data are read.
func (f exportFlags) check(a *command.App) (attacks.Featurer, error) {
	// All that is wrong is said at once.
	known := func(what, name string, names []string) error {
		if slices.Contains(names, name) {
			return nil
		}
		return command.UnknownName(what, name, names)
	}
	err := errors.Join(
		known("format", f.format, strings.Split(words(exchange.Formats()), ", ")),
		known("kind of tensor", f.tensor, strings.Split(words(exchange.Kinds()), ", ")))
	const longest = 1 << 20
	if f.length < 0 || f.length > longest {
		err = errors.Join(err, fmt.Errorf("--length %d: want 0 to %d", f.length, longest))
	}
	if f.out == "" {
		err = errors.Join(err, errors.New("--out is missing: want a folder to write into"))
	}
	if err != nil || f.features == "" {
		return nil, err
	}
	if !slices.Contains(exchange.VectorFormats(), exchange.Format(f.format)) {
		return nil, fmt.Errorf("--format %s is of packets: want one of %s with --features", f.format, words(exchange.VectorFormats()))
	}
	var names []string
	for _, x := range a.Attacks {
		if _, ok := x.(attacks.Featurer); ok {
			names = append(names, x.Info().Name)
		}
	}
	if command.IsProgram(f.features) {
		return nil, fmt.Errorf("--features %s: a program is never asked for feature vectors; name one of %s, or export packets (--format npz, ndjson, csv) and let it make its own of them", f.features, strings.Join(names, ", "))
	}
	at, err := attacks.Parse(a.Attacks, f.features)
	if err != nil {
		return nil, err
	}
	v, ok := at.(attacks.Featurer)
	if !ok {
		return nil, fmt.Errorf("attack %s shows no feature vectors (%s do)", f.features, strings.Join(names, ", "))
	}
	return v, nil
}

// config is the experiment that is named: a run's, a file's or the flags'.
func (f exportFlags) config(args []string) (c gridfile.Config, err error) {
	// What attacks there are changes no trace; a grid needs one.
	w := f.Words
	w.Attacks = []string{"guess-majority"}
	if len(w.Defenses) == 0 {
		w.Defenses = []string{results.NoDefense}
	}
	if len(args) == 0 {
		c.Override(w)
		return c, nil
	}
	info, statErr := os.Stat(args[0])
	folder := statErr == nil && info.IsDir()
	m, err := results.ReadManifest(args[0])
	if errors.Is(err, fs.ErrNotExist) && folder {
		w.Datasets = append([]string{args[0]}, w.Datasets...)
		c.Override(w)
		return c, nil
	}
	switch {
	case err == nil:
		c = gridfile.OfManifest(m)
	case !folder: // a preset or a file
		if c, err = gridfile.Open(args[0]); err != nil {
			return c, err
		}
	default:
		return c, err
	}
	w.Defenses = f.Defenses // those of the run, if none is named
	c.Override(w)
	return c, nil
}

func export(ctx context.Context, a *command.App, f exportFlags, args []string) error {
	vectors, err := f.check(a)
	if err != nil {
		return err
	}
	there, err := os.ReadDir(f.out)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(there) > 0 && !f.force {
		return fmt.Errorf("%s is not empty: name another folder, or --force writes into it", f.out)
	}
	c, err := f.config(args)
	if err != nil {
		return err
	}
	if err := f.limits.Hold(a.Plugins); err != nil {
		return err
	}
	g, asked, err := c.Grid(ctx, a.Plugins, f.source)
	if err != nil {
		return err
	}
	for i := range g.Datasets {
		fmt.Fprintln(a.Stderr, source.Describe(&g.Datasets[i]))
	}

	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return err
	}

	// The manifest comes last: where one lies, the items are whole.
	w, err := newWriter(f, vectors)
	if err != nil {
		return err
	}
	if err := bench.Show(ctx, g, bench.Options{Workers: f.jobs, PluginTimeout: f.limits.Timeout}, w.add); err != nil {
		return errors.Join(err, w.close())
	}
	if err := w.close(); err != nil {
		return err
	}
	m := bench.ManifestOf(g, command.Version(), asked)
	m.Doubts = bench.Doubts(g)
	if err := m.Write(f.out); err != nil {
		return err
	}
	return w.say(a, f.out, f.show)
}
