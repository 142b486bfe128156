package oath

import (
	"testing"

	"veilbench/attacks"
	attacklist "veilbench/attacks/builtin"
	"veilbench/defenses"
	defenselist "veilbench/defenses/builtin"
)

type stranger struct{ attacks.Attack }

// What the kits hold in tests is trusted; what wraps it is not.
func TestOursAreTheBuiltIn(t *testing.T) {
	for _, a := range attacklist.All() {
		if !ours(a) {
			t.Errorf("attack %s is not ours", attacks.ID(a))
		}
		if ours(stranger{a}) || ours(&stranger{a}) {
			t.Errorf("attack %s in a stranger's hands is ours", attacks.ID(a))
		}
	}
	for _, d := range defenselist.All() {
		for _, s := range defenses.Stages(d) {
			if !ours(s) {
				t.Errorf("defense %s is not ours", defenses.ID(s))
			}
		}
	}
	if ours(nil) {
		t.Error("nothing is ours")
	}
}
