package captures

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"veilbench/attacks"
	"veilbench/attacks/decompose"
	"veilbench/attacks/match"
	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/bench/cost"
	"veilbench/bench/score"
	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/reports/table"
)

type commandsFlags struct {
	dataset, defense, attack, vantage, recording, deviation string
	seed                                                    uint64
	warm                                                    time.Duration
	limits                                                  command.Limits
	source                                                  source.Options
	show                                                    command.Show
}

func commandsCommand(a *command.App) *cobra.Command {
	var f commandsFlags
	cmd := &cobra.Command{
		Use:   "commands --dataset ID",
		Short: "list the commands that a gateway gets, as their sizes tell, and those that are unusual for their home",
		Long: `Commands takes the messages to a gateway apart into the actions that they carry, by their sizes
("Identification of IoT User Actions in Encrypted Traffic", section IV), and makes a profile of what is
usual in each home, which the paper leaves to future work: a command deviates if none like it was sent
at about this time of day on enough of the days before. The attack is trained on the recordings of other
homes, as the data set's split says, behind the same defense; so are the rules of what is usual, where
these have events named as --deviation says.

A line for each recording says how many commands were found, how many lists hold the right one and how
long they are, before and after the traffic bounds the number of actions, and of the deviations how many
were found and how many others were taken for one. Chance is what calling every command a deviation gives.
With --recording, that recording's commands are listed one by one.`,
		Example: `  veilbench commands --dataset home:gateway-days
  veilbench commands --dataset home:gateway-days --defense pad-random --recording home-01
  veilbench commands --dataset ikea-gateway=data/ikea_gateway`,
		Args: command.Args(command.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return listCommands(cmd.Context(), a, f) },
	}

	// A defense may be left out here, other than for rates: the question is what sizes
	// tell, and one command shows the paper's figures.
	fl := cmd.Flags()
	fl.StringVar(&f.dataset, "dataset", "", "data set as in run --dataset; it must have labeled commands")
	fl.StringVar(&f.defense, "defense", "none", "defense ID; stages of a chain are joined by +")
	fl.StringVar(&f.attack, "attack", "decompose", "attack ID; it must answer commands")
	fl.StringVar(&f.vantage, "vantage", "", "where the observer sits (default: wan, or that of a recording without a home border)")
	fl.StringVar(&f.recording, "recording", "", "list the commands of this recording")
	fl.StringVar(&f.deviation, "deviation", "deviation", "activity of events that deviate")
	fl.DurationVar(&f.warm, "warm", 48*time.Hour, "how long a home is watched before anything in it is called unusual")
	fl.Uint64Var(&f.seed, "seed", 1, "seed of every random draw")
	f.limits.AddProgramFlags(fl)
	f.show.AddJSON(fl)
	f.source.AddFlags(fl)
	return cmd
}

// commandsJob is what the flags name.
type commandsJob struct {
	f       commandsFlags
	ds      datasets.Dataset
	defense defenses.Defense
	attack  attacks.Attack
	see     bench.Observer
	classes []string // actions

	recordings, messages table.Table // what is printed
}

func listCommands(ctx context.Context, a *command.App, f commandsFlags) error {
	if f.dataset == "" {
		return errors.New("commands: --dataset is needed (\"veilbench list datasets\" shows what there is)")
	}
	j := commandsJob{f: f}
	if err := j.load(ctx, a.Plugins); err != nil {
		return err
	}
	folds, err := j.ds.Split.Folds(&j.ds, datasets.TaskCommand)
	if err != nil {
		return err
	}

	// Each recording is tested once, by what the others teach.
	var all gatewayTally
	j.recordings.Columns = table.Columns("recording", "#commands", "#found", "#in list", "#length", "#after bounding", "#length after", "#deviations", "#of them found", "#others taken for one")
	j.messages = table.Table{
		Title:   "Commands of " + f.recording,
		Columns: table.Columns("#time", "#bytes", "#candidates", "#after bounding", "likeliest", "sent", "usual"),
	}
	for _, fold := range folds {
		for _, part := range fold {
			if err := j.part(ctx, part, &all); err != nil {
				return err
			}
		}
	}
	j.recordings.Rows = append(j.recordings.Rows, all.row("all"))
	j.recordings.Notes = all.summary(f.warm)
	ts := []table.Table{j.recordings}
	if f.recording != "" {
		ts = append(ts, j.messages)
	}
	return a.Tables(table.Text, f.show, ts...)
}

