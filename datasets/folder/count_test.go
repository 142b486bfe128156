package folder

import (
	"fmt"
	"testing"
	"time"
)

// Files numbered before their ending are one recording where nothing is missing
// between them, and trials where a person or a program paused.
func TestNumberedBeforeTheEnding(t *testing.T) {
	for _, c := range []struct {
		name       string
		parts      int
		long, step int // seconds
		want       int // recordings
	}{
		{"cut by the clock", 4, 100, 100, 1},
		{"a pause of five seconds", 4, 100, 105, 4},
		{"overlapping", 4, 100, 60, 4},
		{"two could be anything", 2, 100, 100, 2},
	} {
		dir := t.TempDir()
		for i := range c.parts {
			put(t, dir, fmt.Sprintf("cap-%03d.pcap", i+1), traffic(1, noon().Add(time.Duration(i*c.step)*time.Second), c.long))
		}
		ds := open(t, dir).Dataset()
		if len(ds.Recordings) != c.want {
			t.Errorf("%s: %d recordings, want %d", c.name, len(ds.Recordings), c.want)
			continue
		}
		if c.want == 1 {
			if r := ds.Recordings[0]; len(r.Trace.Packets) != c.parts*c.long || r.Trace.End < time.Duration(c.parts*c.long-1)*time.Second || r.ID != "cap" {
				t.Errorf("%s: %s has %d packets in %v", c.name, r.ID, len(r.Trace.Packets), r.Trace.End)
			}
		}
	}

	// dataset.yaml decides where the files do not.
	dir := t.TempDir()
	for i := range 4 {
		put(t, dir, fmt.Sprintf("cap-%03d.pcap", i+1), traffic(1, noon().Add(time.Duration(i)*100*time.Second), 100))
	}
	for join, want := range map[string]int{"none": 4, "rotated": 1} {
		text(t, dir, "dataset.yaml", "join: "+join+"\n")
		if n := len(open(t, dir).Dataset().Recordings); n != want {
			t.Errorf("join: %s: %d recordings, want %d", join, n, want)
		}
	}
}

// A log of whole seconds may put an event before the first packet of the capture
// that it names, by less than a second.
func TestEventsJustBeforeTheCapture(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a.pcap", traffic(1, noon().Add(800*time.Millisecond), 60, 0))
	put(t, dir, "b.pcap", traffic(1, noon().Add(time.Hour), 60, 0))
	lines := []string{"capture,time,device,activity"}
	for _, at := range []time.Duration{-time.Second, 0, 30 * time.Second} {
		lines = append(lines, fmt.Sprintf("a.pcap,%d,plug,on", noon().Add(at).Unix()))
	}
	text(t, dir, "events.csv", lines...)
	ds := open(t, dir).Dataset()
	if es := ds.Recordings[0].Labels.Events; len(es) != 2 || es[0].Start != 0 || es[1].Start != 29200*time.Millisecond {
		t.Errorf("events %v, want one at the beginning and one at 29.2 s", es)
	}
}

// A folder around traces of cells says which were crawled together.
func TestCellsAreGroupedByFolder(t *testing.T) {
	dir := t.TempDir()
	for batch := range 3 {
		for site := range 2 {
			for n := range 2 {
				text(t, dir, fmt.Sprintf("batch%d/%d-%d.cell", batch, site, 2*batch+n), "0.0\t1\n0.5\t-1\n0.6\t-1\n")
			}
		}
	}
	ds := open(t, dir).Dataset()
	groups := map[string]bool{}
	for _, r := range ds.Recordings {
		groups[r.Group] = true
	}
	if len(ds.Recordings) != 12 || len(groups) != 3 || ds.Split.Within() {
		t.Errorf("%d recordings, groups %v, split %s", len(ds.Recordings), groups, ds.Split)
	}
	if c := ds.Recordings[0].ClipClass(); c != "page/0" {
		t.Errorf("class %s", c)
	}
}
