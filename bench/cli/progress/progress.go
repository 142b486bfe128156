// Package progress tells people how far long work is, on a terminal and in the
// log of a batch job.
package progress

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"veilbench/reports/table"
)

// Progress shows how far long work is: one line that rewrites itself on a
// terminal, a log line every few seconds elsewhere. Its methods may be called
// from several goroutines.
type Progress struct {
	w     io.Writer
	tty   bool
	log   *slog.Logger
	now   func() time.Time
	start time.Time
	what  string

	mu       sync.Mutex
	last     time.Time // when a line was written
	finished bool
	line     string // what stands on the terminal's last line
}

// LogEvery is the least time between two lines of a log on the same thing.
const LogEvery = 10 * time.Second

// ttyEvery is the same for the line of a terminal that rewrites itself.
const ttyEvery = 100 * time.Millisecond

// New writes to w. what is a verb phrase such as "computing cells".
func New(w io.Writer, what string) *Progress {
	f, ok := w.(*os.File)
	p := &Progress{w: w, tty: ok && term.IsTerminal(int(f.Fd())), log: slog.New(slog.NewTextHandler(w, nil)), now: time.Now, what: what}
	p.start = p.now()
	p.last = p.start
	return p
}

// Step reports that done of total are done. skipped of them were there before
// and say nothing about the speed.
func (p *Progress) Step(done, total, skipped int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	end := done == total
	every := LogEvery
	if p.tty {
		every = ttyEvery
	}
	if p.finished || !end && now.Sub(p.last) < every {
		return
	}
	p.last, p.finished = now, end

	// Until something was really computed there is no speed to go by.
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

	// The finished line stays, and what follows must not wipe it out.
	if end {
		fmt.Fprintln(p.w)
		p.line = ""
	}
}

// clearLine is what a terminal takes for an empty last line.
const clearLine = "\r\x1b[K"

// Print writes lines above the one that rewrites itself.
func (p *Progress) Print(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := table.Plain(strings.TrimSuffix(fmt.Sprintf(format, args...), "\n")) + "\n"
	if p.tty {
		text = clearLine + text + p.line
	}
	io.WriteString(p.w, text)
}
