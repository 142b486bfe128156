// Package yamlfile reads the YAML files that people write by hand, experiments
// and budgets, so that every mistake is shown at its place:
//
//	paper.yaml:14:5: unknown defense "pad-randon"; did you mean "pad-random"?
//	  13 |   - none
//	> 14 |   - pad-randon: {max_bytes: 255}
//	           ^
//
// It walks the library's syntax tree instead of decoding into structs: names are
// resolved long after reading, and a decoded string has lost its place by then.
package yamlfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"veilbench/datasets/params"
	"veilbench/datasets/process"
)

// File is a file that errors can quote. A nil File quotes nothing: the words
// came from flags.
type File struct {
	// Name stands in messages, Text is all that the file holds.
	Name, Text string
}

// Value is a word of a file and where it stands. At is nil for flags.
type Value struct {
	Text string
	At   *token.Position
}

// Key is a key of a mapping: its help line and what reads its value.
type Key struct {
	Name, Doc string
	Read      func(ast.Node) error
}

// Pair is an entry of a mapping.
type Pair struct {
	Key  Value
	Node ast.Node
}

// Parse returns the root of a file of one document. needs says what an empty
// one lacks.
func Parse(name, text, needs string) (*File, ast.Node, error) {
	f := &File{name, text}
	if err := f.bounded(); err != nil {
		return f, nil, err
	}
	tree, err := parser.ParseBytes([]byte(text), 0)
	var se yaml.Error
	switch {
	case errors.As(err, &se) && se.GetToken() != nil:
		return f, nil, f.Wrong(se.GetToken().Position, errors.New(se.GetMessage()))
	case err != nil:
		return f, nil, fmt.Errorf("%s: %w", name, err)
	case len(tree.Docs) == 0 || tree.Docs[0].Body == nil:
		return f, nil, fmt.Errorf("%s: the file is empty: %s", name, needs)
	}

	// A second document would go unread without a word. Empty ones are what a
	// closing --- leaves.
	if len(tree.Docs) > 1 && tree.Docs[1].Body != nil {
		at := tree.Docs[1].Body.GetToken().Position
		if start := tree.Docs[1].Start; start != nil {
			at = start.Position
		}
		return f, nil, f.Wrong(at, errors.New("a second YAML document: put one in a file"))
	}
	return f, tree.Docs[0].Body, nil
}

// Bounds of a file: what people write by hand is far below, and what is beyond
// takes the parser's time and memory with the square of its depth.
const (
	maxBytes = 1 << 20
	maxDepth = 50
)

// ReadFile is the text of a file, which is not read further than Parse allows.
func ReadFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	return string(b), err
}

// bounded refuses a file that is too long or too deep. It looks at brackets and
// at what begins a line, inside of quotes too.
func (f *File) bounded() error {
	if len(f.Text) > maxBytes {
		return fmt.Errorf("%s: the file has more than %d bytes", f.Name, maxBytes)
	}
	open := 0
	for n, line := range strings.Split(f.Text, "\n") {
		// A level of block style takes a mark or a blank at least.
		inner := strings.TrimLeft(line, " \t-?")
		deep := strings.Count(line[:len(line)-len(inner)], "-") + strings.Count(line[:len(line)-len(inner)], "?")
		indent := len(line) - len(strings.TrimLeft(line, " \t"))
		for _, c := range inner {
			switch c {
			case '{', '[':
				open++
			case '}', ']':
				open = max(0, open-1)
			}
			deep = max(deep, open)
		}
		if deep > maxDepth || indent > 8*maxDepth && inner != "" {
			return fmt.Errorf("%s:%d: nested more than %d deep", f.Name, n+1, maxDepth)
		}
	}
	return nil
}

// Wrong puts err at a place of the file: the line before, the line, and a caret
// below it. An error without a place stays as it is.
func (f *File) Wrong(at *token.Position, err error) error {
	if f == nil || at == nil {
		return err
	}
	lines := strings.Split(f.Text, "\n")
	if at.Line < 1 || at.Line > len(lines) {
		return fmt.Errorf("%s: %w", f.Name, err)
	}

	// The library can draw this too (printer.PrintErrorToken), but prints seven
	// lines, and from its tokens: not always what stands in the file.
	var b strings.Builder
	width := len(strconv.Itoa(at.Line))
	if at.Line > 1 {
		fmt.Fprintf(&b, "\n  %*d | %s", width, at.Line-1, strings.TrimRight(lines[at.Line-2], "\r"))
	}
	fmt.Fprintf(&b, "\n> %*d | %s", width, at.Line, strings.TrimRight(lines[at.Line-1], "\r"))
	fmt.Fprintf(&b, "\n  %*s   %*s", width, "", max(at.Column, 1), "^")
	return fmt.Errorf("%s:%d:%d: %w%s", f.Name, at.Line, at.Column, err, b.String())
}

// wrongNode is Wrong at the place of a node.
func (f *File) wrongNode(n ast.Node, format string, args ...any) error {
	return f.Wrong(n.GetToken().Position, fmt.Errorf(format, args...))
}

// Into is a Key's Read that keeps in to what one reads.
func Into[T any](to *T, one func(ast.Node) (T, error)) func(ast.Node) error {
	return func(n ast.Node) (err error) {
		*to, err = one(n)
		return err
	}
}

// Names lists the names of keys in their order.
func Names(keys []Key) []string {
	var out []string
	for _, k := range keys {
		out = append(out, k.Name)
	}
	return out
}

