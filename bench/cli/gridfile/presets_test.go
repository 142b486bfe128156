package gridfile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"veilbench/attacks"
	"veilbench/bench/cli/source"
	"veilbench/bench/cli/yamlfile"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/home"
	"veilbench/datasets/params"
	"veilbench/datasets/published"
	"veilbench/defenses"
)

// Every preset must be understood as it is, without looking at any data, and
// each of its published figures must be about something that it computes.
func TestPresetsResolve(t *testing.T) {
	for _, name := range presetNames() {
		t.Run(name, func(t *testing.T) {
			c, err := Open(name)
			if err != nil {
				t.Fatal(err)
			}
			if first, _, _ := strings.Cut(c.file.Text, "\n"); !strings.HasPrefix(first, "# ") {
				t.Errorf("first line %q: want a comment on what the preset is for", first)
			}
			g, err := c.settings(own())
			if err != nil {
				t.Fatal(err)
			}
			served := presetTasks(t, c)
			var ds, as []string
			for _, d := range g.Defenses {
				ds = append(ds, defenses.ID(d))
			}
			for _, at := range g.Attacks {
				as = append(as, attacks.ID(at))
				if name != "paper" && !slices.ContainsFunc(at.Info().Tasks, func(k datasets.Task) bool { return slices.Contains(served, k) }) {
					t.Errorf("no data set serves what %s answers", attacks.ID(at))
				}
			}
			quoted, err := c.Published(own())
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range quoted {
				if !slices.Contains(ds, q.Defense) || !slices.Contains(as, q.Attack) || !slices.Contains(served, q.Task) {
					t.Errorf("the preset does not compute what it quotes: %+v", q)
				}
			}
		})
	}
}

// TestSourcePresetsSayHowLongTheyTake: the first line of every preset of the five
// papers ends with the time that it was seen to take.
func TestSourcePresetsSayHowLongTheyTake(t *testing.T) {
	says := regexp.MustCompile(`(seconds|minutes?|hours?|half)( on two cores)?$|in under \S+ minutes?\b`)
	for _, name := range presetNames() {
		paper, _, _ := strings.Cut(name, "-")
		if !slices.Contains([]string{"iotevent", "gateway", "homemole", "castle"}, paper) {
			continue
		}
		b, err := presetFiles.ReadFile(presetFile(name))
		if err != nil {
			t.Fatal(err)
		}
		if first, _, _ := strings.Cut(string(b), "\n"); !says.MatchString(first) {
			t.Errorf("%s: first line %q: want the time that it takes", name, first)
		}
	}
}

// A small form quotes what the whole does, and asks for the same but for its data.
func TestSmallForms(t *testing.T) {
	for _, whole := range []string{"castle", "gateway"} {
		name := whole + "-small"
		small, err := presetFiles.ReadFile(presetFile(name))
		if err != nil {
			t.Fatal(err)
		}
		all, err := presetFiles.ReadFile(presetFile(whole))
		if err != nil {
			t.Fatal(err)
		}
		strip := func(b []byte) string {
			_, rest, _ := strings.Cut(string(b), "\n")
			return regexp.MustCompile(` (hours|homes): [0-9.]+,`).ReplaceAllString(rest, "")
		}
		if d := cmp.Diff(strip(all), strip(small)); d != "" {
			t.Errorf("%s differs from %s in more than hours and homes (-whole +small)\n%s", name, whole, d)
		}
	}
}

// presetTasks lists what the data sets of c are used for.
func presetTasks(t *testing.T, c Config) []datasets.Task {
	t.Helper()
	var out []datasets.Task
	for _, d := range c.datasets {
		// Recordings are read nowhere here: what they serve stands in the catalog.
		if x, err := published.Find(d.Text); err == nil {
			out = append(out, x.Tasks...)
			continue
		}
		name, set, err := params.Split(strings.TrimPrefix(d.Text, "home:"))
		if err != nil {
			t.Fatal(err)
		}
		var tasks []datasets.Task
		for _, p := range home.Presets() {
			if p.Name == name {
				tasks = p.Tasks
				if _, err := params.With(p.Params, set); err != nil {
					t.Fatal(err)
				}
			}
		}
		only, err := choose(c.file, d.tasks, "task", datasets.Tasks())
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range only {
			if !slices.Contains(tasks, k) && k != datasets.TaskDetect { // which any hour serves
				t.Errorf("%s does not serve %s", d.Text, k)
			}
		}
		if only == nil {
			only = tasks
		}
		out = append(out, only...)
	}
	return out
}

