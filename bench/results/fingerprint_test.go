package results

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// someResults has a result with something in every field that holds a number.
func someResults() []Result {
	var out []Result
	for fold := range 4 {
		out = append(out, Result{
			Cell: Cell{Dataset: "d", Defense: "none", Attack: "a", Fold: fold}, Data: "x", Method: 1, Headline: "f1", Floor: 0.25,
			Metrics: []Metric{{Name: "f1", Value: 0.5}, {Name: "recall", Value: 0.75}},
			Groups:  []GroupScore{{Group: "g", Value: 0.5, Floor: 0.25, N: 7}},
		})
	}
	return out
}

func hash(t *testing.T, rs []Result) string {
	t.Helper()
	f, err := FingerprintOf(rs, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f.Hash
}

// The order of cells changes no fingerprint, and neither do labels.
func TestFingerprintHangsOnNoOrder(t *testing.T) {
	rs := someResults()
	want := hash(t, rs)
	slices.Reverse(rs)
	rs[0], rs[2] = rs[2], rs[0]
	rs[1].DefenseLabel = "another name"
	if got := hash(t, rs); got != want {
		t.Errorf("%s in another order, want %s", got, want)
	}
	if hash(t, rs[1:]) == want {
		t.Error("a cell less is the same")
	}
}

// Every number of every cell counts, to its last bit.
func TestFingerprintTellsOneNumber(t *testing.T) {
	want := hash(t, someResults())
	changed := 0
	var change func(v reflect.Value, rs []Result, where string)
	change = func(v reflect.Value, rs []Result, where string) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				change(v.Field(i), rs, where+"."+v.Type().Field(i).Name)
			}
		case reflect.Slice:
			for i := range v.Len() {
				change(v.Index(i), rs, where)
			}
		case reflect.Float64:
			was := v.Float()
			v.SetFloat(was + 1e-12)
			if changed++; hash(t, rs) == want {
				t.Errorf("%s is another number, and the fingerprint the same", where)
			}
			v.SetFloat(was)
		case reflect.Int, reflect.Int64:
			was := v.Int()
			v.SetInt(was + 1)
			if changed++; hash(t, rs) == want {
				t.Errorf("%s is another number, and the fingerprint the same", where)
			}
			v.SetInt(was)
		}
	}
	rs := someResults()
	for i := range rs {
		change(reflect.ValueOf(&rs[i]).Elem(), rs, "Result")
	}
	if changed < 4*10 {
		t.Errorf("only %d numbers were changed", changed)
	}
}

func TestFingerprintAgainst(t *testing.T) {
	f, err := FingerprintOf(someResults(), &Manifest{Kernel: "avx512"})
	if err != nil {
		t.Fatal(err)
	}
	for _, written := range []string{f.String(), f.Full(), f.Hash, "sha256:" + f.Hash[:20]} {
		if same, why, err := f.Against(written); !same || err != nil {
			t.Errorf("%q: %s %v", written, why, err)
		}
	}
	if got := f.String(); got != "results sha256:"+f.Hash[:16]+" (4 cells, avx512 kernels)" {
		t.Errorf("the line is %q", got)
	}
	same, why, err := f.Against("results sha256:0123456789abcdef (4 cells, avx2 kernels)")
	if same || err != nil || !strings.Contains(why, "run with --kernel avx2") {
		t.Errorf("another hash: %v %q %v", same, why, err)
	}
	for _, bad := range []string{"", "sha256:", f.Hash[:15], "md5:" + f.Hash} {
		if _, _, err := f.Against(bad); err == nil {
			t.Errorf("%q is taken for a fingerprint", bad)
		}
	}
}
