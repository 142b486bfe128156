// Package gridfile makes a bench.Grid of an experiment as people write it: a
// YAML file, a preset, flags, or the manifest of an earlier run.
//
// Open reads words and where they stand; Override lets flags replace some; Grid
// and Published resolve them with the plug-ins that there are. So a mistake is
// shown at its place, and before any data are read.
package gridfile

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"veilbench/bench/cli/yamlfile"
	"veilbench/bench/cost"
	"veilbench/bench/outside"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/params"
)

// Config is an experiment as written, no name of it resolved.
type Config struct {
	file *yamlfile.File // nil when everything came from flags

	datasets  []dataset
	test      dataset
	tasks     []yamlfile.Value
	vantages  []yamlfile.Value
	defenses  []yamlfile.Value
	devices   []device // of the defenses, those that were captured
	attacks   []yamlfile.Value
	knowledge []yamlfile.Value
	split     yamlfile.Value
	draws     yamlfile.Value
	trainDraw yamlfile.Value
	seed      yamlfile.Value
	link      yamlfile.Value
	canaries  yamlfile.Value
	published []quote
	matrices  []matrix
	likes     bool // took over what a preset says

	// allowExec says that programs may be started that no flag names; recorded are those
	// of a manifest, by ID, where the config is of one.
	allowExec bool
	recorded  map[string]results.Program
}

// dataset is the ID of a data set, only these of its tasks (nil: all that it
// serves), and the devices that nobody labeled.
type dataset struct {
	yamlfile.Value
	tasks, unmonitored []yamlfile.Value
	// taken says that tasks were said of the data sets that this one stands for:
	// where it serves none of them they say nothing of it.
	taken bool
}

// words are the tasks that d is to be used for, nil for all that it serves.
func (d dataset) words() []datasets.Task {
	var out []datasets.Task
	for _, t := range d.tasks {
		out = append(out, datasets.Task(t.Text))
	}
	return out
}

// Open reads a preset or, if there is none of the name, a file.
func Open(name string) (Config, error) {
	if b, err := presetFiles.ReadFile(presetFile(name)); err == nil {
		return Parse(name, string(b))
	}
	text, err := yamlfile.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(name, "./\\") {
		return Config{}, fmt.Errorf("no preset and no file %q%s (presets: %s)", name, params.DidYouMean(name, presetNames()), strings.Join(presetNames(), ", "))
	}
	if err != nil {
		return Config{}, err
	}
	return Parse(name, text)
}

// Parse reads YAML text as Open reads that of a file; name stands in messages.
func Parse(name, text string) (Config, error) {
	var c Config
	var root ast.Node
	var err error
	c.file, root, err = yamlfile.Parse(name, text, "a run needs at least datasets, defenses and attacks")
	if err != nil {
		return c, err
	}
	if err := c.like(root); err != nil {
		return c, err
	}
	err = c.file.Read(root, "", c.keys())
	return c, err
}

// like fills c with what the preset says that root names under the key like,
// before root's own keys replace some of it. Words taken over stand in no file of
// the user's, so that no mistake points into it: presets have none.
func (c *Config) like(root ast.Node) error {
	pairs, err := c.file.Pairs(root)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		if p.Key.Text != likeKey {
			continue
		}
		v, err := c.file.Scalar(p.Node)
		if err != nil {
			return err
		}
		text, err := presetFiles.ReadFile(presetFile(v.Text))
		if err != nil {
			return c.file.Wrong(v.At, fmt.Errorf("unknown preset %q%s (has %s)", v.Text, params.DidYouMean(v.Text, presetNames()), strings.Join(presetNames(), ", ")))
		}

		// A preset may be like another itself; a circle of them would not get through
		// the tests, and a user's file is never one of them.
		base, err := Parse(v.Text, string(text))
		if err != nil {
			return err
		}
		own := c.file
		*c = base
		c.file, c.likes = own, true
		c.unplace()
	}
	return nil
}

