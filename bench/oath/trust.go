package oath

import (
	"reflect"
	"strings"

	"veilbench/datasets/process"
	"veilbench/defenses"
)

// none stands in the package of the contract.
type none = defenses.None

// ours says whether a plug-in, or the model of one, is of this project's own families.
// The contract kits hold each of those in tests to leaving alone what it is given and
// what it has returned, so that they get what there is and no copy of it: copies are a
// tenth of a run's work, and of month-long diaries gigabytes. A stranger's types are of
// other packages.
func ours(plugin any) bool {
	// A chain is of package defenses, and may hold strangers.
	at, known := declared(plugin)
	_, nothing := plugin.(none)
	return known && (strings.HasPrefix(at, "attacks/") || strings.HasPrefix(at, "defenses/") || nothing)
}

// OfModule says whether the type of a plug-in is declared in a package of this module.
// Those of a command are not, wherever it lies: its package path is "main".
func OfModule(plugin any) bool {
	_, known := declared(plugin)
	return known
}

// declared is the package of a plug-in's type, by its folder in this module. ok is false
// for one of another module.
func declared(plugin any) (folder string, ok bool) {
	t := reflect.TypeOf(plugin)
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return "", false
	}
	module := strings.TrimSuffix(reflect.TypeFor[Calls]().PkgPath(), "bench/oath")
	return strings.CutPrefix(t.PkgPath(), module)
}

// Programs are the stages of a defense, or the attack itself, that are programs of
// their own.
func Programs(plugin any) []process.Outside {
	var out []process.Outside
	switch p := plugin.(type) {
	case defenses.Chain:
		for _, s := range p {
			out = append(out, Programs(s)...)
		}
	case sworn:
		return Programs(p.Defense)
	case process.Outside:
		out = append(out, p)
	}
	return out
}