// Intervals over groups need many of them.
func TestPaperHasManyHomes(t *testing.T) {
	c, err := Open("paper")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range c.datasets {
		if !strings.Contains(d.Text, "homes=12") {
			t.Errorf("%s: want 12 homes", d.Text)
		}
	}
}

// TestPublishedQuantities: each figure of the presets is quoted for the quantity
// that its source gives, and says what was calibrated to it. Of figures 15 and 16
// of HomeMole, of its network, nothing was.
func TestPublishedQuantities(t *testing.T) {
	var got []string
	for _, name := range presetNames() {
		c, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		quoted, err := c.Published(own())
		if err != nil {
			t.Fatal(err)
		}
		if c.likes {
			continue // what it quotes is another's
		}
		for _, q := range quoted {
			attack, _, _ := strings.Cut(q.Attack, ":")
			defense, _, _ := strings.Cut(q.Defense, ":")
			metric := q.Metric
			if q.Class != "" {
				metric += " of a class"
			}
			if q.As != "" {
				metric += " named as another"
			}
			if q.Over != nil {
				metric = "order of " + metric
			}
			got = append(got, fmt.Sprintf("%s: %s, %s, %s, calibrated %v", name, metric, attack, defense, q.Calibrated != ""))
			for _, wrong := range []string{"table 2", "section V;"} {
				if strings.Contains(q.Source, wrong) {
					t.Errorf("%s: source %q cites %q, which has no such figure", name, q.Source, wrong)
				}
			}
		}
	}
	want := []string{
		"castle-figures: recall of a class, rates, none, calibrated true",
		"castle-figures: recall_time_only, rates, none, calibrated true",
		"castle-makers: names_seen of a class, rates, none, calibrated true",
		"castle-recorded: recall_time_only, rates, none, calibrated false",
		"castle-small: accuracy, rates, hide-names, calibrated false",
		"castle-small: gb_per_month, rates, constant-rate, calibrated true",
		"castle: accuracy, rates, hide-names, calibrated false",
		"castle: gb_per_month, rates, constant-rate, calibrated true",
		"gateway-app: in_candidates, decompose, none, calibrated true",
		"gateway-app: in_candidates_bounded, decompose, none, calibrated true",
		"gateway-recorded: in_candidates, decompose, none, calibrated true",
		"gateway-recorded: in_candidates_bounded, decompose, none, calibrated true",
		"gateway-small: in_candidates, decompose, none, calibrated true",
		"gateway-small: in_candidates_bounded, decompose, none, calibrated true",
		"gateway: in_candidates, decompose, none, calibrated true",
		"gateway: in_candidates_bounded, decompose, none, calibrated true",
		"homemole-ind: data_windows, guess-majority, none, calibrated false",
		"homemole-ind: order of macro_recall, window-blstm, none, calibrated false",
		"homemole-ind: order of macro_recall, window-blstm, vpn, calibrated false",
		"homemole-ind: order of macro_recall, window-lstm, none, calibrated false",
		"homemole-ind: order of macro_recall, window-lstm, vpn, calibrated false",
		"homemole-noise: accuracy, window-forest, none, calibrated true",
		"homemole-noise: data_bytes, guess-majority, none, calibrated false",
		"homemole-noise: data_hours, guess-majority, none, calibrated false",
		"homemole-noise: data_packets, guess-majority, none, calibrated false",
		"homemole-noise: data_windows, guess-majority, none, calibrated false",
		"homemole-noise: hamming_loss, window-lstm, vpn, calibrated false",
		"homemole-noise: macro_recall, window-blstm, none, calibrated false",
		"homemole-noise: macro_recall, window-forest, none, calibrated true",
		"homemole-noise: order of accuracy, window-forest, vpn, calibrated false",
		"homemole-noise: order of accuracy, window-lstm, none, calibrated false",
		"homemole-noise: order of macro_recall, window-blstm, none, calibrated false",
		"homemole-noise: order of macro_recall, window-blstm, vpn, calibrated false",
		"homemole-noise: order of macro_recall, window-forest, none, calibrated false",
		"homemole-noise: order of macro_recall, window-forest, vpn, calibrated false",
		"homemole-noise: order of recall_length of a class, window-blstm, none, calibrated false",
		"homemole-noise: real_accuracy, window-forest, vpn, calibrated true",
		"homemole-noise: real_recall, window-blstm, vpn, calibrated false",
		"homemole-noise: real_recall, window-forest, vpn, calibrated true",
		"homemole-noise: recall of a class named as another, window-blstm, none, calibrated false",
		"homemole-noise: recall of a class named as another, window-blstm, vpn, calibrated false",
		"homemole-noise: recall of a class named as another, window-forest, none, calibrated true",
		"homemole-noise: recall of a class named as another, window-forest, vpn, calibrated true",
		"homemole-noise: recall of a class, window-blstm, none, calibrated false",
		"homemole-noise: recall of a class, window-blstm, vpn, calibrated false",
		"homemole-noise: recall of a class, window-forest, none, calibrated true",
		"homemole-noise: recall of a class, window-forest, vpn, calibrated true",
		"homemole-ports: order of accuracy, window-forest, none, calibrated false",
		"homemole-ports: order of macro_recall, window-forest, none, calibrated false",
		"homemole-recorded: order of macro_recall, window-blstm, none, calibrated false",
		"homemole-recorded: order of macro_recall, window-forest, none, calibrated false",
		"homemole-recorded: order of macro_recall, window-lstm, none, calibrated false",
		"iotevent-recorded: accuracy, event-knn, none, calibrated false",
		"iotevent: burst_accuracy, event-knn, none, calibrated true",
		"iotevent: precision of a class, event-knn, none, calibrated true",
		"iotevent: recall, signatures, none, calibrated false",
	}
	slices.Sort(got)
	if d := cmp.Diff(want, slices.Compact(got)); d != "" {
		t.Errorf("quoted figures (-want +got)\n%s", d)
	}
}

