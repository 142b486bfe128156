package cli

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture/write"
)

// A signal ends each command that reads captures within two seconds, whatever it is
// at, also where the clock of the capture jumps from 1970 to 2024: nothing may go
// through that time second by second without looking up.
func TestSignalEndsEveryCommandSoon(t *testing.T) {
	const env = "VEILBENCH_COMMAND"
	if line := os.Getenv(env); line != "" {
		os.Args = append([]string{"veilbench"}, strings.Fields(line)...)
		os.Exit(Main(Builtin()))
	}

	dir := t.TempDir()
	lab := filepath.Join(dir, "lab")
	if err := os.Mkdir(lab, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.pcap", "b.pcap"} {
		f, err := os.Create(filepath.Join(lab, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := write.Capture(f, jumping()); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}

	if err := os.WriteFile(filepath.Join(dir, "events.csv"), []byte(events), 0o644); err != nil {
		t.Fatal(err)
	}

	const grid = "--dataset capture=lab/a.pcap --labels events.csv --defense all --attack all --despite-doubts --out out"
	for _, line := range []string{
		"inspect lab/a.pcap",
		"datasets describe lab",
		"apply --defense vpn --force lab/a.pcap x.pcap",
		"apply --defense constant-rate:interval_s=30 --force lab/a.pcap x.pcap",
		"apply --defense vpn --force lab outlab",
		"run " + grid,
		"run --dry-run " + grid,
	} {
		for _, after := range []time.Duration{50 * time.Millisecond, 1500 * time.Millisecond} {
			c := exec.Command(os.Args[0], "-test.run=^TestSignalEndsEveryCommandSoon$")
			c.Env = append(os.Environ(), env+"="+line)
			c.Dir = dir
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(after)
			start := time.Now()
			c.Process.Signal(syscall.SIGINT)
			ended := make(chan error, 1)
			go func() { ended <- c.Wait() }()

			// On a machine with much else to do, two seconds are not always two seconds.
			select {
			case <-ended:
			case <-time.After(patience + 10*time.Second):
				c.Process.Kill()
				<-ended
			}
			took := time.Since(start)
			t.Logf("%s, after %v: ended in %v, exit code %d", line, after, took.Round(time.Millisecond), c.ProcessState.ExitCode())
			if took > patience+5*time.Second {
				t.Errorf("%s, after %v: ended only %v after the signal", line, after, took)
			}
		}
	}
}

// events are labels on both sides of the jump.
const events = `# clock: start
time,device,activity
100,plug,on
300,plug,off
500,plug,on
700,plug,off
1702944100,plug,on
1702944300,plug,off
1702944500,plug,on
1702944700,plug,off
`

// jumping is the traffic of one device whose clock is set once, by 54 years.
func jumping() datasets.Trace {
	const half = 30000
	t := datasets.Trace{
		Start: time.Unix(10, 0).UTC(),
		Flows: []datasets.Flow{{Proto: 6, Local: netip.MustParseAddrPort("192.168.0.14:40000"), Remote: netip.MustParseAddrPort("52.1.2.3:443"), MAC: datasets.MAC{0x50, 0xc7, 0xbf, 1, 2, 3}}},
	}
	at := time.Duration(0)
	for i := range 2 * half {
		if at += 50 * time.Millisecond; i == half {
			at += 54 * 365 * 24 * time.Hour
		}
		payload := int32(i * 7919 % 1300)
		t.Packets = append(t.Packets, datasets.Packet{Time: at, Size: 14 + 40 + payload, Payload: payload, Dir: datasets.Dir(i % 2)})
	}
	t.End = at
	return t
}
