package names

import (
	"slices"
	"strings"
	"testing"

	"veilbench/attacks/builtin"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/gridfile"
	"veilbench/datasets"
	defensesbuiltin "veilbench/defenses/builtin"
)

func own() command.Plugins {
	return command.Plugins{Defenses: defensesbuiltin.All(), Attacks: builtin.All()}
}

// Every number has a range, every choice its words, and only texts that are free have
// neither: a vendor's own plug-in is the only one that may say nothing.
func TestEveryParameterSaysItsValues(t *testing.T) {
	free := map[string]string{
		"limits":   "actions of the data",
		"names":    "words of servers' names",
		"private":  "activities of the data",
		"target":   "a device of the data",
		"machines": "a file of Maybenot's machines, or one of the sets that are shipped",
		"digest":   "of that file",
	}
	for _, k := range kinds() {
		for _, e := range of(own(), k) {
			if e.Doc == "" {
				t.Errorf("%s %s says nothing", k, e.Name)
			}
			for _, p := range e.Params {
				if p.Values == "" && free[p.Key] == "" {
					t.Errorf("%s: no word on the values of %s (default %q)", e.Name, p.Key, p.Default)
				}
			}
		}
	}
}

// Each preset is listed with the tasks that it runs.
func TestPresetsAreListed(t *testing.T) {
	list := of(own(), presetKind)
	if len(list) != len(gridfile.Presets()) {
		t.Fatalf("%d of %d presets", len(list), len(gridfile.Presets()))
	}
	for _, e := range list {
		if len(e.Tasks) == 0 || len(e.Holds.Datasets) == 0 || len(e.Holds.Attacks) == 0 || !strings.Contains(e.yaml, "datasets:") && !strings.Contains(e.yaml, "like:") {
			t.Errorf("%s: %+v", e.Name, e)
		}
	}
	i := slices.IndexFunc(list, func(e entry) bool { return e.Name == gridfile.DefaultPreset })
	if want := []string{"event", "device", "command", "clip"}; !slices.Equal(list[i].Tasks, want) {
		t.Errorf("%s is of %v, want %v", list[i].Name, list[i].Tasks, want)
	}
}

// A word that is a name shows that entry, also by the name of a preset or without
// "home:"; others filter.
func TestChoose(t *testing.T) {
	all := slices.Concat(of(own(), defenseKind), of(own(), attackKind), of(own(), datasetKind))
	for _, c := range []struct {
		words string
		named bool
		want  string // names, the first three
	}{
		{"event-knn", true, "event-knn"},
		{"tamaraw", true, "constant-rate"},
		{"event_signatures", true, "home:event_signatures"},
		{"vpn event-knn", true, "vpn event-knn"},
		{"vpn:kind=wireguard", true, "vpn"},
		{"neighbors", false, "event-knn event-align"},
		{"Zigbee 802.15.4", false, ""},
	} {
		found, named := choose(all, strings.Fields(c.words))
		var names []string
		for _, e := range found[:min(len(found), 3)] {
			names = append(names, e.Name)
		}
		if got := strings.Join(names, " "); named != c.named || c.want != "" && got != c.want && !strings.HasPrefix(got, c.want+" ") {
			t.Errorf("%s: %s (named: %v), want %s", c.words, got, named, c.want)
		}
	}
}

// An ID is completed piece by piece: name, parameter, value, next stage.
func TestIDs(t *testing.T) {
	f := ids(func() []entry { return of(own(), defenseKind) }, true)
	for typed, want := range map[string]string{
		"al":                              "all",
		"pad-l":                           "pad-level",
		"vpn:k":                           "vpn:kind=",
		"vpn:kind=wire":                   "vpn:kind=wireguard",
		"vpn:kind=wireguard,out":          "vpn:kind=wireguard,outer=",
		"pad-random:per=burst+vpn:delay=": "pad-random:per=burst+vpn:delay=uniform",
		"pad-random+tama":                 "pad-random+tamaraw",
		"vpn:delay_s=":                    "", // a number
		"unheard:of":                      "",
	} {
		got, _ := f(nil, nil, typed)
		switch {
		case want == "" && len(got) > 0:
			t.Errorf("%s: %q, want nothing", typed, got)
		case want != "":
			word := ""
			if len(got) > 0 {
				word, _, _ = strings.Cut(got[0], "\t")
			}
			if word != want {
				t.Errorf("%s: %q, want %q first", typed, got, want)
			}
		}
	}
}

// What is listed for a vantage point is what the data can show.
func TestVantages(t *testing.T) {
	for _, e := range of(own(), datasetKind) {
		switch e.Name {
		case "zigbee-events":
			if !slices.Equal(e.Vantages, []string{string(datasets.Zigbee)}) {
				t.Errorf("%s is seen from %v", e.Name, e.Vantages)
			}
		case "iotevents":
			if !slices.Equal(e.Vantages, []string{string(datasets.WAN)}) {
				t.Errorf("%s is seen from %v", e.Name, e.Vantages)
			}
		}
	}
}
