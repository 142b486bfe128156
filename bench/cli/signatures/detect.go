package signatures

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"veilbench/attacks"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/datasets"
	"veilbench/datasets/privacy"
	"veilbench/reports/table"
)

type detectFlags struct {
	vantage, private, format string
	all                      bool
	within                   time.Duration
	seed                     uint64
	source                   source.Options
	show                     command.Show
}

func detectCommand(a *command.App) *cobra.Command {
	var f detectFlags
	cmd := &cobra.Command{
		Use:   "detect FILE CAPTURE|DATA",
		Short: "look for the signatures of a file in traffic without labels, and raise alerts for what tells something about people",
		Long: `Detect looks for what a signature file holds in a capture that nobody labeled, as an observer sees it who
sits where the file was learned: inside the home, at its Wi-Fi or outside. A capture made outside needs
--home with its public address. Each detection of a private activity is an alert, with what it tells;
so is a combination of detections that tells more than each.`,
		Example: `  veilbench signatures detect plug.sig evening.pcap
  veilbench signatures detect home.sig line.pcap --home 203.0.113.7 --private sleep,presence
  veilbench signatures detect home.sig evening.pcap --all --format csv`,
		Args: command.Args(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.show.OneFormat(cmd.Flags()); err != nil {
				return err
			}
			return detect(cmd.Context(), a, args[0], args[1], f)
		},
	}

	// What the file says holds unless somebody says otherwise here.
	fl := cmd.Flags()
	fl.StringVar(&f.vantage, "vantage", "", "where the observer sits (default: as in the file)")
	fl.StringVar(&f.private, "private", "", "what raises an alert, as in learn (default: as in the file)")
	fl.BoolVar(&f.all, "all", false, "list detections that raise no alert too")
	fl.DurationVar(&f.within, "within", 10*time.Minute, "how near to each other the parts of a combination must be")
	fl.StringVar(&f.format, "format", string(table.Text), "text, markdown, latex or csv")
	fl.Uint64Var(&f.seed, "seed", 1, "seed of every random draw")
	f.show.AddJSON(fl)
	f.source.AddFlags(fl)
	return cmd
}

func detect(ctx context.Context, a *command.App, path, name string, f detectFlags) error {
	file, err := open(a, path)
	if err != nil {
		return err
	}
	f.source.Own = a.Datasets
	ds, err := loadData(ctx, name, f.seed, f.source)
	if err != nil {
		return err
	}

	// Sizes on Wi-Fi are others than those outside: signatures are looked for where
	// they were learned.
	v, err := datasets.ParseVantage(cmp.Or(f.vantage, file.head.Note(noteVantage), string(ds.DefaultVantage())))
	if err != nil {
		return err
	}
	p := parsePrivate(cmp.Or(f.private, file.head.Note(notePrivate)))
	p.byAttack = len(p.words) == 0 && bytes.Contains(file.raw, []byte("\nprivate "))
	var found []detection
	for i := range ds.Recordings {
		one, err := detectIn(ctx, file.model, &ds, i, v, f.seed)
		if err != nil {
			return err
		}
		for j := range one {
			one[j].alert = p.alerts(one[j].class, one[j].burst)
		}
		found = append(found, one...)
	}
	alerts := alertTable(&ds, v, found, f.all)
	if learned := file.head.Note(noteVantage); learned != "" && learned != string(v) {
		// Few alerts may be the other place's doing and say nothing of the home.
		alerts.Notes = append(alerts.Notes, fmt.Sprintf("The signatures were learned from %s, where sizes are others than seen from %s: that little is found is no sign that little happened.", learned, v))
	}
	ts := []table.Table{alerts}
	if t := togetherTable(found, f.within); len(t.Rows) > 0 {
		ts = append(ts, t)
	}
	return printTo(a, f.format, f.show, ts)
}

// detection is something that was found in a recording.
type detection struct {
	recording, class string
	at               time.Duration
	clock            time.Time // zero where the recording says none
	score            float64
	alert            bool
	burst            attacks.Burst
}

// detectIn lists what a model finds in a recording.
func detectIn(ctx context.Context, m attacks.Model, ds *datasets.Dataset, i int, v datasets.Vantage, seed uint64) ([]detection, error) {
	seen, err := look(ds, i, v, seed)
	if err != nil {
		return nil, err
	}
	ans, err := m.Guess(ctx, seen.Trace)
	if err != nil {
		return nil, err
	}

	// A signature file of clips takes the whole recording for one.
	if len(ans.Clip) > 0 {
		ans.Events = []attacks.Burst{{End: seen.Trace.End, Ranked: ans.Clip, Score: ans.Clip[0].P}}
	}
	var out []detection
	for _, b := range ans.Events {
		if len(b.Ranked) == 0 || b.Score < ans.Threshold || b.Ranked[0].Class == datasets.Other || b.Ranked[0].Class == datasets.Unknown {
			continue
		}
		d := detection{recording: ds.Recordings[i].ID, class: b.Ranked[0].Class, at: b.Start, score: b.Score, burst: b}
		if !seen.Trace.Start.IsZero() {
			d.clock = seen.Trace.Start.Add(b.Start).UTC()
		}
		out = append(out, d)
	}
	slices.SortStableFunc(out, func(a, b detection) int { return cmp.Compare(a.at, b.at) })
	return out, nil
}

