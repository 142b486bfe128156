package s3

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"veilbench/bench/store"
	"veilbench/bench/store/s3/s3test"
)

// server starts a service that Open finds.
func server(t *testing.T) *s3test.Server {
	t.Helper()
	s := s3test.New()
	t.Cleanup(s.Close)
	for _, kv := range s.Env() {
		k, v, _ := strings.Cut(kv, "=")
		t.Setenv(k, v)
	}
	return s
}

// A bucket and a folder keep the same promises.
func TestStores(t *testing.T) {
	server(t)
	b, err := Open("s3://lab/runs/paper/")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []store.Store{b, store.Folder(t.TempDir() + "/new")} {
		ctx := t.Context()
		if names, err := s.List(ctx); err != nil || len(names) != 0 {
			t.Errorf("%T: at first %v, %v", s, names, err)
		}
		if _, err := s.Get(ctx, "cells/00/x.json"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%T: %v, want one of a file that is not there", s, err)
		}
		if err := s.Delete(ctx, "cells/00/x.json"); err != nil {
			t.Errorf("%T: taking away what is not there: %v", s, err)
		}

		// More names than a page of a list has.
		var want []string
		for i := range 2*s3test.Page + 1 {
			name := fmt.Sprintf("cells/%02d/x é+.json", i)
			if err := s.Put(ctx, name, []byte(name)); err != nil {
				t.Fatal(err)
			}
			want = append(want, name)
		}
		if err := s.Put(ctx, want[3], []byte("another")); err != nil {
			t.Fatal(err)
		}
		if names, err := s.List(ctx); err != nil || !slices.Equal(names, want) {
			t.Errorf("%T: %q, %v", s, names, err)
		}
		if got, err := s.Get(ctx, want[3]); err != nil || string(got) != "another" {
			t.Errorf("%T: %q, %v", s, got, err)
		}
		if err := s.Delete(ctx, want[3]); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(ctx, want[3]); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%T: after it was taken away: %v", s, err)
		}
	}

	// A bucket's other prefixes are not seen, also one that begins with the same word.
	other, err := Open("s3://lab/runs/pap")
	if err != nil {
		t.Fatal(err)
	}
	if names, err := other.List(t.Context()); err != nil || len(names) != 0 {
		t.Errorf("%q, %v", names, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, place := range []string{"lab/runs", "s3://", "s3:///x"} {
		if _, err := Open(place); err == nil {
			t.Errorf("%s: no error", place)
		}
	}
	t.Setenv("AWS_ENDPOINT_URL", "minio:9000")
	if _, err := Open("s3://lab"); err == nil || !strings.Contains(err.Error(), "want a URL") {
		t.Errorf("an endpoint without a scheme: %v", err)
	}
}

// What could not be sent is sent the next time, and what was taken away here is taken
// away there, after what takes its place has come.
func TestMirror(t *testing.T) {
	s := server(t)
	b, err := Open("s3://lab/paper/shard-0")
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	here := store.Folder(t.TempDir())
	if err := b.Put(ctx, "cells/aa/old.failed.json", []byte("old")); err != nil {
		t.Fatal(err)
	}
	m, err := store.Fetch(ctx, b, string(here))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := here.Get(ctx, "cells/aa/old.failed.json"); err != nil || string(got) != "old" {
		t.Fatalf("%q, %v", got, err)
	}

	for _, name := range []string{"plan.json", "cells/aa/new.json", "cells/bb/more.json"} {
		if err := here.Put(ctx, name, []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := here.Delete(ctx, "cells/aa/old.failed.json"); err != nil {
		t.Fatal(err)
	}
	s.Fail(2)
	if err := m.Send(ctx); err == nil {
		t.Error("a service that refused everything: no error")
	}
	if _, err := b.Get(ctx, "cells/aa/old.failed.json"); err != nil {
		t.Errorf("taken away before the rest had come: %v", err)
	}
	s.Fail(0)
	if err := m.Send(ctx); err != nil {
		t.Fatal(err)
	}
	want := []string{"cells/aa/new.json", "cells/bb/more.json", "plan.json"}
	if names, err := b.List(ctx); err != nil || !slices.Equal(names, want) {
		t.Errorf("%q, %v", names, err)
	}

	// The runs below a place, without what is beside them.
	all, err := Open("s3://lab/paper")
	if err != nil {
		t.Fatal(err)
	}
	if err := all.Put(ctx, "notes.txt", nil); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	dirs, err := store.FetchAll(ctx, all, dir, "plan.json")
	if err != nil || len(dirs) != 1 || dirs[0] != dir+"/shard-0" {
		t.Errorf("%q, %v", dirs, err)
	}
	if names, err := store.Folder(dir).List(ctx); err != nil || len(names) != 3 {
		t.Errorf("%q, %v", names, err)
	}
}

// Names come from elsewhere: none leads out of a folder.
func TestNamesStayInside(t *testing.T) {
	f := store.Folder(t.TempDir())
	for _, name := range []string{"../x", "a/../../x", "/etc/x"} {
		if err := f.Put(t.Context(), name, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
