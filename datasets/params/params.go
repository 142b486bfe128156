// Package params gives plug-ins one written form, and checks of what is
// written:
//
//	id      = name [ ":" setting { "," setting } ]
//	setting = key "=" value
//
// Blanks around name, keys and values do not count; a value holds no comma.
//
// A plug-in's parameters are the exported fields of its struct, of type int,
// float64, bool or string; the key is the field's name in snake case
// (MaxBytes is max_bytes), so a unit in the field's name is a unit in the key.
// Fields of other types are not parameters. The value a list holds is the
// default. Validate, if there is one, checks them; range.go has what it needs.
package params

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Validator is the optional check of a plug-in's parameters, which With makes.
// The error names the key and the allowed range.
type Validator interface {
	Validate() error
}

// Param describes one parameter: its key, its value as written, what the value 0
// stands for where it is no number of the parameter (the field's `zero` tag), and
// the sentence in its `help` tag, to which Help adds that.
type Param struct{ Key, Value, Zero, Help string }

// Lister is the optional ability of a plug-in to have parameters that are no fields
// of its struct, such as those of a program elsewhere.
type Lister interface {
	// Params returns them sorted by key; the slice is the caller's.
	Params() []Param
}

// List returns the parameters of plug-in v (a struct or a pointer to one),
// sorted by key.
func List(v any) []Param {
	if l, ok := v.(Lister); ok {
		return l.Params()
	}

	// By its fields: a value that is no struct has none.
	rv := reflect.Indirect(reflect.ValueOf(v))
	if rv.Kind() != reflect.Struct {
		return nil
	}
	var ps []Param
	for i := range rv.NumField() {
		f := rv.Type().Field(i)
		if isParam(f) {
			x := Param{snakeCase(f.Name), written(rv.Field(i)), f.Tag.Get("zero"), f.Tag.Get("help")}
			if x.Zero != "" {
				x.Help += "; 0: " + x.Zero
			}
			ps = append(ps, x)
		}
	}
	slices.SortFunc(ps, func(a, b Param) int { return cmp.Compare(a.Key, b.Key) })
	return ps
}

// ID is the canonical form: the name and all parameters, sorted, so equal IDs
// are equal plug-ins.
func ID(name string, v any) string {
	ps := List(v)
	if len(ps) == 0 {
		return name
	}
	kv := make([]string, len(ps))
	for i, p := range ps {
		kv[i] = p.Key + "=" + p.Value
	}
	return name + ":" + strings.Join(kv, ",")
}

// Short is the name and the parameters of v that differ from those of def, as
// "name key=value key=value": what tables print.
func Short(name string, v, def any) string {
	usual := map[string]string{}
	for _, p := range List(def) {
		usual[p.Key] = p.Value
	}
	for _, p := range List(v) {
		if p.Value != usual[p.Key] {
			name += " " + p.Key + "=" + p.Value
		}
	}
	return name
}

// Program begins the names of plug-ins that are programs of their own.
const Program = "exec:"

// Cut cuts an ID, or the begin of one, into the name and what stands behind the
// colon. The name of a program holds a colon itself.
func Cut(id string) (name, set string, has bool) {
	rest, program := strings.CutPrefix(id, Program)
	name, set, has = strings.Cut(rest, ":")
	if program {
		name = Program + name
	}
	return name, set, has
}

// Split cuts "name:key=value,key=value" into the name and its settings in the
// order given.
func Split(id string) (name string, set [][2]string, err error) {
	name, rest, has := Cut(strings.TrimSpace(id))
	if name == "" {
		return "", nil, fmt.Errorf("%q: empty name (want NAME or NAME:key=value,key=value)", id)
	}
	if !has {
		return name, nil, nil
	}
	for _, kv := range strings.Split(rest, ",") {
		k, v, ok := strings.Cut(kv, "=")
		if !ok || k == "" {
			return "", nil, fmt.Errorf("%q: %q is not key=value", id, kv)
		}
		set = append(set, [2]string{strings.TrimSpace(k), strings.TrimSpace(v)})
	}
	return name, set, nil
}

