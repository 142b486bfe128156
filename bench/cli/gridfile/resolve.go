package gridfile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"veilbench/attacks"
	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/bench/cli/yamlfile"
	"veilbench/bench/cost"
	"veilbench/bench/oath"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/parallel"
	"veilbench/datasets/params"
	"veilbench/defenses"
)

// Grid resolves the names of c and loads the data sets. asked says for each of
// these, by its name, which word of the config it came from.
func (c Config) Grid(ctx context.Context, p command.Plugins, opt source.Options) (g bench.Grid, asked map[string]string, err error) {
	// All but the data sets is checked before any data are read, so a typo costs no
	// time.
	if g, err = c.settings(p); err != nil {
		return g, nil, err
	}

	named, err := c.expand()
	if err != nil {
		return g, nil, err
	}
	opt.Own = p.Datasets
	if err := opt.Counts(c.dataIDs(named)...); err != nil {
		return g, nil, err
	}
	sets, err := c.loadAll(ctx, named, g.Seed, opt)
	if err != nil {
		return g, nil, err
	}
	asked, said := map[string]string{}, make([][]datasets.Task, 0, len(named))
	for k, v := range named {
		ds := sets[k]
		for i := range ds {
			if asked[ds[i].Name] != "" {
				return g, nil, c.file.Wrong(v.At, fmt.Errorf("data set %s is named twice: %s and %s", ds[i].Name, asked[ds[i].Name], v.Text))
			}
			asked[ds[i].Name] = opt.Asked(v.Text)
			said = append(said, v.words())
		}
		g.Datasets = append(g.Datasets, ds...)
	}
	if err := c.addDevices(ctx, &g, opt); err != nil {
		return g, nil, err
	}
	if c.test.Text != "" {
		asked, err = c.joinTest(ctx, &g, asked, opt)
	}
	if err == nil {
		// Only now are names those that results have.
		of := map[string][]datasets.Task{}
		for i, ds := range g.Datasets {
			of[ds.Name] = said[i]
		}
		err = pose(&g, asked, of, p.Tasks)
	}
	if err == nil {
		err = unlabeled(g.Datasets)
	}
	return g, asked, err
}

// dataIDs are all data that c names, those to test on and those behind devices too.
func (c Config) dataIDs(named []dataset) []string {
	var out []string
	for _, v := range named {
		out = append(out, v.Text)
	}
	if c.test.Text != "" {
		out = append(out, c.test.Text)
	}
	for _, d := range c.devices {
		out = append(out, d.after.Text)
	}
	return out
}

// unlabeled refuses recordings without any truth: there is nothing that an attack
// could be right about.
func unlabeled(all []datasets.Dataset) error {
	for _, ds := range all {
		if len(ds.Tasks) > 0 || len(ds.Recordings) == 0 {
			return nil
		}
	}
	if len(all) == 0 {
		return nil
	}
	return fmt.Errorf("%s: no labels and no list of devices, so there is nothing that an attack could find out; put a table with the columns time, device, activity or a list of devices with their addresses beside the captures, or name one (--labels, --devices). \"datasets describe\" says what was understood, \"apply\" defends captures without labels", all[0].Name)
}

// expand lists the data sets as they are named, a glob as the captures that fit
// it.
func (c Config) expand() ([]dataset, error) {
	// A second word for a data set that is there is refused before it is loaded: a
	// short file could fill the memory with copies of one.
	var out []dataset
	words := map[string]bool{}
	for _, v := range c.datasets {
		ids, err := source.Expand(v.Text)
		if err != nil {
			return nil, c.file.Wrong(v.At, err)
		}
		for _, id := range ids {
			if words[id] {
				return nil, c.file.Wrong(v.At, fmt.Errorf("data set %s is named twice", id))
			}
			words[id] = true
			one := v
			one.Text = id
			out = append(out, one)
		}
	}
	return out, nil
}

