package signatures

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"veilbench/attacks"
	"veilbench/attacks/sigfile"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/bench/draws"
	"veilbench/datasets"
	"veilbench/datasets/atomicfile"
)

type learnFlags struct {
	attack, vantage, out, private string
	seed                          uint64
	source                        source.Options
	show                          command.Show
}

func learnCommand(a *command.App) *cobra.Command {
	var f learnFlags
	cmd := &cobra.Command{
		Use:   "learn CAPTURE|DATA --labels CSV --out FILE",
		Short: "write a signature file of what the labeled events of a capture look like",
		Long: `Learn trains an attack on labeled traffic and writes what it learned: for event-knn the packet
sequences of events and of heartbeats, for signatures the pairs of request and reply that recur in all
trials of an event. The file is text, names its attack and says where the observer sat.

CAPTURE is a pcap or pcapng file with --labels (start,end,device,activity), DATA what run --dataset takes:
a folder of recordings, generated homes, published data.`,
		Example: `  veilbench signatures learn plug.pcap --labels plug.csv --out plug.sig
  veilbench signatures learn home:small --attack signatures --vantage wifi --out home.sig
  veilbench signatures learn iotevents-pooled=data --attack event-knn:k=1 --out authors.sig`,
		Args: command.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return learn(cmd.Context(), a, args[0], f) },
	}

	// The attack of the article is the default, and what raises an alert may be left
	// to whoever detects.
	fl := cmd.Flags()
	fl.StringVar(&f.attack, "attack", "event-knn", "attack ID: event-knn or signatures, with parameters; no program (exec:), which has no signature files")
	fl.StringVar(&f.vantage, "vantage", "", "where the observer sits: lan, wifi, wan or zigbee (default: wan, or that of a recording without a home border)")
	fl.StringVar(&f.out, "out", "", "signature file to write")
	fl.StringVar(&f.private, "private", "", "what raises an alert: kinds such as sleep, classes, activities or devices, separated by commas (default: all that tells more than that a device is used)")
	fl.Uint64Var(&f.seed, "seed", 1, "seed of every random draw")
	f.show.AddJSON(fl)
	f.source.AddFlags(fl)
	return cmd
}

func learn(ctx context.Context, a *command.App, name string, f learnFlags) error {
	if f.out == "" {
		return errors.New("signatures learn: --out is needed")
	}
	at, err := savable(a, f.attack)
	if err != nil {
		return err
	}
	f.source.Own = a.Datasets
	ds, err := loadData(ctx, name, f.seed, f.source)
	if err != nil {
		return err
	}
	v := ds.DefaultVantage()
	if f.vantage != "" {
		if v, err = datasets.ParseVantage(f.vantage); err != nil {
			return err
		}
	}

	t, err := training(&ds, v, f.seed)
	if err != nil {
		return err
	}
	m, err := at.Train(ctx, draws.New(f.seed, "signatures", attacks.ID(at)), t)
	if err != nil {
		return command.Exit{Code: command.FailedCells, Err: fmt.Errorf("attack %s: %w", f.attack, err)}
	}
	s, ok := m.(attacks.Saver)
	if !ok {
		return fmt.Errorf("attack %s: what it learned cannot be written", f.attack)
	}

	// What is true of the making, but of no use to the model, stands in notes.
	var b bytes.Buffer
	if err := s.Save(&b); err != nil {
		return err
	}
	notes := []sigfile.Note{{Key: noteVantage, Value: string(v)}, {Key: noteData, Value: ds.Name}}
	if f.private != "" {
		notes = append(notes, sigfile.Note{Key: notePrivate, Value: f.private})
	}
	raw, err := sigfile.Annotate(b.Bytes(), notes...)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(f.out, raw); err != nil {
		return err
	}
	events := 0
	for _, ex := range t.Examples {
		events += len(ex.Labels.Events)
	}
	said := map[string]any{
		"wrote": f.out, "bytes": len(raw), "activities": t.Classes, "events": events, "recordings": len(t.Examples), "vantage": v, "attack": attacks.ID(at),
	}
	return f.show.Print(a, said, fmt.Sprintf("learned %d activities from %d events in %d recordings, seen from %s, by %s: %s (%d bytes)\n",
		len(t.Classes), events, len(t.Examples), v, f.attack, f.out, len(raw)))
}

// savable finds an attack that has signature files.
func savable(a *command.App, id string) (attacks.Attack, error) {
	var has []string
	for _, b := range a.Attacks {
		if _, ok := b.(attacks.Loader); ok {
			has = append(has, b.Info().Name)
		}
	}

	// What a program learned it keeps to itself: the protocol has no word for handing it
	// over.
	if command.IsProgram(id) {
		return nil, fmt.Errorf("attack %s is a program, which keeps what it learned and has no signature files; these have: %s (veilbench run --dataset DATA --attack %q scores a program)", id, strings.Join(has, ", "), id)
	}
	at, err := attacks.Parse(a.Attacks, id)
	if err != nil {
		return nil, err
	}
	if _, ok := at.(attacks.Loader); !ok {
		return nil, fmt.Errorf("attack %s has no signature files; these have: %s", id, strings.Join(has, ", "))
	}
	return at, nil
}

// training is all recordings of ds as an observer at v sees them: for events where
// they have any labeled in them, else for clips.
func training(ds *datasets.Dataset, v datasets.Vantage, seed uint64) (attacks.Training, error) {
	t := attacks.Training{Task: datasets.TaskEvent}
	if !slices.Contains(ds.Tasks, datasets.TaskEvent) && slices.Contains(ds.Tasks, datasets.TaskClip) {
		t.Task = datasets.TaskClip
	}
	groups := map[string]bool{}
	for i := range ds.Recordings {
		ex, err := look(ds, i, v, seed)
		if err != nil {
			return t, err
		}
		t.Examples = append(t.Examples, ex)
		groups[ex.Group] = true
		for _, e := range ex.Labels.Events {
			t.Classes = append(t.Classes, ex.Labels.Class(e))
		}
	}
	t.Classes = slices.Compact(slices.Sorted(slices.Values(t.Classes)))
	if len(t.Classes) == 0 {
		return t, fmt.Errorf("%s has no labeled event to learn from (--labels)", ds.Name)
	}

	// With one group tuning has nothing to hold out but recordings.
	if len(groups) == 1 && len(t.Examples) > 1 {
		t.Within = true
		for i := range t.Examples {
			t.Examples[i].Group = ds.Recordings[i].ID
		}
	}
	return t, nil
}
