package process

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"veilbench/datasets/params"
	"veilbench/datasets/wire"
)

// Version is the version of the protocol.
const Version = 1

// Roles of a program.
const (
	RoleDefense = "defense"
	RoleAttack  = "attack"
)

// Greeting is what a program says of itself in its first line.
type Greeting struct {
	Name  string   `json:"name"`
	Doc   string   `json:"doc"`
	Place string   `json:"place"` // of a defense
	Needs []string `json:"needs"` // of a defense
	Fits  bool     `json:"fits"`  // a defense that learns
	Tasks []string `json:"tasks"` // of an attack
	// Control marks an attack that only sets a floor.
	Control bool `json:"control"`
	// Files asks for states in files.
	Files bool `json:"files"`
	// Parts are further files that it is made of.
	Parts []string `json:"parts"`
	// Params are all parameters with their values, as the ID writes them.
	Params map[string]string `json:"params"`
	// Error is a refusal: nothing else counts then.
	Error string `json:"error"`
}

// ErrRefused is wrapped by the error of a program that greets with a refusal: of a
// parameter, or of its role.
var ErrRefused = errors.New("refuses")

// noProgram is the error of a command that cannot be started: the user's as a refusal
// is.
type noProgram struct{ error }

// Is makes it an ErrRefused, whose text would say something else.
func (noProgram) Is(target error) bool { return target == ErrRefused }

// ErrSilent is wrapped by the error of a process that was killed for its silence.
var ErrSilent = errors.New("says nothing")

// Pool is the processes of one program with one set of parameters. It is safe for
// concurrent use, and starts a process for each question that finds none idle.
type Pool struct {
	set      *Set
	program  Program
	hello    []byte
	greeting Greeting
	failed   error // of the first greeting

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
	}{Version, role, set})
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
	p := &Pool{set: s, program: program, hello: hello, all: map[*child]bool{}, asked: map[string]int{}}

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

// greet starts a process and hears its greeting.
func (p *Pool) greet() (*child, Greeting, error) {
	var g Greeting
	c, err := p.start()
	if err != nil {
		return nil, g, p.wrap(err)
	}
	p.mu.Lock()
	p.all[c] = true
	p.mu.Unlock()

	c.req = append(c.req[:0], p.hello...)
	err = c.ask(context.Background(), p.set.limit(), func(line []byte) (bool, error) {
		var err error
		g, err = parseGreeting(line)
		return true, err
	})
	if err == nil && g.Error != "" {
		err = fmt.Errorf("%w: %s", ErrRefused, g.Error)
		c.kill(err)
	}
	if err != nil {
		p.forget(c)
		return nil, g, p.wrap(err)
	}
	return c, g, nil
}

// forget takes a process that is of no more use off the list of those to end.
func (p *Pool) forget(c *child) {
	go c.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, c)
}

