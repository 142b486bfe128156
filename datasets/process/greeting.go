package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// version is that of the protocol.
const version = 1

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

	// The greeting is held to the limits of any other answer: who never greets is silent.
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

	// They become part of the ID, whose marks they must not hold; libraries of other
	// languages write numbers as such.
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

func sameGreeting(a, b Greeting) bool {
	return a.Name == b.Name && a.Place == b.Place && a.Fits == b.Fits && a.Files == b.Files && a.Control == b.Control &&
		slices.Equal(a.Needs, b.Needs) && slices.Equal(a.Tasks, b.Tasks) && maps.Equal(a.Params, b.Params)
}