// loadAll makes the data sets of every word. Captures are read side by side;
// folders and homes, which use all processors themselves, one after another.
func (c Config) loadAll(ctx context.Context, named []dataset, seed uint64, opt source.Options) ([][]datasets.Dataset, error) {
	var captures, others []int
	for i, v := range named {
		if source.IsCapture(v.Text) {
			captures = append(captures, i)
		} else {
			others = append(others, i)
		}
	}
	opt.Readers = min(runtime.GOMAXPROCS(0), len(captures))

	// Label files whose times count from the start fit any capture: who shares one
	// must know.
	var ids []string
	for _, v := range named {
		ids = append(ids, v.Text)
	}
	shared := opt.SharedLabels(ids)

	// Progress is told in order, by whoever has just finished.
	out := make([][]datasets.Dataset, len(named))
	var mu sync.Mutex
	done := 0
	err := parallel.For(ctx, opt.Readers, len(captures), func(_, k int) (err error) {
		i, opt := captures[k], opt
		opt.Shared = shared[named[i].Text]
		if out[i], err = c.load(ctx, named[i], seed, opt); err != nil {
			return err
		}
		if len(captures) > 1 && opt.Progress != nil {
			mu.Lock()
			defer mu.Unlock()
			done++
			opt.Progress(done, len(captures))
		}
		return nil
	})
	for _, i := range others {
		if err == nil {
			out[i], err = c.load(ctx, named[i], seed, opt)
		}
	}
	return out, err
}

// load makes the data sets of one word, with the tasks and the open world that the
// config says.
func (c Config) load(ctx context.Context, v dataset, seed uint64, opt source.Options) ([]datasets.Dataset, error) {
	ds, err := source.Load(ctx, v.Text, seed, opt)
	if err != nil {
		return nil, c.file.Wrong(v.At, err)
	}
	only := builtinOf(v.words())
	for i := range ds {
		if err := leaveOut(&ds[i], v.unmonitored); err != nil {
			return nil, c.file.Wrong(v.unmonitored[0].At, err)
		}
		if v.tasks == nil {
			continue
		}

		// A preset's tasks bind only a data set that serves any of them: in place of its
		// homes there may stand a capture of another kind.
		served := slices.DeleteFunc(slices.Clone(ds[i].Tasks), func(t datasets.Task) bool { return !slices.Contains(only, t) })
		if t := datasets.TaskDetect; slices.Contains(only, t) && ds[i].Serves(t) {
			served = append(served, t)
		}
		if len(served) > 0 || !v.taken {
			ds[i].Tasks = served
		}
	}
	return ds, nil
}

// joinTest makes each data set of g train for that of the key test, and returns
// asked under the new names.
func (c Config) joinTest(ctx context.Context, g *bench.Grid, asked map[string]string, opt source.Options) (map[string]string, error) {
	v := c.test
	if len(v.unmonitored) > 0 {
		// The manifest has one list, which must fit what trains.
		return nil, c.file.Wrong(v.unmonitored[0].At, errors.New("unmonitored: name devices that nobody labeled under datasets, not under test"))
	}
	ds, err := c.load(ctx, v, g.Seed, opt)
	if err != nil {
		return nil, err
	}
	if len(ds) != 1 {
		return nil, c.file.Wrong(v.At, fmt.Errorf("test: %s is %d data sets; name one of them", v.Text, len(ds)))
	}

	out := map[string]string{}
	for i, train := range g.Datasets {
		if g.Datasets[i], err = datasets.TrainTest(train, ds[0]); err != nil {
			return nil, c.file.Wrong(v.At, fmt.Errorf("test: %w", err))
		}
		out[g.Datasets[i].Name] = asked[train.Name]
	}
	g.Test = opt.Asked(v.Text)
	return out, nil
}

