package signatures

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"veilbench/attacks/match"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/home/profile"
	"veilbench/datasets/privacy"
	"veilbench/reports/table"
)

type tablesFlags struct {
	authors, dataset, vantage, format, plot string
	seed                                    uint64
	show                                    command.Show
}

// The tables that can be asked for, in order.
var paperTables = []string{"1", "2", "3", "4", "5", "platforms", "figure5"}

func tablesCommand(a *command.App) *cobra.Command {
	var f tablesFlags
	cmd := &cobra.Command{
		Use:   "tables [" + strings.Join(paperTables, "|") + "]...",
		Short: "tables 1 to 5 and figure 5 of the IoTEvent article in form, with our figures",
		Long: `Tables prints what the tables of the IoTEvent article show, with our figures: first on the recordings that
its authors published (302 events of seven devices, each asked about with all others of its device as
training), then on generated homes: trained on four fifths of each home and asked about the rest, as in
the article, which detects the device it has learned; and trained on all homes but the last, asked about
that. A figure of the article stands beside ours only where its stored text or its authors' own table
has one.

  1 devices   2 protocol, domain, events and accuracy of each   3 events of the Mi control hub
  4 what activities and devices tell   5 methods: range, accuracy, time, memory, storage
  platforms: what leaks by platform and protocol   figure5: average precision against k`,
		Example: `  veilbench datasets get iotevents
  veilbench signatures tables
  veilbench signatures tables 2 5 --iotevents data/iotevents --format markdown
  veilbench signatures tables figure5 --plot figure5.svg`,
		RunE: func(cmd *cobra.Command, args []string) error {
			drawn := len(args) == 0 || slices.Contains(args, "figure5")
			err := errors.Join(f.show.OneFormat(cmd.Flags()), command.Refuse(cmd.Flags(), command.Idle{Here: !drawn, Unless: "with figure5", Flags: []string{"plot"}}))
			if err != nil {
				return err
			}
			return printTables(cmd.Context(), a, args, f)
		},
	}

	// The authors' files are small, so they are found in the cache unless named.
	fl := cmd.Flags()
	fl.StringVar(&f.authors, "iotevents", "", "folder of the authors' recordings (default: as fetched by datasets get iotevents)")
	fl.StringVar(&f.dataset, "dataset", "home:event_signatures-ten:hours=6,homes=3", "generated homes, or other data with events in more than one group")
	fl.StringVar(&f.vantage, "vantage", "wan", "where the observer of the generated homes sits")
	fl.StringVar(&f.format, "format", string(table.Text), "text, markdown, latex or csv")
	fl.StringVar(&f.plot, "plot", "", "draw figure 5 into this file (.svg, .png or .pdf)")
	fl.Uint64Var(&f.seed, "seed", 1, "seed of every random draw")
	f.show.AddJSON(fl)
	return cmd
}

// paper is what the tables are made from; data are loaded and methods measured
// when the first table needs them.
type paper struct {
	ctx     context.Context
	app     *command.App
	flags   tablesFlags
	vantage datasets.Vantage
	authors []datasets.Dataset // none where they were not fetched
	missing string             // why not
	homes   datasets.Dataset
	divided []division
	models  map[string]*profile.Device
	known   map[string]measured // by data and attack
}

func printTables(ctx context.Context, a *command.App, names []string, f tablesFlags) error {
	for _, n := range names {
		if !slices.Contains(paperTables, n) {
			return command.UnknownName("table", n, paperTables)
		}
	}
	if len(names) == 0 {
		names = paperTables
	}
	p := paper{ctx: ctx, app: a, flags: f, models: map[string]*profile.Device{}, known: map[string]measured{}}
	if err := p.load(); err != nil {
		return err
	}

	// Tables share what was measured: together they take no longer than table 5.
	draw := map[string]func() ([]table.Table, error){
		"1": p.devices, "2": p.accuracy, "3": p.hub, "4": p.taxonomy, "5": p.methods, "platforms": p.platforms, "figure5": p.figure5,
	}
	var ts []table.Table
	for _, n := range names {
		t, err := draw[n]()
		if err != nil {
			return err
		}
		ts = append(ts, t...)
	}
	return printTo(a, f.format, f.show, ts)
}