// load resolves every name and reads the data.
func (j *commandsJob) load(ctx context.Context, p command.Plugins) (err error) {
	if err := j.f.limits.Hold(p); err != nil {
		return err
	}
	if j.defense, err = p.Defense(j.f.defense); err != nil {
		return err
	}
	if j.attack, err = p.Attack(j.f.attack); err != nil {
		return err
	}
	if !slices.Contains(j.attack.Info().Tasks, datasets.TaskCommand) {
		return fmt.Errorf("attack %s answers no commands", j.f.attack)
	}
	j.f.source.Own = p.Datasets
	if err := j.f.source.Counts(j.f.dataset); err != nil {
		return err
	}
	sets, err := source.Load(ctx, j.f.dataset, j.f.seed, j.f.source)
	if err != nil {
		return err
	}
	sets = slices.DeleteFunc(sets, func(ds datasets.Dataset) bool { return !slices.Contains(ds.Tasks, datasets.TaskCommand) })
	if len(sets) != 1 {
		return fmt.Errorf("%s: want one data set with labeled commands, found %d", j.f.dataset, len(sets))
	}
	j.ds = sets[0]

	v := j.ds.DefaultVantage()
	if j.f.vantage != "" {
		if v, err = datasets.ParseVantage(j.f.vantage); err != nil {
			return err
		}
	}
	j.see = bench.Observer{Seed: j.f.seed, Link: cost.DefaultLink(), Defense: j.defense, Vantage: v}
	for _, r := range j.ds.Recordings {
		for _, c := range r.Labels.Commands {
			for _, x := range c.Actions {
				j.classes = append(j.classes, x.Action)
			}
		}
	}

	// Actions are numbered in the order of their names, as in a run.
	j.classes = slices.Compact(slices.Sorted(slices.Values(j.classes)))
	if id := j.f.recording; id != "" && !slices.ContainsFunc(j.ds.Recordings, func(r datasets.Recording) bool { return r.ID == id }) {
		var ids []string
		for _, r := range j.ds.Recordings {
			ids = append(ids, r.ID)
		}
		return command.UnknownName("recording", id, ids)
	}
	return nil
}

