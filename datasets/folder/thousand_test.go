package folder

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
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

// A folder of 100,000 captures, each with a label file beside it, opens in bounded
// time and memory, and one with more files than that of a data set is refused at once.
func TestHundredThousandFiles(t *testing.T) {
	if os.Getenv(bigEnv) == "" {
		t.Skipf("set %s to open 100,000 captures (go test -timeout 30m: they take long to write and to remove)", bigEnv)
	}
	const n = 100_000
	dir := t.TempDir()
	put(t, dir, "one.pcap", traffic(1, noon(), 2))
	b, err := os.ReadFile(filepath.Join(dir, "one.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(dir, "one.pcap"))
	for i := range n {
		sub := filepath.Join(dir, fmt.Sprintf("home%d", i%100))
		if i < 100 {
			os.MkdirAll(sub, 0o755)
		}
		name := filepath.Join(sub, fmt.Sprintf("s%d", i))
		if err := os.WriteFile(name+".pcap", b, 0o600); err != nil {
			t.Fatal(err)
		}
		os.WriteFile(name+".csv", []byte("time,device,activity\n1,plug,on\n"), 0o600)
	}

	cpu := func() time.Duration {
		var u syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := cpu()
	f, err := Open(t.Context(), dir, Options{Workers: 2, MemoryBytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	took := cpu() - before
	t.Logf("%d captures and as many label files: %v of CPU, %d MB", n, took, m.HeapAlloc>>20)
	if events := f.classes()["plug/on"]; len(f.recordings) != n || events != n || took > 5*time.Minute || m.HeapAlloc > 2<<30 {
		t.Errorf("%d recordings, %d events", len(f.recordings), events)
	}

	for i := n; i < 130_000; i++ {
		os.WriteFile(filepath.Join(dir, fmt.Sprintf("x%d.csv", i)), nil, 0o600)
		os.WriteFile(filepath.Join(dir, fmt.Sprintf("y%d.csv", i)), nil, 0o600)
	}
	if _, err := Open(t.Context(), dir, Options{}); err == nil || !strings.Contains(err.Error(), "more than 250000 files") {
		t.Errorf("error %v", err)
	}
}