// With returns a copy of plug-in v with the settings made and validated. v is
// not modified. Unknown keys, keys set twice, values of the wrong type and
// values that Validate refuses are errors that name the key.
func With[T any](v T, set [][2]string) (T, error) {
	var zero T
	if l, ok := any(v).(Lister); ok {
		return v, sameSettings(l, set)
	}

	// v may be a struct or a pointer to one; the copy is made of the struct, so
	// that the caller's stays as it is.
	orig := reflect.ValueOf(v)
	ptr := orig.Kind() == reflect.Pointer
	p := reflect.New(reflect.Indirect(orig).Type())
	p.Elem().Set(reflect.Indirect(orig))

	seen := map[string]bool{}
	for _, kv := range set {
		if seen[kv[0]] {
			return zero, fmt.Errorf("%s is set twice", kv[0])
		}
		seen[kv[0]] = true
		if err := setField(p.Elem(), kv[0], kv[1]); err != nil {
			return zero, err
		}
	}

	if !ptr {
		p = p.Elem()
	}
	out := p.Interface().(T)
	if val, ok := any(out).(Validator); ok {
		if err := val.Validate(); err != nil {
			return zero, err
		}
	}
	return out, nil
}

// sameSettings refuses settings that l does not have already: what has no fields
// cannot be copied with others.
func sameSettings(l Lister, set [][2]string) error {
	for _, kv := range set {
		if !slices.ContainsFunc(l.Params(), func(p Param) bool { return p.Key == kv[0] && p.Value == kv[1] }) {
			return fmt.Errorf("%s=%s: the parameters of a program are set when it is started", kv[0], kv[1])
		}
	}
	return nil
}

// setField sets the field of s with that key to a value as written.
func setField(s reflect.Value, key, value string) error {
	var keys []string
	for i := range s.NumField() {
		f := s.Type().Field(i)
		if !isParam(f) {
			continue
		}
		if snakeCase(f.Name) == key {
			return setValue(s.Field(i), key, value)
		}
		keys = append(keys, snakeCase(f.Name))
	}

	slices.Sort(keys)
	if len(keys) == 0 {
		return fmt.Errorf("unknown parameter %q: this one has no parameters", key)
	}
	return fmt.Errorf("unknown parameter %q%s (has %s)", key, DidYouMean(key, keys), strings.Join(keys, ", "))
}

// setValue parses value as what the field holds.
func setValue(f reflect.Value, key, value string) error {
	switch f.Kind() {
	case reflect.Int:
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("%s=%s: want a whole number", key, value)
		}
		f.SetInt(int64(n))

	case reflect.Float64:
		// NaN would slip through every comparison, and never equal itself in a
		// cell's key.
		x, err := strconv.ParseFloat(value, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("%s=%s: want a number", key, value)
		}
		f.SetFloat(x)

	case reflect.Bool:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("%s=%s: want true or false", key, value)
		}
		f.SetBool(b)

	case reflect.String:
		f.SetString(value)
	}
	return nil
}

// isParam says whether a field of a plug-in is one of its parameters.
func isParam(f reflect.StructField) bool {
	switch f.Type.Kind() {
	case reflect.Int, reflect.Float64, reflect.Bool, reflect.String:
		return f.IsExported() && !f.Anonymous
	}
	return false
}

// written is a value as ID writes it: the shortest form that reads back as the
// same number, so that equal plug-ins have equal IDs.
func written(v reflect.Value) string {
	if v.Kind() == reflect.Float64 {
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	}
	return fmt.Sprint(v.Interface())
}

// snakeCase turns MaxBytes into max_bytes and K into k.
func snakeCase(s string) string {
	var b strings.Builder
	for i, r := range s {
		if unicode.IsUpper(r) {
			if i > 0 {
				b.WriteByte('_')
			}
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// DidYouMean returns `; did you mean "x"?` for the candidate nearest to name,
// or "" when none is near: more than two letters, and more than a third of
// them, would have to change. Several names with commas between get what to do.
func DidYouMean(name string, candidates []string) string {
	if first, _, several := strings.Cut(name, ","); several && slices.Contains(candidates, first) {
		return "; each name stands on its own: repeat the flag, or write a list in a file"
	}
	best, bd := "", max(2, len(name)/3)+1
	for _, c := range candidates {
		if d := editDistance(name, c); d < bd {
			best, bd = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// editDistance is the Levenshtein distance in bytes. row holds the distances of
// a's first i bytes to each prefix of b, diag the one left above in the table.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			sub := diag
			if a[i] != b[j] {
				sub++
			}
			diag = row[j+1]
			row[j+1] = min(sub, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
