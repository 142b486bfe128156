package published

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/datatest"
)

// crossing counts the packets between a private and a public address.
func crossing(t datasets.Trace) int {
	n := 0
	for _, p := range t.Packets {
		f := t.Flows[p.Flow]
		local, remote := f.Local.Addr(), f.Remote.Addr()
		if local.Is4() && remote.Is4() && local.IsPrivate() && remote.IsGlobalUnicast() && !remote.IsPrivate() {
			n++
		}
	}
	return n
}

// The description's packets to and from the Internet on both sides of each set.
func TestNATPairs(t *testing.T) {
	ds := load1(t, "nat-pairs", datatest.Recorded(t, "nat_pairs"))
	sum(t, ds)
	want := map[string]int{
		"plug/inside": 663, "plug/outside": 663, "home/inside": 4843, "home/outside": 4782,
		"blocked/inside": 8109, "blocked/outside": 3731,
	}
	for _, r := range ds.Recordings {
		if n := crossing(r.Trace); n != want[r.ID] {
			t.Errorf("%s: %d packets to and from the Internet, want %d", r.ID, n, want[r.ID])
		}
		delete(want, r.ID)
		if !strings.HasPrefix(r.ID, r.Group+"/") {
			t.Errorf("%s in group %s: both sides of a set belong together", r.ID, r.Group)
		}
	}
	if len(want) > 0 || len(ds.Tasks) > 0 {
		t.Errorf("%v missing, tasks %v", want, ds.Tasks)
	}
}

// The counts of each of the twelve files.
func TestNATPairsFiles(t *testing.T) {
	dir := datatest.Recorded(t, "nat_pairs")
	for _, x := range readCSV(t, filepath.Join(dir, "captures.csv"))[1:] {
		tr, _, err := openCapture(t.Context(), filepath.Join(dir, x[0]), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(len(tr.Packets), crossing(tr)); got != x[2]+" "+x[4] {
			t.Errorf("%s: %s packets, and to and from the Internet; want %s %s", x[0], got, x[2], x[4])
		}
		start, err := parseEpoch(x[5])
		if err != nil || tr.Start.Sub(start).Abs() > time.Microsecond || fmt.Sprintf("%.3f", tr.End.Seconds()) != x[6] {
			t.Errorf("%s: %v from %v, want %s s from %v", x[0], tr.End, tr.Start, x[6], start)
		}
	}
}

func TestNATPairsBadInput(t *testing.T) {
	dir := t.TempDir()
	if _, err := readNATPairs(t.Context(), dir); err == nil || !strings.Contains(err.Error(), filepath.Join("blocked", "lan")) {
		t.Errorf("an empty folder: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "blocked"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"lan.pcap", "lan.pcap.gz"} {
		if err := os.WriteFile(filepath.Join(dir, "blocked", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := readNATPairs(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "2 captures of this side") {
		t.Errorf("a capture twice: %v", err)
	}
}