// TestNamesOfTheCastle: the generated devices look up the very names that figure 1
// of the paper has, 17 over the four, and no others.
func TestNamesOfTheCastle(t *testing.T) {
	ds, err := home.Generate(t.Context(), "home:castle-makers:homes=1,hours=1", 1)
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string][]string{}
	r := &ds.Recordings[0]
	for i, p := range r.Trace.Packets {
		if q := r.Trace.Flows[p.Flow].Query; q != "" {
			d := r.Labels.Devices[r.Labels.Owners[i]]
			asked[d] = append(asked[d], q)
		}
	}
	c, err := Open("castle-makers")
	if err != nil {
		t.Fatal(err)
	}
	quoted, err := c.Published(own())
	if err != nil {
		t.Fatal(err)
	}

	all := 0
	for _, q := range quoted {
		if q.Metric != results.NamesSeen {
			continue
		}
		slices.Sort(asked[q.Class])
		if d := cmp.Diff(slices.Sorted(slices.Values(q.Names)), slices.Compact(asked[q.Class])); d != "" {
			t.Errorf("names of %s (-figure 1 +ours)\n%s", q.Class, d)
		}
		all += len(q.Names)
	}
	if all != 17 {
		t.Errorf("%d names, want 17", all)
	}
}

// TestPublishedCalibrated: the key may be missing, a text, or say yes or no.
func TestPublishedCalibrated(t *testing.T) {
	const head = "datasets: [home:small]\ndefenses: [none]\nattacks: [guess-majority]\npublished:\n  - {task: event, defense: none, attack: guess-majority, metric: precision, class: lamp, value: 0.5, source: x"
	for written, want := range map[string]string{"": "", ", calibrated: true": results.Yes, ", calibrated: false": "", ", calibrated: lengths": "lengths"} {
		c, err := Parse("f", head+written+"}\n")
		if err != nil {
			t.Fatal(err)
		}
		qs, err := c.Published(own())
		if err != nil || len(qs) != 1 || qs[0].Calibrated != want || qs[0].Class != "lamp" {
			t.Errorf("%q gives %+v, %v; want calibrated %q", written, qs, err, want)
		}
	}
}

