package external_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"veilbench/datasets"
	"veilbench/datasets/datatest"
	"veilbench/datasets/params"
	"veilbench/datasets/process"
	"veilbench/defenses"
	"veilbench/defenses/builtin"
	"veilbench/defenses/defensetest"
	"veilbench/defenses/external"
)

// mirror writes the reference program into a folder of the test and returns its
// command.
func mirror(t testing.TB) []string {
	t.Helper()
	python := datatest.Python(t)
	file := filepath.Join(t.TempDir(), "d.py")
	if err := os.WriteFile(file, []byte(external.Mirror), 0o644); err != nil {
		t.Fatal(err)
	}
	return []string{python, file}
}

// set is a set of programs that ends with the test.
func set(t testing.TB) *process.Set {
	t.Helper()
	s := process.NewSet(t.Context(), nil)
	t.Cleanup(s.Close)
	return s
}

// open starts a program, which must greet.
func open(t testing.TB, s *process.Set, command []string, ps map[string]string) defenses.Defense {
	t.Helper()
	d, err := external.Open(s, command, ps)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The program in Python sends what pad-level sends, byte for byte, with and without an
// account.
func TestMirrorIsPadLevel(t *testing.T) {
	command, s := mirror(t), set(t)
	traces := map[string]datasets.Trace{"busy": defensetest.Busy(3), "nothing": {}}
	for i := range 40 {
		traces[fmt.Sprint("random ", i)] = defensetest.Trace().Example(i)
	}
	for _, ps := range []map[string]string{
		nil, {"to": "fixed", "size_bytes": "700"}, {"to": "linear", "acks": "pad"}, {"to": "exponential"}, {"to": "mice"}, {"to": "levels", "account": "full"},
	} {
		usual, err := defenses.Parse(builtin.All(), "pad-level")
		if err != nil {
			t.Fatal(err)
		}
		var kv [][2]string
		for k, v := range ps {
			if k != "account" {
				kv = append(kv, [2]string{k, v})
			}
		}
		want, err := params.With(usual, kv)
		if err != nil {
			t.Fatal(err)
		}
		d := open(t, s, command, ps)
		for name, in := range traces {
			a, err := want.Apply(rand.New(rand.NewPCG(1, 2)), in)
			if err != nil {
				t.Fatal(err)
			}
			b, err := d.Apply(rand.New(rand.NewPCG(1, 2)), in)
			if err != nil {
				t.Fatalf("%v, %s: %v", ps, name, err)
			}
			if ps["account"] == "full" {
				b.Carried = nil // which says that packet i carries packet i, as this one did
			}
			if len(in.Packets) == 0 {
				a.Trace.Packets, b.Trace.Packets = nil, nil
			}
			if !reflect.DeepEqual(a, b) {
				t.Errorf("%v, %s: %+v, want %+v", ps, name, b, a)
			}
		}
		if why := d.(process.Outside).Doubt(); why != "" {
			t.Errorf("in doubt: %s", why)
		}
	}
}

func BenchmarkPipe(b *testing.B) {
	for _, account := range []string{"none", "full"} {
		b.Run("account="+account, func(b *testing.B) {
			d := open(b, set(b), mirror(b), map[string]string{"account": account})
			in := defensetest.Busy(1)
			for i := uint64(2); len(in.Packets) < 100_000; i++ {
				next := defensetest.Busy(i)
				for _, p := range next.Packets {
					p.Time += in.End
					in.Packets = append(in.Packets, p)
				}
				in.End += next.End
			}
			rng := rand.New(rand.NewPCG(1, 2))
			for range 8 { // which are asked again
				if _, err := d.Apply(rng, in); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if _, err := d.Apply(rng, in); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*float64(len(in.Packets))/b.Elapsed().Seconds(), "packets/s")
		})
	}
}
