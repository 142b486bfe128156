package folder

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"veilbench/datasets"
	"veilbench/datasets/folder/owners"
	"veilbench/datasets/params"
)

// spec is a dataset.yaml. Every key but captures may be left out, and that too
// where the layout is a known one.
type spec struct {
	// Captures is the pattern of the captures' paths.
	Captures string `yaml:"captures,omitempty"`
	// Group is a template of named parts, such as "{home}/{day}": captures with
	// equal groups are never on both sides of a split across groups. {day} is
	// known everywhere.
	Group string `yaml:"group,omitempty"`
	// Task restricts the data to one task.
	Task datasets.Task `yaml:"task,omitempty"`
	// Labels says where the truth is and how its times are meant.
	Labels labelSpec `yaml:"labels,omitempty"`
	// Devices lists who owns which address.
	Devices deviceSpec `yaml:"devices,omitempty"`
	// Recorded is the vantage of the captures, lan, wifi, wan or zigbee.
	Recorded datasets.Vantage `yaml:"recorded,omitempty"`
	// Home lists addresses and prefixes inside the home.
	Home wordList `yaml:"home,omitempty"`
	// Same lists classes that nobody can tell apart.
	Same [][]string `yaml:"same,omitempty"`
	// Join is "rotated" (find files that are one recording, the default) or
	// "none".
	Join string `yaml:"join,omitempty"`
	// Pairs are captures of the same traffic on both sides of a gateway.
	Pairs pairSpec `yaml:"pairs,omitempty"`
}

// labelSpec says where the truth is. A plain file name may stand for it.
type labelSpec struct {
	// File names the label files, all in the folder if left out.
	File wordList `yaml:"file,omitempty"`
	// Zone is of times that name none, such as Europe/Berlin.
	Zone string `yaml:"zone,omitempty"`
	// Offset is added to every time, such as -2s.
	Offset string `yaml:"offset,omitempty"`
	// Clock is what plain numbers count from, start or epoch.
	Clock string `yaml:"clock,omitempty"`
	// Device and Activity are for lists that hold times alone.
	Device   string `yaml:"device,omitempty"`
	Activity string `yaml:"activity,omitempty"`
}

// deviceSpec is a file with a list, names of devices, or names with their
// addresses.
type deviceSpec struct {
	File  string
	Names []string
	Owned map[string]wordList
}

// pairSpec are two patterns with the same named parts.
type pairSpec struct {
	Before string `yaml:"before,omitempty"`
	After  string `yaml:"after,omitempty"`
}

// wordList is a list in which one entry needs no brackets.
type wordList []string

// UnmarshalYAML takes a word or a list of words.
func (w *wordList) UnmarshalYAML(unmarshal func(any) error) error {
	var one string
	if unmarshal(&one) == nil {
		*w = wordList{one}
		return nil
	}
	return unmarshal((*[]string)(w))
}

// UnmarshalYAML takes names of files or a mapping.
func (s *labelSpec) UnmarshalYAML(unmarshal func(any) error) error {
	var files wordList
	if unmarshal(&files) == nil {
		*s = labelSpec{File: files}
		return nil
	}
	type plain labelSpec // without this method, which would call itself
	return unmarshal((*plain)(s))
}

// UnmarshalYAML takes a file's name, a list of names, or a mapping of names to
// addresses.
func (s *deviceSpec) UnmarshalYAML(unmarshal func(any) error) error {
	if unmarshal(&s.File) == nil {
		return nil
	}
	s.File = ""
	if unmarshal(&s.Names) == nil {
		return nil
	}
	s.Names = nil
	return unmarshal(&s.Owned)
}

// MarshalYAML writes what UnmarshalYAML takes.
func (s deviceSpec) MarshalYAML() (any, error) {
	switch {
	case s.File != "":
		return s.File, nil
	case len(s.Names) > 0:
		return s.Names, nil
	}
	return s.Owned, nil
}

// IsZero says that nothing is stated of devices.
func (s deviceSpec) IsZero() bool { return s.File == "" && len(s.Names) == 0 && len(s.Owned) == 0 }