func TestPublishedMistakesPointAtTheirPlace(t *testing.T) {
	const head = "datasets: [home:small]\ndefenses: [none]\nattacks: [guess-majority]\npublished:\n"
	for _, c := range []struct{ entry, want string }{
		{"  - {task: event, defense: none, attack: guess-majority, metric: f1, value: 0.5, source: x, page: 3}", `f:5:93: unknown key "page" of a published figure (has task, defense,`},
		{"  - {task: event, tsak: none}", `f:5:19: unknown key "tsak" of a published figure; did you mean "task"?`},
		{"  - {task: event, task: event}", `f:5:19: mapping key "task" already defined`},
		{"  - {task: event, defense: none, attack: guess-majority, metric: f1, value: 0.5}", "f:5:6: a published figure needs source"},
		{"  - {task: evnt, defense: none, attack: guess-majority, metric: f1, value: 0.5, source: x}", `f:5:12: unknown task "evnt"; did you mean "event"?`},
		{"  - {task: event, defense: nne, attack: guess-majority, metric: f1, value: 0.5, source: x}", `f:5:28: unknown defense "nne"`},
		{"  - {task: event, defense: none, attack: guess, metric: f1, value: 0.5, source: x}", `f:5:42: unknown attack "guess"`},
		{"  - {task: event, defense: none, attack: guess-majority, metric: F1 score, value: 0.5, source: x}", `f:5:66: metric "F1 score"`},
		{"  - {task: event, defense: none, attack: guess-majority, metric: f1, class: lamp, value: 0.5, source: x}", "f:5:66: metric f1 of class lamp: of one class there are only recall and precision"},
		{"  - {task: device, defense: none, attack: guess-majority, metric: names_seen, class: lamp, value: 2, source: x}", "f:5:67: metric names_seen: names_seen is of a class"},
		{"  - {task: device, defense: none, attack: guess-majority, metric: accuracy, names: [a], value: 2, source: x}", "f:5:67: metric accuracy: names_seen is of a class"},
		{"  - {task: event, defense: none, attack: guess-majority, metric: f1, value: 98 %, source: x}", "f:5:77: value 98 %: want a number"},
		{"  - {task: event, defense: none, attack: guess-majority, metric: f1, value: .nan, source: x}", "f:5:77: value .nan: want a number"},
		{"  - text", "f:5:5: want key: value, got String"},
		{"  []", "f:5:3: the list is empty"},
	} {
		cfg, err := Parse("f", head+c.entry+"\n")
		if err == nil {
			_, err = cfg.Published(own())
		}
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s\n got %v\nwant %s", c.entry, err, c.want)
		}
	}
}

// The help names each key that the decoder knows, and says something.
func TestHelpExplainsEveryKey(t *testing.T) {
	help := Help()
	keys := new(Config).keys()
	for _, k := range keys {
		if k.Doc == "" || !strings.Contains(help, "\n  "+k.Name+" ") {
			t.Errorf("help does not explain %s", k.Name)
		}
		if k.Read == nil {
			t.Errorf("nothing reads %s", k.Name)
		}
	}
	for _, k := range yamlfile.Names(quoteKeys(nil, new(quote))) {
		if !strings.Contains(help, k) {
			t.Errorf("help does not name %s of published", k)
		}
	}
	if len(keys) != 16 {
		t.Errorf("%d keys; the help was checked for 16", len(keys))
	}
}

// Another data set in place of a preset's is for the same tasks, if it serves any of
// them and none are named.
func TestOverrideKeepsTasks(t *testing.T) {
	for _, tc := range []struct {
		id    string
		tasks []string
		want  []datasets.Task
	}{
		{"home:routine:homes=2,hours=1", nil, []datasets.Task{datasets.TaskRoutine}},
		{"home:routine:homes=2,hours=1", []string{"event", "routine"}, []datasets.Task{datasets.TaskRoutine, datasets.TaskEvent, datasets.TaskDevice}},
		{"home:small:homes=2,hours=0.1", nil, []datasets.Task{datasets.TaskEvent, datasets.TaskDevice}},
	} {
		c, err := Open("routine-small")
		if err != nil {
			t.Fatal(err)
		}
		c.Override(Words{Datasets: []string{tc.id}, Tasks: tc.tasks})
		g, _, err := c.Grid(t.Context(), own(), source.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Datasets[0].Tasks; !slices.Equal(got, tc.want) {
			t.Errorf("%s, tasks %v: %v, want %v", tc.id, tc.tasks, got, tc.want)
		}
	}
}
