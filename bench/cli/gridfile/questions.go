package gridfile

import (
	"fmt"
	"slices"
	"strings"

	"veilbench/bench"
	"veilbench/datasets"
)

// taskWords are the names of all tasks that can be asked for: the built-in ones and
// those of the program's own.
func taskWords(own []datasets.Question) []datasets.Task {
	out := datasets.Tasks()
	for _, q := range own {
		out = append(out, datasets.Task(q.Name))
	}
	return out
}

// builtinOf are those of tasks that are built in, nil where none is.
func builtinOf(tasks []datasets.Task) []datasets.Task {
	var out []datasets.Task
	for _, t := range tasks {
		if slices.Contains(datasets.Tasks(), t) {
			out = append(out, t)
		}
	}
	return out
}

// pose puts the program's own questions to the data sets of g, and adds the data sets
// that they give, named DATASET/QUESTION. of says which tasks a data set has been given
// by itself, by its name; g.Tasks are those of all. Where own questions alone are
// asked, the data set that they are about is no part of the grid.
func pose(g *bench.Grid, asked map[string]string, of map[string][]datasets.Task, own []datasets.Question) error {
	wanted := func(ds *datasets.Dataset, name string) bool {
		t, said := datasets.Task(name), of[ds.Name]
		inAll, inOwn := slices.Contains(g.Tasks, t), slices.Contains(said, t)
		return inAll && (inOwn || said == nil) || inOwn && g.Tasks == nil
	}
	var out []datasets.Dataset
	posed, served := map[string]bool{}, map[string]bool{}
	for _, ds := range g.Datasets {
		var made []datasets.Dataset
		here := false
		for _, q := range own {
			if !wanted(&ds, q.Name) {
				continue
			}
			here, posed[q.Name] = true, true
			d, err := put(q, ds)
			if err != nil {
				return err
			}
			if len(d.Recordings) > 0 {
				served[q.Name] = true
				made = append(made, d)
				asked[d.Name] = asked[ds.Name]
			}
		}

		// The grid's list of tasks would leave out the answers to own questions, so that
		// each data set says for itself what it is asked.
		if g.Tasks != nil {
			ds.Tasks = slices.DeleteFunc(slices.Clone(ds.Tasks), func(t datasets.Task) bool { return !slices.Contains(g.Tasks, t) })
		}
		if !here || len(ds.Tasks) > 0 {
			out = append(out, ds)
		}
		out = append(out, made...)
	}
	for _, q := range own {
		if posed[q.Name] && !served[q.Name] {
			return fmt.Errorf("task %s: no data set of the run serves it", q.Name)
		}
	}
	if len(posed) > 0 {
		g.Datasets, g.Tasks = out, nil
	}
	return nil
}

// put is the data set that question q makes of ds.
func put(q datasets.Question, ds datasets.Dataset) (datasets.Dataset, error) {
	given := ds
	given.Recordings = slices.Clone(ds.Recordings)
	for i := range given.Recordings {
		// What is relabeled in place must not be the truth of the other tasks.
		l := &given.Recordings[i].Labels
		l.Events, l.Devices, l.Owners = slices.Clone(l.Events), slices.Clone(l.Devices), slices.Clone(l.Owners)
	}
	d, err := q.Of(given)
	if err != nil {
		return d, fmt.Errorf("task %s of %s: %w", q.Name, ds.Name, err)
	}
	if len(d.Recordings) > 0 && (len(d.Tasks) == 0 || len(builtinOf(d.Tasks)) < len(d.Tasks)) {
		return d, fmt.Errorf("task %s of %s: it is answered by the tasks %v, want some of %v", q.Name, ds.Name, d.Tasks, datasets.Tasks())
	}
	d.Name, d.Question = ds.Name+"/"+q.Name, q.Name
	return d, nil
}

// mayBeNamed refuses names of the program's own plug-ins that could not be written, or
// would hide a task that is built in.
func mayBeNamed(own []datasets.Question) error {
	for _, q := range own {
		if q.Of == nil || q.Name == "" || strings.ContainsAny(q.Name, " ,:=/") {
			return fmt.Errorf("task %q of the program's own: want a name without blanks, commas, colons, slashes and equals signs, and a function Of", q.Name)
		}
		if slices.Contains(datasets.Tasks(), datasets.Task(q.Name)) {
			return fmt.Errorf("task %s of the program's own has the name of one that is built in", q.Name)
		}
	}
	return nil
}