// inBrackets finds hardware and IPv6 addresses without quotes in a list.
var inBrackets = regexp.MustCompile(`([\[,][ \t]*)([0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*)([ \t]*[\],])`)

// parseSpec reads a dataset.yaml; name stands in messages, which begin with
// name:line:column. Unknown keys, a key that is set twice, and values out of
// range are errors.
func parseSpec(name string, text []byte) (spec, error) {
	var s spec
	if len(strings.TrimSpace(string(text))) == 0 {
		return s, nil
	}
	// The library takes 50:c7:bf:00:00:01 for a mapping where it stands in
	// brackets without quotes.
	for inBrackets.Match(text) {
		text = inBrackets.ReplaceAll(text, []byte(`$1"$2"$3`))
	}
	if err := plain(name, text); err != nil {
		return s, err
	}
	if err := yaml.UnmarshalWithOptions(text, &s, yaml.Strict(), yaml.DisallowUnknownField()); err != nil {
		return s, atToken(name, err)
	}
	if key, err := s.check(); err != nil {
		return s, atKey(name, text, key, err)
	}
	return s, nil
}

// visitor looks for what a dataset.yaml has no use for.
type visitor struct{ found ast.Node }

// Visit stops at tags, anchors, aliases and empty values.
func (v *visitor) Visit(n ast.Node) ast.Visitor {
	switch n.Type() {
	case ast.TagType, ast.AnchorType, ast.AliasType, ast.MergeKeyType, ast.NullType, ast.DirectiveType:
		if v.found == nil {
			v.found = n
		}
	}
	return v
}

// plain refuses what the library decodes wrongly or not at all: it panics at
// some tags and anchors. A second document would go unread.
func plain(name string, text []byte) error {
	f, err := parser.ParseBytes(text, 0)
	if err != nil {
		return atToken(name, err)
	}
	if len(f.Docs) > 1 {
		return fmt.Errorf("%s: more than one YAML document", name)
	}
	var v visitor
	for _, d := range f.Docs {
		if d.Body != nil {
			ast.Walk(&v, d.Body)
		}
	}
	if v.found == nil {
		return nil
	}
	at := v.found.GetToken().Position
	return fmt.Errorf("%s:%d:%d: want plain keys and values, without tags, anchors and empty values", name, at.Line, at.Column)
}

// atToken puts file, line and column in front of a YAML error.
func atToken(name string, err error) error {
	var e yaml.Error
	if !errors.As(err, &e) || e.GetToken() == nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	at := e.GetToken().Position
	return fmt.Errorf("%s:%d:%d: %s", name, at.Line, at.Column, e.GetMessage())
}

// atKey finds the place of a key for an error about its value.
func atKey(name string, text []byte, key string, err error) error {
	f, perr := parser.ParseBytes(text, 0)
	if perr == nil {
		if p, perr := yaml.PathString("$." + key); perr == nil {
			if n, perr := p.FilterFile(f); perr == nil && n != nil && n.GetToken() != nil {
				at := n.GetToken().Position
				return fmt.Errorf("%s:%d:%d: %s: %w", name, at.Line, at.Column, key, err)
			}
		}
	}
	return fmt.Errorf("%s: %s: %w", name, key, err)
}