// unplace takes from words their places, which are none of c's own file.
func (c *Config) unplace() {
	lists := [][]yamlfile.Value{c.tasks, c.vantages, c.defenses, c.attacks, c.knowledge}
	for i := range c.datasets {
		c.datasets[i].At = nil
		lists = append(lists, c.datasets[i].tasks, c.datasets[i].unmonitored)
	}
	for _, l := range lists {
		for i := range l {
			l[i].At = nil
		}
	}
	for _, v := range []*yamlfile.Value{&c.test.Value, &c.split, &c.draws, &c.trainDraw, &c.seed, &c.link, &c.canaries} {
		v.At = nil
	}
}

// likeKey is the key that names a preset to start from.
const likeKey = "like"

// Words are what flags say in place of a config's lists. Empty ones leave the
// config as it is.
type Words struct {
	Datasets, Defenses, Attacks, Knowledge, Tasks, Vantages []string
	Split, Seed, Test, Canaries                             string
	// AllowExec starts programs that a file or a manifest names. Who names one by a flag
	// wants it started.
	AllowExec bool
	// Before is a data set in place of all others, After what was captured after real
	// devices with it, each as NAME=DATASET; Pairing and OneClock say how.
	Before, Pairing string
	After           []string
	OneClock        bool
}

// commonTasks are those that the file asks of each of its data sets alike: what the
// experiment is about, whatever it is done with. Nil where it asks different ones.
func (c *Config) commonTasks() []yamlfile.Value {
	if len(c.datasets) == 0 {
		return nil
	}
	same := func(a, b yamlfile.Value) bool { return a.Text == b.Text }
	first := c.datasets[0].tasks
	for _, d := range c.datasets {
		if !slices.EqualFunc(d.tasks, first, same) {
			return nil
		}
	}
	return first
}

// Override replaces, and does not extend, what w names. A data set takes over the
// tasks of those in whose place it comes, unless w names tasks.
//
// It is an error if what is captured after a device is not written as it should be.
func (c *Config) Override(w Words) error {
	c.allowExec = c.allowExec || w.AllowExec
	if len(w.Datasets) > 0 {
		tasks := c.commonTasks()
		if len(w.Tasks) > 0 {
			tasks = nil
		}
		c.datasets = nil
		for _, id := range w.Datasets {
			c.datasets = append(c.datasets, dataset{Value: yamlfile.Value{Text: id}, tasks: tasks, taken: true})
		}
	}
	override(&c.defenses, w.Defenses)
	override(&c.attacks, w.Attacks)
	override(&c.knowledge, w.Knowledge)
	override(&c.tasks, w.Tasks)
	override(&c.vantages, w.Vantages)

	// A word alone: what a file says of tasks and devices was of another data set.
	if w.Test != "" {
		c.test = dataset{Value: yamlfile.Value{Text: w.Test}}
	}
	if w.Split != "" {
		c.split = yamlfile.Value{Text: w.Split}
	}
	if w.Seed != "" {
		c.seed = yamlfile.Value{Text: w.Seed}
	}
	if w.Canaries != "" {
		c.canaries = yamlfile.Value{Text: w.Canaries}
	}
	return c.overrideDevices(w)
}

func override[T ~string](list *[]yamlfile.Value, with []T) {
	if len(with) > 0 {
		*list = words(with)
	}
}

// words are values that stand in no file.
func words[T ~string](texts []T) []yamlfile.Value {
	var out []yamlfile.Value
	for _, t := range texts {
		out = append(out, yamlfile.Value{Text: string(t)})
	}
	return out
}