// settings resolves everything but the data sets.
func (c Config) settings(p command.Plugins) (g bench.Grid, err error) {
	if err = c.need(); err != nil {
		return g, err
	}
	if g.Seed, err = c.seedOf(); err != nil {
		return g, err
	}
	if g.Draws, err = c.count(c.draws, "draws"); err != nil {
		return g, err
	}
	if g.TrainDraws, err = c.count(c.trainDraw, "train_draws"); err != nil {
		return g, err
	}
	if err = mayBeNamed(p.Tasks); err != nil {
		return g, err
	}
	if g.Tasks, err = choose(c.file, c.tasks, "task", taskWords(p.Tasks)); err != nil {
		return g, err
	}
	for _, v := range append(slices.Clone(c.datasets), c.test) {
		if _, err = choose(c.file, v.tasks, "task", taskWords(p.Tasks)); err != nil {
			return g, err
		}
	}
	for _, v := range c.vantages {
		at, err := datasets.ParsePlaces(v.Text)
		if err != nil {
			return g, c.file.Wrong(v.At, err)
		}
		if !slices.Contains(g.Vantages, at) {
			g.Vantages = append(g.Vantages, at)
		}
	}
	if g.Knowledge, err = choose(c.file, c.knowledge, "knowledge", []results.Knowledge{results.Unaware, results.Adaptive, results.Transfer}); err != nil {
		return g, err
	}
	if c.split.Text != "" && c.test.Text != "" && c.split.Text != string(datasets.TrainTestSplit) {
		return g, c.file.Wrong(c.split.At, fmt.Errorf("split %s: with test, one data set trains and the other is tested on, so there is nothing to split", c.split.Text))
	}
	if c.split.Text != "" {
		if g.Split, err = datasets.ParseSplit(c.split.Text); err != nil {
			return g, c.file.Wrong(c.split.At, err)
		}
	}
	if g.Link, err = c.linkOf(); err != nil {
		return g, err
	}
	on, err := choose(c.file, c.canariesOf(), "setting of canaries", []string{canariesOn, canariesOff})
	if err != nil {
		return g, err
	}
	g.NoCanaries = on[0] == canariesOff
	if err := c.checkDevices(p); err != nil {
		return g, err
	}
	if g.Defenses, err = plugins(c.file, c.computed(), p.Defenses, c.parseDefense(p), defenses.ID); err != nil {
		return g, err
	}
	if g.Attacks, err = plugins(c.file, c.attacks, p.Attacks, c.parseAttack(p), attacks.ID); err != nil {
		return g, err
	}

	// A label leaves out what is as by default, which only the list of plug-ins
	// knows: reports have the results alone.
	g.Labels = map[string]string{}
	for _, d := range g.Defenses {
		g.Labels[defenses.ID(d)] = p.DefenseLabel(d)
	}
	for _, at := range g.Attacks {
		g.Labels[attacks.ID(at)] = p.AttackLabel(at)
	}
	return g, nil
}

// need names the first list that is missing.
func (c Config) need() error {
	for _, l := range []struct {
		key, one, flag string
		has            int
	}{
		{"datasets", "data set", "--dataset", len(c.datasets)},
		{"defenses", "defense", "--defense", len(c.defenses) + len(c.devices)},
		{"attacks", "attack", "--attack", len(c.attacks)},
	} {
		switch {
		case l.has > 0:
		case c.file == nil:
			return fmt.Errorf("no %s given; %s NAME (veilbench list %s)", l.one, l.flag, l.key)
		default:
			return fmt.Errorf("%s names no %s: add it there or with %s NAME (veilbench list %s)", c.file.Name, l.key, l.flag, l.key)
		}
	}
	return nil
}

func (c Config) seedOf() (uint64, error) {
	if c.seed.Text == "" {
		return 1, nil
	}
	n, err := strconv.ParseUint(c.seed.Text, 10, 64)
	if err != nil {
		return 0, c.file.Wrong(c.seed.At, fmt.Errorf("seed %s: want a whole number from 0 to 18446744073709551615", c.seed.Text))
	}
	return n, nil
}

// count reads how often something is drawn; 0 leaves it to the grid.
func (c Config) count(v yamlfile.Value, name string) (int, error) {
	if v.Text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(v.Text)
	if err != nil || n < 1 || n > 1000 {
		return 0, c.file.Wrong(v.At, fmt.Errorf("%s %s: want a whole number from 1 to 1000", name, v.Text))
	}
	return n, nil
}

// Words for whether canaries are planted.
const (
	canariesOn  = "on"
	canariesOff = "off"
)

// canariesOf is the word of c, on by default.
func (c Config) canariesOf() []yamlfile.Value {
	if c.canaries.Text == "" {
		return words([]string{canariesOn})
	}
	return []yamlfile.Value{c.canaries}
}