// Help explains keys, one on a line.
func Help(keys []Key) string {
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "\n  %-12s %s", k.Name, k.Doc)
	}
	return b.String()
}

// Read hands each entry of a mapping to the key of its name. of says in the
// error for an unknown one what has the keys, such as " of a budget". The parser
// has refused keys that are set twice.
func (f *File) Read(n ast.Node, of string, keys []Key) error {
	pairs, err := f.Pairs(n)
	if err != nil {
		return err
	}
	names := Names(keys)
	for _, p := range pairs {
		i := slices.Index(names, p.Key.Text)
		if i < 0 {
			return f.Wrong(p.Key.At, fmt.Errorf("unknown key %q%s%s (has %s)", p.Key.Text, of, params.DidYouMean(p.Key.Text, names), strings.Join(names, ", ")))
		}
		if err := keys[i].Read(p.Node); err != nil {
			return err
		}
	}
	return nil
}

// Pairs returns the entries of a mapping in the order of the file.
func (f *File) Pairs(n ast.Node) ([]Pair, error) {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		return nil, f.wrongNode(n, "want key: value, got %s", n.Type())
	}
	out := make([]Pair, len(m.Values))
	for i, v := range m.Values {
		t := v.Key.GetToken()
		out[i] = Pair{Value{Text: t.Value, At: t.Position}, v.Value}
	}
	return out, nil
}

// Single returns the entry of a mapping of one.
func (f *File) Single(n ast.Node) (Pair, error) {
	pairs, err := f.Pairs(n)
	if err == nil && len(pairs) != 1 {
		err = f.wrongNode(n, "want one name, got %d: write each as an entry of its own", len(pairs))
	}
	if err != nil {
		return Pair{}, err
	}
	return pairs[0], nil
}

// List reads each entry of a list by one; a single entry needs no brackets.
func List[T any](f *File, n ast.Node, one func(ast.Node) (T, error)) ([]T, error) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		v, err := one(n)
		return []T{v}, err
	}
	if len(seq.Values) == 0 {
		return nil, f.wrongNode(n, "the list is empty: leave the key out for the default")
	}
	var out []T
	for _, e := range seq.Values {
		v, err := one(e)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// Scalar reads a single word as it is written: a number stays text.
func (f *File) Scalar(n ast.Node) (Value, error) {
	if s, ok := n.(ast.ScalarNode); ok && n.Type() != ast.NullType {
		return Value{Text: s.GetToken().Value, At: s.GetToken().Position}, nil
	}
	return Value{}, f.wrongNode(n, "want a single value, got %s", n.Type())
}

// Plugin reads "name", "name:key=value", {name: {key: value}},
// {exec: {command: [word, word], key: value}} or {chain: [plugin, plugin]} and returns the ID, as flags have it.
func (f *File) Plugin(n ast.Node) (Value, error) {
	if _, ok := n.(ast.ScalarNode); ok {
		return f.Scalar(n)
	}
	p, err := f.Single(n)
	if err != nil {
		return Value{}, err
	}
	if p.Key.Text == "exec" {
		text, err := f.program(p.Node)
		return Value{Text: params.Program + text, At: p.Key.At}, err
	}
	if p.Key.Text != "chain" {
		set, err := f.Settings(p.Node)
		return Value{Text: p.Key.Text + set, At: p.Key.At}, err
	}

	// A chain in a chain is a longer chain: its ID joins in.
	stages, err := List(f, p.Node, f.Plugin)
	if err != nil {
		return Value{}, err
	}
	ids := make([]string, len(stages))
	for i, s := range stages {
		ids[i] = s.Text
	}
	return Value{Text: strings.Join(ids, "+"), At: p.Key.At}, nil
}

// program writes {command: [python3, a.py], key: value}, or a command alone, as it
// stands behind exec: on the command line.
func (f *File) program(n ast.Node) (string, error) {
	if _, ok := n.(ast.ScalarNode); ok {
		v, err := f.Scalar(n)
		return v.Text, err
	}
	pairs, err := f.Pairs(n)
	if err != nil {
		return "", err
	}
	command, set := "", ""
	for _, p := range pairs {
		if p.Key.Text != "command" {
			v, err := f.Scalar(p.Node)
			if err != nil {
				return "", err
			}
			set += "," + p.Key.Text + "=" + v.Text
			continue
		}

		// A list is words as they are; a single text is words parted by blanks.
		words, err := List(f, p.Node, f.Scalar)
		if err != nil {
			return "", err
		}
		if _, one := p.Node.(ast.ScalarNode); one {
			command = words[0].Text
			continue
		}
		var texts []string
		for _, w := range words {
			texts = append(texts, w.Text)
		}
		command = process.Quote(texts)
	}
	if command == "" {
		return "", f.wrongNode(n, "exec: want command: [PROGRAM, ARGUMENT] beside its parameters")
	}
	return command + set, nil
}

// Settings writes a mapping as ":key=value,key=value", the end of an ID; "" for
// an empty one.
func (f *File) Settings(n ast.Node) (string, error) {
	if n.Type() == ast.NullType {
		return "", nil
	}
	pairs, err := f.Pairs(n)
	if err != nil {
		return "", err
	}
	out, sep := "", ":"
	for _, p := range pairs {
		v, err := f.Scalar(p.Node)
		if err != nil {
			return "", err
		}
		out += sep + p.Key.Text + "=" + v.Text
		sep = ","
	}
	return out, nil
}
