package process

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"veilbench/datasets/params"
)

// errSilent is wrapped by the error of a process that was killed for its silence.
var errSilent = errors.New("says nothing")

// Pool is the processes of one program with one set of parameters. It is safe for
// concurrent use, and starts a process for a question that finds none idle, as many as
// there are processors.
type Pool struct {
	set      *Set
	program  Program
	hello    []byte
	greeting Greeting
	failed   error // of the first greeting

	// busy holds a place for each question that is being asked, repeating is held while
	// one is asked again: that is one process more.
	busy      chan struct{}
	repeating sync.Mutex

	mu      sync.Mutex
	idle    []*child
	all     map[*child]bool
	number  uint64 // of the last question
	asked   map[string]int
	lost    int   // processes that did not answer, one after the other
	over    error // why it is not asked any more
	doubt   string
	trained bool // a training was asked for
	said    int  // lines of standard error
}

// Open starts the program in a role and hears its greeting. The same program with the
// same parameters is opened once: who asks again gets the Pool that is there. Of an error that wraps
// ErrRefused, or of a command that is none, the caller should say that the user is
// wrong; any other is one of the program, and the Pool, which is returned with it,
// answers every question with it.
func (s *Set) Open(command []string, role string, set map[string]string) (*Pool, error) {
	program, err := programOf(command, set)
	if err != nil {
		return nil, noProgram{err}
	}
	hello, err := json.Marshal(struct {
		Veilbench int               `json:"veilbench"`
		Role      string            `json:"role"`
		Params    map[string]string `json:"params"`
	}{version, role, set})
	if err != nil {
		return nil, err
	}
	hello = append(hello, '\n')
	s.mu.Lock()
	for _, p := range s.pools {
		if bytes.Equal(p.hello, hello) && slices.Equal(p.program.Command, command) {
			s.mu.Unlock()
			return p, p.failed
		}
	}
	s.mu.Unlock()
	p := &Pool{set: s, program: program, hello: hello, busy: make(chan struct{}, runtime.GOMAXPROCS(0)), all: map[*child]bool{}, asked: map[string]int{}}

	// The first to greet says what all of them are; it is the first to be asked, too.
	c, g, err := p.greet()
	if err == nil {
		p.greeting = g
		for _, part := range g.Parts {
			if err = p.program.add(part); err != nil {
				err = fmt.Errorf("parts: %w", err)
				c.kill(err)
				break
			}
		}
	}
	s.mu.Lock()
	s.pools = append(s.pools, p)
	s.mu.Unlock()
	if err != nil {
		p.over, p.failed = err, err
		return p, err
	}
	p.put(c)
	return p, nil
}

// Greeting is what the program said of itself.
func (p *Pool) Greeting() Greeting { return p.greeting }

// Program is the command and its files.
func (p *Pool) Program() Program { return p.program }

// Doubt says why the program is taken for not deterministic: what it answered to a
// question that it was asked again. "" if nothing speaks for it.
func (p *Pool) Doubt() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.doubt
}

// Suspect makes why the Doubt, unless there is one.
func (p *Pool) Suspect(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doubt = cmp.Or(p.doubt, why)
}

// wrap puts name and command in front of an error.
func (p *Pool) wrap(err error) error {
	name := NameOf(p.program.Command)
	if p.greeting.Name != "" {
		name = params.Program + p.greeting.Name
	}
	return fmt.Errorf("%s (%s): %w", name, Quote(p.program.Command), err)
}

// forget takes a process that is of no more use off the list of those to end.
func (p *Pool) forget(c *child) {
	go c.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, c)
}

// take is an idle process, else a new one.
func (p *Pool) take() (*child, error) {
	p.mu.Lock()
	if p.over != nil {
		err := p.over
		p.mu.Unlock()
		return nil, err
	}
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()

	// Every process must be the one that the ID speaks of.
	c, g, err := p.greet()
	if err != nil {
		return nil, err
	}
	if !sameGreeting(g, p.greeting) {
		err := p.wrap(fmt.Errorf("greets otherwise than the first time: %+v, then %+v", p.greeting, g))
		c.kill(err)
		p.forget(c)
		return nil, err
	}
	return c, nil
}

// put gives back a process that answered.
func (p *Pool) put(c *child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, c)
}

// drain takes all processes, for they are to end.
func (p *Pool) drain() []*child {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over == nil {
		p.over = errors.New("is not asked any more: the run is over")
	}
	out := slices.Collect(maps.Keys(p.all))
	p.idle, p.all = nil, map[*child]bool{}
	return out
}

// Exits starts a process, ends its input at once and says what is wrong where it does
// not exit with status 0 in time.
func (p *Pool) Exits() error {
	c, _, err := p.greet()
	if err != nil {
		return err
	}
	p.mu.Lock()
	delete(p.all, c)
	p.mu.Unlock()
	c.end()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := cmp.Or(c.why, c.exit); err != nil {
		return p.wrap(fmt.Errorf("at the end of its input: %w%s", err, c.said.text()))
	}
	return nil
}