// AddUndefended puts the undefended traffic into a grid with canaries that lacks
// it, and says whether it did: a low score is evidence for a defense only where the
// same attack works without it. Programs without the defense "none" have none.
func AddUndefended(g *bench.Grid, p command.Plugins) bool {
	none, err := defenses.Parse(p.Defenses, results.NoDefense)
	has := slices.ContainsFunc(g.Defenses, func(d defenses.Defense) bool { return defenses.ID(d) == results.NoDefense })
	if err != nil || has || g.NoCanaries {
		return false
	}
	g.Defenses = append([]defenses.Defense{none}, g.Defenses...)
	g.Labels[results.NoDefense] = defenses.Label(p.Defenses, none)
	return true
}

func (c Config) linkOf() (cost.Link, error) {
	_, set, err := params.Split("link" + c.link.Text)
	if err == nil {
		var l cost.Link
		if l, err = params.With(cost.DefaultLink(), set); err == nil {
			return l, nil
		}
	}
	return cost.Link{}, c.file.Wrong(c.link.At, fmt.Errorf("link: %w", err))
}

// choose checks a list of fixed words and returns each once.
func choose[T ~string](f *yamlfile.File, vs []yamlfile.Value, what string, known []T) ([]T, error) {
	var out []T
	var names []string
	for _, k := range known {
		names = append(names, string(k))
	}
	for _, v := range vs {
		if !slices.Contains(known, T(v.Text)) {
			return nil, f.Wrong(v.At, fmt.Errorf("unknown %s %q%s (has %s)", what, v.Text, params.DidYouMean(v.Text, names), strings.Join(names, ", ")))
		}
		if !slices.Contains(out, T(v.Text)) {
			out = append(out, T(v.Text))
		}
	}
	return out, nil
}

// allWord stands for every plug-in of a list.
const allWord = "all"

// plugins resolves a list of defenses or of attacks, each once.
func plugins[T any](f *yamlfile.File, vs []yamlfile.Value, known []T, parse func(yamlfile.Value) (T, error), id func(T) string) ([]T, error) {
	var out []T
	for _, v := range vs {
		if v.Text == allWord {
			out = append(out, known...)
			continue
		}
		x, err := parse(v)
		if err != nil {
			return nil, f.Wrong(v.At, err)
		}
		out = append(out, x)
	}

	// "all" and one of them by name, or two ways to write one ID, would be the
	// same cells twice. Two programs that call themselves alike are two things all the
	// same, and one of them would be lost without a word.
	seen := map[string]string{} // what is outside, by ID
	var kept []T
	for _, x := range out {
		outside := outsideOf(x)
		switch was, ok := seen[id(x)]; {
		case !ok:
			seen[id(x)] = outside
			kept = append(kept, x)
		case was != outside:
			return nil, fmt.Errorf("%s: two different programs have this name, %q and %q: let one greet with another name, or give it a parameter of its own that tells them apart", id(x), was, outside)
		}
	}
	return kept, nil
}

// outsideOf are the commands of the programs that a plug-in is, or is made of, with
// the beginning of their digests; "" for one that is none.
func outsideOf(plugin any) string {
	var out []string
	for _, o := range oath.Programs(plugin) {
		p := o.Program()
		out = append(out, strings.Join(p.Command, " ")+" ("+p.Digest()[:min(8, len(p.Digest()))]+")")
	}
	return strings.Join(out, " + ")
}

// leaveOut makes devices of ds unmonitored: an open world.
func leaveOut(ds *datasets.Dataset, names []yamlfile.Value) error {
	have := map[string]bool{}
	for _, r := range ds.Recordings {
		for _, d := range r.Labels.Devices {
			have[d] = true
		}
	}
	for _, n := range names {
		if !have[n.Text] {
			known := slices.Sorted(maps.Keys(have))
			return fmt.Errorf("unmonitored: %s has no device %q%s (has %s)", ds.Name, n.Text, params.DidYouMean(n.Text, known), strings.Join(known, ", "))
		}
		ds.Unmonitored = append(ds.Unmonitored, n.Text)
	}
	return nil
}
