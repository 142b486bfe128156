package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"veilbench/bench/cost"
	"veilbench/datasets/params"
)

// config is an experiment as written: in a YAML file, a preset or flags. Names
// are resolved later (resolve.go), so that an error can point at the place
// where the name stands.
type config struct {
	file *source // nil when everything came from flags

	datasets  []value
	tasks     []value
	vantages  []value
	defenses  []value
	attacks   []value
	knowledge []value
	split     value
	draws     value
	trainDraw value
	seed      value
	link      value
	published []quote
}

// value is a word of a config and where it stands. at is nil for flags.
type value struct {
	text string
	at   *token.Position
	// Of a data set: only these tasks (nil: all it serves), and the devices that
	// nobody labeled.
	tasks, unmonitored []value
}

// source is a file that errors can quote.
type source struct {
	name string
	text string
}

// wrong is an error at a place of the file: "paper.yaml:14:11: ..." with the
// line and a caret below it.
func (s *source) wrong(at *token.Position, err error) error {
	if s == nil || at == nil {
		return err
	}
	lines := strings.Split(s.text, "\n")
	if at.Line < 1 || at.Line > len(lines) {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	var b strings.Builder
	width := len(strconv.Itoa(at.Line))
	if at.Line > 1 {
		fmt.Fprintf(&b, "\n  %*d | %s", width, at.Line-1, strings.TrimRight(lines[at.Line-2], "\r"))
	}
	fmt.Fprintf(&b, "\n> %*d | %s", width, at.Line, strings.TrimRight(lines[at.Line-1], "\r"))
	fmt.Fprintf(&b, "\n  %s   %s^", strings.Repeat(" ", width), strings.Repeat(" ", max(at.Column-1, 0)))
	return fmt.Errorf("%s:%d:%d: %w%s", s.name, at.Line, at.Column, err, b.String())
}

// readConfig reads a YAML file.
func readConfig(path string) (config, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return config{}, err
	}
	return parseConfig(path, string(b))
}

// parseConfig reads YAML text; name stands in messages.
func parseConfig(name, text string) (config, error) {
	c, root, err := parseYAML(name, text, "a run needs at least datasets, defenses and attacks")
	if err != nil {
		return c, err
	}
	return c, c.read(root, c.keys())
}

// parseYAML returns the root of a file of one document; needs says what an
// empty one lacks.
func parseYAML(name, text, needs string) (config, ast.Node, error) {
	src := &source{name, text}
	c := config{file: src}
	f, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		var se yaml.Error
		if errors.As(err, &se) && se.GetToken() != nil {
			return c, nil, src.wrong(se.GetToken().Position, errors.New(se.GetMessage()))
		}
		return c, nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(f.Docs) == 0 || f.Docs[0].Body == nil {
		return c, nil, fmt.Errorf("%s: %w: %s", name, errEmpty, needs)
	}
	if len(f.Docs) > 1 && f.Docs[1].Body != nil {
		at := f.Docs[1].Body.GetToken().Position
		if f.Docs[1].Start != nil {
			at = f.Docs[1].Start.Position
		}
		return c, nil, src.wrong(at, errors.New("a second YAML document: put one in a file"))
	}
	return c, f.Docs[0].Body, nil
}

var errEmpty = errors.New("the file is empty")

// configKey is a key of a config file: its help line and what reads it.
type configKey struct {
	name, doc string
	read      func(ast.Node) error
}

