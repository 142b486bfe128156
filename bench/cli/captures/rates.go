package captures

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"veilbench/attacks"
	"veilbench/attacks/match"
	"veilbench/attacks/rates"
	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/bench/cost"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/atomicfile"
	"veilbench/defenses"
	"veilbench/reports"
	"veilbench/reports/figure"
)

type ratesFlags struct {
	dataset, train, defense, attack, knowledge, vantage string
	device, recording, out, format, width, link, hosts  string
	seed                                                uint64
	from, length, tolerance                             time.Duration
	limits                                              command.Limits
	source                                              source.Options
	show                                                command.Show
}

func ratesCommand(a *command.App) *cobra.Command {
	var f ratesFlags
	cmd := &cobra.Command{
		Use:   "rates --dataset ID --defense ID",
		Short: "draw what devices send and receive, with true and detected events, before and after a defense",
		Long: `Rates draws, for a recording, what a device sends and receives over time, what happened, and what an
attack that sees only the traffic made of it: above without a defense, below behind one. The attack
is trained on the other recordings of the data set (of other homes or days where there are some),
behind the same defense unless --knowledge unaware. Where the device's traffic cannot be told apart
any more, all traffic is drawn on both sides. One file is written for each device.

With --hosts nothing is learned: the device, a sleep monitor, is known by words in the names of its
servers, and spikes of its rate by the clock (the last one of the evening is going to bed). Each is
printed with its time and what happened next to it. --defense may be left out then.

Pictures of every packet before and after a defense are made by "veilbench apply --plot".`,
		Example: `  veilbench rates --dataset home:rates --defense vpn:kind=wireguard --device nest_cam --out pictures
  veilbench rates --dataset home:rates --defense pad-random:max_bytes=255 --from 1h --for 20m --format pdf
  veilbench rates --dataset home:castle_night --device sense_sleep --hosts hello
  veilbench rates --dataset capture=plug.pcap --labels plug.csv --train home:rates --defense constant-rate:interval_s=0.5`,
		Args: command.Args(command.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			// A night is found without learning, by the clock.
			idle := command.Idle{Here: f.hosts != "", Unless: "without --hosts", Flags: []string{"attack", "knowledge", "train", "tolerance"}}
			if err := command.Refuse(cmd.Flags(), idle); err != nil {
				return err
			}
			return drawRates(cmd.Context(), a, f)
		},
	}

	// Trained behind the defense and seen on the Internet's side, as in the headline
	// of a report.
	fl := cmd.Flags()
	fl.StringVar(&f.dataset, "dataset", "", "data set as in run --dataset")
	fl.StringVar(&f.train, "train", "", "data set to train on instead of the other recordings")
	fl.StringVar(&f.defense, "defense", "", "defense ID; stages of a chain are joined by +")
	fl.StringVar(&f.attack, "attack", "rates", "attack ID; it must be able to show the rates it decides on")
	fl.StringVar(&f.knowledge, "knowledge", string(results.Adaptive), "adaptive or unaware: is the attack trained behind the defense?")
	fl.StringVar(&f.vantage, "vantage", "", "where the observer sits: lan, wifi, wan or zigbee (default: wan, or that of a recording without a home border)")
	fl.StringVar(&f.device, "device", "", "draw this device only (default: each that something happens to)")
	fl.StringVar(&f.hosts, "hosts", "", "words in the names of a sleep monitor's servers, joined by commas: find its nights without learning")
	fl.StringVar(&f.recording, "recording", "", "recording to look at (default: the first)")
	fl.StringVar(&f.out, "out", ".", "folder to write into")
	fl.StringVar(&f.format, "format", string(figure.SVG), "svg, pdf, png or pgf")
	fl.StringVar(&f.width, "width", "", "width of the pictures, such as 3.33in or 8.5cm (default one column of a paper)")
	fl.DurationVar(&f.from, "from", 0, "where the picture begins, such as 1h30m")
	fl.DurationVar(&f.length, "for", 0, "how much time it shows (default: to the end)")
	fl.DurationVar(&f.tolerance, "tolerance", 5*time.Second, "how far from an event a detection still counts")
	fl.StringVar(&f.link, "link", "", "the home's link, such as up_mbit_s=20,down_mbit_s=100; 0 is no limit")
	fl.Uint64Var(&f.seed, "seed", 1, "seed of every random draw")
	f.limits.AddProgramFlags(fl)
	f.show.AddJSON(fl)
	f.source.AddFlags(fl)
	return cmd
}

// ratesJob is what the flags name.
type ratesJob struct {
	flags   ratesFlags
	ds      datasets.Dataset
	train   []int               // recordings to learn from
	look    int                 // the one that is drawn
	sides   [2]defenses.Defense // before and after
	attack  attacks.Attack
	link    cost.Link
	vantage datasets.Vantage
}

