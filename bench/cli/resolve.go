package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"veilbench/attacks"
	"veilbench/bench"
	"veilbench/bench/cost"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/params"
	"veilbench/defenses"
)

// grid resolves the names of c. Everything is checked before any data is read,
// so a typo costs no time.
// asked says which of the config's words each data set came from.
func (a *app) grid(ctx context.Context, c config, opt sourceOptions) (g bench.Grid, asked map[string]string, err error) {
	if g, err = a.settings(c); err != nil {
		return g, nil, err
	}
	asked = map[string]string{}
	for _, v := range c.datasets {
		ds, err := load(ctx, v.text, g.Seed, opt)
		if err != nil {
			return g, nil, c.file.wrong(v.at, err)
		}
		only, err := words(c, v.tasks, "task", datasets.Tasks())
		if err != nil {
			return g, nil, err
		}
		for i := range ds {
			asked[ds[i].Name] = v.text
			if err := leaveOut(&ds[i], v.unmonitored); err != nil {
				return g, nil, c.file.wrong(v.unmonitored[0].at, err)
			}
			if only != nil {
				ds[i].Tasks = slices.DeleteFunc(slices.Clone(ds[i].Tasks), func(t datasets.Task) bool { return !slices.Contains(only, t) })
			}
		}
		g.Datasets = append(g.Datasets, ds...)
	}
	return g, asked, nil
}

// settings resolves everything but the data sets.
func (a *app) settings(c config) (g bench.Grid, err error) {
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
	if g.Tasks, err = words(c, c.tasks, "task", datasets.Tasks()); err != nil {
		return g, err
	}
	if g.Vantages, err = words(c, c.vantages, "vantage", []datasets.Vantage{datasets.LAN, datasets.WiFi, datasets.WAN}); err != nil {
		return g, err
	}
	if g.Knowledge, err = words(c, c.knowledge, "knowledge", []results.Knowledge{results.Unaware, results.Adaptive, results.Transfer}); err != nil {
		return g, err
	}
	if c.split.text != "" {
		if g.Split, err = datasets.ParseSplit(c.split.text); err != nil {
			return g, c.file.wrong(c.split.at, err)
		}
	}
	if g.Link, err = c.linkOf(); err != nil {
		return g, err
	}
	if g.Defenses, err = a.defensesOf(c); err != nil {
		return g, err
	}
	if g.Attacks, err = a.attacksOf(c); err != nil {
		return g, err
	}
	g.Labels = map[string]string{}
	for _, d := range g.Defenses {
		g.Labels[defenses.ID(d)] = defenses.Label(a.Defenses, d)
	}
	for _, at := range g.Attacks {
		g.Labels[attacks.ID(at)] = attacks.Label(a.Attacks, at)
	}
	return g, nil
}

// need names the first list that is missing.
func (c config) need() error {
	for _, l := range []struct {
		name, flag string
		has        []value
	}{{"datasets", "--dataset NAME", c.datasets}, {"defenses", "--defense ID", c.defenses}, {"attacks", "--attack ID", c.attacks}} {
		if len(l.has) == 0 {
			where := "nothing"
			if c.file != nil {
				where = c.file.name
			}
			return fmt.Errorf("%s names no %s: add it there or with %s", where, l.name, l.flag)
		}
	}
	return nil
}

func (c config) seedOf() (uint64, error) {
	if c.seed.text == "" {
		return 1, nil
	}
	n, err := strconv.ParseUint(c.seed.text, 10, 64)
	if err != nil {
		return 0, c.file.wrong(c.seed.at, fmt.Errorf("seed %s: want a whole number from 0 to 18446744073709551615", c.seed.text))
	}
	return n, nil
}

func (c config) count(v value, name string) (int, error) {
	if v.text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(v.text)
	if err != nil || n < 1 || n > 1000 {
		return 0, c.file.wrong(v.at, fmt.Errorf("%s %s: want a whole number from 1 to 1000", name, v.text))
	}
	return n, nil
}

func (c config) linkOf() (cost.Link, error) {
	_, set, err := params.Split("link" + strings.TrimPrefix(c.link.text, "link"))
	if err == nil {
		var l cost.Link
		if l, err = params.With(cost.DefaultLink(), set); err == nil {
			return l, nil
		}
	}
	return cost.Link{}, c.file.wrong(c.link.at, fmt.Errorf("link: %w", err))
}

// words checks a list of fixed words.
func words[T ~string](c config, vs []value, what string, known []T) ([]T, error) {
	var out []T
	var names []string
	for _, k := range known {
		names = append(names, string(k))
	}
	for _, v := range vs {
		if !slices.Contains(known, T(v.text)) {
			return nil, c.file.wrong(v.at, fmt.Errorf("unknown %s %q%s (has %s)", what, v.text, params.DidYouMean(v.text, names), strings.Join(names, ", ")))
		}
		if !slices.Contains(out, T(v.text)) {
			out = append(out, T(v.text))
		}
	}
	return out, nil
}

// allWord stands for every plug-in of a list.
const allWord = "all"

func (a *app) defensesOf(c config) ([]defenses.Defense, error) {
	var out []defenses.Defense
	seen := map[string]bool{}
	add := func(d defenses.Defense) {
		if id := defenses.ID(d); !seen[id] {
			seen[id] = true
			out = append(out, d)
		}
	}
	for _, v := range c.defenses {
		if v.text == allWord {
			for _, d := range a.Defenses {
				add(d)
			}
			continue
		}
		d, err := defenses.Parse(a.Defenses, v.text)
		if err != nil {
			return nil, c.file.wrong(v.at, err)
		}
		add(d)
	}
	return out, nil
}

func (a *app) attacksOf(c config) ([]attacks.Attack, error) {
	var out []attacks.Attack
	seen := map[string]bool{}
	add := func(at attacks.Attack) {
		if id := attacks.ID(at); !seen[id] {
			seen[id] = true
			out = append(out, at)
		}
	}
	for _, v := range c.attacks {
		if v.text == allWord {
			for _, at := range a.Attacks {
				add(at)
			}
			continue
		}
		at, err := attacks.Parse(a.Attacks, v.text)
		if err != nil {
			return nil, c.file.wrong(v.at, err)
		}
		add(at)
	}
	return out, nil
}

// leaveOut makes devices of ds unmonitored: an open world.
func leaveOut(ds *datasets.Dataset, names []value) error {
	have := map[string]bool{}
	for _, r := range ds.Recordings {
		for _, d := range r.Labels.Devices {
			have[d] = true
		}
	}
	for _, n := range names {
		if !have[n.text] {
			known := slices.Sorted(maps.Keys(have))
			return fmt.Errorf("unmonitored: %s has no device %q%s (has %s)", ds.Name, n.text, params.DidYouMean(n.text, known), strings.Join(known, ", "))
		}
		ds.Unmonitored = append(ds.Unmonitored, n.text)
	}
	return nil
}
