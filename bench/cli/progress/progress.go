// Package progress tells people how far long work is, on a terminal and in the
// log of a batch job.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"veilbench/reports/table"
)

// Progress shows how far long work is: a line that rewrites itself on a terminal, with
// one below it for what Note says, and a line every few seconds elsewhere. Its methods
// may be called from several goroutines.
type Progress struct {
	w     io.Writer
	tty   bool
	width func() int
	now   func() time.Time
	start time.Time
	what  string

	mu                   sync.Mutex
	done, total, skipped int
	expected             time.Duration
	last                 time.Time // when a line was written
	finished             bool
	note                 string
	noted                time.Time
	shown                []string // lines that stand at the end of the terminal
	stop                 chan struct{}
}

// LogEvery is the least time between two lines of a log on the same thing.
const LogEvery = 10 * time.Second

const (
	// ttyEvery is the same for the line of a terminal that rewrites itself.
	ttyEvery = 100 * time.Millisecond
	// noteFor is how long a note stands that no other takes the place of: what it is
	// about may have ended without a word.
	noteFor = 30 * time.Second
)

// New writes to w. what is a verb phrase such as "computing cells".
func New(w io.Writer, what string) *Progress {
	f, ok := w.(*os.File)
	p := &Progress{w: w, tty: ok && term.IsTerminal(int(f.Fd())), now: time.Now, what: what, stop: make(chan struct{})}
	p.width = func() int {
		n, _, err := term.GetSize(int(f.Fd()))
		if err != nil || n < 1 {
			n = 80
		}
		return n
	}
	p.start = p.now()
	p.last = p.start
	return p
}

// Start shows that nothing of total is done yet, and that all of it is expected to
// take so long, 0 for who knows. From then on a terminal is kept up to date by the
// second until the work is done, or Stop is called, which must be in any case.
func (p *Progress) Start(total int, expected time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total, p.expected = total, expected
	if total == 0 {
		return
	}
	if !p.tty {
		fmt.Fprintln(p.w, p.line())
		return
	}
	p.draw()

	// The first cells may take minutes, and time must be seen to pass until then.
	go func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-p.stop:
				return
			case <-tick.C:
				p.mu.Lock()
				if !p.finished {
					p.draw()
				}
				p.mu.Unlock()
			}
		}
	}()
}

// Stop ends what Start began. The line of work that is not done stays, and what
// follows begins below it.
func (p *Progress) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.stop: // stopped before
		return
	default:
		close(p.stop)
	}
	if p.tty && !p.finished && len(p.shown) > 0 {
		p.note = ""
		p.draw()
		fmt.Fprintln(p.w)
	}
	p.finished, p.shown = true, nil
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
	p.done, p.total, p.skipped = done, total, skipped
	if p.finished || !end && now.Sub(p.last) < every {
		return
	}
	p.last, p.finished = now, end
	if !p.tty {
		fmt.Fprintln(p.w, p.line())
		return
	}

	// The finished line stays, and what follows must not wipe it out.
	if end {
		p.note = ""
	}
	p.draw()
	if end {
		fmt.Fprintln(p.w)
		p.shown = nil
	}
}

// line says how far the work is.
func (p *Progress) line() string {
	spent := p.now().Sub(p.start)
	line := fmt.Sprintf("%s %d of %d", p.what, p.done, p.total)
	if p.tty {
		const width = 20
		full := width * p.done / max(p.total, 1)
		line += "  " + strings.Repeat("█", full) + strings.Repeat("░", width-full)
	}
	line += fmt.Sprintf(" %3d %%  %s", 100*p.done/max(p.total, 1), spent.Round(time.Second))
	if left, ok := p.left(spent); ok && p.done < p.total {
		line += ", about " + left.Round(time.Second).String() + " left"
	}
	return line
}

// left is how long the rest takes: at first as was expected, and the more by the pace
// the more was done. A quarter of the work is enough for the pace alone.
func (p *Progress) left(spent time.Duration) (time.Duration, bool) {
	work, fresh := float64(max(p.total-p.skipped, 1)), float64(p.done-p.skipped)
	trust := min(4*fresh/work, 1)
	expected := p.expected.Seconds() * work / float64(max(p.total, 1))
	switch {
	case fresh == 0 && expected == 0:
		return 0, false
	case expected == 0:
		trust = 1
	}
	all := expected * (1 - trust)
	if fresh > 0 {
		all += spent.Seconds() / fresh * work * trust
	}

	// What takes longer than expected is never done, until it is.
	return time.Duration(max(all-spent.Seconds(), 1) * float64(time.Second)), true
}

// Escape sequences: they empty the last line of a terminal, and go to the one above.
const (
	clearLine = "\r\x1b[K"
	lineUp    = "\x1b[1A"
)

// clear is what takes the lines off the terminal that stand there.
func (p *Progress) clear() string {
	return clearLine + strings.Repeat(lineUp+clearLine, max(len(p.shown)-1, 0))
}

// draw writes the line and the note anew. Neither is wider than the terminal: what
// goes on below cannot be cleared.
func (p *Progress) draw() {
	clear := p.clear()
	p.shown = []string{cut(p.line(), p.width())}
	if p.note != "" && p.now().Sub(p.noted) < noteFor {
		p.shown = append(p.shown, cut(p.note, p.width()))
	}
	io.WriteString(p.w, clear+strings.Join(p.shown, "\n"))
}

// cut is s in less than n columns.
func cut(s string, n int) string {
	if r := []rune(s); len(r) >= n && n > 1 {
		return string(r[:n-2]) + "…"
	}
	return s
}

// Note says what goes on within the work. On a terminal it stands below the line until
// another takes its place, an empty one too; elsewhere it is a line of its own.
func (p *Progress) Note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := table.Plain(fmt.Sprintf(format, args...))
	switch {
	case p.tty && !p.finished:
		p.note, p.noted = text, p.now()
		p.draw()
	case !p.tty && text != "":
		fmt.Fprintln(p.w, text)
	}
}

// Print writes a line above those that rewrite themselves.
func (p *Progress) Print(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := table.Plain(strings.TrimSuffix(fmt.Sprintf(format, args...), "\n")) + "\n"
	if p.tty {
		text = p.clear() + text + strings.Join(p.shown, "\n")
	}
	io.WriteString(p.w, text)
}
