package artifact

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/gridfile"
	"veilbench/bench/cli/source"
	"veilbench/bench/cost"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/params"
	"veilbench/reports"
)

// experiment is one grid of an artifact, as a file, and what it took.
type experiment struct {
	File, About, YAML string
	Claims            []string // IDs
	Cells             int
	Minutes, modelMB  float64
	DiskMB            int    // of the whole run only
	Memory            string // in MB
}

// Out is the folder of its run.
func (e experiment) Out() string {
	return "out/" + strings.ReplaceAll(strings.TrimSuffix(e.File, ".yaml"), "/", "-")
}

// longFile is the name of the whole experiment.
const longFile = "experiment.yaml"

// experimentsOf are the whole experiment and, for each task of what was asked for as
// data, a short one: no attack that does worse than another changes a claim, so
// those that set one are enough, and give the very same figures. It enters the files
// into the claims.
func experimentsOf(s *reports.Set, claims []claim) (long experiment, short []experiment) {
	m := *s.Options.Manifest
	long = experiment{File: longFile, About: "everything", YAML: experimentYAML(m)}
	long.Minutes, long.modelMB = minutes(s, func(results.Cell) bool { return true })
	long.Cells = len(s.Results) + len(s.Planted)
	long.Minutes = rounded(long.Minutes)

	type part struct {
		asked   string
		task    datasets.Task
		vantage datasets.Vantage
	}
	of := map[part][]int{}
	var order []part
	for i, c := range claims {
		k := part{askedFor(m, c.Data), c.Task, c.Vantage}
		if of[k] == nil {
			order = append(order, k)
		}
		of[k] = append(of[k], i)
	}
	for n, k := range order {
		e := experiment{File: fmt.Sprintf("short/%d.yaml", n+1), About: fmt.Sprintf("%s, %s", s.About(claims[of[k][0]].at.Panel), reports.Plural(len(of[k]), "claim"))}
		sub := m
		sub.Tasks, sub.Vantages = []datasets.Task{k.task}, []datasets.Vantage{k.vantage}
		sub.Data = slices.DeleteFunc(slices.Clone(m.Data), func(d results.DataEntry) bool { return d.Asked != k.asked })
		for i := range sub.Data {
			sub.Data[i].Tasks = sub.Tasks
		}

		// What an attack learns without a defense is the evidence for what it does not
		// learn behind one, so that row is always there.
		sub.Defenses, sub.Attacks, sub.Knowledge = nil, nil, nil
		if slices.Contains(m.Defenses, results.NoDefense) {
			sub.Defenses = []string{results.NoDefense}
		}
		for _, i := range of[k] {
			sum := s.Summaries[claims[i].at]
			add(&sub.Defenses, claims[i].Defense)
			add(&sub.Attacks, sum.Attack)
			add(&sub.Knowledge, sum.Knowledge)
			e.Claims = append(e.Claims, claims[i].ID)
		}
		e.YAML = experimentYAML(sub)
		count := func(c results.Cell) bool {
			return askedFor(m, c.Dataset) == k.asked && c.Task == k.task && c.Vantage == k.vantage && slices.Contains(sub.Defenses, c.Defense) &&
				slices.Contains(sub.Attacks, c.Attack) && (slices.Contains(sub.Knowledge, c.Knowledge) || c.Knowledge == results.Planted)
		}
		e.Minutes, e.modelMB = minutes(s, count)
		e.Minutes = rounded(e.Minutes)
		for _, list := range [][]results.Result{s.Results, s.Planted} {
			for _, r := range list {
				if count(r.Cell) {
					e.Cells++
				}
			}
		}
		for _, i := range of[k] {
			claims[i].Short, claims[i].ShortMinutes, claims[i].Long, claims[i].LongMinutes = e.File, e.Minutes, longFile, long.Minutes
		}
		short = append(short, e)
	}
	return long, short
}

// rounded is a time in minutes to hundredths, upwards.
func rounded(v float64) float64 { return math.Ceil(v*100) / 100 }

func add[T comparable](list *[]T, v T) {
	if !slices.Contains(*list, v) {
		*list = append(*list, v)
	}
}

// askedFor is the word that a data set came from.
func askedFor(m results.Manifest, name string) string {
	for _, d := range m.Data {
		if d.Name == name {
			return d.Asked
		}
	}
	return ""
}

// experimentYAML is a manifest as a file for "veilbench run".
func experimentYAML(m results.Manifest) string {
	var b strings.Builder
	list := func(key string, words []string) {
		if len(words) > 0 {
			fmt.Fprintf(&b, "%s:\n", key)
			for _, w := range words {
				fmt.Fprintf(&b, "  - %q\n", w)
			}
		}
	}

	// A word may have made several data sets and is named once.
	b.WriteString("# Made from the manifest of a run.\ndatasets:\n")
	seen := map[string]bool{}
	for _, d := range m.Data {
		if seen[d.Asked] {
			continue
		}
		seen[d.Asked] = true
		fmt.Fprintf(&b, "  - %q: {tasks: [%s]", d.Asked, strings.Join(texts(d.Tasks), ", "))
		if len(d.Unmonitored) > 0 {
			fmt.Fprintf(&b, ", unmonitored: [%s]", quoted(d.Unmonitored))
		}
		b.WriteString("}\n")
	}
	if m.Test != "" {
		fmt.Fprintf(&b, "test: %q\n", m.Test)
	}
	list("tasks", texts(m.Tasks))
	list("vantage", texts(m.Vantages))
	list("defenses", m.Defenses)
	list("attacks", m.Attacks)
	list("knowledge", texts(m.Knowledge))
	if m.Split != "" {
		fmt.Fprintf(&b, "split: %q\n", m.Split)
	}
	fmt.Fprintf(&b, "draws: %d\ntrain_draws: %d\nseed: %d\n", m.Draws, m.TrainDraw, m.Seed)
	var link []string
	for _, p := range params.List(cost.Link(m.Link)) {
		link = append(link, p.Key+": "+p.Value)
	}
	fmt.Fprintf(&b, "link: {%s}\n", strings.Join(link, ", "))
	if !m.Canaries {
		b.WriteString("canaries: \"off\"\n")
	}
	return b.String()
}

func texts[T ~string](v []T) []string {
	var out []string
	for _, x := range v {
		out = append(out, string(x))
	}
	return out
}

// quoted lists words for a YAML flow.
func quoted(v []string) string {
	var out []string
	for _, x := range v {
		out = append(out, fmt.Sprintf("%q", x))
	}
	return strings.Join(out, ", ")
}

// sameAgain makes the experiment of a file as another machine will, and refuses one
// whose data or settings are not those of the run.
func sameAgain(ctx context.Context, a *command.App, e experiment, m results.Manifest) error {
	c, err := gridfile.Parse(e.File, e.YAML)
	if err != nil {
		return err
	}
	g, asked, err := c.Grid(ctx, a.Plugins, source.Options{})
	if err != nil {
		return fmt.Errorf("the experiment cannot be made from its manifest: %w", err)
	}
	if diff := bench.ManifestOf(g, command.Version(), asked).Differs(m); len(diff) > 0 {
		return fmt.Errorf("made again from its manifest the experiment is another one: %s", strings.Join(diff, "; "))
	}
	return nil
}
