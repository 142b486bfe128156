package cli

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/params"
	"veilbench/defenses"
)

// quote is an entry of "published": a figure of a paper and where it stands in
// the file.
type quote struct {
	at                                          *token.Position
	task, defense, attack, metric, class, value value
	source                                      value
}

// field is a key of a quote.
type field struct {
	name     string
	to       *value
	optional bool
	read     func(ast.Node) (value, error)
}

func (c *config) quoteFields(q *quote) []field {
	return []field{
		{"task", &q.task, false, c.scalar},
		{"defense", &q.defense, false, c.plugin},
		{"attack", &q.attack, false, c.plugin},
		{"metric", &q.metric, false, c.scalar},
		{"class", &q.class, true, c.scalar},
		{"value", &q.value, false, c.scalar},
		{"source", &q.source, false, c.scalar},
	}
}

// quoteKeys lists the keys of a published figure.
func (c *config) quoteKeys() []string {
	var out []string
	for _, f := range c.quoteFields(new(quote)) {
		out = append(out, f.name)
	}
	return out
}

// quotes reads the list of published figures.
func (c *config) quotes(n ast.Node) error {
	nodes := []ast.Node{n}
	if seq, ok := n.(*ast.SequenceNode); ok {
		if nodes = seq.Values; len(nodes) == 0 {
			return c.file.wrong(n.GetToken().Position, errors.New("the list is empty: leave the key out"))
		}
	}
	for _, e := range nodes {
		q, err := c.quote(e)
		if err != nil {
			return err
		}
		c.published = append(c.published, q)
	}
	return nil
}

func (c *config) quote(n ast.Node) (quote, error) {
	pairs, err := c.pairs(n)
	if err != nil {
		return quote{}, err
	}
	q := quote{at: n.GetToken().Position}
	if len(pairs) > 0 {
		q.at = pairs[0].key.at
	}
	fields, names := c.quoteFields(&q), c.quoteKeys()
	for _, p := range pairs {
		k := p.key.text
		known := false
		for _, f := range fields {
			if f.name != k {
				continue
			}
			known = true
			if *f.to, err = f.read(p.node); err != nil {
				return q, err
			}
		}
		if !known {
			return q, c.file.wrong(p.key.at, fmt.Errorf("unknown key %q of a published figure%s (has %s)", k, params.DidYouMean(k, names), strings.Join(names, ", ")))
		}
	}
	for _, f := range fields {
		if !f.optional && strings.TrimSpace(f.to.text) == "" {
			return q, c.file.wrong(q.at, fmt.Errorf("a published figure needs %s", f.name))
		}
	}
	return q, nil
}

// metricWord is how metrics are named.
var metricWord = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// publishedOf resolves the published figures of c.
func (a *app) publishedOf(c config) ([]results.Published, error) {
	var out []results.Published
	for _, q := range c.published {
		task, err := words(c, []value{q.task}, "task", datasets.Tasks())
		if err != nil {
			return nil, err
		}
		d, err := defenses.Parse(a.Defenses, q.defense.text)
		if err != nil {
			return nil, c.file.wrong(q.defense.at, err)
		}
		at, err := attacks.Parse(a.Attacks, q.attack.text)
		if err != nil {
			return nil, c.file.wrong(q.attack.at, err)
		}
		if !metricWord.MatchString(q.metric.text) {
			return nil, c.file.wrong(q.metric.at, fmt.Errorf("metric %q: want a name such as f1 or macro_recall", q.metric.text))
		}
		if q.class.text != "" && q.metric.text != "recall" {
			return nil, c.file.wrong(q.metric.at, fmt.Errorf("metric %s of class %s: of one class there is only recall", q.metric.text, q.class.text))
		}
		v, err := strconv.ParseFloat(q.value.text, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, c.file.wrong(q.value.at, fmt.Errorf("value %s: want a number", q.value.text))
		}
		out = append(out, results.Published{
			Task: task[0], Defense: defenses.ID(d), Attack: attacks.ID(at),
			Metric: q.metric.text, Class: q.class.text, Value: v, Source: q.source.text,
		})
	}
	return out, nil
}
