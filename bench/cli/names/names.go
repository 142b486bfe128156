// Package names knows what can be named on the command line: defenses, attacks, data
// sets, presets, tasks and vantage points. "veilbench list" shows them, and a shell
// completes them; both ask Of, so neither knows a name that the other does not.
package names

import (
	"slices"
	"strings"

	"veilbench/attacks"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/gridfile"
	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/home"
	"veilbench/datasets/params"
	"veilbench/datasets/published"
	"veilbench/defenses"
)

// kind is what a name is of.
type kind string

// The kinds, as they are typed behind "veilbench list".
const (
	defenseKind kind = "defenses"
	datasetKind kind = "datasets"
	presetKind  kind = "presets"
	attackKind  kind = "attacks"
	taskKind    kind = "tasks"
	vantageKind kind = "vantages"
)

// kinds lists them in the order of an experiment.
func kinds() []kind {
	return []kind{datasetKind, taskKind, vantageKind, defenseKind, attackKind, presetKind}
}

// entry is one thing that has a name.
type entry struct {
	Kind kind   `json:"kind"`
	Name string `json:"name"`
	Doc  string `json:"doc"`
	// Aliases are presets of a defense: names for chosen parameters.
	Aliases []alias `json:"presets,omitempty"`
	Params  []param `json:"parameters,omitempty"`
	// Tasks and Vantages are those that an attack answers and sees, data serve and
	// can be shown from, a defense hides from; nil where it hangs on something else.
	Tasks    []string `json:"tasks,omitempty"`
	Vantages []string `json:"vantages,omitempty"`
	// Place and Needs are of a defense: where it sits, and who must take part.
	Place string   `json:"place,omitempty"`
	Needs []string `json:"needs,omitempty"`
	// Control marks an attack that only sets a floor.
	Control bool `json:"control,omitempty"`
	// Cite names the publication in words, Works are its entries in full.
	Cite  string `json:"cite,omitempty"`
	Works []work `json:"works,omitempty"`
	// Use is how it is typed where that is not the name alone.
	Use string `json:"use,omitempty"`
	// Holds are the lists of a preset.
	Holds *experiment `json:"experiment,omitempty"`

	yaml string // a preset as a file would have it
}

// experiment is what a preset names, by ID.
type experiment struct {
	Datasets  []string `json:"datasets"`
	Defenses  []string `json:"defenses"`
	Attacks   []string `json:"attacks"`
	Knowledge []string `json:"knowledge,omitempty"`
}

// alias is a name for chosen parameters of a defense.
type alias struct {
	Name string `json:"name"`
	Doc  string `json:"doc"`
}

// param is a parameter with its default and the values that it may have, "" for any.
type param struct {
	Key     string `json:"key"`
	Default string `json:"default"`
	Values  string `json:"values,omitempty"`
	Doc     string `json:"doc"`
}

// work is a publication: its key, a line for people, and its entry in BibTeX.
type work struct {
	Key    string `json:"key"`
	Text   string `json:"text"`
	BibTeX string `json:"bibtex"`
}

// of lists the entries of a kind in the order in which reports show them.
func of(p command.Plugins, k kind) []entry {
	switch k {
	case defenseKind:
		return defensesOf(p.Defenses)
	case attackKind:
		return attacksOf(p.Attacks)
	case datasetKind:
		// A name of one's own goes before a built-in one that is the same.
		var own []entry
		for _, l := range p.Datasets {
			own = append(own, entry{Kind: k, Name: l.Name, Doc: l.Doc + " (of this program)", Use: l.Name + "=PATH, or the name alone"})
		}
		return append(own, datasetsOf()...)
	case presetKind:
		return presetsOf(datasetsOf())
	case taskKind:
		list := tasksOf()
		for _, q := range p.Tasks {
			list = append(list, entry{Kind: k, Name: q.Name, Doc: q.Doc + " (of this program)"})
		}
		return list
	case vantageKind:
		return vantagesOf()
	}
	return nil
}

func defensesOf(ds []defenses.Defense) []entry {
	var out []entry
	for _, d := range ds {
		i := d.Info()
		e := entry{Kind: defenseKind, Name: i.Name, Doc: i.Doc, Params: paramsOf(d), Place: string(i.Place), Cite: i.Cite, Works: worksOf(i.Works)}
		for _, n := range i.Needs {
			e.Needs = append(e.Needs, string(n))
		}

		// Behind the gateway is only who looks from outside of the home.
		e.Vantages = []string{string(datasets.WAN)}
		if i.Place == defenses.AtDevice {
			e.Vantages = texts(datasets.Vantages())
		}
		if p, ok := d.(defenses.Presetter); ok {
			for _, p := range p.Presets() {
				e.Aliases = append(e.Aliases, alias{p.Name, p.Doc})
			}
		}
		out = append(out, e)
	}
	return out
}

func attacksOf(as []attacks.Attack) []entry {
	var out []entry
	for _, a := range as {
		i := a.Info()
		e := entry{Kind: attackKind, Name: i.Name, Doc: i.Doc, Params: paramsOf(a), Tasks: texts(i.Tasks), Control: i.Control, Cite: i.Cite, Works: worksOf(i.Works)}

		// Whoever can pair two views sees the two that are used in papers; any two may
		// be asked for.
		e.Vantages = texts(datasets.Vantages())
		if i.Pairs {
			e.Vantages = append(e.Vantages, string(datasets.WiFi)+"+"+string(datasets.WAN))
		}
		out = append(out, e)
	}
	return out
}

