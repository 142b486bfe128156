package machines

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"veilbench/datasets/params"
	"veilbench/defenses/maybenot"
)

// document is a machine as YAML has it.
type document struct {
	AllowedPaddingPackets  count   `yaml:"allowed_padding_packets"`
	MaxPaddingFrac         float   `yaml:"max_padding_frac"`
	AllowedBlockedMicrosec count   `yaml:"allowed_blocked_microsec"`
	MaxBlockingFrac        float   `yaml:"max_blocking_frac"`
	States                 []state `yaml:"states"`
}

type state struct {
	Action   *action  `yaml:"action"`
	CounterA *counter `yaml:"counter_a"`
	CounterB *counter `yaml:"counter_b"`
	// Transitions keep their order, as probabilities are added up in it.
	Transitions map[string]yaml.MapSlice `yaml:"transitions"`
}

type action struct {
	Do       string `yaml:"do"`
	Timer    string `yaml:"timer"`
	Bypass   bool   `yaml:"bypass"`
	Replace  bool   `yaml:"replace"`
	Timeout  *dist  `yaml:"timeout"`
	Duration *dist  `yaml:"duration"`
	Limit    *dist  `yaml:"limit"`
}

type counter struct {
	Do   string `yaml:"do"`
	By   *dist  `yaml:"by"`
	Copy bool   `yaml:"copy"`
}

// count and float are read from their text: no integer passes through a float, and no
// -0 through an integer.
type (
	count uint64
	float float64
)

// UnmarshalYAML reads an unsigned integer of 64 bits.
func (c *count) UnmarshalYAML(b []byte) error {
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return fmt.Errorf("%s: want a whole number from 0 to 2^64-1", b)
	}
	*c = count(n)
	return nil
}

// UnmarshalYAML reads a number, .nan and .inf among them.
func (f *float) UnmarshalYAML(b []byte) error {
	x, err := parseFloat(string(b))
	*f = float(x)
	return err
}

func parseFloat(s string) (float64, error) {
	s = strings.TrimSpace(s)
	x, err := strconv.ParseFloat(strings.Replace(s, ".nan", "nan", 1), 64)
	if strings.HasSuffix(s, ".inf") {
		x, err = strconv.ParseFloat(strings.Replace(s, ".inf", "inf", 1), 64)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: want a number", s)
	}
	return x, nil
}

// dist is a distribution: a number, or a mapping.
type dist struct{ maybenot.Dist }

// UnmarshalYAML reads either form.
func (d *dist) UnmarshalYAML(b []byte) error {
	if x, err := parseFloat(string(b)); err == nil {
		d.Dist = maybenot.Constant(x)
		return nil
	}
	var fields map[string]yaml.RawMessage
	if err := yaml.Unmarshal(b, &fields); err != nil {
		return err
	}
	kind, err := named(strings.TrimSpace(string(fields["dist"])), "distribution", maybenot.Uniform, maybenot.Beta)
	if err != nil {
		return err
	}
	d.Dist = maybenot.Dist{Kind: kind}

	// Every parameter must be there: one that is forgotten would be 0, which often is
	// valid and never meant.
	take := func(name string, to *float64, needed bool) {
		text, ok := fields[name]
		delete(fields, name)
		if !ok && needed {
			err = errors.Join(err, fmt.Errorf("%v needs %s", kind, name))
		}
		if ok {
			var perr error
			*to, perr = parseFloat(string(text))
			err = errors.Join(err, perr)
		}
	}
	delete(fields, "dist")
	for i, name := range kind.Params() {
		take(name, &d.Params[i], true)
	}
	take("start", &d.Start, false)
	take("max", &d.Max, false)
	for name := range fields {
		return errors.Join(err, fmt.Errorf("%v has no %q%s", kind, name, params.DidYouMean(name, append(kind.Params(), "start", "max"))))
	}
	return err
}

// named is the value from first to last that is called so.
func named[T interface {
	~uint8
	fmt.Stringer
}](name, what string, first, last T,
) (T, error) {
	var names []string
	for v := first; v <= last; v++ {
		if v.String() == name {
			return v, nil
		}
		names = append(names, v.String())
	}
	return 0, fmt.Errorf("%s %q: want one of %s%s", what, name, strings.Join(names, ", "), params.DidYouMean(name, names))
}

