package progress

import (
	"strings"
	"testing"
	"time"
)

// What is printed in between stands on lines of its own, and the line that
// rewrites itself comes back under it.
func TestProgressLetsOthersPrint(t *testing.T) {
	var b strings.Builder
	now := time.Unix(0, 0)
	p := &Progress{w: &b, tty: true, what: "computing", now: func() time.Time { return now }}
	p.start, p.last = now, now
	now = now.Add(time.Minute)
	p.Step(1, 2, 0)
	p.Print("training on %s\n", "vpn")
	now = now.Add(time.Minute)
	p.Step(2, 2, 0)
	p.Print("done\n")
	const bar = "computing 1 of 2  ██████████░░░░░░░░░░  50 %  1m0s, about 1m0s left"
	want := clearLine + bar + clearLine + "training on vpn\n" + bar +
		clearLine + "computing 2 of 2  ████████████████████ 100 %  2m0s\n" + clearLine + "done\n"
	if b.String() != want {
		t.Errorf("got  %q\nwant %q", b.String(), want)
	}
}