// check returns the first key whose value cannot be meant.
func (s spec) check() (key string, err error) {
	pattern := func(p string) error {
		if p == "" {
			return nil
		}
		_, err := parsePattern(p)
		return err
	}
	word := func(v string, known ...string) error {
		if v == "" || slices.Contains(known, v) {
			return nil
		}
		return fmt.Errorf("%q%s; want %s", v, params.DidYouMean(v, known), strings.Join(known, ", "))
	}
	var tasks []string
	for _, t := range datasets.Tasks() {
		tasks = append(tasks, string(t))
	}

	// The order of the keys below is that of errors.
	_, zone := time.LoadLocation(s.Labels.Zone)
	_, offset := time.ParseDuration(s.Labels.Offset)
	if s.Labels.Offset == "" {
		offset = nil
	}
	_, home := s.prefixes()
	for _, c := range []struct {
		key string
		err error
	}{
		{"captures", pattern(s.Captures)},
		{"group", pattern(s.Group)},
		{"task", word(string(s.Task), tasks...)},
		{"recorded", word(string(s.Recorded), "lan", "wifi", "wan", "zigbee")},
		{"join", word(s.Join, "rotated", "none")},
		{"labels.zone", zone},
		{"labels.offset", offset},
		{"labels.clock", word(s.Labels.Clock, "start", "epoch")},
		{"home", home},
		{"pairs.before", pattern(s.Pairs.Before)},
		{"pairs.after", pattern(s.Pairs.After)},
		{"devices", s.Devices.check()},
	} {
		if c.err != nil {
			return c.key, c.err
		}
	}
	if (s.Pairs.Before == "") != (s.Pairs.After == "") {
		return "pairs", errors.New("want both before and after")
	}
	return "", nil
}

// check refuses names that scores cannot use and addresses that are none.
func (s deviceSpec) check() error {
	for name, addrs := range s.Owned {
		if name == "" || strings.Contains(name, "/") {
			return fmt.Errorf("device %q; want a name without /", name)
		}
		for _, a := range addrs {
			if _, ok := owners.ParseAddress(a); !ok {
				return fmt.Errorf("%s: %q is neither a hardware nor an IP address", name, a)
			}
		}
	}
	return nil
}

// prefixes are the addresses inside the home.
func (s spec) prefixes() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, h := range s.Home {
		p, err := netip.ParsePrefix(h)
		if err != nil {
			a, aerr := netip.ParseAddr(h)
			if aerr != nil {
				return nil, fmt.Errorf("%q; want an address or a prefix such as 192.168.1.0/24", h)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, p)
	}
	return out, nil
}

// yaml writes s as a dataset.yaml.
func (s spec) yaml() ([]byte, error) {
	return yaml.MarshalWithOptions(s, yaml.OmitZero())
}

// readSpec reads the folder's dataset.yaml, if there is one, and lets the
// options win over it.
func (l *loader) readSpec() error {
	if l.files.hasSpec {
		b, err := os.ReadFile(filepath.Join(l.root, specFile))
		if err != nil {
			return err
		}
		if l.f.spec, err = parseSpec(specFile, b); err != nil {
			return err
		}
	}

	s := l.f.spec
	if l.o.Times.Zone == nil && s.Labels.Zone != "" {
		l.o.Times.Zone, _ = time.LoadLocation(s.Labels.Zone) // checked
	}
	if l.o.Times.Offset == 0 && s.Labels.Offset != "" {
		l.o.Times.Offset, _ = time.ParseDuration(s.Labels.Offset) // checked
	}
	if l.o.Times.Clock == "" {
		l.o.Times.Clock = s.Labels.Clock
	}
	if len(l.o.Capture.Home) == 0 {
		l.o.Capture.Home, _ = s.prefixes() // checked
	}

	if len(l.o.Labels) > 0 {
		l.f.spec.Labels.File = nil
	}

	// What was said on the command line is part of what was understood, so that
	// --write keeps it.
	if l.o.Times.Zone != nil {
		l.f.spec.Labels.Zone = l.o.Times.Zone.String()
	}
	if l.o.Times.Offset != 0 {
		l.f.spec.Labels.Offset = l.o.Times.Offset.String()
	}
	l.f.spec.Labels.Clock = l.o.Times.Clock
	for _, name := range l.o.Labels {
		// By its path from the folder, which need not be below it.
		abs, err1 := filepath.Abs(name)
		root, err2 := filepath.Abs(l.root)
		rel, err3 := filepath.Rel(root, abs)
		if err := errors.Join(err1, err2, err3); err != nil {
			return err
		}
		l.f.spec.Labels.File = append(l.f.spec.Labels.File, filepath.ToSlash(rel))
	}
	if len(s.Home) == 0 {
		for _, p := range l.o.Capture.Home {
			l.f.spec.Home = append(l.f.spec.Home, p.String())
		}
	}
	return nil
}