func drawRates(ctx context.Context, a *command.App, f ratesFlags) error {
	j := ratesJob{flags: f}
	var err error
	if err = j.names(a.Plugins); err != nil {
		return err
	}
	if err = j.data(ctx); err != nil {
		return err
	}
	devices, err := j.devices()
	if err != nil {
		return err
	}

	// An attack may train for long: a folder that cannot be made is found before,
	// and both sides are looked at once for all devices.
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return err
	}
	var seen [2]ratesSide
	for k := range seen {
		if seen[k], err = j.side(ctx, k); err != nil {
			return err
		}
	}
	var text strings.Builder
	drawn := []drawn{}
	for _, d := range devices {
		p, err := j.draw(a, &text, d, seen)
		if err != nil {
			return err
		}
		drawn = append(drawn, p)
	}
	return f.show.Print(a, drawn, text.String())
}

// names resolves every name before any data are read.
func (j *ratesJob) names(p command.Plugins) (err error) {
	// A night is worth a picture without any defense, and nothing but the device's
	// purpose says what its spikes are.
	if j.flags.hosts != "" {
		j.flags.defense = cmp.Or(j.flags.defense, "none")
		if j.flags.device == "" {
			return errors.New("--hosts: name the sleep monitor with --device")
		}
	}

	// These two alone have no default.
	if j.flags.dataset == "" || j.flags.defense == "" {
		return errors.New("rates: --dataset and --defense are needed (\"veilbench list\" shows what there is)")
	}
	if k := results.Knowledge(j.flags.knowledge); k != results.Adaptive && k != results.Unaware {
		return fmt.Errorf("--knowledge %q: want adaptive or unaware", j.flags.knowledge)
	}
	if _, err := figure.ParseFormat(j.flags.format); err != nil {
		return fmt.Errorf("--format %q: want svg, pdf, png or pgf", j.flags.format)
	}
	if j.flags.from < 0 || j.flags.length < 0 || j.flags.tolerance < 0 {
		return errors.New("--from, --for and --tolerance: want no negative time")
	}

	if j.link, err = parseLink(j.flags.link); err != nil {
		return err
	}
	if j.flags.vantage != "" {
		if j.vantage, err = datasets.ParseVantage(j.flags.vantage); err != nil {
			return err
		}
	}
	if command.IsProgram(j.flags.attack) {
		return fmt.Errorf("attack %s: a program shows no rates; name one of this program, such as rates", j.flags.attack)
	}
	if j.attack, err = p.Attack(j.flags.attack); err != nil {
		return err
	}
	if err := j.flags.limits.Hold(p); err != nil {
		return err
	}
	j.flags.source.Own = p.Datasets
	j.sides[0] = defenses.None{}
	j.sides[1], err = p.Defense(j.flags.defense)
	return err
}

// data loads the recordings and says which to look at and which to train on.
func (j *ratesJob) data(ctx context.Context) error {
	given := []string{j.flags.dataset}
	if j.flags.train != "" {
		given = append(given, j.flags.train)
	}
	if err := j.flags.source.Counts(given...); err != nil {
		return err
	}
	ds, err := oneWithEvents(ctx, j.flags.dataset, j.flags.seed, j.flags.source)
	if err != nil {
		return err
	}
	j.vantage = cmp.Or(j.vantage, ds.DefaultVantage())
	j.look = slices.IndexFunc(ds.Recordings, func(r datasets.Recording) bool {
		return j.flags.recording == r.ID || j.flags.recording == "" && len(r.Labels.Events) > 0
	})
	if j.look < 0 {
		var ids []string
		for _, r := range ds.Recordings {
			ids = append(ids, r.ID)
		}
		return command.UnknownName("recording", j.flags.recording, ids)
	}

	if j.flags.train != "" {
		other, err := oneWithEvents(ctx, j.flags.train, j.flags.seed, source.Options{Capture: j.flags.source.Capture})
		if err != nil {
			return fmt.Errorf("--train: %w", err)
		}
		ds.Recordings = append([]datasets.Recording{ds.Recordings[j.look]}, other.Recordings...)
		j.look = 0
	}

	j.ds = ds
	if j.flags.hosts != "" {
		return nil
	}
	groups := map[string]bool{}
	for _, r := range ds.Recordings {
		groups[r.Group] = true
	}
	for i, r := range ds.Recordings {
		// A group has traits of its own, so the attack learns from other groups than
		// the one it is shown, where there are some.
		if i != j.look && (len(groups) == 1 || j.flags.train != "" || r.Group != ds.Recordings[j.look].Group) {
			j.train = append(j.train, i)
		}
	}
	if len(j.train) == 0 {
		return fmt.Errorf("%s has one recording: name with --train what the attack is to learn from", j.flags.dataset)
	}
	return nil
}