// OfManifest is the experiment that a run's manifest tells of, without its
// published figures and without attacks whose answers were given elsewhere: these
// lie in the run's folder.
func OfManifest(m results.Manifest) Config {
	c := Config{
		tasks: words(m.Tasks), vantages: words(m.Vantages), knowledge: words(m.Knowledge),
		defenses: words(computed(m)), devices: devicesOf(m), attacks: words(slices.DeleteFunc(slices.Clone(m.Attacks), func(id string) bool { return strings.HasPrefix(id, outside.Prefix) })),
		test:      dataset{Value: yamlfile.Value{Text: m.Test}},
		split:     yamlfile.Value{Text: string(m.Split)},
		draws:     yamlfile.Value{Text: fmt.Sprint(m.Draws)},
		trainDraw: yamlfile.Value{Text: fmt.Sprint(m.TrainDraw)},
		seed:      yamlfile.Value{Text: fmt.Sprint(m.Seed)},
		link:      yamlfile.Value{Text: params.ID("", cost.Link(m.Link))},
		canaries:  yamlfile.Value{Text: canariesOn},
		recorded:  m.Programs,
	}
	if c.recorded == nil {
		c.recorded = map[string]results.Program{}
	}
	if !m.Canaries {
		c.canaries.Text = canariesOff
	}

	// A word of the run may have made several data sets, and would make them all
	// again each time it is named.
	at := map[string]int{}
	for _, d := range m.Data {
		// A question of one's own stands for the tasks that answer it.
		tasks := words(d.Tasks)
		if d.Question != "" {
			tasks = words([]string{d.Question})
		}
		i, seen := at[d.Asked]
		switch {
		case !seen:
			at[d.Asked] = len(c.datasets)
			c.datasets = append(c.datasets, dataset{Value: yamlfile.Value{Text: d.Asked}, tasks: tasks, unmonitored: words(d.Unmonitored)})
		case d.Question != "":
			c.datasets[i].tasks = append(c.datasets[i].tasks, tasks...)
		}
	}
	return c
}

// Help explains every key of a config file, one on a line.
func Help() string { return yamlfile.Help(new(Config).keys()) }

// keys of a config file, in the order of the help text.
func (c *Config) keys() []yamlfile.Key {
	single := yamlfile.Into[yamlfile.Value]
	list := func(to *[]yamlfile.Value, one func(ast.Node) (yamlfile.Value, error)) func(ast.Node) error {
		return yamlfile.Into(to, func(n ast.Node) ([]yamlfile.Value, error) { return yamlfile.List(c.file, n, one) })
	}
	matrices := func(n ast.Node) ([]matrix, error) { return yamlfile.List(c.file, n, c.matrix) }
	quotes := func(n ast.Node) ([]quote, error) { return yamlfile.List(c.file, n, c.quote) }
	datasets := func(n ast.Node) ([]dataset, error) { return yamlfile.List(c.file, n, c.dataset) }

	// A link has one kind only, so its settings stand without a name.
	link := func(n ast.Node) (yamlfile.Value, error) {
		set, err := c.file.Settings(n)
		return yamlfile.Value{Text: set, At: n.GetToken().Position}, err
	}
	return []yamlfile.Key{
		{Name: likeKey, Doc: "a preset to start from: the keys below replace what it says", Read: func(ast.Node) error { return nil }}, // read before, see like
		{Name: "datasets", Doc: `what to test on: home:PRESET, NAME, NAME=PATH, a folder, or {home: {preset: P, homes: 5, tasks: [event], unmonitored: [DEVICE]}}, {folder: {path: P, labels: FILE, zone: Europe/Berlin}}`, Read: yamlfile.Into(&c.datasets, datasets)},
		{Name: "test", Doc: "a second data set, written as those: each of them trains and this one is tested on (default: each is split)", Read: yamlfile.Into(&c.test, c.dataset)},
		{Name: "tasks", Doc: "event, device, command, clip, routine, detect (default: all that the labels of the data serve; detect, whether a defense shows, must be named)", Read: list(&c.tasks, c.file.Scalar)},
		{Name: "vantage", Doc: "where the observer sits: lan, wifi, wan, zigbee, or two of them as wifi+wan, for attacks that see both (default wan, or that of a recording without a home border)", Read: list(&c.vantages, c.file.Scalar)},
		{Name: "defenses", Doc: "ID, {NAME: {key: value}}, {chain: [ID, ID]}, {exec: {command: [PROGRAM, ARGUMENT], key: value}}, {captured: {name: NAME, after: DATASET, pairing: paired, one_clock: true}}, or all", Read: list(&c.defenses, c.defense)},
		{Name: "attacks", Doc: "ID, {NAME: {key: value}}, {exec: {command: [PROGRAM, ARGUMENT], key: value}}, or all", Read: list(&c.attacks, c.file.Plugin)},
		{Name: "knowledge", Doc: "of the attacker: unaware, adaptive, transfer (default unaware and adaptive)", Read: list(&c.knowledge, c.file.Scalar)},
		{Name: "split", Doc: "of training and test, such as group-kfold:k=5 (default: the data set's own)", Read: single(&c.split, c.file.Plugin)},
		{Name: "draws", Doc: "how often random defenses are drawn in test (default 1)", Read: single(&c.draws, c.file.Scalar)},
		{Name: "train_draws", Doc: "how many draws of each training trace an adaptive attacker sees (default 1)", Read: single(&c.trainDraw, c.file.Scalar)},
		{Name: "seed", Doc: "of every random draw (default 1)", Read: single(&c.seed, c.file.Scalar)},
		{Name: "link", Doc: "the home's access line, passed after every defense: " + linkKeys(), Read: single(&c.link, link)},
		{Name: "canaries", Doc: "on, or off: without artificial signals behind each defense no low score is evidence (default on)", Read: single(&c.canaries, c.file.Scalar)},
		{Name: "published", Doc: "figures of a paper to print beside ours: {" + strings.Join(yamlfile.Names(quoteKeys(nil, new(quote))), ", ") + "}", Read: yamlfile.Into(&c.published, quotes)},
		{Name: "matrices", Doc: "confusion matrices of a paper: {" + strings.Join(yamlfile.Names(c.matrixKeys(new(matrix))), ", ") + "}", Read: yamlfile.Into(&c.matrices, matrices)},
	}
}

