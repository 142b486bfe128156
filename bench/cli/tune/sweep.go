package tune

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"veilbench/bench/cli/command"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/reports"
)

// setting is one setting of the defense: its ID, and what tells it from the others.
type setting struct{ id, label string }

// most is how many settings a sweep has at most: each is attacked by every attack.
const most = 200

// axis is a parameter of a stage with the values to try.
type axis struct {
	stage  int
	key    string
	values []string
}

// settingsOf lists the settings of the defense id that the sweeps ask for, the one that
// id itself is among them where it is one; without sweeps those around it.
func settingsOf(list []defenses.Defense, id string, sweeps []string) ([]setting, error) {
	if id == "" {
		return nil, errors.New("--defense is missing: which one is to be tuned (veilbench list defenses)?")
	}
	if command.IsProgram(id) {
		return nil, fmt.Errorf("--defense %s: tune sets parameters of defenses that are part of this program, and a program sets its own; name each setting to \"veilbench run\", as in --defense '%s,KEY=VALUE', and hold the run against the limits by \"veilbench gate\"", id, id)
	}
	d, err := defenses.Parse(list, id)
	if err != nil {
		return nil, err
	}
	stages := defenses.Stages(d)
	if len(sweeps) == 0 {
		return around(list, stages)
	}
	var axes []axis
	n := 1
	for _, s := range sweeps {
		x, err := axisOf(stages, s)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(axes, func(y axis) bool { return y.stage == x.stage && y.key == x.key }) {
			return nil, fmt.Errorf("--sweep %s: %s is swept twice", s, x.key)
		}
		axes = append(axes, x)
		if n *= len(x.values); n > most {
			return nil, fmt.Errorf("%d settings and more: want %d at most, sweep fewer values", n, most)
		}
	}

	// Every combination, the last axis turning fastest.
	var out []setting
	for i := range n {
		set := make([][][2]string, len(stages))
		for k, rest := len(axes)-1, i; k >= 0; k-- {
			x := axes[k]
			set[x.stage] = append(set[x.stage], [2]string{x.key, x.values[rest%len(x.values)]})
			rest /= len(x.values)
		}
		s, err := with(list, stages, set)
		if err != nil {
			return nil, err
		}
		out = appendNew(out, s)
	}
	return out, nil
}

// appendNew leaves out a setting that is there in other words.
func appendNew(all []setting, s setting) []setting {
	if slices.ContainsFunc(all, func(t setting) bool { return t.id == s.id }) {
		return all
	}
	return append(all, s)
}

// with is the defense of stages with parameters of each set. A chain is checked as a
// whole.
func with(list []defenses.Defense, stages []defenses.Defense, set [][][2]string) (setting, error) {
	var ids []string
	for i, d := range stages {
		d, err := params.With(d, set[i])
		if err != nil {
			return setting{}, fmt.Errorf("defense %s: %w", nameOf(stages[i]), err)
		}
		ids = append(ids, defenses.ID(d))
	}
	d, err := defenses.Parse(list, strings.Join(ids, "+"))
	if err != nil {
		return setting{}, err
	}
	return setting{defenses.ID(d), defenses.Label(list, d)}, nil
}

// nameOf is the name of a stage without its parameters.
func nameOf(d defenses.Defense) string { return d.Info().Name }

// axisOf reads KEY=VALUE,VALUE or STAGE.KEY=VALUE,VALUE.
func axisOf(stages []defenses.Defense, sweep string) (axis, error) {
	name, values, ok := strings.Cut(sweep, "=")
	name = strings.TrimSpace(name)
	if !ok || name == "" || values == "" {
		return axis{}, fmt.Errorf("--sweep %q: want KEY=VALUE,VALUE", sweep)
	}

	// A key alone will do where one stage has it.
	x := axis{stage: -1}
	var known []string
	for i, d := range stages {
		for _, p := range params.List(d) {
			whole := nameOf(d) + "." + p.Key
			if len(stages) == 1 {
				known = append(known, p.Key)
			} else {
				known = append(known, whole)
			}
			if name != p.Key && name != whole {
				continue
			}
			if x.stage >= 0 {
				return x, fmt.Errorf("--sweep %s: %s and %s both have %s; put the stage in front, as in %s=", sweep, nameOf(stages[x.stage]), nameOf(d), p.Key, whole)
			}
			x.stage, x.key = i, p.Key
		}
	}
	if x.stage < 0 {
		return x, fmt.Errorf("--sweep: %w", command.UnknownName("parameter", name, known))
	}
	for v := range strings.SplitSeq(values, ",") {
		if v = strings.TrimSpace(v); v == "" {
			return x, fmt.Errorf("--sweep %s: a value is empty", sweep)
		}
		x.values = append(x.values, v)
	}
	return x, nil
}

// around lists the defense of stages and its neighbors: each number at a quarter, half,
// twice and four times what it is, and each switch the other way, one at a time. What
// is out of range is none.
func around(list []defenses.Defense, stages []defenses.Defense) ([]setting, error) {
	itself, err := with(list, stages, make([][][2]string, len(stages)))
	if err != nil {
		return nil, err
	}
	out := []setting{itself}
	for i, d := range stages {
		for _, p := range params.List(d) {
			for _, v := range neighbors(p.Value) {
				// Only the defense itself knows which values it bears.
				set := make([][][2]string, len(stages))
				set[i] = [][2]string{{p.Key, v}}
				if s, err := with(list, stages, set); err == nil {
					out = appendNew(out, s)
				}
			}
		}
	}
	if len(out) == 1 {
		return nil, fmt.Errorf("defense %s has no number or switch to sweep; its parameters: %s", itself.label, reports.List(keysOf(stages)))
	}
	return out, nil
}

// neighbors are values to try beside one; a word has none.
func neighbors(value string) []string {
	var out []string
	if b, err := strconv.ParseBool(value); err == nil && (value == "true" || value == "false") {
		return []string{strconv.FormatBool(!b)}
	}
	for _, f := range []float64{0.25, 0.5, 2, 4} {
		if n, err := strconv.Atoi(value); err == nil {
			if m := int(float64(n) * f); n != 0 && m != 0 {
				out = append(out, strconv.Itoa(m))
			}
		} else if x, err := strconv.ParseFloat(value, 64); err == nil {
			out = append(out, strconv.FormatFloat(x*f, 'g', 4, 64))
		}
	}
	return out
}

// keysOf are the parameters of stages.
func keysOf(stages []defenses.Defense) []string {
	var out []string
	for _, d := range stages {
		for _, p := range params.List(d) {
			out = append(out, p.Key)
		}
	}
	return out
}