// alertTable lists the alerts in order of time, or all detections.
func alertTable(ds *datasets.Dataset, v datasets.Vantage, found []detection, all bool) table.Table {
	t := table.Table{
		Title:   fmt.Sprintf("Alerts: %s, seen from %s", ds.Name, v),
		Columns: table.Columns("time", "activity", "#score", "alert", "tells", "that is"),
	}
	several := len(ds.Recordings) > 1
	if several {
		t.Columns = append(table.Columns("recording"), t.Columns...)
	}

	// Detections that raise no alert are counted, listed or not: a file whose
	// private activities never happen is not one that finds nothing.
	perClass := map[string]int{}
	alerts := 0
	for _, d := range found {
		m := privacy.OfClass(d.class)
		word := "no"
		if d.alert {
			word = "ALERT"
			alerts++
			perClass[d.class]++
		}
		if !d.alert && !all {
			continue
		}
		row := []table.Value{table.Word(d.when()), table.Word(d.class), table.Number(d.score, table.Score), table.Word(word), table.Word(m.Kinds()), table.Word(m.Says)}
		if several {
			row = append([]table.Value{table.Word(d.recording)}, row...)
		}
		t.Rows = append(t.Rows, row)
	}

	t.Notes = []string{fmt.Sprintf("%d alerts of %d detections.", alerts, len(found))}
	for _, c := range sortedKeys(perClass) {
		t.Notes = append(t.Notes, fmt.Sprintf("%s: %d", c, perClass[c]))
	}
	t.Notes = append(t.Notes, "Tells: "+privacy.Star)
	return t
}

// when is the time of day, or that since the recording began.
func (d detection) when() string {
	if !d.clock.IsZero() {
		return d.clock.Format("2006-01-02 15:04:05")
	}
	return d.at.Round(time.Millisecond).String()
}

// together is a combination that was found.
type together struct {
	detection // its last part
	privacy.Combination
	parts []string
}

// combine finds the combinations: all needs of one at most within apart, and
// nothing that must not be from the first part until within after the last. Each
// detection ends a combination once. found is in order of recording and time, so
// that one pass over it knows the latest of each activity.
func combine(found []detection, within time.Duration) []together {
	ids, known := make([]string, len(found)), map[string]string{}
	for i, d := range found {
		id, ok := known[d.class]
		if !ok { // there are few classes, and their words are looked at one by one
			id = privacy.OfClass(d.class).ID
			known[d.class] = id
		}
		ids[i] = id
	}

	var out []together
	for _, c := range privacy.Combinations() {
		for lo := 0; lo < len(found); {
			hi := lo
			for hi < len(found) && found[hi].recording == found[lo].recording {
				hi++
			}
			out = append(out, combineOne(c, found[lo:hi], ids[lo:hi], within)...)
			lo = hi
		}
	}
	slices.SortStableFunc(out, func(a, b together) int { return cmp.Or(cmp.Compare(a.recording, b.recording), cmp.Compare(a.at, b.at)) })
	return out
}

// combineOne finds the places of c in one recording; ids are the activities of
// what was found there.
func combineOne(c privacy.Combination, found []detection, ids []string, within time.Duration) []together {
	var without []time.Duration // when something was that c must be without
	for i, d := range found {
		if slices.Contains(c.Without, ids[i]) {
			without = append(without, d.at)
		}
	}

	// Of several that meet a need the latest counts: a light that went out an hour
	// ago says less than one that went out now.
	var out []together
	latest := map[string]int{}
	for i, last := range found {
		if !slices.Contains(c.Needs, ids[i]) {
			continue
		}
		latest[ids[i]] = i

		x, first := together{last, c, nil}, last.at
		for _, need := range c.Needs {
			if k, ok := latest[need]; ok && last.at-found[k].at <= within {
				x.parts = append(x.parts, found[k].class)
				first = min(first, found[k].at)
			}
		}
		n, _ := slices.BinarySearch(without, first)
		disturbed := n < len(without) && without[n] <= last.at+within
		if len(x.parts) == len(c.Needs) && !disturbed {
			out = append(out, x)
		}
	}
	return out
}

func togetherTable(found []detection, within time.Duration) table.Table {
	t := table.Table{Title: "What detections tell together", Columns: table.Columns("time", "activities", "tells", "that is")}
	for _, x := range combine(found, within) {
		t.Rows = append(t.Rows, []table.Value{table.Word(x.when()), table.Word(strings.Join(x.parts, " + ")), table.Word(x.Kinds()), table.Word(x.Says)})
	}
	t.Notes = []string{fmt.Sprintf("All parts within %v of each other.", within)}
	return t
}

// sortedKeys are the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
