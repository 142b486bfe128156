package reports

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"veilbench/datasets"
	"veilbench/datasets/params"
	"veilbench/reports/table"
)

// labels are short names for IDs: those that the results give, else the
// plug-in's name with the parameters that tell it from others of the same name.
// Full IDs stand in the footnotes.
type labels map[string]string

// stage is one part of an ID that may be a chain.
type stage struct {
	name   string
	params []string // key=value
}

func stages(id string) []stage {
	var out []stage
	for part := range strings.SplitSeq(id, "+") {
		name, set, has := params.Cut(part)
		st := stage{name: name}
		if has {
			st.params = strings.Split(set, ",")
		}
		out = append(out, st)
	}
	return out
}

// longLabel is how many letters a label may have before parameters are left to
// the footnotes.
const longLabel = 28

// newLabels finds labels for ids; given are those that results state.
func newLabels(ids []string, given labels) labels {
	ids = Distinct(ids)
	seen := map[string]map[string]int{} // by name: how often each key=value occurs
	total := map[string]int{}
	for _, id := range ids {
		for _, st := range stages(id) {
			if seen[st.name] == nil {
				seen[st.name] = map[string]int{}
			}
			total[st.name]++
			for _, p := range st.params {
				seen[st.name][p]++
			}
		}
	}

	out, taken := labels{}, map[string]int{}
	for _, id := range ids {
		// A parameter that all of one name share tells nothing.
		var parts []string
		for _, st := range stages(id) {
			words := []string{st.name}
			for _, p := range st.params {
				if seen[st.name][p] < total[st.name] {
					words = append(words, p)
				}
			}
			parts = append(parts, strings.Join(words, " "))
		}
		out[id] = strings.Join(parts, " + ")

		// A given label that is long says less than the bare name, if only one
		// ID has that name.
		if g := given[id]; g != "" && (len(g) <= longLabel || strings.Contains(id, "+") || total[stages(id)[0].name] > 1) {
			out[id] = g
		}
		taken[out[id]]++
	}
	for _, id := range ids {
		if taken[out[id]] > 1 { // two IDs must never look the same
			out[id] = id
		}
	}
	return out
}

// of is the label of id.
func (l labels) of(id string) string {
	if s, ok := l[id]; ok {
		return s
	}
	return id
}

// legend lists the full IDs of those whose label is shorter, in the order given.
func (l labels) legend(ids []string) string {
	var out []string
	for _, id := range ids {
		if s := l.of(id); s != id && !slices.Contains(out, s+" = "+id) {
			out = append(out, s+" = "+id)
		}
	}
	return strings.Join(out, table.InFullSep)
}

// Label is the short name of a defense or an attack.
func (s *Set) Label(id string) string { return s.names.of(id) }

// DefenseLabel is Label with the mark of a defense that looks ahead: it stands
// in the first column of tables and beside pictures.
func (s *Set) DefenseLabel(id string) string {
	l := s.names.of(id)
	if s.Oracle[id] {
		l += " (oracle)"
	}
	return l
}

// DefenseLabels are those of several defenses.
func (s *Set) DefenseLabels(ids []string) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = s.DefenseLabel(id)
	}
	return out
}

// LabelOrName is the label of an ID that the results hold, else the names in it.
func (s *Set) LabelOrName(id string) string {
	if l, ok := s.names[id]; ok {
		return l
	}
	var out []string
	for _, st := range stages(id) {
		out = append(out, st.name)
	}
	return strings.Join(out, " + ")
}

// TaskName is the head of columns of a task.
func TaskName(t datasets.Task) string {
	names := map[datasets.Task]string{datasets.TaskEvent: "events", datasets.TaskDevice: "devices", datasets.TaskCommand: "commands", datasets.TaskClip: "clips"}
	return cmp.Or(names[t], string(t))
}

// DataName is the name of a data set of the results for titles and captions.
func (s *Set) DataName(name string) string { return cmp.Or(s.data[name], DataName(name)) }

// DataName is the name of a data set where there is no other: a file that it was read
// from has no folder, which is of somebody's disk and tells a reader nothing.
func DataName(name string) string { return below(name, 1) }

// DataNames are names of data sets by which each is told from the others: of files
// that have the same name, with as many folders above as that takes.
func DataNames(names []string) map[string]string {
	names = Distinct(names)
	out := map[string]string{}
	for _, name := range names {
		// Two spellings of one path have no form that tells them apart but their own.
		out[name] = name
		for n := 1; n <= 1+strings.Count(name, "/"); n++ {
			short := below(name, n)
			if !slices.ContainsFunc(names, func(o string) bool { return o != name && below(o, n) == short }) {
				out[name] = short
				break
			}
		}
	}
	return out
}

// below is a data set's name with the last n parts of the file's path in it.
func below(name string, n int) string {
	kind, rest, ok := strings.Cut(name, "=")
	if !ok || strings.Contains(kind, ":") { // of generated data these are settings
		return name
	}
	file, settings, has := strings.Cut(rest, ":")
	parts := strings.Split(path.Clean(file), "/")
	file = strings.Join(parts[max(0, len(parts)-n):], "/")
	if has {
		file += ":" + settings
	}
	return kind + "=" + file
}

// itemName is what is counted in a test of a task.
func itemName(t datasets.Task) string {
	switch t {
	case datasets.TaskDevice:
		return "packets"
	case datasets.TaskRoutine:
		return "quarter hours"
	case datasets.TaskDetect:
		return "hours"
	}
	return TaskName(t)
}

// WhereName says where an observer sits.
func WhereName(v datasets.Vantage) string {
	names := map[datasets.Vantage]string{datasets.WAN: "outside the home", datasets.WiFi: "at the radio of the home", datasets.LAN: "inside the home", datasets.Zigbee: "at the radio of the home's sensors"}
	var out []string
	for _, place := range v.Places() {
		out = append(out, cmp.Or(names[place], "at "+string(place)))
	}
	return strings.Join(out, " and ")
}