// keys of a config file, in the order of the help text.
func (c *config) keys() []configKey {
	list := func(to *[]value, one func(ast.Node) (value, error)) func(ast.Node) error {
		return func(n ast.Node) (err error) {
			*to, err = c.list(n, one)
			return err
		}
	}
	single := func(to *value, one func(ast.Node) (value, error)) func(ast.Node) error {
		return func(n ast.Node) (err error) {
			*to, err = one(n)
			return err
		}
	}
	link := func(n ast.Node) (value, error) { return c.plugin(wrapped{n, "link"}) }
	return []configKey{
		{"datasets", `what to test on: home:PRESET, NAME, NAME=PATH or {home: {preset: P, homes: 5, tasks: [event], unmonitored: [DEVICE]}}`, list(&c.datasets, c.dataset)},
		{"tasks", "event, device, command, clip (default: all that the data can serve)", list(&c.tasks, c.scalar)},
		{"vantage", "where the observer sits: lan, wifi, wan (default wan)", list(&c.vantages, c.scalar)},
		{"defenses", "ID, {NAME: {key: value}}, {chain: [ID, ID]}, or all", list(&c.defenses, c.plugin)},
		{"attacks", "ID, {NAME: {key: value}}, or all", list(&c.attacks, c.plugin)},
		{"knowledge", "of the attacker: unaware, adaptive, transfer (default unaware and adaptive)", list(&c.knowledge, c.scalar)},
		{"split", "of training and test, such as group-kfold:k=5 (default: the data set's own)", single(&c.split, c.plugin)},
		{"draws", "how often random defenses are drawn in test (default 1)", single(&c.draws, c.scalar)},
		{"train_draws", "how many draws of each training trace an adaptive attacker sees (default 1)", single(&c.trainDraw, c.scalar)},
		{"seed", "of every random draw (default 1)", single(&c.seed, c.scalar)},
		{"link", "the home's access line, passed after every defense: " + linkKeys(), single(&c.link, link)},
		{"published", "figures of a paper to print beside ours: {" + strings.Join(c.quoteKeys(), ", ") + "}", c.quotes},
	}
}

// linkKeys lists the settings of a link as they are written.
func linkKeys() string {
	var out []string
	for _, p := range params.List(cost.DefaultLink()) {
		out = append(out, p.Key+": "+p.Value)
	}
	return "{" + strings.Join(out, ", ") + "}"
}

// keyHelp explains every key of a config file, one on a line.
func keyHelp() string {
	var b strings.Builder
	for _, k := range new(config).keys() {
		fmt.Fprintf(&b, "\n  %-12s %s", k.name, k.doc)
	}
	return b.String()
}

// wrapped makes {name: node} of a node, so that "link: {up_mbit_s: 5}" reads
// like a plug-in.
type wrapped struct {
	ast.Node
	name string
}

// read hands each entry of a mapping to the key of its name.
func (c *config) read(n ast.Node, keys []configKey) error {
	var names []string
	for _, k := range keys {
		names = append(names, k.name)
	}
	pairs, err := c.pairs(n)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, p := range pairs {
		i := slices.Index(names, p.key.text)
		switch {
		case i < 0:
			return c.file.wrong(p.key.at, fmt.Errorf("unknown key %q%s (has %s)", p.key.text, params.DidYouMean(p.key.text, names), strings.Join(names, ", ")))
		case seen[p.key.text]:
			return c.file.wrong(p.key.at, fmt.Errorf("%q is set twice", p.key.text))
		}
		seen[p.key.text] = true
		if err := keys[i].read(p.node); err != nil {
			return err
		}
	}
	return nil
}

type pair struct {
	key  value
	node ast.Node
}

// pairs returns the entries of a mapping in order.
func (c *config) pairs(n ast.Node) ([]pair, error) {
	var vals []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		vals = m.Values
	case *ast.MappingValueNode:
		vals = []*ast.MappingValueNode{m}
	default:
		return nil, c.file.wrong(n.GetToken().Position, fmt.Errorf("want key: value, got %s", n.Type()))
	}
	out := make([]pair, len(vals))
	for i, v := range vals {
		t := v.Key.GetToken()
		out[i] = pair{value{text: t.Value, at: t.Position}, v.Value}
	}
	return out, nil
}