// oneWithEvents loads the data set that id names, the one with events if they
// are several.
func oneWithEvents(ctx context.Context, id string, seed uint64, opt source.Options) (datasets.Dataset, error) {
	sets, err := source.Load(ctx, id, seed, opt)
	if err != nil {
		return datasets.Dataset{}, err
	}
	sets = slices.DeleteFunc(sets, func(ds datasets.Dataset) bool {
		return !slices.ContainsFunc(ds.Recordings, func(r datasets.Recording) bool { return len(r.Labels.Events) > 0 })
	})
	if len(sets) != 1 {
		return datasets.Dataset{}, fmt.Errorf("%s: want one data set with labeled events, found %d", id, len(sets))
	}
	return sets[0], nil
}

// devices lists those to draw.
func (j *ratesJob) devices() ([]string, error) {
	l := j.ds.Recordings[j.look].Labels
	var out []string
	for _, e := range l.Events {
		out = append(out, l.Devices[e.Device])
	}
	if j.flags.device == "" {
		return slices.Compact(slices.Sorted(slices.Values(out))), nil
	}
	if !slices.Contains(l.Devices, j.flags.device) {
		return nil, command.UnknownName("device", j.flags.device, l.Devices)
	}
	return []string{j.flags.device}, nil
}

// ratesSide is what is seen and found without or behind the defense.
type ratesSide struct {
	truth  datasets.Labels
	series []rates.RateSeries
	all    rates.RateSeries // of all traffic
	found  []match.Span
}

// side looks at the recording without (0) or behind (1) the defense.
func (j *ratesJob) side(ctx context.Context, k int) (s ratesSide, err error) {
	w, err := bench.Watch(&j.ds, j.sides[k], j.link, j.vantage, j.flags.seed, j.train, j.look)
	if err != nil {
		return s, command.Exit{Code: command.FailedCells, Err: err}
	}

	if j.flags.hosts != "" {
		return j.night(w.Test), nil
	}

	// An unaware attacker has seen no defense in training.
	examples := w.Train
	if k == 1 && j.flags.knowledge == string(results.Unaware) {
		plain, err := bench.Watch(&j.ds, j.sides[0], j.link, j.vantage, j.flags.seed, j.train, j.look)
		if err != nil {
			return s, command.Exit{Code: command.FailedCells, Err: err}
		}
		examples = plain.Train
	}

	var classes []string
	for _, ex := range examples {
		for _, e := range ex.Labels.Events {
			classes = append(classes, ex.Labels.Class(e))
		}
	}
	id := attacks.ID(j.attack)
	m, err := j.attack.Train(ctx, drawsOf(j.flags.seed, id), attacks.Training{Task: datasets.TaskEvent, Classes: slices.Compact(slices.Sorted(slices.Values(classes))), Examples: examples})
	if err != nil {
		return s, command.Exit{Code: command.FailedCells, Err: fmt.Errorf("attack %s: %w", id, err)}
	}
	show, ok := m.(rates.RateShower)
	if !ok {
		return s, fmt.Errorf("attack %s shows no rates", id)
	}

	ans, err := m.Guess(ctx, w.Test.Trace)
	if err != nil {
		return s, command.Exit{Code: command.FailedCells, Err: fmt.Errorf("attack %s: %w", id, err)}
	}

	// What is below the attack's own threshold, or has no name, it did not report.
	for _, b := range ans.Events {
		if b.Score >= ans.Threshold && len(b.Ranked) > 0 && b.Ranked[0].Class != datasets.Other && b.Ranked[0].Class != datasets.Unknown {
			s.found = append(s.found, match.Span{From: b.Start, To: b.End, Class: b.Ranked[0].Class, Score: b.Score})
		}
	}
	slices.SortStableFunc(s.found, func(a, b match.Span) int { return cmp.Compare(a.From, b.From) })
	s.truth, s.series, s.all = w.Test.Labels, show.Rates(w.Test.Trace), allRates(w.Test.Trace)
	return s, nil
}

// allRates adds up the rates of all streams in bins of a second.
func allRates(t datasets.Trace) rates.RateSeries {
	out := rates.RateSeries{Bin: time.Second}
	for _, s := range rates.StreamRates(t, out.Bin) {
		if out.Up == nil {
			out.Up, out.Down = s.Up, s.Down
			continue
		}
		for i := range s.Up {
			out.Up[i] += s.Up[i]
			out.Down[i] += s.Down[i]
		}
	}
	return out
}

// tells says whether the attack tells the rates of a device apart.
func (s ratesSide) tells(device string) bool {
	return slices.ContainsFunc(s.series, func(r rates.RateSeries) bool { return r.Name == device && len(r.Up) > 0 })
}

