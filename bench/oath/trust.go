package oath

import (
	"reflect"
	"strings"

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
	t := reflect.TypeOf(plugin)
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return false
	}

	// A chain is of package defenses, and may hold strangers.
	const attacks, defenses = "veilbench/attacks/", "veilbench/defenses/"
	return strings.HasPrefix(t.PkgPath(), attacks) || strings.HasPrefix(t.PkgPath(), defenses) || t == reflect.TypeFor[none]()
}