func datasetsOf() []entry {
	var out []entry
	for _, p := range home.Presets() {
		out = append(out, entry{
			Kind: datasetKind, Name: "home:" + p.Name, Doc: p.Doc, Params: paramsOf(p.Params), Tasks: texts(p.Tasks),
			Vantages: seen(datasets.LAN), Cite: "generated from published figures of real devices", Works: worksOf(home.Works()),
		})
	}
	out = append(out,
		entry{Kind: datasetKind, Name: "capture", Doc: "a pcap or pcapng file with --labels", Use: "capture=FILE"},
		entry{Kind: datasetKind, Name: "folder", Doc: "a folder of recordings of your own (veilbench datasets describe PATH)", Use: "folder=PATH, or PATH alone"})

	for _, n := range published.Names() {
		s, err := published.Find(n)
		if err != nil {
			continue // a damaged list of checksums: "datasets info" says so
		}
		out = append(out, entry{
			Kind: datasetKind, Name: n, Doc: "published recordings: " + s.Title, Tasks: texts(s.Tasks), Vantages: seen(s.Recorded()),
			Works: worksOf(s.Papers), Use: n + "=PATH, or the name alone after veilbench datasets get " + s.Name,
		})
	}
	return out
}

// seen are the vantage points that a capture made at recorded can show.
func seen(recorded datasets.Vantage) []string {
	return texts(slices.DeleteFunc(datasets.Vantages(), func(v datasets.Vantage) bool { return !v.Sees(recorded) }))
}

// presetsOf lists the experiments; data are what they may name.
func presetsOf(data []entry) []entry {
	var out []entry
	for _, p := range gridfile.Presets() {
		c, err := gridfile.Open(p.Name)
		if err != nil {
			continue // a test opens every preset
		}
		w := c.Words()
		e := entry{Kind: presetKind, Name: p.Name, Doc: p.Doc, Vantages: w.Vantages, Use: "veilbench run " + p.Name, yaml: p.Text()}
		e.Holds = &experiment{w.Datasets, w.Defenses, w.Attacks, w.Knowledge}
		for i, asked := range c.TasksOf() {
			if asked == nil {
				asked = serves(data, w.Datasets[i])
			}
			e.Tasks = append(e.Tasks, asked...)
		}
		if e.Vantages == nil {
			e.Vantages = []string{string(datasets.WAN)} // the default where a home has a border
		}
		e.Tasks = inOrder(e.Tasks)
		out = append(out, e)
	}
	return out
}

// serves are the tasks of the data set that an ID names.
func serves(data []entry, id string) []string {
	for _, e := range data {
		if rest, ok := strings.CutPrefix(id, e.Name); ok && (rest == "" || rest[0] == ':' || rest[0] == '=') {
			return e.Tasks
		}
	}
	return nil
}

// inOrder sorts tasks as reports do, each once.
func inOrder(tasks []string) []string {
	return texts(slices.DeleteFunc(datasets.Tasks(), func(t datasets.Task) bool { return !slices.Contains(tasks, string(t)) }))
}

func tasksOf() []entry {
	doc := map[datasets.Task]string{
		datasets.TaskEvent:   "what happened when, in hours of traffic",
		datasets.TaskDevice:  "which device each packet is of",
		datasets.TaskCommand: "which actions are in each command to a gateway",
		datasets.TaskClip:    "which activity a whole short recording is of",
		datasets.TaskDetect:  "whether a defense is on in an hour of traffic, and which",
		datasets.TaskRoutine: "who is home and who sleeps, by the quarter hour",
	}
	var out []entry
	for _, t := range datasets.Tasks() {
		out = append(out, entry{Kind: taskKind, Name: string(t), Doc: doc[t]})
	}
	return out
}

func vantagesOf() []entry {
	doc := map[datasets.Vantage]string{
		datasets.LAN:    "inside the home, on its wires: every packet with its addresses",
		datasets.WiFi:   "beside the home, at its encrypted radio: sizes and hardware addresses of frames",
		datasets.WAN:    "outside the home, behind address translation: what the provider sees",
		datasets.Zigbee: "beside the home, at the radio of 802.15.4",
	}
	var out []entry
	for _, v := range datasets.Vantages() {
		out = append(out, entry{Kind: vantageKind, Name: string(v), Doc: doc[v]})
	}
	return append(out, entry{Kind: vantageKind, Name: string(datasets.WiFi) + "+" + string(datasets.WAN), Doc: "one observer at two places at once, for attacks that pair the views; any two may be joined by +"})
}

// paramsOf lists the parameters of a plug-in or a preset of homes.
func paramsOf(v any) []param {
	var out []param
	for _, p := range params.List(v) {
		out = append(out, param{p.Key, p.Value, params.Allowed(v, p.Key), p.Help})
	}
	return out
}

func worksOf(ws []cite.Work) []work {
	var out []work
	for _, w := range ws {
		out = append(out, work{w.ID(), w.String(), w.BibTeX()})
	}
	return out
}

// texts are words of any kind as strings.
func texts[T ~string](list []T) []string {
	var out []string
	for _, x := range list {
		out = append(out, string(x))
	}
	return out
}