// Numbers of questions that are asked again: of each kind the first few, then every
// hundredth.
const (
	sampleFirst = 8
	sampleEvery = 100
)

// Ask asks a question. One whose process crashes is asked once more of a new one.
// number is that of the question, by which a state is named.
//
// A sample of questions with a Same is asked a second time of the same process and
// of another one: who answers otherwise is in doubt from then on.
func (p *Pool) Ask(ctx context.Context, q Question) (a Answer, number uint64, err error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	// As many at once as there are processors: a process may be large.
	select {
	case p.busy <- struct{}{}:
		defer func() { <-p.busy }()
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	case <-p.set.ctx.Done():
		return nil, 0, p.set.ctx.Err()
	}
	p.mu.Lock()
	n := p.asked[q.Kind]
	p.asked[q.Kind]++
	p.mu.Unlock()

	c, err := p.take()
	if err != nil {
		return nil, 0, err
	}
	a, number, err = p.askOnce(ctx, c, q)

	// A process may have ended for a reason of the machine: the question is not yet at
	// fault.
	if errors.Is(err, errExited) && p.startable() {
		if c, err = p.take(); err != nil {
			return nil, 0, err
		}
		a, number, err = p.askOnce(ctx, c, q)
	}
	if err != nil {
		var r Refusal
		if errors.As(err, &r) {
			p.put(c)
		}
		return nil, number, err
	}

	if q.Same != nil && (n < sampleFirst || n%sampleEvery == 0) && p.Doubt() == "" {
		c = p.repeat(ctx, c, q, a, number)
	}
	if c != nil {
		p.put(c)
	}
	return a, number, nil
}

// FirstTraining says once, after the first training, that this was it.
func (p *Pool) FirstTraining() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := !p.trained
	p.trained = true
	return first
}

// AskFresh asks a question of a process that was never asked any.
func (p *Pool) AskFresh(ctx context.Context, q Question) (Answer, uint64, error) {
	c, _, err := p.greet()
	if err != nil {
		return nil, 0, err
	}
	a, number, err := p.askOnce(ctx, c, q)
	if err == nil {
		p.put(c)
	}
	return a, number, err
}

// mostLost is how many processes in a row may be lost, none of which answered: to
// start one takes long, and a run has thousands of questions.
const mostLost = 10

// lose counts a process that was lost to err.
func (p *Pool) lose(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost++
	switch {
	case p.over != nil:
	case errors.Is(err, errSilent):
		// Each question would take the limit anew.
		p.over = fmt.Errorf("%w; it is not asked again", err)
	case p.lost >= mostLost:
		p.over = fmt.Errorf("%w; it is not started again after %d processes in a row that did not answer", err, p.lost)
	}
}

// startable says whether another process may be started.
func (p *Pool) startable() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over == nil
}

// repeat asks q again, of c and of another process, and holds both answers against
// the first. It returns c, or nil where that did not survive.
func (p *Pool) repeat(ctx context.Context, c *child, q Question, first Answer, number uint64) *child {
	doubt := func(where string, a Answer, err error) {
		why := "it gave another answer"
		switch {
		case ctx.Err() != nil || p.set.ctx.Err() != nil:
			return
		case err != nil:
			why = err.Error()
		case q.Same(first, a):
			return
		}
		p.Suspect(fmt.Sprintf("%s %d asked again of %s: %s", q.Kind, number, where, why))
	}

	p.repeating.Lock()
	defer p.repeating.Unlock()
	other, err := p.take()
	if err != nil {
		return c // the next question will say it
	}
	a, _, err := p.askOnce(ctx, other, q)
	doubt("another process", a, err)
	if err == nil {
		p.put(other)
	}
	a, _, err = p.askOnce(ctx, c, q)
	doubt("the same process", a, err)
	if err != nil {
		return nil
	}
	return c
}

// askOnce asks c. After an error that is no Refusal the process is gone.
func (p *Pool) askOnce(ctx context.Context, c *child, q Question) (Answer, uint64, error) {
	p.mu.Lock()
	p.number++
	n := p.number
	p.mu.Unlock()

	b := append(append(c.req[:0], `{"`...), q.Kind...)
	b = strconv.AppendUint(append(b, `":`...), n, 10)
	if q.State != nil {
		b = c.appendState(b, *q.State)
	}
	b = q.Body(append(b, ','))
	c.req = append(b, "}\n"...)

	var a Answer
	var refused Refusal
	err := c.ask(ctx, p.set.limit(), func(line []byte) (bool, error) {
		a = q.New()
		progress, err := read(line, q.Kind, n, a)
		if errors.As(err, &refused) {
			return true, nil // the process is as it should be
		}
		if err != nil {
			return true, err
		}
		if progress >= 0 {
			if q.Progress != nil {
				q.Progress(progress)
			}
			return false, nil
		}
		return true, nil
	})

	if err == nil {
		p.mu.Lock()
		p.lost = 0
		p.mu.Unlock()
		if refused != "" {
			return nil, n, refused
		}
		return a, n, nil
	}
	p.forget(c)
	err = p.wrap(err)
	p.lose(err)
	return nil, n, err
}
