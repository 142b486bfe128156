// Package process runs plug-ins that are programs of their own: it starts them,
// asks them line by line (reports/docs/protocol.md), holds them to limits of time,
// memory and length, and ends them. It knows neither defenses nor attacks; packages
// defenses/external and attacks/external ask the questions.
//
// A [Set] is all programs of one run and their limits. [Set.Open] makes a [Pool] of
// a command: as many processes of it as are asked at once, at most one a processor,
// each started when it is needed. Whatever a program does wrong is the error of the question that it was
// asked, and of no other.
package process

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limits are what a process is held to.
type Limits struct {
	// Silence is how long one may say nothing while it is asked; 0: for ever.
	Silence time.Duration
	// MemoryBytes is how much memory it and the processes that it started may take
	// together; 0: any. On Linux alone.
	MemoryBytes int64
	// LineBytes is how long an answer may be; 0: LineBytes of DefaultLimits.
	LineBytes int64
}

// DefaultLimits are generous to whoever answers at all: a minute of silence, and a
// line of some 20 million packets.
func DefaultLimits() Limits { return Limits{Silence: time.Minute, LineBytes: 512 << 20} }

// patience is how long processes have to exit once their input has ended.
const patience = 5 * time.Second

// logLines is how many lines of standard error of all processes of a program reach
// the log; the rest is only kept for errors.
const logLines = 200

// Set is the programs of a run. It is safe for concurrent use.
type Set struct {
	ctx context.Context
	log io.Writer

	mu     sync.Mutex
	limits Limits
	pools  []*Pool
	dir    string // of states in files, "" until one is needed
}

// NewSet makes a set whose processes are killed when ctx ends. What they write to
// standard error goes to log, line by line, after the name of the program.
func NewSet(ctx context.Context, log io.Writer) *Set {
	return &Set{ctx: ctx, log: log, limits: DefaultLimits()}
}

// Limit sets the limits of the processes of s from now on.
func (s *Set) Limit(l Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.LineBytes == 0 {
		l.LineBytes = DefaultLimits().LineBytes
	}
	if l.MemoryBytes > 0 {
		l.LineBytes = min(l.LineBytes, l.MemoryBytes)
	}
	s.limits = l
}

// limit is what processes are held to now.
func (s *Set) limit() Limits {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limits
}

// Close ends all processes: who does not exit within five seconds of the end of its
// input is killed. It removes the files of states.
func (s *Set) Close() {
	s.mu.Lock()
	pools, dir := s.pools, s.dir
	s.pools, s.dir = nil, ""
	s.mu.Unlock()

	var wg sync.WaitGroup
	for _, p := range pools {
		for _, c := range p.drain() {
			wg.Go(c.end)
		}
	}
	wg.Wait()
	if dir != "" {
		os.RemoveAll(dir)
	}
}

// stateFile names a file that is not there yet, for the state of a training.
func (s *Set) stateFile(training uint64) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "veilbench-states-")
		if err != nil {
			return "", err
		}
		s.dir = dir
	}
	f, err := os.CreateTemp(s.dir, strconv.FormatUint(training, 10)+"-")
	if err != nil {
		return "", err
	}
	f.Close()
	return f.Name(), os.Remove(f.Name())
}

// tail keeps the end of what a process writes to standard error, and passes lines on
// to the log.
type tail struct {
	pool *Pool
	mu   sync.Mutex
	kept []byte // the last tailBytes
	line []byte // begun
}

// tailBytes is how much of standard error an error quotes at most.
const tailBytes = 2000

// Write never fails: a process must not be blocked by what it says.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, b...)
	if n := len(t.kept); n > tailBytes {
		t.kept = append(t.kept[:0], t.kept[n-tailBytes:]...)
	}
	for _, c := range b {
		if c == '\n' {
			t.pool.logLine(string(t.line))
			t.line = t.line[:0]
		} else if len(t.line) < tailBytes { // of an endless line its begin will do
			t.line = append(t.line, c)
		}
	}
	return len(b), nil
}

// text is the last lines, for an error; "" if nothing was said.
func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	const most = 8
	lines := strings.Split(strings.TrimSpace(string(t.kept)), "\n")
	if n := len(lines); n > most {
		lines = lines[n-most:]
	}
	if len(lines) == 1 && lines[0] == "" {
		return ""
	}
	return fmt.Sprintf("; the last it said: %s", strings.Join(lines, " | "))
}

// logLine writes a line of standard error to the log, as long as there are few.
func (p *Pool) logLine(line string) {
	p.mu.Lock()
	p.said++
	n := p.said
	p.mu.Unlock()
	switch {
	case p.set.log == nil || n > logLines:
	case n == logLines:
		fmt.Fprintf(p.set.log, "%s: (it says more, which is not shown)\n", p.short())
	default:
		fmt.Fprintf(p.set.log, "%s: %s\n", p.short(), line)
	}
}

// short is the name of the program for the log: that of the last word of its command
// that is a file, such as d.py.
func (p *Pool) short() string {
	name := p.program.Command[0]
	for _, f := range p.program.Files {
		name = f.Name
	}
	return filepath.Base(name)
}
