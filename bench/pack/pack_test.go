package pack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folder is one whose records are {"n":NAME,"bad":FAILED}.
func folder(t testing.TB) Folder {
	t.Helper()
	dir := t.TempDir()
	f := Folder{Records: filepath.Join(dir, "r"), Notes: filepath.Join(dir, "n"), Describe: func(object []byte) (string, bool, error) {
		var x struct {
			N   string
			Bad bool
		}
		err := json.Unmarshal(object, &x)
		return x.N, x.Bad, err
	}}
	if err := os.MkdirAll(f.Records, 0o755); err != nil {
		t.Fatal(err)
	}
	return f
}

func record(name string, failed bool) Record {
	return Record{Note: Note{Name: name, Failed: failed, More: json.RawMessage(`{"s":1}`)}, Line: Seal(fmt.Appendf(nil, `{"n":%q,"bad":%v}`+"\n", name, failed))}
}

func unit(t testing.TB, f Folder) *Unit {
	t.Helper()
	u, err := f.Unit("data", "a:b=1+c")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// names are those of all records, each behind a minus if it is of a failure, in order.
func names(t testing.TB, f Folder) string {
	t.Helper()
	all, err := Read(f, func(object []byte) (string, error) {
		name, failed, err := f.Describe(object)
		if failed {
			name = "-" + name
		}
		return name, err
	})
	must(t, err)
	return strings.Join(all, " ")
}

func listed(t testing.TB, f Folder) int {
	t.Helper()
	notes, err := f.List()
	must(t, err)
	return len(notes)
}

// content is what lies in a folder, by name.
func content(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	there, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range there {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		must(t, err)
		out[e.Name()] = string(b)
	}
	return out
}

// A unit that is stopped and goes on, in any order, is the same file as one that was
// not, and one success takes the place of failures.
func TestUnitIsOneFile(t *testing.T) {
	f := folder(t)
	u := unit(t, f)
	must(t, u.Put(record("b", false)))
	must(t, u.Put(record("a", false)))
	must(t, u.Close())
	want := content(t, f.Records)
	if len(want) != 1 || names(t, f) != "a b" || listed(t, f) != 2 {
		t.Fatalf("%v", want)
	}

	g := folder(t)
	u = unit(t, g)
	must(t, u.Put(record("a", true)))
	must(t, u.Close())
	u = unit(t, g)
	must(t, u.Put(record("a", false)))
	must(t, u.Put(record("a", true))) // of another process, which came too late
	if r, ok := u.Get("a"); !ok || r.Failed {
		t.Errorf("%+v", r)
	}
	u = unit(t, g)
	must(t, u.Put(record("b", false)))
	if names(t, g) != "-a a -a b" && names(t, g) != "-a b a -a" || listed(t, g) != 2 {
		t.Errorf("%s, %d notes", names(t, g), listed(t, g))
	}
	must(t, u.Close())
	got := content(t, g.Records)
	for name := range want {
		if !strings.HasPrefix(name, "a_b_1_c.") || got[name] != want[name] || len(got) != 1 || len(content(t, g.Notes)) != 1 {
			t.Errorf("%v, want %v", got, want)
		}
	}
	must(t, unit(t, g).Close())
	if len(content(t, g.Records)) != 1 {
		t.Error("closed again, it is more than one")
	}
}

// Cut anywhere, a part is as many records as are whole in it.
func TestPartIsCutAnywhere(t *testing.T) {
	f := folder(t)
	u := unit(t, f)
	for i := range 3 {
		must(t, u.Put(record(fmt.Sprint(i), false)))
	}
	path := filepath.Join(f.Records, u.part)
	whole, err := os.ReadFile(path)
	must(t, err)

	for n := range len(whole) + 1 {
		must(t, os.WriteFile(path, whole[:n], 0o644))
		want := bytes.Count(whole[:n], []byte("\n")) / 2
		if got := len(strings.Fields(names(t, f))); got != want || listed(t, f) != want {
			t.Fatalf("%d of %d bytes: %d records, want %d", n, len(whole), got, want)
		}
	}
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 1
		must(t, os.WriteFile(path, b, 0o644))
		if got := names(t, f); !strings.HasPrefix("0 1 2", got) {
			t.Fatalf("byte %d changed: %q", i, got)
		}
	}
}

// Two processes that compute one unit lose nothing to each other, and neither does
// one whose part is taken away under it.
func TestTwoProcesses(t *testing.T) {
	f := folder(t)
	a, b := unit(t, f), unit(t, f)
	must(t, a.Put(record("1", false)))
	must(t, b.Put(record("2", false)))
	must(t, a.Close())
	must(t, b.Put(record("3", false)))
	if got := listed(t, f); got != 3 {
		t.Errorf("%d records before the second is done", got)
	}
	must(t, b.Close())
	if got := content(t, f.Records); len(got) != 1 || names(t, f) != "1 2 3" {
		t.Errorf("%s in %v", names(t, f), got)
	}
}

// What is read beside a run that packs is whole.
func TestReadBesideWriting(t *testing.T) {
	f := folder(t)
	stop := make(chan error)
	go func() {
		var err error
		for i := 0; i < 50 && err == nil; i++ {
			u, err2 := f.Unit("data", "x")
			if err = err2; err == nil {
				err = u.Put(record(fmt.Sprint(i), false))
			}
			if err == nil && i%5 == 4 {
				err = u.Close()
			}
		}
		stop <- err
	}()
	last := 0
	for {
		n := listed(t, f)
		if n < last {
			t.Fatalf("%d records after %d", n, last)
		}
		last = n
		select {
		case err := <-stop:
			must(t, err)
			if n := listed(t, f); n != 50 {
				t.Errorf("%d records", n)
			}
			return
		default:
		}
	}
}

// Notes that were lost are told by the records, all but when they were written.
func TestLostNotes(t *testing.T) {
	f := folder(t)
	u := unit(t, f)
	must(t, u.Put(record("a", true)))
	must(t, u.Close())
	must(t, os.RemoveAll(f.Notes))
	notes, err := f.List()
	if err != nil || len(notes) != 1 || notes[0].Name != "a" || !notes[0].Failed || !notes[0].At.IsZero() {
		t.Errorf("%+v, %v", notes, err)
	}
}