func (c *config) list(n ast.Node, one func(ast.Node) (value, error)) ([]value, error) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		v, err := one(n) // a single entry needs no brackets
		return []value{v}, err
	}
	if len(seq.Values) == 0 {
		return nil, c.file.wrong(n.GetToken().Position, errors.New("the list is empty: leave the key out for the default"))
	}
	var out []value
	for _, e := range seq.Values {
		v, err := one(e)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (c *config) scalar(n ast.Node) (value, error) {
	if s, ok := n.(ast.ScalarNode); ok && n.Type() != ast.NullType {
		return value{text: s.GetToken().Value, at: s.GetToken().Position}, nil
	}
	return value{}, c.file.wrong(n.GetToken().Position, fmt.Errorf("want a single value, got %s", n.Type()))
}

// plugin reads "name", "name:key=value", {name: {key: value}} or
// {chain: [plugin, plugin]} and returns its ID.
func (c *config) plugin(n ast.Node) (value, error) {
	if w, ok := n.(wrapped); ok {
		set, err := c.settings(w.Node)
		return value{text: w.name + set, at: w.GetToken().Position}, err
	}
	if _, ok := n.(ast.ScalarNode); ok {
		return c.scalar(n)
	}
	p, err := c.single(n)
	if err != nil {
		return value{}, err
	}
	if p.key.text != "chain" {
		set, err := c.settings(p.node)
		return value{text: p.key.text + set, at: p.key.at}, err
	}
	stages, err := c.list(p.node, c.plugin)
	if err != nil {
		return value{}, err
	}
	ids := make([]string, len(stages))
	for i, s := range stages {
		ids[i] = s.text
	}
	return value{text: strings.Join(ids, "+"), at: p.key.at}, nil
}

// dataset reads "home:preset", "name=path", {home: {preset: p, homes: 5}} or
// {name: {path: p}}; a mapping may name the tasks to use it for, and
// devices that nobody labeled.
func (c *config) dataset(n ast.Node) (value, error) {
	if _, ok := n.(ast.ScalarNode); ok {
		return c.scalar(n)
	}
	p, err := c.single(n)
	if err != nil {
		return value{}, err
	}
	pairs, err := c.pairs(p.node)
	if err != nil {
		return value{}, err
	}
	id, rest := p.key.text, ""
	var tasks, unmonitored []value
	for _, kv := range pairs {
		lists := map[string]*[]value{"tasks": &tasks, "unmonitored": &unmonitored}
		if to := lists[kv.key.text]; to != nil {
			if *to, err = c.list(kv.node, c.scalar); err != nil {
				return value{}, err
			}
			continue
		}
		v, err := c.scalar(kv.node)
		switch {
		case err != nil:
			return value{}, err
		case kv.key.text == "preset":
			id += ":" + v.text
		case kv.key.text == "path":
			id += "=" + v.text
		case rest == "":
			rest = ":" + kv.key.text + "=" + v.text
		default:
			rest += "," + kv.key.text + "=" + v.text
		}
	}
	return value{text: id + rest, at: p.key.at, tasks: tasks, unmonitored: unmonitored}, nil
}

func (c *config) single(n ast.Node) (pair, error) {
	pairs, err := c.pairs(n)
	if err == nil && len(pairs) != 1 {
		err = c.file.wrong(n.GetToken().Position, fmt.Errorf("want one name, got %d: write each as an entry of its own", len(pairs)))
	}
	if err != nil {
		return pair{}, err
	}
	return pairs[0], nil
}

// settings writes a mapping as ":key=value,key=value".
func (c *config) settings(n ast.Node) (string, error) {
	if n == nil || n.Type() == ast.NullType {
		return "", nil
	}
	pairs, err := c.pairs(n)
	if err != nil {
		return "", err
	}
	var kv []string
	for _, p := range pairs {
		v, err := c.scalar(p.node)
		if err != nil {
			return "", err
		}
		kv = append(kv, p.key.text+"="+v.text)
	}
	if len(kv) == 0 {
		return "", nil
	}
	return ":" + strings.Join(kv, ","), nil
}
