package signatures

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"veilbench/attacks/sigfile"
	"veilbench/bench/cli/command"
	"veilbench/datasets"
	"veilbench/datasets/privacy"
	"veilbench/reports/table"
)

type showFlags struct {
	all    bool
	format string
	show   command.Show
}

func showCommand(a *command.App) *cobra.Command {
	var f showFlags
	cmd := &cobra.Command{
		Use:   "show FILE",
		Short: "what a signature file holds: which activities are unique, which share a sequence, heartbeats",
		Example: `  veilbench signatures show plug.sig
  veilbench signatures show plug.sig --all`,
		Args: command.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.show.OneFormat(cmd.Flags()); err != nil {
				return err
			}
			return show(a, args[0], f)
		},
	}
	cmd.Flags().BoolVar(&f.all, "all", false, "list every sequence of packets")
	cmd.Flags().StringVar(&f.format, "format", string(table.Text), "text, markdown, latex or csv")
	f.show.AddJSON(cmd.Flags())
	return cmd
}

func show(a *command.App, path string, f showFlags) error {
	file, err := open(a, path)
	if err != nil {
		return err
	}
	l, ok := file.model.(sigfile.Lister)
	if !ok {
		return fmt.Errorf("%s: attack %s lists no signatures", path, file.head.Attack)
	}
	ss := l.Signatures()

	// Files of other programs, which link the attacks, have no notes.
	about := fmt.Sprintf("attack %s", file.head.Attack)
	if v := file.head.Note(noteVantage); v != "" {
		about += ", seen from " + v
	}
	if d := file.head.Note(noteData); d != "" {
		about += ", learned from " + d
	}
	ts := []table.Table{uniqueTable(ss, about)}
	if f.all {
		ts = append(ts, sequenceTable(ss))
	}
	return printTo(a, f.format, f.show, ts)
}

// uniqueness is what an activity's signatures are.
type uniqueness struct {
	all, own int
	shared   []string // with which other classes, sorted
}

// verdict says in a word whether what is seen of an activity tells it from all
// others.
func (u uniqueness) verdict() string {
	switch {
	case u.all == 0:
		return "none"
	case u.own == u.all:
		return "unique"
	case u.own == 0:
		return "never unique"
	}
	return "partly unique"
}

// uniquenessOf counts for each class the signatures that it has, and those that no
// other class has or meets.
func uniquenessOf(ss []sigfile.Signature) map[string]uniqueness {
	// Only sequences of as many packets can meet.
	byLength := map[int][]int{}
	for i, s := range ss {
		byLength[len(s.Packets)] = append(byLength[len(s.Packets)], i)
	}

	out := map[string]uniqueness{}
	for i, s := range ss {
		others := slices.Clone(s.Classes)
		for _, j := range byLength[len(s.Packets)] {
			if i != j && s.Meets(ss[j]) {
				others = append(others, ss[j].Classes...)
			}
		}
		for _, c := range s.Classes {
			u := out[c]
			u.all++
			own := true
			for _, o := range others {
				if o != c {
					own = false
					u.shared = append(u.shared, o)
				}
			}
			if own {
				u.own++
			}
			out[c] = u
		}
	}
	for c, u := range out {
		u.shared = slices.Compact(slices.Sorted(slices.Values(u.shared)))
		out[c] = u
	}
	return out
}

func uniqueTable(ss []sigfile.Signature, about string) table.Table {
	t := table.Table{
		Title:   "Signatures of each activity: " + about,
		Columns: table.Columns("activity", "#signatures", "#of its own", "verdict", "shared with", "tells"),
	}
	// Other is no activity: what it shares is said of each activity, and its own
	// sequences in a note.
	all := uniquenessOf(ss)
	unique, activities := 0, 0
	for _, c := range sortedKeys(all) {
		u := all[c]
		if c == datasets.Other {
			continue
		}
		activities++
		if u.own > 0 {
			unique++
		}
		t.Rows = append(t.Rows, []table.Value{
			table.Word(c), table.Count(u.all), table.Count(u.own), table.Word(u.verdict()),
			table.Word(nameOther(u.shared)), table.Word(privacy.OfClass(c).Kinds()),
		})
	}
	t.Notes = append(t.Notes, fmt.Sprintf("%d of %d activities have a signature of their own, which no other activity and no heartbeat has.", unique, activities))
	if h := all[datasets.Other]; h.all > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("Heartbeats and other traffic that no event caused: %d sequences, of which an activity shares %d.", h.all, h.all-h.own))
	}
	t.Notes = append(t.Notes, "Tells: "+privacy.Star)
	return t
}

// nameOther lists classes, with the word heartbeat for traffic of no event.
func nameOther(classes []string) string {
	out := slices.Clone(classes)
	for i, c := range out {
		if c == datasets.Other {
			out[i] = "heartbeat"
		}
	}
	return strings.Join(out, ", ")
}

func sequenceTable(ss []sigfile.Signature) table.Table {
	t := table.Table{Title: "Sequences of packets, bytes of frames", Columns: table.Columns("activities", "#packets", "sequence")}
	for _, s := range ss {
		t.Rows = append(t.Rows, []table.Value{table.Word(nameOther(s.Classes)), table.Count(len(s.Packets)), table.Word(sequence(s))})
	}
	t.Notes = []string{"+ from the home, - to it."}
	return t
}

// sequence writes packets as "+78 -66..-64".
func sequence(s sigfile.Signature) string {
	var b strings.Builder
	for i, p := range s.Packets {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%+d", p.Lo)
		if p.Hi != p.Lo {
			fmt.Fprintf(&b, "..%+d", p.Hi)
		}
	}
	return b.String()
}