// load reads the authors' recordings, if they are there, the homes and the
// profiles.
func (p *paper) load() (err error) {
	if p.vantage, err = datasets.ParseVantage(p.flags.vantage); err != nil {
		return err
	}
	name := "iotevents"
	if p.flags.authors != "" {
		name += "=" + p.flags.authors
	}

	// A folder that was named must be there; that nobody fetched the data is said
	// in the tables.
	p.authors, err = source.Load(p.ctx, name, p.flags.seed, source.Options{})
	if err != nil && p.flags.authors != "" {
		return err
	}
	if err != nil {
		p.missing = "The authors' recordings are not at hand (veilbench datasets get iotevents, or --iotevents FOLDER)."
	}
	if p.homes, err = loadData(p.ctx, p.flags.dataset, p.flags.seed, source.Options{}); err != nil {
		return err
	}
	p.divided = divisions(&p.homes)

	all, err := profile.Load()
	if err != nil {
		return err
	}
	if p.homes.Generated {
		for _, d := range all.Devices {
			p.models[d.ID] = d
		}
	}
	return nil
}

// onAuthors and onHomes measure a method, once.
func (p *paper) onAuthors(id string) (measured, error) {
	return p.once("authors "+id, func() (measured, error) { return measureClips(p.ctx, p.app, id, p.authors, p.flags.seed) })
}

func (p *paper) onHomes(id string, d *division) (measured, error) {
	return p.once(d.name+" "+id, func() (measured, error) {
		return measureEvents(p.ctx, p.app, id, d, p.vantage, p.flags.seed)
	})
}

func (p *paper) once(key string, f func() (measured, error)) (measured, error) {
	if m, ok := p.known[key]; ok {
		return m, nil
	}
	m, err := f()
	p.known[key] = m
	return m, err
}

// notes are what must be known of the data of every measured table.
func (p *paper) notes() []string {
	out := []string{"Authors' recordings: every event is asked about with all others of its device as training."}
	if p.missing != "" {
		out = []string{p.missing}
	}
	how := fmt.Sprintf("%s, seen from %s. Same home, later: trained on the first four fifths of each home, as the article, which detects the device that it learned; another home: trained on all but the last, asked about the last.", p.homes.Name, p.vantage)
	if p.homes.Generated {
		how += " Generated: attack and data share one model, and lengths, variants and mix of packets were measured on the authors' own files."
	}
	return append(out, how)
}

// recordedDevices are the authors' devices whose traffic is at hand, then those
// whose is not.
func (p *paper) recordedDevices() []recorded {
	return slices.DeleteFunc(authorsDevices(), func(r recorded) bool { return r.file != "" && len(p.authors) == 0 })
}

// homeDevices are the devices of the homes with events, sorted.
func (p *paper) homeDevices() []string {
	var out []string
	for _, r := range p.homes.Recordings {
		for _, e := range r.Labels.Events {
			out = append(out, r.Labels.Devices[e.Device])
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(out)))
}

// channelOf is the channel of a device of the homes, empty where no profile tells.
func (p *paper) channelOf(device string) channel {
	if d := p.models[device]; d != nil {
		return channelOf(d)
	}
	return channel{platform: "–", protocol: "–", domain: "–"}
}

// Sources of rows.
const (
	fromAuthors = "authors' recordings"
	fromHomes   = "generated"
)

// homesSource names the second source of rows, and how it is divided.
func (p *paper) homesSource(d *division) string {
	name := fromHomes
	if !p.homes.Generated {
		name = p.homes.Name
	}
	if d == nil {
		return name
	}
	return name + ", " + d.name
}

func words(s ...string) []table.Value {
	out := make([]table.Value, len(s))
	for i := range s {
		out[i] = table.Word(s[i])
	}
	return out
}

// devices is table 1.
func (p *paper) devices() ([]table.Table, error) {
	t := table.Table{Title: "Table 1: devices", Columns: table.Columns("data", "platform", "vendor", "device", "recordings of it")}
	for _, r := range p.recordedDevices() {
		name := r.file
		if name == "" {
			name = "none: the traffic was never published"
		}
		t.Rows = append(t.Rows, words(fromAuthors, r.platform, r.vendor, strings.TrimSuffix(r.device, " (traffic not published)"), name))
	}
	for _, d := range p.homeDevices() {
		vendor, name := "–", d
		if m := p.models[d]; m != nil {
			vendor, name = m.Vendor, m.Name
		}
		t.Rows = append(t.Rows, words(p.homesSource(nil), p.channelOf(d).platform, vendor, name, d))
	}
	t.Notes = []string{"The article: nine devices of five platforms; the rows of its table are lost in the stored text, and so are models. The authors' rows are those of their own files and table."}
	return []table.Table{t}, nil
}

// numberOrMissing is v, or a dash for NaN.
func numberOrMissing(v float64, format func(float64) string) table.Value {
	if math.IsNaN(v) {
		return table.Missing()
	}
	return table.Number(v, format)
}

