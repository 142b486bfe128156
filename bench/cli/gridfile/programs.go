package gridfile

import (
	"errors"
	"fmt"
	"strings"

	"veilbench/attacks"
	attackprogram "veilbench/attacks/external"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/yamlfile"
	"veilbench/datasets/params"
	"veilbench/datasets/process"
	"veilbench/defenses"
	defenseprogram "veilbench/defenses/external"
)

// errNotStarted is in the error of a cell whose program a manifest names and nobody
// allowed to start.
var errNotStarted = errors.New("is a program, which is started with --allow-exec alone")

// parseDefense resolves the word of a defense. To read a stranger's file must not start a
// stranger's program: one that no flag names needs the user's word.
func (c Config) parseDefense(p command.Plugins) func(yamlfile.Value) (defenses.Defense, error) {
	return func(v yamlfile.Value) (defenses.Defense, error) {
		if !command.IsProgram(v.Text) {
			return defenses.Parse(p.Defenses, v.Text)
		}
		if c.recorded == nil {
			if err := c.consent(v); err != nil {
				return nil, err
			}
			return p.Defense(v.Text)
		}

		// The IDs of a manifest name programs by what they call themselves.
		var chain defenses.Chain
		for _, id := range strings.Split(v.Text, "+") {
			d, err := c.stage(p, id)
			if err != nil {
				return nil, err
			}
			chain = append(chain, d)
		}
		if len(chain) == 1 {
			return chain[0], nil
		}
		return chain, nil
	}
}

// stage is one stage of a defense of a manifest.
func (c Config) stage(p command.Plugins, id string) (defenses.Defense, error) {
	program, ok := c.recorded[id]
	switch {
	case !strings.HasPrefix(id, params.Program):
		return defenses.Parse(p.Defenses, id)
	case !ok || !c.allowExec:
		return defenseprogram.Known(id, fmt.Errorf("%s %w", id, errNotStarted)), nil
	}
	d, err := defenseprogram.Open(p.Programs, program.Command, program.Params)
	if err == nil && defenses.ID(d) != id {
		err = fmt.Errorf("program %s is %s now, not %s", process.Quote(program.Command), defenses.ID(d), id)
	}
	return d, err
}

// attack resolves the word of an attack, as defense does.
func (c Config) parseAttack(p command.Plugins) func(yamlfile.Value) (attacks.Attack, error) {
	return func(v yamlfile.Value) (attacks.Attack, error) {
		program, ok := c.recorded[v.Text]
		switch {
		case !command.IsProgram(v.Text):
			return attacks.Parse(p.Attacks, v.Text)
		case c.recorded == nil:
			if err := c.consent(v); err != nil {
				return nil, err
			}
			return p.Attack(v.Text)
		case !ok || !c.allowExec:
			return attackprogram.Known(v.Text, fmt.Errorf("%s %w", v.Text, errNotStarted)), nil
		}
		a, err := attackprogram.Open(p.Programs, program.Command, program.Params)
		if err == nil && attacks.ID(a) != v.Text {
			err = fmt.Errorf("program %s is %s now, not %s", process.Quote(program.Command), attacks.ID(a), v.Text)
		}
		return a, err
	}
}

// consent refuses to start a program that a file names, unless the user allowed it.
func (c Config) consent(v yamlfile.Value) error {
	if v.At == nil || c.allowExec {
		return nil
	}
	return fmt.Errorf("%s is a program, and a file that names one may be a stranger's: add --allow-exec to start it", v.Text)
}
