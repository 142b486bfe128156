package kit_test

import (
	"reflect"
	"testing"

	"veilbench/datasets/kit"
)

// Parts end one by one with what failed in them, a fatal failure ends its part alone, and
// a panic is a failure.
func TestRun(t *testing.T) {
	var got []kit.Outcome
	reached := false
	ok := kit.Run(func(t kit.T) {
		t.Run("good", func(t kit.T) { t.Helper() })
		if t.Run("outer", func(t kit.T) {
			t.Run("fatal", func(t kit.T) {
				t.Errorf("first %d", 1)
				t.Fatal("second")
				reached = true
			})
			t.Run("good", func(kit.T) {})
		}) {
			t.Error("outer did not fail")
		}
		t.Run("panics", func(kit.T) { panic("boom") })
	}, func(o kit.Outcome) { got = append(got, o) })

	want := []kit.Outcome{
		{Name: "good"}, {Name: "outer/fatal", Failed: []string{"first 1", "second"}}, {Name: "outer/good"}, {Name: "panics", Failed: []string{"panic: boom"}},
	}
	if ok || reached || !reflect.DeepEqual(got, want) {
		t.Errorf("%v %v %+v, want %+v", ok, reached, got, want)
	}
	if !kit.Run(func(t kit.T) { t.Run("good", func(kit.T) {}) }, func(kit.Outcome) {}) {
		t.Error("a contract that holds failed")
	}
}
