package process

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"sync"
	"time"
)

// child is one process that is asked one question at a time.
type child struct {
	pool *Pool
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  io.ReadCloser
	said *tail

	// What was read lies in buf[lo:hi]; the rest of buf is room.
	buf    []byte
	lo, hi int
	req    []byte // the question, kept for its room

	states []uint64 // trainings whose state it has been given, the oldest first

	mu      sync.Mutex
	why     error // why it was killed
	ended   bool
	waiting sync.Once
	exit    error // of Wait
}

// start starts a process of p.
func (p *Pool) start() (*child, error) {
	c := &child{pool: p, said: &tail{pool: p}, buf: make([]byte, 64<<10)}
	c.cmd = exec.Command(p.program.Command[0], p.program.Command[1:]...)
	c.cmd.Stderr = c.said
	c.cmd.WaitDelay = time.Second // one that it started may hold standard error open
	ownGroup(c.cmd)

	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if c.out, err = c.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("does not start: %w", err)
	}
	return c, nil
}

// kill ends the process and whatever it started; why becomes the error of the
// question that it is asked. The first reason counts.
func (c *child) kill(why error) {
	c.mu.Lock()
	if c.why == nil {
		c.why = why
	}
	gone := c.ended
	c.mu.Unlock()
	if gone {
		return
	}
	killGroup(c.cmd)

	// Somebody who left the group may still hold the other end of the pipe: then only
	// closing ours ends the reading.
	time.AfterFunc(time.Second, func() { c.out.Close() })
}

// wait waits for the end of a process whose output is over.
func (c *child) wait() {
	c.waiting.Do(func() {
		c.exit = c.cmd.Wait()
		c.mu.Lock()
		c.ended = true
		c.mu.Unlock()
	})
}

// end lets the process exit by itself, or kills it.
func (c *child) end() {
	c.in.Close()
	t := time.AfterFunc(patience, func() { c.kill(errors.New("did not exit at the end of its input")) })
	defer t.Stop()
	io.Copy(io.Discard, c.out) //nolint:errcheck // whatever it says now is of no use
	c.wait()
}

// errExited is wrapped by the error of a process that ended before it answered, by
// itself: another may fare better.
var errExited = errors.New("exited before it answered")

// over is the error of a process whose output has ended.
func (c *child) over() error {
	// One that closed its output and lives on is of no use either.
	t := time.AfterFunc(200*time.Millisecond, func() { c.kill(errors.New("closed its output before it answered")) })
	c.wait()
	t.Stop()
	c.mu.Lock()
	why := c.why
	c.mu.Unlock()
	if why == nil {
		status := "exit status 0"
		if c.exit != nil {
			status = c.exit.Error()
		}
		why = fmt.Errorf("%w (%s)", errExited, status)
	}
	return fmt.Errorf("%w%s", why, c.said.text())
}

// line is the next line that the process writes, without its end. It is valid until
// the next call.
func (c *child) line(most int64) ([]byte, error) {
	for seen := c.lo; ; {
		if k := bytes.IndexByte(c.buf[seen:c.hi], '\n'); k >= 0 {
			l := c.buf[c.lo : seen+k]
			c.lo = seen + k + 1
			return l, nil
		}
		if int64(c.hi-c.lo) > most {
			err := fmt.Errorf("writes a line of more than %d MiB", most>>20)
			c.kill(err)
			c.wait()
			return nil, err
		}

		// What was read moves to the front; only a line that fills the buffer doubles it.
		if c.lo > 0 {
			c.hi = copy(c.buf, c.buf[c.lo:c.hi])
			c.lo = 0
		}
		if c.hi == len(c.buf) {
			c.buf = slices.Grow(c.buf, len(c.buf))
			c.buf = c.buf[:cap(c.buf)]
		}
		seen = c.hi
		n, err := c.out.Read(c.buf[c.hi:])
		c.hi += n
		if n == 0 && err != nil {
			return nil, c.over()
		}
	}
}

// ask sends a line, which is in c.req, and hands each line that comes back to answer
// until that says that it is the one. Silence, memory and the end of ctx kill the
// process; then the error says which.
func (c *child) ask(ctx context.Context, l Limits, answer func(line []byte) (done bool, err error)) error {
	stop := context.AfterFunc(ctx, func() { c.kill(context.Cause(ctx)) })
	defer stop()
	stopSet := context.AfterFunc(c.pool.set.ctx, func() { c.kill(context.Cause(c.pool.set.ctx)) })
	defer stopSet()
	silence := time.AfterFunc(cmp.Or(l.Silence, forever), func() { c.kill(fmt.Errorf("%w for %v", errSilent, l.Silence)) })
	defer silence.Stop()
	defer c.watchMemory(l.MemoryBytes)()

	// It may begin to answer before it has read all: who only wrote would wait for it,
	// and it for us.
	wrote := make(chan error, 1)
	go func() {
		_, err := c.in.Write(c.req)
		wrote <- err
	}()
	for {
		line, err := c.line(l.LineBytes)
		if err != nil {
			<-wrote
			return err
		}
		silence.Reset(cmp.Or(l.Silence, forever))
		done, err := answer(line)
		if err != nil {
			c.kill(err)
			io.Copy(io.Discard, c.out) //nolint:errcheck // it is being killed
			<-wrote
			c.wait()
			return err
		}
		if done {
			// An answer before the question was read whole: the rest must still go.
			if err := <-wrote; err != nil {
				return c.over()
			}
			return nil
		}
	}
}

// forever is longer than any run.
const forever = time.Duration(1 << 62)

// watchMemory kills the process when it takes more than limit; the function that is
// returned ends the watching.
func (c *child) watchMemory(limit int64) (stop func()) {
	if limit <= 0 {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		t := time.NewTicker(50 * time.Millisecond)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
				if n := memoryOf(c.cmd.Process.Pid); n > limit {
					c.kill(fmt.Errorf("takes %d MiB of memory, more than the %d MiB allowed", n>>20, limit>>20))
				}
			}
		}
	}()
	return func() { close(done) }
}
