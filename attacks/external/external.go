// Package external is attacks that are programs of their own, in any language, which
// speak the protocol of reports/docs/protocol.md. [Open] starts one; what it returns
// is an attack like any other.
//
// Mirror is the source of such a program in plain Python, which answers what
// guess-exact answers: a reference to begin with. What an answer must be is in
// answer.go.
package external

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	_ "embed"

	"veilbench/attacks"
	"veilbench/datasets"
	"veilbench/datasets/params"
	"veilbench/datasets/process"
	"veilbench/datasets/wire"
)

// Mirror is the source of the reference program.
//
//go:embed mirror.py
var Mirror string

// Attack is a program that attacks. Copies share its processes.
type Attack struct {
	info   attacks.Info
	ps     []params.Param
	run    *process.Pool
	broken error // why it is not asked at all
}

var (
	_ attacks.Attack  = Attack{}
	_ params.Lister   = Attack{}
	_ process.Outside = Attack{}
)

// Open starts the program of a command with parameters. The error is a mistake of the
// user: no such program, or a parameter that it refuses. A program that is wrong in
// any other way becomes an attack that fails on every training, with that error, for
// the given tasks.
func Open(s *process.Set, command []string, set map[string]string) (attacks.Attack, error) {
	pool, err := s.Open(command, process.RoleAttack, set)
	switch {
	case errors.Is(err, process.ErrRefused):
		return nil, err
	case err != nil:
		return Attack{
			info: attacks.Info{Name: process.NameOf(command), Doc: "a program that did not start", Tasks: datasets.Tasks()},
			ps:   process.Params(set), broken: err, run: pool,
		}, nil
	}

	// Tasks that are none would be asked of nobody, without a word.

	g := pool.Greeting()
	a := Attack{run: pool, ps: process.Params(g.Params)}
	a.info = attacks.Info{Name: params.Program + g.Name, Doc: g.Doc, Control: g.Control}
	for _, t := range g.Tasks {
		if !slices.Contains(datasets.Tasks(), datasets.Task(t)) {
			return nil, fmt.Errorf("program %s: task %q: want some of %v", process.Quote(command), t, datasets.Tasks())
		}
		a.info.Tasks = append(a.info.Tasks, datasets.Task(t))
	}
	if len(a.info.Tasks) == 0 {
		return nil, fmt.Errorf("program %s: greets without tasks: want some of %v", process.Quote(command), datasets.Tasks())
	}
	return a, nil
}

// Known is an attack with the ID of a run's manifest, which fails with why.
func Known(id string, why error) attacks.Attack {
	name, ps := process.Known(id)
	return Attack{info: attacks.Info{Name: name, Doc: "a program that is not started", Tasks: datasets.Tasks()}, ps: ps, broken: why}
}

// Info is what the program said of itself.
func (a Attack) Info() attacks.Info { return a.info }

// Params are those that the program named in its greeting.
func (a Attack) Params() []params.Param { return slices.Clone(a.ps) }

// Usual is a for labels: what was asked for has no value, so that it stands there.
func (a Attack) Usual() attacks.Attack {
	a.ps = process.Unasked(a.ps, a.Program())
	return a
}

// Program is the command and the files that it is made of.
func (a Attack) Program() process.Program {
	if a.run == nil {
		return process.Program{}
	}
	return a.run.Program()
}

// Doubt says why the program is taken for not deterministic, "" if it is not.
func (a Attack) Doubt() string {
	if a.run == nil {
		return ""
	}
	return a.run.Doubt()
}

// Suspect says that somebody saw the program answer otherwise when it was asked again.
func (a Attack) Suspect(why string) {
	if a.run != nil {
		a.run.Suspect(why)
	}
}

// Broken is why the program is not asked at all, nil where it greeted.
func (a Attack) Broken() error { return a.broken }

// Exits says what is wrong where a process of the program does not exit when its input
// ends.
func (a Attack) Exits() error {
	if a.run == nil {
		return a.broken
	}
	return a.run.Exits()
}

// quick is how long a training may take to be made a second time, to see whether it
// teaches the same.
const quick = time.Minute

// Train has the program learn. One draw of rng is the seed that it gets; progress
// that it reports counts in hundredths.
func (a Attack) Train(ctx context.Context, rng *rand.Rand, t attacks.Training) (attacks.Model, error) {
	if a.broken != nil {
		return nil, a.broken
	}
	file, err := a.run.StateFile()
	if err != nil {
		return nil, err
	}
	seed, began := rng.Uint64(), time.Now()
	got, n, err := a.run.Ask(ctx, a.question(ctx, seed, t, file))
	if err != nil {
		return nil, err
	}
	m := &model{a: func() Attack { return a }, task: t.Task, classes: slices.Clone(t.Classes), state: got.(*process.Learned).State(n)}

	// Who learns with draws of its own gives another state, but so does one that writes
	// the members of a set in any order: what counts is what the two answer.
	if time.Since(began) < quick && a.run.FirstTraining() {
		if err := a.repeat(ctx, m, seed, t); err != nil {
			return nil, err
		}
	}
	return m, ctx.Err()
}

