package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"veilbench/bench/pack"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/capture/write"
	"veilbench/datasets/datatest"
)

// tinyRun are the arguments of a run of a second.
func tinyRun(out string, more ...string) []string {
	return append([]string{
		"run", "--dataset", "home:event_signatures:homes=5,hours=0.3", "--task", "event", "--defense", "none", "--defense", "pad-random",
		"--attack", "guess-exact", "--attack", "event-knn:k=1,gap_s=1", "--knowledge", "unaware", "--out", out,
	}, more...)
}

// program runs the program in this process.
func program(args ...string) (code int, stdout, stderr string) {
	var o, e bytes.Buffer
	code = Run(context.Background(), Builtin(), args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

// must is program that has to end with code 0.
func must(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	code, o, e := program(args...)
	if code != 0 {
		t.Fatalf("%s: exit code %d\n%s", strings.Join(args, " "), code, e)
	}
	return o, e
}

// file is what is in a file, or in that with .gz behind its name.
func file(t *testing.T, path ...string) string {
	t.Helper()
	name := filepath.Join(path...)
	b, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		b, err = pack.Unzip(name + ".gz")
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What a run prints into a folder with another run's cells is what it prints
// into a new one, and readers of the folder say the same: the link, draws and
// the seed may have changed in between.
func TestOldCellsOfAFolderDoNotCount(t *testing.T) {
	dir := t.TempDir()
	config := func(name, more string) string {
		path := filepath.Join(dir, name)
		text := "datasets: ['home:event_signatures:homes=5,hours=0.3']\ntasks: [event]\ndefenses: [none, pad-random]\nattacks: [guess-exact, {event-knn: {k: 1, gap_s: 1}}]\n" + more
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	old := filepath.Join(dir, "old")
	must(t, "run", config("first.yaml", "link: {up_mbit_s: 20, down_mbit_s: 100}\n"), "--out", old)

	for i, more := range []string{
		"link: {up_mbit_s: 0.05, down_mbit_s: 0.05}\n",
		"link: {up_mbit_s: 0.05, down_mbit_s: 0.05}\ntrain_draws: 2\n",
		"link: {closed_loop: true}\nseed: 2\n",
	} {
		path := config(fmt.Sprint(i, ".yaml"), more)
		fresh := filepath.Join(dir, fmt.Sprint("fresh", i))
		must(t, "run", path, "--out", fresh)
		must(t, "run", path, "--out", old, "--force")

		same := func(what string) {
			t.Helper()
			for _, name := range []string{"results.csv", "groups.csv", "report.md", "table.tex"} {
				if d := cmp.Diff(file(t, fresh, name), file(t, old, name)); d != "" {
					t.Errorf("%q, %s: %s differs (-new folder +old folder):\n%.2000s", more, what, name, d)
				}
			}
		}
		same("run")
		_, said := must(t, "report", old)
		same("report")
		if !strings.Contains(said, "does not plan; left out: ") {
			t.Errorf("%q: report does not name what it leaves out: %s", more, said)
		}
		if out, _ := must(t, "verify", old, "--sample", "3"); !strings.Contains(out, ", 0 differ") {
			t.Errorf("%q: verify: %s", more, out)
		}
	}
}

// lost is a stream that nobody takes anything from, such as /dev/full.
type lost struct{}

func (lost) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestLostOutputIsAnError(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	for _, args := range [][]string{
		tinyRun(out),
		{"verify", out, "--sample", "1"},
		{"report", out},
		{"report", out, "--table", "headline"},
		{"cite", out},
		{"list", "defenses"},
		{"datasets", "list"},
		{"--version"},
		{"run", "--help"},
	} {
		var log bytes.Buffer
		code := Run(context.Background(), Builtin(), args, strings.NewReader(""), lost{}, &log)
		if code != ExitUsage || !strings.Contains(log.String(), "no space left") {
			t.Errorf("%s: exit code %d, %s", strings.Join(args[:1], " "), code, log.String())
		}
	}
}

// Names of files, of flags and of lines in YAML may hold what steers a terminal.
func TestNamesDoNotSteerTheTerminal(t *testing.T) {
	dir := t.TempDir()
	evil := "\x1b]0;owned\a\x1b[2J\u009b31m"
	yaml := filepath.Join(dir, "a.yaml")
	if err := os.WriteFile(yaml, []byte("datasets: [\"x\"]\n\"de"+evil+"\": 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"inspect", filepath.Join(dir, evil+".pcap")}, {"run", yaml}, {"run", "--defense", evil}, {"report", dir + evil}, {evil},
	} {
		code, o, e := program(args...)
		if code != ExitUsage || e == "" {
			t.Errorf("%q: exit code %d, %q", args, code, e)
		}
		if strings.ContainsAny(o+e, "\x1b\a\u009b") {
			t.Errorf("%q: %q", args, o+e)
		}
	}
}

// The names in a capture are anything, and one may be a line of its own.
func TestInspectPrintsHarmlessNames(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "dns.pcap")
	if err := os.WriteFile(path, dnsCapture(t, "evil\x1b[2J\nnext.example"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, _ := must(t, "inspect", path, "--all")
	if strings.Contains(out, "\x1b") || strings.Contains(out, "\nnext") || !strings.Contains(out, "evil") {
		t.Errorf("%q", out)
	}
}

// A capture of IPv4's protocol 0 can be defended as any other.
func TestApplyTakesProtocolZero(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.pcap")
	flow := datasets.Flow{Local: netip.MustParseAddrPort("192.168.0.7:0"), Remote: netip.MustParseAddrPort("52.1.2.3:0")}
	var b bytes.Buffer
	err := write.Capture(&b, datasets.Trace{
		Start: time.Unix(1_600_000_000, 0), Flows: []datasets.Flow{flow}, End: time.Second,
		Packets: []datasets.Packet{{Size: 42, Payload: 8}, {Time: time.Second, Size: 134, Payload: 100, Dir: datasets.Down}},
	})
	if err == nil {
		err = os.WriteFile(in, b.Bytes(), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"pad-level", "pad-random", "fragment"} {
		must(t, "apply", "--defense", d, in, filepath.Join(dir, d+".pcap"))
	}
}

// dnsCapture is a capture of a DNS answer for one name, and of a packet to the
// address in it.
func dnsCapture(t *testing.T, name string) []byte {
	t.Helper()
	home, far := layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: net.IP{192, 168, 0, 7}, DstIP: net.IP{52, 1, 2, 3}}, net.IP{52, 1, 2, 3}
	ether := layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4}
	answer := home
	answer.SrcIP, answer.DstIP = net.IP{8, 8, 8, 8}, home.SrcIP
	frame := func(ip layers.IPv4, from, to layers.UDPPort, rest ...gopacket.SerializableLayer) []byte {
		udp := layers.UDP{SrcPort: from, DstPort: to}
		if err := udp.SetNetworkLayerForChecksum(&ip); err != nil {
			t.Fatal(err)
		}
		b := gopacket.NewSerializeBuffer()
		all := append([]gopacket.SerializableLayer{&ether, &ip, &udp}, rest...)
		if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, all...); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	q := layers.DNSQuestion{Name: []byte(name), Type: layers.DNSTypeA, Class: layers.DNSClassIN}
	dns := layers.DNS{
		ID: 1, QR: true, QDCount: 1, ANCount: 1, Questions: []layers.DNSQuestion{q},
		Answers: []layers.DNSResourceRecord{{Name: []byte(name), Type: layers.DNSTypeA, Class: layers.DNSClassIN, TTL: 60, IP: far}},
	}

	var b bytes.Buffer
	w := pcapgo.NewWriter(&b)
	if err := w.WriteFileHeader(65535, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	for i, f := range [][]byte{frame(answer, 53, 5000, &dns), frame(home, 5001, 443, gopacket.Payload("hello"))} {
		if err := w.WritePacket(gopacket.CaptureInfo{Timestamp: time.Unix(1_600_000_000+int64(i), 0), CaptureLength: len(f), Length: len(f)}, f); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// asProcess is the program as a process of its own: TestMain takes it for the
// command of that name.
func asProcess(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Args = append([]string{"veilbench"}, args...)
	return c
}

// written is what a run leaves that must be the same bytes each time: the page
// tells how long cells took.
func written(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, p)
		switch {
		case err != nil:
			return err
		case e.IsDir() && (rel == "timing" || rel == "checkpoints"):
			return fs.SkipDir
		case e.IsDir() || rel == "report.html" || strings.HasPrefix(e.Name(), ".tmp-"):
			return nil
		}
		out[rel] = file(t, p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A run that is killed at any moment, with readers beside it, goes on where it
// was and leaves the same bytes: a few kills, and 100 with VEILBENCH_FULL=1.
func TestKilledRunsLoseNothing(t *testing.T) {
	kills := 5
	switch {
	case os.Getenv("VEILBENCH_FULL") != "":
		kills = 100
	case testing.Short():
		kills = 1
	}
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	start := time.Now()
	if b, err := asProcess(t, tinyRun(whole)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	longest := time.Since(start)
	want := written(t, whole)

	rng := rand.New(rand.NewPCG(1, 1))
	done, reads := 0, 0
	for folder := 0; done < kills; folder++ {
		out := filepath.Join(dir, fmt.Sprint(folder))
		stop, stopped := make(chan bool), make(chan int)
		go func() { stopped <- readAlong(t, out, stop) }()

		// A run that ends by itself has survived what came before.
		for done < kills {
			before := kept(t, out)
			c := asProcess(t, tinyRun(out)...)
			var log bytes.Buffer
			c.Stdout, c.Stderr = io.Discard, &log
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- c.Wait() }()

			select {
			case err := <-ended:
				if err != nil {
					t.Fatalf("after %d kills: %v\n%s", done, err, log.String())
				}
			case <-time.After(time.Duration(rng.Int64N(int64(longest)))):
				c.Process.Kill()
				<-ended
				done++
			}

			after := kept(t, out)
			for c := range before {
				if after[c] != before[c] {
					t.Errorf("after %d kills: %+v is lost or changed", done, c)
				}
			}
			if _, err := os.Stat(filepath.Join(out, "table.tex")); err == nil {
				break
			}
		}

		if b, err := asProcess(t, tinyRun(out)...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		close(stop)
		reads += <-stopped
		if got := written(t, out); !maps.Equal(got, want) {
			t.Errorf("after %d kills: files differ: %v and %v", done, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
	}
	t.Logf("%d kills, %d reads beside them, %d files the same", done, reads, len(want))
}

// kept are the cells in the folder of a run, which may not be there yet.
func kept(t *testing.T, dir string) map[results.Cell]string {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "cells"), 0o755); err != nil {
		t.Fatal(err)
	}
	rs, err := results.ReadResults(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[results.Cell]string{}
	for _, r := range rs {
		out[r.Cell] = fmt.Sprintf("%+v", r)
	}
	return out
}

// readAlong reads a folder in every way until told to stop, and returns how
// often. A reader may find nothing yet, and nothing that is broken.
func readAlong(t *testing.T, dir string, stop chan bool) (reads int) {
	for ; ; reads++ {
		select {
		case <-stop:
			return reads
		default:
		}
		args := []string{"report", dir, "--table", "headline"}
		if reads%2 == 1 {
			args = []string{"cite", dir}
		}
		code, _, said := program(args...)
		if code != 0 && !strings.Contains(said, "holds no results") && !strings.Contains(said, "none of 0 results") && !strings.Contains(said, "have nothing for it") {
			t.Errorf("a reader beside a run: exit code %d, %s", code, said)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// vendor is a program with a defense of its own, whose ID says nothing of what
// its build does.
const vendor = `package main

import (
	"math/rand/v2"
	"os"

	"veilbench/bench/cli"
	"veilbench/datasets"
	"veilbench/defenses"
)

var bytes string

type own struct{}

func (own) Info() defenses.Info {
	i := defenses.None{}.Info()
	i.Name = "own"
	return i
}

func (own) Apply(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	out := in
	out.Packets = append([]datasets.Packet(nil), in.Packets...)
	for i := range out.Packets {
		if bytes == "many" {
			more := max(0, 1514-out.Packets[i].Size)
			out.Packets[i].Size += more
			out.Packets[i].Payload += more
		}
	}
	return defenses.Defended{Trace: out}, nil
}

func main() {
	p := cli.Builtin()
	p.Defenses = append(p.Defenses, own{})
	os.Exit(cli.Main(p))
}
`

// A new build of a plug-in with the same ID is another defense.
func TestNewBuildIsComputedAnew(t *testing.T) {
	if testing.Short() {
		t.Skip("builds two programs")
	}
	golang := datatest.Tool(t, "go")
	dir := t.TempDir()
	source := filepath.Join(dir, "vendor.go")
	if err := os.WriteFile(source, []byte(vendor), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(c *exec.Cmd) string {
		t.Helper()
		b, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", c.Args, err, b)
		}
		return string(b)
	}
	out := filepath.Join(dir, "out")
	var tables []string
	for _, build := range []string{"few", "many"} {
		bin := filepath.Join(dir, build)
		run(exec.Command(golang, "build", "-o", bin, "-ldflags", "-X main.bytes="+build, source))
		args := tinyRun(out, "--defense", "own")
		run(exec.Command(bin, args...))
		tables = append(tables, run(exec.Command(bin, "report", out, "--table", "headline")))

		// Built-in defenses are not computed again: their cells are there.
		fresh := filepath.Join(dir, "fresh-"+build)
		run(exec.Command(bin, append(tinyRun(fresh), "--defense", "own")...))
		if file(t, fresh, "results.csv") != file(t, out, "results.csv") {
			t.Errorf("build %s prints another build's figures", build)
		}
	}
	if tables[0] == tables[1] {
		t.Errorf("two builds, one table:\n%s", tables[0])
	}
}