// accuracy is table 2.
func (p *paper) accuracy() ([]table.Table, error) {
	t := table.Table{
		Title:   "Table 2: protocol, domain, events and accuracy of each device, by event-knn",
		Columns: table.Columns("data", "device", "protocol", "domain", "#activities", "#events", "#recall", "#precision", "#published", "#floor"),
	}
	row := func(src, device string, c channel, items []results.Item, key string, published float64) {
		of := tallies(items, match.ByDevice)[key]
		classes := map[string]int{}
		most := 0
		for _, it := range items {
			if match.ByDevice(it.Truth) == key {
				classes[it.Truth]++
				most = max(most, classes[it.Truth])
			}
		}
		pub := math.NaN()
		if published > 0 {
			pub = published
		}
		recall, precision, floor := table.Missing(), table.Missing(), table.Missing()
		if of.events > 0 {
			recall, precision = table.Number(of.recall(), table.Score), table.Number(of.precision(), table.Score)
			floor = table.Number(results.Ratio(most, of.events), table.Score)
		}
		t.Rows = append(t.Rows, append(words(src, device, c.protocol, c.domain), table.Count(len(classes)), table.Count(of.events), recall, precision, numberOrMissing(pub, table.Score), floor))
	}

	// The authors published neither addresses nor ports.
	var m measured
	var err error
	if len(p.authors) > 0 {
		if m, err = p.onAuthors("event-knn:k=1"); err != nil {
			return nil, err
		}
	}
	for _, r := range p.recordedDevices() {
		row(fromAuthors, r.platform+" "+r.device, channel{"", "–", "–"}, m.items, r.file, r.pre)
	}
	for i := range p.divided {
		if m, err = p.onHomes("event-knn", &p.divided[i]); err != nil {
			return nil, err
		}
		for _, d := range p.homeDevices() {
			row(p.homesSource(&p.divided[i]), d, p.channelOf(d), m.items, d, 0)
		}
	}
	t.Notes = append([]string{
		"Published: the column Pre of the authors' own table (Sum up.xlsx), taken for precision; the rows of the article's table are lost in the stored text. Of the Samsung sensors it is that of motion alone.",
		"Floor: what naming the device's commonest activity every time gives.",
	}, p.notes()...)
	return []table.Table{t}, nil
}

// hub is table 3.
func (p *paper) hub() ([]table.Table, error) {
	t := table.Table{Title: "Table 3: events of the Mi control hub", Columns: table.Columns("data", "event", "private", "tells", "that is")}
	for _, c := range hubCommands() {
		m := privacy.OfClass("xiaomi_hub/" + c)
		t.Rows = append(t.Rows, words("authors' table", c, "yes", m.Kinds(), m.Says))
	}

	// The profile has fewer events than the hub: those whose packets are published,
	// or lie on its grid of lengths.
	all, err := profile.Load()
	if err != nil {
		return nil, err
	}
	d, err := all.Device("xiaomi_hub")
	if err != nil {
		return nil, err
	}
	for _, e := range d.Events {
		m := privacy.OfClass(datasets.EventClass(d.ID, e.Name))
		t.Rows = append(t.Rows, words(fromHomes, e.Name, yes(m.Private()), m.Kinds(), m.Says))
	}
	t.Notes = []string{
		"The article's table marks private events in gray; its rows are lost in the stored text. The authors' own table (Sum up.xlsx) gives the hub 40 commands and names these as private.",
		"Tells: " + privacy.Star,
	}
	return []table.Table{t}, nil
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// taxonomy is table 4.
func (p *paper) taxonomy() ([]table.Table, error) {
	t := table.Table{Title: "Table 4: what activities and devices tell about people", Columns: table.Columns("words of the device", "words of the activity", "tells", "that is", "source")}

	// In the order in which entries are tried: the first that fits counts.
	for _, e := range privacy.Entries() {
		activity := e.Activities
		switch {
		case e.There:
			activity = "(that it is there)"
		case activity == "":
			activity = "(any)"
		}
		device := e.Devices
		if device == "" {
			device = "(any)"
		}
		t.Rows = append(t.Rows, words(device, activity, strings.Join(e.Tells, ", "), e.Says, e.Source))
	}
	for _, c := range privacy.Combinations() {
		needs := strings.Join(c.Needs, " + ")
		if len(c.Without) > 0 {
			needs += ", no " + strings.Join(c.Without, ", no ")
		}
		t.Rows = append(t.Rows, words("(several)", needs, strings.Join(c.Tells, ", "), c.Says, c.Source))
	}
	t.Notes = []string{
		"The first entry that fits counts; a star stands for any letters. The rows of the article's table are lost in the stored text: IoTEvent is what sections 3.4.2 and 4.2.3 say of it, IoTEvents repository what the authors' own table names a privacy command.",
	}
	return []table.Table{t}, nil
}
