package folder

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"veilbench/datasets/datatest"
)

// copied is a copy of one of the real folders, without what says how it is to be
// read.
func copied(t *testing.T, name string) string {
	t.Helper()
	from := filepath.Join(filepath.Dir(datatest.Recorded(t)), "cases", "home_folders", name)
	if _, err := os.Stat(from); err != nil {
		t.Skipf("the folders of recordings are not beside the repository: %v", err)
	}
	to := filepath.Join(t.TempDir(), filepath.Base(name))
	err := filepath.WalkDir(from, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.Name() == "README.md" || e.Name() == "truth.csv" || e.Name() == "SHA256SUMS" {
			return err
		}
		rel, _ := filepath.Rel(from, p)
		if e.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// The numbers are those of the folders' README; of the ring it counts one whole
// packet too few (tshark finds 439, and one that is cut).
func TestRecordedFolders(t *testing.T) {
	for _, c := range []struct {
		name    string
		packets int
		want
	}{
		{"moniotr", 4079, want{
			captures: "{home}/{device}/{activity}/{trial}.pcap", recordings: 28, groups: 7, tasks: "device, clip",
			devices: "blink-cam, echo, schlage-lock, smart-plug",
			classes: "blink-cam/local_motion 3, echo/voice_alexa 5, echo/voice_what_time_is_it 5, schlage-lock/android_lock 4, schlage-lock/android_unlock 4, smart-plug/android_lan_switch 6",
		}},
		{"unsw", 5262, want{
			captures: "{day}.pcap", recordings: 2, groups: 2, tasks: "device", classes: "none",
			devices: "Blink Camera 1, Schlage Encode Lock, Ultraloq Bridge, Unused Plug",
			doubts:  []string{"device Unused Plug has no traffic", "no packet has 38:1f:8d:b0:c9:01"},
		}},
		{"pingpong", 739, want{recordings: 1, groups: 1, tasks: "event", classes: "schlage-lock/trigger 36"}},
		{"file_names", 2561, want{
			captures: "{device}_{activity}_{n}.pcap", recordings: 16, groups: 5, tasks: "clip",
			classes: "echo/good_morning 5, echo/who_do_you_love 5, schlage_lock/lock 3, schlage_lock/unlock 3",
		}},
		{"rotated/size", 1064, want{recordings: 1, groups: 1, tasks: "none"}},
		{"rotated/ring", 439, want{recordings: 1, groups: 1, tasks: "none", doubts: []string{"60 packets before it are fine"}}},
		{"rotated/time", 1064, want{recordings: 1, groups: 1, tasks: "none", doubts: []string{"without a packet before cap-20181023-050731.pcap"}}},
		{"inspector", 1310, want{recordings: 1, groups: 1, tasks: "event", classes: "Echo/ask a question 5"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := open(t, copied(t, c.name))
			check(t, f, c.want)
			n := 0
			for _, r := range f.recordings {
				n += len(r.Trace.Packets)
			}
			if n != c.packets {
				t.Errorf("%d packets, want %d", n, c.packets)
			}
		})
	}
}

// Details of the README: every device's packets by day, the triggers' epochs,
// the recording without packets.
func TestRecordedDetails(t *testing.T) {
	f := open(t, copied(t, "unsw"))
	for i, want := range [][]int{{1274, 308, 1485}, {572, 223, 1400}} {
		r := &f.recordings[i]
		count := make([]int, len(r.Labels.Devices))
		for _, o := range r.Labels.Owners {
			if o >= 0 {
				count[o]++
			}
		}
		for d, n := range want {
			if count[d] != n {
				t.Errorf("%s: %s has %d packets, want %d", r.ID, r.Labels.Devices[d], count[d], n)
			}
		}
	}

	f = open(t, copied(t, "pingpong"))
	if f.spec.Labels.Zone != "America/Los_Angeles" {
		t.Errorf("zone %s", f.spec.Labels.Zone)
	}
	r := &f.recordings[0]
	for i, epoch := range map[int]int64{0: 1615215641, 2: 1615241846, 33: 1615815572, 35: 1615815616} {
		if got := r.Trace.Start.Add(r.Labels.Events[i].Start).Unix(); got != epoch {
			t.Errorf("trigger %d at %d, want %d", i+1, got, epoch)
		}
	}

	f = open(t, copied(t, "moniotr"))
	if f.empty != 1 {
		t.Errorf("%d recordings without packets, want 1", f.empty)
	}

	f = open(t, copied(t, "inspector"))
	e := f.recordings[0].Labels.Events[1]
	if d := (e.End - e.Start).Seconds(); d < 12.999 || d > 13.001 {
		t.Errorf("an event of %v s, want 13", d)
	}
	if !strings.Contains(f.left[0].reason, "the same events") {
		t.Errorf("left out: %v", f.left)
	}
}
