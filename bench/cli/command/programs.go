package command

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"veilbench/attacks"
	attackprogram "veilbench/attacks/external"
	"veilbench/datasets/params"
	"veilbench/datasets/process"
	"veilbench/defenses"
	defenseprogram "veilbench/defenses/external"
)

// Defense finds the defense that id names: one of the list by name or preset, or
// exec:COMMAND, which is started. Stages of a chain are joined by "+".
func (p Plugins) Defense(id string) (defenses.Defense, error) {
	if !IsProgram(id) {
		return defenses.Parse(p.Defenses, id)
	}
	parts, err := process.SplitStages(id)
	if err != nil {
		return nil, err
	}
	var chain defenses.Chain
	for _, part := range parts {
		d, err := p.stage(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		chain = append(chain, d)
	}

	// As in defenses.Parse: one is itself, or its abilities would be lost.
	if len(chain) == 1 {
		return chain[0], nil
	}
	if err := chain.Validate(); err != nil {
		return nil, fmt.Errorf("defense %s: %w", id, err)
	}
	return chain, nil
}

// stage is one defense.
func (p Plugins) stage(id string) (defenses.Defense, error) {
	text, program := strings.CutPrefix(id, params.Program)
	if !program {
		return defenses.Parse(p.Defenses, id)
	}
	spec, err := p.spec(text)
	if err != nil {
		return nil, err
	}
	return defenseprogram.Open(p.Programs, spec.Command, spec.Params)
}

// Attack finds the attack that id names: one of the list, or exec:COMMAND, which is
// started.
func (p Plugins) Attack(id string) (attacks.Attack, error) {
	text, program := strings.CutPrefix(strings.TrimSpace(id), params.Program)
	if !program {
		return attacks.Parse(p.Attacks, id)
	}
	spec, err := p.spec(text)
	if err != nil {
		return nil, err
	}
	return attackprogram.Open(p.Programs, spec.Command, spec.Params)
}

// spec reads what stands behind exec:.
func (p Plugins) spec(text string) (process.Spec, error) {
	spec, err := process.ParseSpec(text)
	if err == nil && p.Programs == nil {
		err = errors.New("exec: programs are not started here")
	}
	return spec, err
}

// IsProgram says whether a word names a program, or a chain with one.
func IsProgram(id string) bool {
	return strings.HasPrefix(strings.TrimSpace(id), params.Program) || strings.Contains(id, "+"+params.Program)
}

// DefenseLabel is the short name of d for tables.
func (p Plugins) DefenseLabel(d defenses.Defense) string {
	list := p.Defenses
	for _, s := range defenses.Stages(d) {
		if u, ok := s.(interface{ Usual() defenses.Defense }); ok {
			list = append(list[:len(list):len(list)], u.Usual())
		}
	}
	return defenses.Label(list, d)
}

// AttackLabel is the short name of a for tables.
func (p Plugins) AttackLabel(a attacks.Attack) string {
	list := p.Attacks
	if u, ok := a.(interface{ Usual() attacks.Attack }); ok {
		list = append(list[:len(list):len(list)], u.Usual())
	}
	return attacks.Label(list, a)
}

// Limits are the flags that say what plug-ins are held to.
type Limits struct {
	// Timeout is how long a call of a plug-in of this program may take. A process may be
	// silent for as long, or for a minute if nobody asked for more.
	Timeout   time.Duration
	memoryMiB int64
	flags     *pflag.FlagSet
}

// PluginTimeout is long enough for any call that is not stuck.
const PluginTimeout = 30 * time.Minute

const timeoutFlag = "plugin-timeout"

// AddFlags adds --plugin-timeout and --plugin-memory, for commands that compute what a
// grid asks for: there every call of a plug-in has the limit.
func (l *Limits) AddFlags(fl *pflag.FlagSet) {
	l.add(fl, PluginTimeout, "how long one call of a defense or attack may take, or one training be silent, before its cells fail; 0 is no limit; a program (exec:) may be silent for as long, by default for a minute")
}

// AddProgramFlags adds the same for commands that ask a defense or an attack without a
// grid: programs alone have limits there, for they can be ended.
func (l *Limits) AddProgramFlags(fl *pflag.FlagSet) {
	l.add(fl, process.DefaultLimits().Silence, "how long a program (exec:) may be silent before it is ended; 0 is no limit")
}

func (l *Limits) add(fl *pflag.FlagSet, timeout time.Duration, usage string) {
	l.flags = fl
	fl.DurationVar(&l.Timeout, timeoutFlag, timeout, usage)
	fl.Int64Var(&l.memoryMiB, "plugin-memory", 0, "how many MiB of memory a process of a program (exec:) may take before it is ended (default any; on Linux alone)")
}

// AddAllowExec adds --allow-exec. where says what else than a flag may name programs.
func AddAllowExec(fl *pflag.FlagSet, allow *bool, where string) {
	fl.BoolVar(allow, "allow-exec", false, "start the programs (exec:) that "+where+" names; without it they fail")
}

// Hold sets the limits of the programs of p.
func (l *Limits) Hold(p Plugins) error {
	if l.memoryMiB < 0 || l.Timeout < 0 {
		return errors.New("--plugin-timeout and --plugin-memory: want no negative number")
	}
	if p.Programs == nil {
		return nil
	}
	limits := process.DefaultLimits()
	limits.MemoryBytes = l.memoryMiB << 20
	if l.flags.Changed(timeoutFlag) {
		limits.Silence = l.Timeout
	}
	p.Programs.Limit(limits)
	return nil
}