// repeat trains a second time, in another process, for m to compare.
func (a Attack) repeat(ctx context.Context, m *model, seed uint64, t attacks.Training) error {
	file, err := a.run.StateFile()
	if err != nil {
		return err
	}
	got, n, err := a.run.AskFresh(ctx, a.question(ctx, seed, t, file))
	switch {
	case err == nil:
		m.second = got.(*process.Learned).State(n)
		m.compare.Store(comparisons)
	case ctx.Err() == nil:
		a.run.Suspect(fmt.Sprintf("the first training asked again of another process: %v", err))
	}
	return nil
}

// question is the one that trains; file is where its state may be written.
func (a Attack) question(ctx context.Context, seed uint64, t attacks.Training, file string) process.Question {
	report := attacks.ProgressOf(ctx)
	return process.Question{
		Kind: "train",
		New:  func() process.Answer { return &process.Learned{File: file} },
		Progress: func(share float64) {
			if report != nil {
				report(attacks.Progress{Attack: a.info.Name, Epoch: int(99 * share), Epochs: 100, Loss: math.NaN(), Score: math.NaN()})
			}
		},
		Body: func(b []byte) []byte {
			b = append(strconv.AppendUint(append(b, `"seed":"`...), seed, 10), '"')
			if file != "" {
				b = wire.AppendString(append(b, `,"state_file":`...), file)
			}
			b = wire.AppendString(append(b, `,"task":`...), string(t.Task))
			b = strconv.AppendBool(append(b, `,"within":`...), t.Within)
			b = wire.AppendStrings(append(b, `,"classes":`...), t.Classes)

			// The trace is long, so all that is short comes before it: who looks at a line by
			// eye sees what it is.
			b = append(b, `,"examples":[`...)
			for i, e := range t.Examples {
				if i > 0 {
					b = append(b, ',')
				}
				b = wire.AppendString(append(b, `{"group":`...), e.Group)
				b = wire.AppendString(append(b, `,"class":`...), e.Class)
				b = wire.AppendTrace(append(b, `,"trace":`...), e.Trace)
				b = append(wire.AppendLabels(append(b, ','), e.Labels), '}')
			}
			return append(b, ']')
		},
	}
}

// comparisons is how many traces the models of a training and of its repetition are
// both asked about.
const comparisons = 4

// model is a training that a program remembers as a state.
type model struct {
	// a is a function since what a model holds is measured by walking over it: the
	// processes are shared by all models, and at work meanwhile.
	a       func() Attack
	task    datasets.Task
	classes []string
	state   *process.State
	second  *process.State // of the training when it was repeated, else nil
	compare atomic.Int32   // how often both are still to be asked
}

var _ process.Outside = (*model)(nil)

// Program is that of the attack.
func (m *model) Program() process.Program { return m.a().Program() }

// Doubt is that of the attack.
func (m *model) Doubt() string { return m.a().Doubt() }

// Suspect is that of the attack.
func (m *model) Suspect(why string) { m.a().Suspect(why) }

// Guess asks the program about one trace.
func (m *model) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	got, err := m.ask(ctx, m.state, t)
	if err != nil || m.second == nil || m.compare.Add(-1) < 0 {
		return got, err
	}
	again, err := m.ask(ctx, m.second, t)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		m.a().run.Suspect(fmt.Sprintf("trained again of another process: %v", err))
	case !reflect.DeepEqual(got, again):
		m.a().run.Suspect("trained again of another process it gave another answer")
	}
	return got, nil
}

// ask asks about t by what was learned.
func (m *model) ask(ctx context.Context, s *process.State, t datasets.Trace) (attacks.Answer, error) {
	got, _, err := m.a().run.Ask(ctx, process.Question{
		Kind: "guess", State: s,
		Body: func(b []byte) []byte { return wire.AppendTrace(append(b, `"trace":`...), t) },
		New:  func() process.Answer { return &guessed{task: m.task, classes: m.classes, trace: t} },
		Same: func(a, b process.Answer) bool { return reflect.DeepEqual(a.(*guessed).out, b.(*guessed).out) },
	})
	if err != nil {
		return attacks.Answer{}, err
	}
	return got.(*guessed).out, nil
}