// part trains on one part of a split and writes what it makes of the other.
func (j *commandsJob) part(ctx context.Context, part datasets.Part, all *gatewayTally) error {
	var training []datasets.Recording
	for _, i := range part.Train {
		training = append(training, j.ds.Recordings[i])
	}
	see := j.see
	if bench.Fitted(see.Defense) {
		var err error
		if see.Defense, err = fitted(ctx, drawsOf(j.f.seed, defenses.DrawID(see.Defense)), see.Defense, training); err != nil {
			return err
		}
	}

	t := attacks.Training{Task: datasets.TaskCommand, Classes: j.classes}
	for i := range training {
		ex, err := see.See(&training[i], bench.TrainRole, 0)
		if err != nil {
			return command.Exit{Code: command.FailedCells, Err: err}
		}
		ex.Group = training[i].Group
		t.Examples = append(t.Examples, ex)
	}
	id := attacks.ID(j.attack)
	model, err := j.attack.Train(ctx, drawsOf(j.f.seed, id), t)
	if err != nil {
		return command.Exit{Code: command.FailedCells, Err: fmt.Errorf("attack %s: %w", id, err)}
	}

	// What is usual is learned from what the attack makes of the training homes, as
	// it will be of the others.
	var messages [][]attacks.Message
	var odd [][]bool
	for _, ex := range t.Examples {
		ans, err := model.Guess(ctx, ex.Trace)
		if err != nil {
			return err
		}
		messages, odd = append(messages, ans.Commands), append(odd, deviates(ex.Labels, ans.Commands, j.f.deviation))
	}
	habits := decompose.LearnHabits(messages, odd, j.f.warm)

	for _, i := range part.Test {
		rec := &j.ds.Recordings[i]
		ex, err := see.See(rec, bench.TestRole, 0)
		if err != nil {
			return command.Exit{Code: command.FailedCells, Err: err}
		}
		ans, err := model.Guess(ctx, ex.Trace)
		if err != nil {
			return command.Exit{Code: command.FailedCells, Err: fmt.Errorf("attack %s: %w", id, err)}
		}
		g := gatewayTally{classes: j.classes}
		unusual := habits.Unusual(ans.Commands)
		g.add(ex.Labels, ans.Commands, unusual, j.f.deviation, j.f.warm)
		j.recordings.Rows = append(j.recordings.Rows, g.row(rec.ID))
		all.merge(g)
		if rec.ID == j.f.recording {
			j.list(ex.Labels, ans.Commands, unusual)
		}
	}
	return nil
}

// nearestCommand is the index in l.Commands of the command that a message is of, -1
// for none.
func nearestCommand(l datasets.Labels, m attacks.Message) int {
	best, off := -1, match.Tolerance
	for i, c := range l.Commands {
		if d := (c.Time - m.Time).Abs(); d <= off {
			best, off = i, d
		}
	}
	return best
}

// deviates says of each message whether its command is an event of the activity.
func deviates(l datasets.Labels, ms []attacks.Message, activity string) []bool {
	out := make([]bool, len(ms))
	for i, m := range ms {
		if c := nearestCommand(l, m); c >= 0 {
			out[i] = slices.ContainsFunc(l.Events, func(e datasets.Event) bool {
				return e.Activity == activity && (e.Start-l.Commands[c].Time).Abs() <= time.Second
			})
		}
	}
	return out
}

// list keeps the messages of a recording one by one: what was sent, the list, its
// likeliest, and whether it is usual.
func (j *commandsJob) list(l datasets.Labels, ms []attacks.Message, unusual []bool) {
	for i, m := range ms {
		sent, named, note := "nothing", "nothing fits", "usual"
		if c := nearestCommand(l, m); c >= 0 {
			sent = score.CommandName(l.Commands[c].Actions)
		}
		if m.Best >= 0 {
			named = score.CommandName(actionCounts(j.classes, m.Candidates[m.Best]))
		}
		if unusual[i] {
			note = "unusual"
		}
		at := m.Time.Round(time.Second)
		j.messages.Rows = append(j.messages.Rows, []table.Value{
			{Text: at.String(), Num: at.Seconds(), OK: true},
			table.Count(m.Bytes), table.Count(len(m.Candidates)), table.Count(len(m.Bounded)),
			table.Word(named), table.Word(sent), table.Word(note),
		})
	}
}

// actionCounts are the actions of a multiset by name.
func actionCounts(classes []string, counts []uint8) []datasets.ActionCount {
	var out []datasets.ActionCount
	for i, n := range counts {
		if n > 0 {
			out = append(out, datasets.ActionCount{Action: classes[i], Count: int(n)})
		}
	}
	return out
}

// gatewayTally counts what was found of commands and deviations.
type gatewayTally struct {
	classes                                      []string
	commands, found, in, listed, bounded, left   int
	deviations, deviationsFound, others, alarmed int
}

