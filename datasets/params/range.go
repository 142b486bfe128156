package params

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
)

// The checks below are what plug-ins put into Validate; cmp.Or returns the
// first that fails. Each error names the key, the value and what was expected.

// Allowed says which values the parameter key of v may have while all others are as
// they are: "0 to 3600", "home or device". It asks the Validate of v about one that no
// range holds and reads the error, which the checks below write as "key=value: want
// ..."; what is free, or refused in other words, gives "".
func Allowed(v any, key string) string {
	// A copy is asked: v may be a pointer into a list of plug-ins.
	orig := reflect.ValueOf(v)
	p := reflect.New(reflect.Indirect(orig).Type())
	p.Elem().Set(reflect.Indirect(orig))
	var field reflect.Value
	for i := range p.Elem().NumField() {
		if f := p.Elem().Type().Field(i); isParam(f) && snakeCase(f.Name) == key {
			field = p.Elem().Field(i)
		}
	}
	if !field.IsValid() {
		return ""
	}

	// Whatever is refused below its least is refused by the same check as above its
	// most; some have only one of the bounds.
	var tries []any
	switch field.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		tries = []any{math.MaxInt, math.MinInt}
	case reflect.Float64:
		tries = []any{math.MaxFloat64, -math.MaxFloat64}
	case reflect.String:
		tries = []any{"\x00"}
	}
	for _, try := range tries {
		field.Set(reflect.ValueOf(try).Convert(field.Type()))
		asked := p.Interface()
		if orig.Kind() != reflect.Pointer {
			asked = p.Elem().Interface()
		}
		val, ok := asked.(Validator)
		if !ok {
			return ""
		}
		err := val.Validate()
		if err == nil {
			continue
		}
		if rest, ok := strings.CutPrefix(err.Error(), key+"="); ok {
			_, want, _ := strings.Cut(rest, ": want ")
			return want
		}
	}
	return ""
}

// Within refuses a value of key outside [lo, hi], NaN included.
func Within[T int | float64](key string, value, lo, hi T) error {
	if value >= lo && value <= hi {
		return nil
	}
	return fmt.Errorf("%s=%v: want %v to %v", key, value, lo, hi)
}

// ZeroOrWithin refuses a value of key that is neither 0 nor within [lo, hi]: 0
// stands for "not set".
func ZeroOrWithin[T int | float64](key string, value, lo, hi T) error {
	if value == 0 {
		return nil
	}
	if err := Within(key, value, lo, hi); err != nil {
		return fmt.Errorf("%s=%v: want 0 or %v to %v", key, value, lo, hi)
	}
	return nil
}

// OneOf refuses a value of key that is not among the choices.
func OneOf(key, value string, choices ...string) error {
	if slices.Contains(choices, value) {
		return nil
	}
	return fmt.Errorf("%s=%s: want %s", key, value, strings.Join(choices, " or "))
}

// KeyOf is OneOf of the keys of a table, which the error lists in order.
func KeyOf[V any](key, value string, table map[string]V) error {
	return OneOf(key, value, slices.Sorted(maps.Keys(table))...)
}

// Seconds turns seconds into a duration, to the nearest nanosecond; halves are
// rounded away from zero.
func Seconds(s float64) time.Duration {
	return time.Duration(math.Round(s * float64(time.Second)))
}
