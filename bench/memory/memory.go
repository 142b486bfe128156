// Package memory says how much memory a value holds.
package memory

import "reflect"

// Of is about how many bytes v holds in memory: everything that can be
// reached from it, once. Functions, channels and the buckets of maps beyond
// their entries are not counted.
func Of(v any) int64 {
	if v == nil {
		return 0
	}

	s := memory{seen: map[uintptr]bool{}}
	r := reflect.ValueOf(v)
	return int64(r.Type().Size()) + s.reachable(r)
}

// memory remembers by address what was counted, so that shared and cyclic data
// count once.
type memory struct{ seen map[uintptr]bool }

// visit says whether what lies at p was not counted yet.
func (s memory) visit(p uintptr) bool {
	if p == 0 || s.seen[p] {
		return false
	}
	s.seen[p] = true
	return true
}

// reachable counts what v refers to, not v itself.
func (s memory) reachable(v reflect.Value) (n int64) {
	switch v.Kind() {
	case reflect.String:
		return int64(v.Len())
	case reflect.Pointer:
		if s.visit(v.Pointer()) {
			return int64(v.Type().Elem().Size()) + s.reachable(v.Elem())
		}
	case reflect.Interface:
		if !v.IsNil() {
			return int64(v.Elem().Type().Size()) + s.reachable(v.Elem())
		}

	case reflect.Slice:
		if v.Cap() == 0 || !s.visit(v.Pointer()) {
			return 0
		}

		// The whole array is held, used or not; elements beyond the length refer to
		// nothing that is in use.
		n = int64(v.Cap()) * int64(v.Type().Elem().Size())
		return n + s.elements(v)
	case reflect.Array:
		return s.elements(v)
	case reflect.Struct:
		for i := range v.NumField() {
			n += s.reachable(v.Field(i))
		}

	case reflect.Map:
		if !s.visit(v.Pointer()) {
			return 0
		}
		n = int64(v.Len()) * int64(v.Type().Key().Size()+v.Type().Elem().Size())
		for it := v.MapRange(); it.Next(); {
			n += s.reachable(it.Key()) + s.reachable(it.Value())
		}
	}
	return n
}

// elements counts what the elements refer to. Those that cannot refer to anything
// are not visited: weights come in millions.
func (s memory) elements(v reflect.Value) (n int64) {
	if !refers(v.Type().Elem()) {
		return 0
	}
	for i := range v.Len() {
		n += s.reachable(v.Index(i))
	}
	return n
}

// refers says whether values of a type may refer to others.
func refers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map:
		return true
	case reflect.Array:
		return refers(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if refers(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}
