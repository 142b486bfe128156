package progress

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// fake is a terminal of some columns whose clock stands still.
func fake(b *bytes.Buffer, width int) (*Progress, *time.Time) {
	now := time.Unix(0, 0)
	p := &Progress{w: b, tty: true, width: func() int { return width }, what: "computing", now: func() time.Time { return now }, stop: make(chan struct{})}
	p.start, p.last = now, now
	return p, &now
}

// What is printed in between stands on lines of its own, and the line that
// rewrites itself comes back under it.
func TestProgressLetsOthersPrint(t *testing.T) {
	var b bytes.Buffer
	p, now := fake(&b, 120)
	*now = now.Add(time.Minute)
	p.Step(1, 2, 0)
	p.Print("training on %s\n", "vpn")
	*now = now.Add(time.Minute)
	p.Step(2, 2, 0)
	p.Print("done\n")
	const bar = "computing 1 of 2  ██████████░░░░░░░░░░  50 %  1m0s, about 1m0s left"
	want := clearLine + bar + clearLine + "training on vpn\n" + bar +
		clearLine + "computing 2 of 2  ████████████████████ 100 %  2m0s\n" + clearLine + "done\n"
	if b.String() != want {
		t.Errorf("got  %q\nwant %q", b.String(), want)
	}
}

// A training stands on a line below that vanishes with it, and no line is wider than
// the terminal.
func TestNoteVanishes(t *testing.T) {
	var b bytes.Buffer
	p, now := fake(&b, 60)
	p.Note("training %s", strings.Repeat("x", 100))
	p.Note("training y")
	*now = now.Add(time.Minute)
	p.Step(1, 2, 0)
	*now = now.Add(time.Minute)
	p.Step(2, 2, 0)

	got := screen(b.String())
	if want := "computing 2 of 2  ████████████████████ 100 %  2m0s\n"; got != want {
		t.Errorf("the terminal shows %q, want %q", got, want)
	}
	for _, piece := range strings.FieldsFunc(b.String(), func(r rune) bool { return r == '\n' || r == '\r' || r == '\x1b' }) {
		if n := len([]rune(piece)); n > 60+2 { // "[K" among it
			t.Errorf("%d columns: %q", n, piece)
		}
	}
}

// screen is what a terminal shows that was sent s: of sequences those that are used.
func screen(s string) string {
	lines, at := []string{""}, 0
	for s != "" {
		switch {
		case strings.HasPrefix(s, clearLine):
			lines, s = append(lines[:at], ""), s[len(clearLine):]
		case strings.HasPrefix(s, lineUp):
			at, s = at-1, s[len(lineUp):]
		case s[0] == '\n':
			lines, at, s = append(lines[:at+1], ""), at+1, s[1:]
		default:
			lines[at] += s[:1]
			s = s[1:]
		}
	}
	return strings.Join(lines, "\n")
}

// Time left is there from the first second, as was expected, and the pace counts more
// and more. What stops early leaves its line, and the next begins below it.
func TestTimeLeftFromTheStart(t *testing.T) {
	var b bytes.Buffer
	p, now := fake(&b, 120)
	p.Start(100, 10*time.Minute)
	if !strings.Contains(b.String(), "computing 0 of 100  ░░░░░░░░░░░░░░░░░░░░   0 %  0s, about 10m0s left") {
		t.Errorf("at first %q", b.String())
	}
	*now = now.Add(time.Minute)
	p.Step(25, 100, 0) // a quarter in a minute: three are left
	p.Stop()
	p.Stop()
	p.Print("veilbench: interrupted")
	want := "computing 25 of 100  █████░░░░░░░░░░░░░░░  25 %  1m0s, about 3m0s left\nveilbench: interrupted\n"
	if got := screen(b.String()); got != want {
		t.Errorf("the terminal shows %q, want %q", got, want)
	}

	// Elsewhere the same in lines that people read.
	b.Reset()
	p = New(&b, "computing")
	p.Start(4, time.Minute)
	p.Note("training")
	p.Step(4, 4, 0)
	if got := b.String(); got != "computing 0 of 4   0 %  0s, about 1m0s left\ntraining\ncomputing 4 of 4 100 %  0s\n" {
		t.Errorf("in a log %q", got)
	}
}
