package folder

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture/write"
	"veilbench/datasets/doubt"
)

// noon is when the captures of tests begin unless they say otherwise.
func noon() time.Time { return time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC) }

// macOf is the hardware address of a test's device number n.
func macOf(n int) datasets.MAC { return datasets.MAC{0x50, 0xc7, 0xbf, 0, 0, byte(n)} }

// traffic is a trace of device n: a small packet every second and, at the given
// seconds, ten large ones.
func traffic(n int, start time.Time, seconds int, bursts ...int) datasets.Trace {
	t := datasets.Trace{
		Start: start, End: time.Duration(seconds) * time.Second,
		Flows: []datasets.Flow{{
			Proto: 6, MAC: macOf(n),
			Local:  netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 168, 1, byte(10 + n)}), 40000),
			Remote: netip.MustParseAddrPort("52.1.1.1:443"),
		}},
	}
	for s := range seconds {
		at := time.Duration(s) * time.Second
		t.Packets = append(t.Packets, datasets.Packet{Time: at, Size: 80, Payload: 26})
		if slices.Contains(bursts, s) {
			for k := range 10 {
				t.Packets = append(t.Packets, datasets.Packet{Time: at + time.Duration(k)*time.Millisecond, Size: 1000, Payload: 946})
			}
		}
	}
	return t
}

// put writes a trace as a capture of the folder.
func put(t testing.TB, dir, name string, tr datasets.Trace) {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(p)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := write.Capture(f, tr); err != nil {
		t.Fatal(err)
	}
}

// text writes a text file of the folder.
func text(t testing.TB, dir, name string, lines ...string) {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// open opens a folder that must open.
func open(t testing.TB, dir string) *Folder {
	t.Helper()
	f, err := Open(t.Context(), dir, Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// want is the right reading of a folder.
type want struct {
	captures           string // pattern
	recordings, groups int
	classes            string // "device/activity n", sorted, joined by ", "
	tasks              string
	doubts             []string // parts of doubts that must be there
	devices            string   // all names, sorted
	vague              bool     // events are known to the minute
	pairs              int      // captures of both sides of a gateway
	left               string   // a file that was passed over, and why
}

// check compares a reading.
func check(t *testing.T, f *Folder, w want) {
	t.Helper()
	count := f.classes()
	var classes []string
	for _, c := range slices.Sorted(maps.Keys(count)) {
		classes = append(classes, fmt.Sprintf("%s %d", c, count[c]))
	}
	devices := map[string]bool{}
	for i := range f.recordings {
		for _, d := range f.recordings[i].Labels.Devices {
			devices[d] = true
		}
		if err := f.recordings[i].Trace.Check(); err != nil {
			t.Error(err)
		}
	}
	for _, c := range []struct{ what, got, want string }{
		{"pattern", f.spec.Captures, w.captures},
		{"classes", strings.Join(classes, ", "), w.classes},
		{"tasks", joinOr(f.tasks, ""), w.tasks},
		{"devices", strings.Join(slices.Sorted(maps.Keys(devices)), ", "), w.devices},
	} {
		if c.want != "" && c.want != c.got && !(c.want == "none" && c.got == "") {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
	if len(f.recordings) != w.recordings || len(f.groups()) != w.groups {
		t.Errorf("%d recordings in %d groups %v, want %d in %d", len(f.recordings), len(f.groups()), slices.Sorted(maps.Keys(f.groups())), w.recordings, w.groups)
	}
	if len(f.pairs) != w.pairs {
		t.Errorf("%d pairs, want %d", len(f.pairs), w.pairs)
	}
	if w.left != "" && !slices.Contains(problems(f.left), w.left) {
		t.Errorf("left out %q, want %q", problems(f.left), w.left)
	}
	ds := f.Dataset()
	if ds.Vague != w.vague {
		t.Errorf("vague: %v", ds.Vague)
	}
	said := slices.Clone(ds.Warnings)
	for _, d := range doubt.Of(&ds, ds.DefaultVantage(), 1) {
		said = append(said, d.String())
	}
	for _, d := range w.doubts {
		if !slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, d) }) {
			t.Errorf("no doubt says %q; there are %q", d, said)
		}
	}
	if t.Failed() {
		f.Describe(os.Stderr)
	}
	saidAgain(t, f)
}

// saidAgain checks that the dataset.yaml that --write would write says the same.
func saidAgain(t *testing.T, f *Folder) {
	t.Helper()
	y, err := f.spec.yaml()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(f.path, specFile)
	old, had := os.ReadFile(name)
	if err := os.WriteFile(name, y, 0o600); err != nil {
		t.Fatal(err)
	}
	g := open(t, f.path)
	if had == nil {
		os.WriteFile(name, old, 0o600)
	} else {
		os.Remove(name)
	}
	if len(f.recordings) != len(g.recordings) {
		t.Fatalf("%d recordings with the written %s, %d without:\n%s", len(g.recordings), specFile, len(f.recordings), y)
	}
	for i := range f.recordings {
		a, b := &f.recordings[i], &g.recordings[i]
		if a.ID != b.ID || a.Group != b.Group || !slices.Equal(a.Labels.Events, b.Labels.Events) || !slices.Equal(a.Labels.Devices, b.Labels.Devices) ||
			!slices.Equal(a.Labels.Owners, b.Labels.Owners) {
			t.Errorf("recording %s of group %s with labels %v; with the written %s %s of %s with %v", a.ID, a.Group, a.Labels.Events, specFile, b.ID, b.Group, b.Labels.Events)
		}
	}
}
