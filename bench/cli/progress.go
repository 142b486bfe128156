package cli

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// progress shows how far long work is: one line that rewrites itself on a
// terminal, a log line every few seconds elsewhere.
type progress struct {
	w        io.Writer
	tty      bool
	log      *slog.Logger
	now      func() time.Time
	start    time.Time
	last     time.Time
	what     string
	finished bool

	mu   sync.Mutex
	line string // what stands on the terminal's last line
}

// Intervals between two lines.
const (
	ttyEvery = 100 * time.Millisecond
	logEvery = 10 * time.Second
)

// newProgress writes to w. what is a verb phrase such as "computing cells".
func newProgress(w io.Writer, what string) *progress {
	f, ok := w.(*os.File)
	p := &progress{w: w, tty: ok && term.IsTerminal(int(f.Fd())), log: slog.New(slog.NewTextHandler(w, nil)), now: time.Now, what: what}
	p.start = p.now()
	p.last = p.start
	return p
}

// step reports that done of total are done. skipped of them were there before
// and say nothing about the speed.
func (p *progress) step(done, total, skipped int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	end := done == total
	every := logEvery
	if p.tty {
		every = ttyEvery
	}
	if p.finished || !end && now.Sub(p.last) < every {
		return
	}
	p.last, p.finished = now, end
	spent := now.Sub(p.start)
	left := "?"
	if fresh := done - skipped; fresh > 0 {
		left = (spent / time.Duration(fresh) * time.Duration(total-done)).Round(time.Second).String()
	}
	if !p.tty {
		p.log.Info(p.what, "done", done, "of", total, "spent", spent.Round(time.Second).String(), "left", left)
		return
	}
	const width = 20
	full := width * done / max(total, 1)
	bar := strings.Repeat("█", full) + strings.Repeat("░", width-full)
	p.line = fmt.Sprintf("%s %d of %d  %s %3d %%  %s", p.what, done, total, bar, 100*done/max(total, 1), spent.Round(time.Second))
	if !end {
		p.line += ", about " + left + " left"
	}
	io.WriteString(p.w, clearLine+p.line)
	if end {
		fmt.Fprintln(p.w)
		p.line = ""
	}
}

// clearLine is what a terminal takes for an empty last line.
const clearLine = "\r\x1b[K"

// print writes lines above the one that rewrites itself.
func (p *progress) print(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	if p.tty {
		text = clearLine + text + p.line
	}
	io.WriteString(p.w, text)
}
