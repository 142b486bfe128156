package folder

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture/write"
	"veilbench/datasets/home"
)

// bigEnv names the test that opens 1,000 captures of 1 MB: too long for every
// run.
const bigEnv = "VEILBENCH_FOLDER_BIG"

func TestThousandCaptures(t *testing.T) {
	if os.Getenv(bigEnv) == "" {
		t.Skipf("set %s to open 1,000 captures of 1 MB", bigEnv)
	}
	dir := t.TempDir()
	ds, err := home.Generate(context.Background(), "small:homes=1,hours=1", 1)
	if err != nil {
		t.Fatal(err)
	}
	tr := ds.Recordings[0].Trace
	n, size := 0, 0
	for n < len(tr.Packets) && size < 1<<20 {
		size += int(tr.Packets[n].Size) + 16
		n++
	}
	tr = datasets.Trace{Start: tr.Start, Flows: tr.Flows, Packets: tr.Packets[:n], End: tr.Packets[n-1].Time}
	for i := range 1000 {
		tr.Start = tr.Start.Add(time.Hour)
		name := filepath.Join(dir, fmt.Sprintf("plug_%s_%d.pcap", []string{"on", "off"}[i%2], i/2))
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := write.Capture(f, tr); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	os.WriteFile(filepath.Join(dir, "plug_on_777.pcap"), []byte("\xd4\xc3\xb2\xa1 not a capture at all"), 0o600)

	cpu := func() time.Duration {
		var u syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before, begin := cpu(), time.Now()
	f, err := Open(t.Context(), dir, Options{Workers: 2, MemoryBytes: 4 << 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("1,000 captures of %d bytes, %d packets each: %v of wall clock, %v of CPU", size, n, time.Since(begin), cpu()-before)
	if len(f.recordings) != 1000 || len(f.broken) != 1 {
		t.Errorf("%d recordings, %d broken", len(f.recordings), len(f.broken))
	}
}