// panel is what is seen of one device, or all traffic, with a note on what was found.
func (s ratesSide) panel(name, device string, all bool, tolerance time.Duration) figure.RatePanel {
	what, series := ", all traffic", s.all
	for _, r := range s.series {
		if !all && r.Name == device && len(r.Up) > 0 {
			what, series = "", r
		}
	}

	// What was found counts by its name's device, wherever its traffic was seen.
	var events, found []match.Span
	for _, e := range s.truth.Events {
		if s.truth.Devices[e.Device] == device {
			events = append(events, match.Span{From: e.Start, To: max(e.Start, e.End), Class: s.truth.Class(e)})
		}
	}
	for _, x := range s.found {
		if strings.HasPrefix(x.Class, device+"/") {
			found = append(found, x)
		}
	}

	return figure.RatePanel{
		Title: name + what, Bin: series.Bin, Up: series.Up, Down: series.Down, True: marks(events, device), Found: marks(found, device),
		Note: fmt.Sprintf("%d events, %d found, %d right", len(events), len(found), match.Hits(match.Windows(events, found, tolerance, match.ByClass))),
	}
}

// marks are intervals as a picture of one device shows them: by activity alone.
func marks(of []match.Span, device string) []figure.RateMark {
	var out []figure.RateMark
	for _, x := range of {
		out = append(out, figure.RateMark{Start: x.From, End: x.To, Class: strings.TrimPrefix(x.Class, device+"/")})
	}
	return out
}

// draw writes the picture of one device and says what was found.
func (j *ratesJob) draw(a *command.App, w io.Writer, device string, seen [2]ratesSide) (drawn, error) {
	if j.flags.hosts != "" {
		return j.drawNight(a, w, device, seen)
	}
	label := defenses.Label(a.Defenses, j.sides[1])

	// Behind a tunnel there is no series of the device; then all traffic is drawn on
	// both sides, for before and after must be of the same flows.
	all := !seen[0].tells(device) || !seen[1].tells(device)
	before := seen[0].panel("before", device, all, j.flags.tolerance)
	after := seen[1].panel("after "+label, device, all, j.flags.tolerance)

	// A picture in a paper has to say all of this, and the counts are of the whole
	// recording even where --from and --for show a part.
	rec := j.ds.Recordings[j.look]
	caption := fmt.Sprintf("Bytes per second sent and received by %s in %s of %s, as seen at %s, with the events that happened and those that %s found, trained on %d other recordings (%s); right is at most %v from an event of that name. Defense %s, seed %d. Where the device's own traffic is not told apart before or after, all traffic is drawn in both. Counts are of the whole recording; panels have one scale, a logarithmic one where the highest rates differ by more than 4 times.",
		device, rec.ID, j.ds.Name, j.vantage, attacks.Label(a.Attacks, j.attack), len(j.train), j.flags.knowledge, j.flags.tolerance, defenses.ID(j.sides[1]), j.flags.seed)
	file, err := j.write(device, "Rates of "+device+" before and after "+label, caption, before, after)
	if err != nil {
		return drawn{}, err
	}
	fmt.Fprintf(w, "%s: before: %s; after %s: %s\n", file, before.Note, label, after.Note)
	return drawn{file, device, []panel{panelOf("none", before), panelOf(defenses.ID(j.sides[1]), after)}}, nil
}

// write draws the panels from --from on and returns the name of the file.
func (j *ratesJob) write(device, title, caption string, panels ...figure.RatePanel) (string, error) {
	rec := j.ds.Recordings[j.look]
	to := rec.Trace.End
	if j.flags.length > 0 {
		to = min(to, j.flags.from+j.flags.length)
	}
	if j.flags.from >= to {
		return "", fmt.Errorf("--from %v: the recording ends at %v (%s; choose with --recording)", j.flags.from, rec.Trace.End, rec.ID)
	}

	width := figure.ColumnWidth
	if j.flags.width != "" {
		var err error
		if width, err = figure.ParseWidth(j.flags.width); err != nil {
			return "", err
		}
	}

	// A picture that was begun and not finished must not stand for one.
	fig := figure.Rates{From: j.flags.from, To: to, Panels: panels}.Figure(title, caption)
	fig.About = []string{device, rec.ID + " of " + reports.DataName(j.ds.Name), "seen " + reports.WhereName(j.vantage)}
	file := filepath.Join(j.flags.out, "rates-"+fileName(device)+"."+j.flags.format)
	return file, atomicfile.WriteTo(file, func(w io.Writer) error { return fig.Write(w, figure.Format(j.flags.format), width) })
}

// fileName is s as a part of a file name: short, and of what every file system
// tells apart. A name that had to be changed for that gets a part of its hash
// behind, so that two devices never share a file.
func fileName(s string) string {
	const most = 60
	kept := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, s)

	// Some file systems take A and a for one.
	if kept == s && len(s) <= most && strings.ToLower(s) == s {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return kept[:min(len(kept), most)] + "-" + hex.EncodeToString(sum[:4])
}
