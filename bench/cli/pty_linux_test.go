package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// onTerminal runs the program in dir on a terminal of 80 columns and returns all that it
// was sent.
func onTerminal(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no terminals here:", err)
	}
	defer master.Close()
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here:", err)
	}

	cmd := exec.CommandContext(t.Context(), "veilbench", args...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, slave, slave, slave
	cmd.Env = append(os.Environ(), append([]string{"TERM=xterm", "NO_COLOR=", "XDG_CACHE_HOME=" + dir}, env...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()

	// Reading ends with an error of its own once the program has closed the other side.
	sent, err := io.ReadAll(master)
	if err != nil && !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, sent)
	}
	return strings.ReplaceAll(string(sent), "\r\n", "\n")
}

// shown is what a terminal shows in the end, as lines, without styles: of the sequences
// those that the program uses.
func shown(sent string) []string {
	sent = regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(sent, "")
	lines, at := []string{""}, 0
	for sent != "" {
		switch {
		case strings.HasPrefix(sent, "\r\x1b[K"):
			lines[at], sent = "", sent[4:]
		case strings.HasPrefix(sent, "\x1b[1A"):
			at, sent = at-1, sent[4:]
		case sent[0] == '\n':
			if at++; at == len(lines) {
				lines = append(lines, "")
			}
			sent = sent[1:]
		default:
			lines[at] += sent[:1]
			sent = sent[1:]
		}
	}
	return lines
}

// A run on a terminal: time left from the first second, a long training on a line that
// vanishes, headings in bold, and nothing wider than the terminal.
func TestRunOnTerminal(t *testing.T) {
	dir := t.TempDir()
	run := []string{
		"run", "--dataset", "home:small:homes=2,hours=0.3", "--task", "device", "--defense", "none", "--defense", "pad-random",
		"--attack", "guess-majority", "--attack", "window-lstm:window=20,hidden=16,layers=1,epochs=3,min_steps=0,max_steps=0", "--knowledge", "adaptive", "--canaries", "off", "--jobs", "1",
	}
	sent := onTerminal(t, dir, nil, append(run, "--out", "out")...)
	if !regexp.MustCompile(`computing cells 0 of \d+  ░+ +0 %  0s, about \d`).MatchString(sent) {
		t.Errorf("no time left from the start:\n%q", sent)
	}
	if !strings.Contains(sent, "training window-lstm") {
		t.Errorf("nothing of the training:\n%q", sent)
	}
	screen := shown(sent)
	for _, l := range screen {
		if strings.Contains(l, "training window-lstm") {
			t.Errorf("the training is still there: %q", l)
		}
	}
	if !strings.Contains(sent, "\x1b[1mdefense") {
		t.Errorf("no heading is bold:\n%q", sent)
	}
	narrow(t, "run", screen)

	// The same tables without a style, and in a pipe with neither style nor width.
	for _, env := range []string{"NO_COLOR=1", "TERM=dumb"} {
		if plain := onTerminal(t, dir, []string{env}, "report", "out", "--table", "headline"); strings.Contains(plain, "\x1b") {
			t.Errorf("%s: %q", env, plain)
		}
	}
	cmd := exec.CommandContext(t.Context(), "veilbench", "report", "out", "--table", "headline")
	cmd.Dir = dir
	piped, err := cmd.Output()
	if err != nil || strings.Contains(string(piped), "\x1b") || strings.Contains(string(piped), "█") {
		t.Errorf("%v: in a pipe %q", err, piped)
	}

	if err := os.WriteFile(filepath.Join(dir, "budget.yaml"), []byte("advantage: {devices: 1}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{
		"report out --table all", "compare out out", "history out out", "status out",
		"gate out --budget budget.yaml --allow-no-evidence", "verify out --sample 1",
	} {
		narrow(t, args, shown(onTerminal(t, dir, nil, strings.Fields(args)...)))
	}
}

// What is printed of names, captures and data fits a terminal of 80 columns.
func TestEightyColumns(t *testing.T) {
	dir := t.TempDir()
	onTerminal(t, dir, nil, "datasets", "generate", "home:small:homes=2,hours=0.2", "--out", "homes")
	for _, args := range []string{
		"list defenses", "list attacks", "list datasets", "list presets", "list vpn", "list home:small",
		"datasets list", "datasets info iotevents", "datasets describe homes", "datasets devices home:small:hours=0.1",
		"inspect homes/home-01.pcap", "inspect homes", "commands --dataset home:gateway:homes=2", "doctor", "version",
		"apply --defense vpn homes/home-01.pcap tunnel.pcap", "plan quick --shards 2", "run quick --dry-run",
	} {
		narrow(t, args, shown(onTerminal(t, dir, nil, strings.Fields(args)...)))
	}
}

// narrow complains about lines that are wider than the terminal without need: one word
// that is too long is no fault of the table.
func narrow(t *testing.T, what string, lines []string) {
	t.Helper()
	for _, l := range lines {
		if utf8.RuneCountInString(l) > 80 && strings.Contains(strings.TrimSpace(l), " ") && utf8.RuneCountInString(longest(l)) < 60 {
			t.Errorf("%s: %d columns: %s", what, utf8.RuneCountInString(l), l)
		}
	}
}

func longest(l string) string {
	out := ""
	for w := range strings.FieldsSeq(l) {
		if len(w) > len(out) {
			out = w
		}
	}
	return out
}
