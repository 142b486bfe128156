package gridfile

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"veilbench/attacks"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/yamlfile"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
)

// quote is an entry of "published": a figure of a paper and where it stands in
// the file.
type quote struct {
	at                                           *token.Position
	task, defense, attack, metric, value, source yamlfile.Value
	class, calibrated                            yamlfile.Value // may be missing
	names                                        []yamlfile.Value
}

// quoteKeys are the keys of a published figure. Those that it may lack stand
// last: class, without which it is of all classes, calibrated, and the names that
// names_seen counts.
func quoteKeys(f *yamlfile.File, q *quote) []yamlfile.Key {
	return []yamlfile.Key{
		{Name: "task", Read: yamlfile.Into(&q.task, f.Scalar)},
		{Name: "defense", Read: yamlfile.Into(&q.defense, f.Plugin)},
		{Name: "attack", Read: yamlfile.Into(&q.attack, f.Plugin)},
		{Name: "metric", Read: yamlfile.Into(&q.metric, f.Scalar)},
		{Name: "value", Read: yamlfile.Into(&q.value, f.Scalar)},
		{Name: "source", Read: yamlfile.Into(&q.source, f.Scalar)},
		{Name: "class", Read: yamlfile.Into(&q.class, f.Scalar)},
		{Name: "calibrated", Read: yamlfile.Into(&q.calibrated, f.Scalar)},
		{Name: "names", Read: yamlfile.Into(&q.names, func(n ast.Node) ([]yamlfile.Value, error) { return yamlfile.List(f, n, f.Scalar) })},
	}
}

func (c *Config) quote(n ast.Node) (quote, error) {
	q := quote{at: n.GetToken().Position}
	keys := quoteKeys(c.file, &q)
	if err := c.file.Read(n, " of a published figure", keys); err != nil {
		return q, err
	}

	// The token of a mapping is its first colon: what lacks a key is shown at the
	// first key instead.
	if pairs, err := c.file.Pairs(n); err == nil && len(pairs) > 0 {
		q.at = pairs[0].Key.At
	}
	for i, v := range []yamlfile.Value{q.task, q.defense, q.attack, q.metric, q.value, q.source} {
		if strings.TrimSpace(v.Text) == "" {
			return q, c.file.Wrong(q.at, fmt.Errorf("a published figure needs %s", keys[i].Name))
		}
	}
	return q, nil
}

// metricWord is how metrics are named.
var metricWord = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Published resolves the figures of papers that c quotes.
func (c Config) Published(p command.Plugins) ([]results.Published, error) {
	var out []results.Published
	for _, q := range c.published {
		task, err := choose(c.file, []yamlfile.Value{q.task}, "task", datasets.Tasks())
		if err != nil {
			return nil, err
		}
		d, err := defenses.Parse(p.Defenses, q.defense.Text)
		if err != nil {
			return nil, c.file.Wrong(q.defense.At, err)
		}
		at, err := attacks.Parse(p.Attacks, q.attack.Text)
		if err != nil {
			return nil, c.file.Wrong(q.attack.At, err)
		}

		// A metric may be one that we do not compute: the figure then stands alone.
		if !metricWord.MatchString(q.metric.Text) {
			return nil, c.file.Wrong(q.metric.At, fmt.Errorf("metric %q: want a name such as f1 or macro_recall", q.metric.Text))
		}
		if m := q.metric.Text; q.class.Text != "" && m != results.Recall && m != results.Precision && m != results.NamesSeen {
			return nil, c.file.Wrong(q.metric.At, fmt.Errorf("metric %s of class %s: of one class there are only recall and precision", m, q.class.Text))
		}
		if m := q.metric.Text; (m == results.NamesSeen) != (len(q.names) > 0) || m == results.NamesSeen && q.class.Text == "" {
			return nil, c.file.Wrong(q.metric.At, fmt.Errorf("metric %s: %s is of a class, the device, and of names, and no other metric is of names", m, results.NamesSeen))
		}
		v, err := strconv.ParseFloat(q.value.Text, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, c.file.Wrong(q.value.At, fmt.Errorf("value %s: want a number", q.value.Text))
		}
		if q.calibrated.Text == "false" {
			q.calibrated.Text = ""
		}
		var names []string
		for _, n := range q.names {
			names = append(names, n.Text)
		}
		out = append(out, results.Published{
			Task: task[0], Defense: defenses.ID(d), Attack: attacks.ID(at),
			Metric: q.metric.Text, Class: q.class.Text, Names: names, Value: v, Source: q.source.Text, Calibrated: q.calibrated.Text,
		})
	}
	return out, nil
}