// parse reads a machine and validates it.
func parse(b []byte) (*maybenot.Machine, error) {
	var d document
	if err := yaml.UnmarshalWithOptions(b, &d, yaml.Strict()); err != nil {
		return nil, err
	}
	m := &maybenot.Machine{
		AllowedPaddingPackets: uint64(d.AllowedPaddingPackets), MaxPaddingFrac: float64(d.MaxPaddingFrac),
		AllowedBlockedMicrosec: uint64(d.AllowedBlockedMicrosec), MaxBlockingFrac: float64(d.MaxBlockingFrac),
	}
	for i := range d.States {
		s, err := d.States[i].state()
		if err != nil {
			return nil, fmt.Errorf("state %d: %w", i, err)
		}
		m.States = append(m.States, s)
	}
	return m, m.Validate()
}

func (s *state) state() (out maybenot.State, err error) {
	if s.Action != nil {
		if out.Action, err = s.Action.action(); err != nil {
			return out, err
		}
	}
	if out.CounterA, err = s.CounterA.counter(); err != nil {
		return out, err
	}
	if out.CounterB, err = s.CounterB.counter(); err != nil {
		return out, err
	}

	// A list that is there but empty stays so: it is for Validate to refuse.
	for event, to := range s.Transitions {
		k, err := named(event, "event", maybenot.NormalRecv, maybenot.Signal)
		if err != nil {
			return out, err
		}
		list := []maybenot.Transition{}
		for _, item := range to {
			t, err := transition(item)
			if err != nil {
				return out, fmt.Errorf("%s: %w", event, err)
			}
			list = append(list, t)
		}
		out.Transitions[k] = list
	}
	return out, nil
}

// counter is nil for none.
func (c *counter) counter() (*maybenot.Counter, error) {
	if c == nil {
		return nil, nil
	}
	op, err := named(c.Do, "counter's do", maybenot.Increment, maybenot.Set)
	return &maybenot.Counter{Operation: op, Dist: c.By.optional(), Copy: c.Copy}, err
}

// transition is one entry, a state and its probability.
func transition(item yaml.MapItem) (t maybenot.Transition, err error) {
	switch key := fmt.Sprint(item.Key); key {
	case endText:
		t.State = maybenot.EndState
	case signalText:
		t.State = maybenot.SignalState
	default:
		n, err := strconv.ParseUint(key, 10, 32)
		if err != nil {
			return t, fmt.Errorf("%q: want the number of a state, %s or %s", key, endText, signalText)
		}
		t.State = uint32(n)
	}

	// The shortest text of a float32 must be read as one: by way of a float64 it would
	// be rounded twice.
	p, err := strconv.ParseFloat(strings.Replace(fmt.Sprint(item.Value), ".nan", "nan", 1), 32)
	if err != nil {
		return t, fmt.Errorf("%v: want a probability", item.Value)
	}
	t.Probability = float32(p)
	return t, nil
}

func (a *action) action() (*maybenot.Action, error) {
	kind, err := named(a.Do, "action's do", maybenot.Cancel, maybenot.UpdateTimer)
	if err != nil {
		return nil, err
	}
	out := &maybenot.Action{Kind: kind, Bypass: a.Bypass, Replace: a.Replace, Limit: a.Limit.optional()}
	if kind == maybenot.Cancel {
		out.Timer, err = named(a.Timer, "timer", maybenot.ActionTimer, maybenot.AllTimers)
		return out, err
	}

	// What a kind of action does not have would be lost without a word.
	for _, f := range []struct {
		name       string
		given, has bool
		to         *maybenot.Dist
		needed     *dist
	}{
		{"timeout", a.Timeout != nil, kind != maybenot.UpdateTimer, &out.Timeout, a.Timeout},
		{"duration", a.Duration != nil, kind != maybenot.SendPadding, &out.Duration, a.Duration},
	} {
		switch {
		case f.given && !f.has:
			return nil, fmt.Errorf("%v has no %s", kind, f.name)
		case !f.given && f.has:
			return nil, fmt.Errorf("%v needs a %s", kind, f.name)
		case f.given:
			*f.to = f.needed.Dist
		}
	}
	return out, nil
}

// optional is nil for none.
func (d *dist) optional() *maybenot.Dist {
	if d == nil {
		return nil
	}
	return &d.Dist
}