// name and key are the forms of names and of parameters, which become part of IDs.
// No value may hold what parts them there.
func goodName(s string) bool {
	return regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`).MatchString(s)
}
func goodKey(s string) bool { return regexp.MustCompile(`^[a-z][a-z0-9_]*$`).MatchString(s) }

// parseGreeting reads a first line. Parameters may be strings, numbers or booleans.
func parseGreeting(line []byte) (Greeting, error) {
	var g Greeting
	var raw struct {
		Greeting
		Params map[string]any `json:"params"`
	}
	if err := json.Unmarshal(line, &raw); err != nil {
		return g, fmt.Errorf("the first line is no greeting: %w: %s", err, quoted(line))
	}
	g = raw.Greeting
	if g.Error != "" {
		return g, nil
	}
	if !goodName(g.Name) {
		return g, fmt.Errorf("greets with the name %q: want letters, digits and hyphens, such as acme-shaper", g.Name)
	}
	g.Params = map[string]string{}
	for k, v := range raw.Params {
		var text string
		switch v := v.(type) {
		case string:
			text = v
		case float64:
			text = strconv.FormatFloat(v, 'g', -1, 64)
		case bool:
			text = strconv.FormatBool(v)
		}
		if !goodKey(k) || text == "" || strings.ContainsAny(text, ",+\n") || strings.TrimSpace(text) != text {
			return g, fmt.Errorf("greets with the parameter %q = %v: want a key of letters, digits and _, and a string, number or boolean without comma or plus", k, v)
		}
		g.Params[k] = text
	}
	return g, nil
}

// quoted is a line in short.
func quoted(line []byte) string {
	const shown = 80
	if len(line) > shown {
		return strconv.Quote(string(line[:shown])) + "..."
	}
	return strconv.Quote(string(line))
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

func sameGreeting(a, b Greeting) bool {
	return a.Name == b.Name && a.Place == b.Place && a.Fits == b.Fits && a.Files == b.Files && a.Control == b.Control &&
		slices.Equal(a.Needs, b.Needs) && slices.Equal(a.Tasks, b.Tasks) && maps.Equal(a.Params, b.Params)
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

// Question is a request to a program.
type Question struct {
	// Kind is the member that holds the number of the question, in it and in the
	// answer: "apply".
	Kind string
	// Body appends the members behind that, without braces.
	Body func(dst []byte) []byte
	// State, if not nil, is what a training gave, which every process needs once.
	State *State
	// Progress, if not nil, is called with the share that is done.
	Progress func(share float64)
	// New makes what an answer is read into. Same, if not nil, says whether two answers
	// that were read say the same.
	New  func() Answer
	Same func(a, b Answer) bool
}

// Answer takes the members of an answer. What it does not know it must skip.
type Answer interface {
	Member(key string, r *wire.Reader) error
	// Whole says what is missing once all members were taken.
	Whole() error
}

// State is what a program has learned, in its own words or in a file.
type State struct {
	Training uint64
	Text     string
	File     string
}

// StateFile names a file that a program may write the state of a training into, ""
// if it does not ask for files.
func (p *Pool) StateFile() (string, error) {
	if !p.greeting.Files {
		return "", nil
	}
	p.mu.Lock()
	n := p.number
	p.mu.Unlock()
	return p.set.stateFile(n)
}

// Refusal is the error of an answer that says why there is none. It is no fault of
// the process.
type Refusal string

// Error is what the program said.
func (r Refusal) Error() string { return string(r) }

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
	p.mu.Lock()
	n := p.asked[q.Kind]
	p.asked[q.Kind]++
	p.mu.Unlock()

	c, err := p.take()
	if err != nil {
		return nil, 0, err
	}
	a, number, err = p.askOnce(ctx, c, q)
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
	case errors.Is(err, ErrSilent):
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

// mostStates is how many states a process must keep.
const mostStates = 8

// appendState names the state of a question, and gives it to a process that lacks it.
func (c *child) appendState(b []byte, s State) []byte {
	b = strconv.AppendUint(append(b, `,"state_of":`...), s.Training, 10)
	if s.File != "" {
		return wire.AppendString(append(b, `,"state_file":`...), s.File)
	}
	if slices.Contains(c.states, s.Training) {
		return b
	}
	b = wire.AppendString(append(b, `,"state":`...), s.Text)
	if c.states = append(c.states, s.Training); len(c.states) > mostStates {
		b = strconv.AppendUint(append(b, `,"forget":`...), c.states[0], 10)
		c.states = c.states[1:]
	}
	return b
}

// read reads a line into a. progress is the share that is done where the line is no
// answer, else below 0.
func read(line []byte, kind string, n uint64, a Answer) (progress float64, err error) {
	progress = -1
	r := wire.NewReader(line)
	var refusal string
	numbered := false
	err = r.Object(func(key string) (err error) {
		switch key {
		case kind:
			var m int64
			if m, err = r.Int(); err == nil && m != int64(n) {
				err = fmt.Errorf("answers %s %d, which is not what it was asked (%d)", kind, m, n)
			}
			numbered = true
		case "progress":
			if progress, err = r.Float(); err == nil && (progress < 0 || progress > 1) {
				err = fmt.Errorf("progress %v: want 0 to 1", progress)
			}
		case "error":
			refusal, err = r.String()
		default:
			err = a.Member(key, r)
		}
		return err
	})
	if err == nil {
		err = r.End()
	}
	switch {
	case err != nil:
		return progress, fmt.Errorf("answer to %s %d: %w", kind, n, err)
	case progress >= 0 && !numbered:
		return progress, nil
	case !numbered:
		return -1, fmt.Errorf("answer to %s %d: a line without the number of what was asked: %s", kind, n, quoted(line))
	case refusal != "":
		return -1, Refusal(refusal)
	}
	if err := a.Whole(); err != nil {
		return -1, fmt.Errorf("answer to %s %d: %w", kind, n, err)
	}
	return -1, nil
}