// add counts one recording. Deviations and others are commands after warm that the
// attack found: no other can be called one.
func (g *gatewayTally) add(l datasets.Labels, ms []attacks.Message, unusual []bool, activity string, warm time.Duration) {
	g.commands += len(l.Commands)
	odd := deviates(l, ms, activity)
	taken := map[int]bool{}
	for i, m := range ms {
		c := nearestCommand(l, m)
		if c < 0 || taken[c] {
			continue
		}
		taken[c] = true

		// As scores of a run: what has no message is missing in every share, and lengths
		// are means over messages.
		truth := score.CommandName(l.Commands[c].Actions)
		is := func(counts []uint8) bool { return score.CommandName(actionCounts(g.classes, counts)) == truth }
		g.found++
		g.listed += len(m.Candidates)
		g.left += len(m.Bounded)
		if slices.ContainsFunc(m.Candidates, is) {
			g.in++
		}
		if slices.ContainsFunc(m.Bounded, func(b int) bool { return is(m.Candidates[b]) }) {
			g.bounded++
		}

		switch {
		case m.Time < warm:
		case odd[i]:
			g.deviations++
			if unusual[i] {
				g.deviationsFound++
			}
		default:
			g.others++
			if unusual[i] {
				g.alarmed++
			}
		}
	}
}

func (g *gatewayTally) merge(x gatewayTally) {
	g.commands, g.found, g.in, g.listed = g.commands+x.commands, g.found+x.found, g.in+x.in, g.listed+x.listed
	g.bounded, g.left = g.bounded+x.bounded, g.left+x.left
	g.deviations, g.deviationsFound = g.deviations+x.deviations, g.deviationsFound+x.deviationsFound
	g.others, g.alarmed = g.others+x.others, g.alarmed+x.alarmed
}

// share is n of all as people read it.
func share(n, all int) string {
	if all == 0 {
		return "n/a"
	}
	return fmt.Sprintf("%.3f", float64(n)/float64(all))
}

func (g *gatewayTally) row(name string) []table.Value {
	three := func(v float64) string { return table.Fixed(v, 3) }
	of := func(n int) table.Value {
		if g.commands == 0 {
			return table.NotApplicable()
		}
		return table.Number(float64(n)/float64(g.commands), three)
	}
	mean := func(n int) table.Value {
		return table.Number(float64(n)/float64(max(g.found, 1)), func(v float64) string { return table.Fixed(v, 2) })
	}
	alarms := table.Count(g.alarmed)
	alarms.Text = fmt.Sprintf("%d of %d", g.alarmed, g.others)
	return []table.Value{
		table.Word(name), table.Count(g.commands), table.Count(g.found), of(g.in), mean(g.listed),
		of(g.bounded), mean(g.left), table.Count(g.deviations), table.Count(g.deviationsFound), alarms,
	}
}

// summary says what bounding costs and what deviations are worth beside chance.
func (g *gatewayTally) summary(warm time.Duration) (notes []string) {
	if g.found > 0 {
		notes = append(notes, fmt.Sprintf("bounding loses %s of the commands and leaves %s of a list", share(g.in-g.bounded, g.commands), share(g.left, cmp.Or(g.listed, 1))))
	}
	// Of a recording no longer than --warm nothing is judged, which 0 deviations would hide.
	if g.found > 0 && g.deviations+g.others == 0 {
		notes = append(notes, fmt.Sprintf("no command was found after the first %v, so no deviation was judged: give a shorter --warm or longer recordings", warm))
	}
	if g.deviations == 0 {
		return notes
	}
	f1 := func(right, named int) float64 { return 2 * float64(right) / float64(max(named+g.deviations, 1)) }
	return append(notes, fmt.Sprintf("deviations: recall %s, precision %s, F1 %.3f; chance %.3f", share(g.deviationsFound, g.deviations),
		share(g.deviationsFound, g.deviationsFound+g.alarmed), f1(g.deviationsFound, g.deviationsFound+g.alarmed), f1(g.deviations, g.deviations+g.others)))
}