// linkKeys lists the settings of a link as they are written.
func linkKeys() string {
	var out []string
	for _, p := range params.List(cost.DefaultLink()) {
		out = append(out, p.Key+": "+p.Value)
	}
	return "{" + strings.Join(out, ", ") + "}"
}

// dataset reads "home:preset", "name=path", {home: {preset: p, homes: 5}} or
// {name: {path: p}}; a mapping may name the tasks to use it for, and
// devices that nobody labeled.
func (c *Config) dataset(n ast.Node) (dataset, error) {
	if _, ok := n.(ast.ScalarNode); ok {
		v, err := c.file.Scalar(n)
		return dataset{Value: v}, err
	}
	p, err := c.file.Single(n)
	if err != nil {
		return dataset{}, err
	}
	pairs, err := c.file.Pairs(p.Node)
	if err != nil {
		return dataset{}, err
	}

	// An ID is NAME:PRESET:settings or NAME=PATH, in whatever order the mapping
	// has them, so settings wait in rest.
	d := dataset{Value: p.Key}
	rest, sep := "", ":"
	lists := map[string]*[]yamlfile.Value{"tasks": &d.tasks, "unmonitored": &d.unmonitored}
	for _, kv := range pairs {
		if to := lists[kv.Key.Text]; to != nil {
			if *to, err = yamlfile.List(c.file, kv.Node, c.file.Scalar); err != nil {
				return d, err
			}
			continue
		}
		// Lists, as of label files, are joined as in an ID.
		vs, err := yamlfile.List(c.file, kv.Node, c.file.Scalar)
		v := yamlfile.Value{}
		for i, x := range vs {
			if v.Text += x.Text; i < len(vs)-1 {
				v.Text += "+"
			}
		}
		switch {
		case err != nil:
			return d, err
		case kv.Key.Text == "preset":
			d.Text += ":" + v.Text
		case kv.Key.Text == "path":
			d.Text += "=" + v.Text
		default:
			rest += sep + kv.Key.Text + "=" + v.Text
			sep = ","
		}
	}
	d.Text += rest
	return d, nil
}
