package results

import "testing"

func TestProbesAreKept(t *testing.T) {
	dir := t.TempDir()
	if p, err := ReadProbes(dir); p != nil || err != nil {
		t.Fatalf("%v %v", p, err)
	}
	want := Probes{Verdicts: []Verdict{{Name: "a", Detail: "b", OK: true}}, Shifts: []ShiftCurve{{Unit: "s", Points: []ShiftPoint{{1, 0.5}}}}}
	if err := WriteProbes(dir, &want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadProbes(dir)
	if err != nil || got.Verdicts[0] != want.Verdicts[0] || got.Shifts[0].Points[0] != want.Shifts[0].Points[0] {
		t.Errorf("%+v %v", got, err)
	}
	for range 2 { // taking away what is not there is no error
		if err := WriteProbes(dir, nil); err != nil {
			t.Fatal(err)
		}
	}
	if p, _ := ReadProbes(dir); p != nil {
		t.Error("still there")
	}
}
