package gridfile

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
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
	class, as, calibrated, data                  yamlfile.Value // may be missing
	names                                        []yamlfile.Value
	over                                         *place // of an order
}

// place is the lower side of an order; what it lacks is that of the higher one.
type place struct{ data, defense, attack yamlfile.Value }

func (f *place) keys(file *yamlfile.File) []yamlfile.Key {
	return []yamlfile.Key{
		{Name: "data", Read: yamlfile.Into(&f.data, file.Scalar)},
		{Name: "defense", Read: yamlfile.Into(&f.defense, file.Plugin)},
		{Name: "attack", Read: yamlfile.Into(&f.attack, file.Plugin)},
	}
}

// quoteKeys are the keys of a published figure. Those that it may lack stand
// last: class, without which it is of all classes; as, for the share of the class
// that is named so; calibrated; data, without which it is of every data set; the names that
// names_seen counts; and over, in place of value, for an order.
func quoteKeys(f *yamlfile.File, q *quote) []yamlfile.Key {
	return []yamlfile.Key{
		{Name: "task", Read: yamlfile.Into(&q.task, f.Scalar)},
		{Name: "defense", Read: yamlfile.Into(&q.defense, f.Plugin)},
		{Name: "attack", Read: yamlfile.Into(&q.attack, f.Plugin)},
		{Name: "metric", Read: yamlfile.Into(&q.metric, f.Scalar)},
		{Name: "value", Read: yamlfile.Into(&q.value, f.Scalar)},
		{Name: "source", Read: yamlfile.Into(&q.source, f.Scalar)},
		{Name: "class", Read: yamlfile.Into(&q.class, f.Scalar)},
		{Name: "as", Read: yamlfile.Into(&q.as, f.Scalar)},
		{Name: "calibrated", Read: yamlfile.Into(&q.calibrated, f.Scalar)},
		{Name: "names", Read: yamlfile.Into(&q.names, func(n ast.Node) ([]yamlfile.Value, error) { return yamlfile.List(f, n, f.Scalar) })},
		{Name: "data", Read: yamlfile.Into(&q.data, f.Scalar)},
		{Name: "over", Read: func(n ast.Node) error {
			q.over = &place{}
			return f.Read(n, " of the lower side of an order", q.over.keys(f))
		}},
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
		if strings.TrimSpace(v.Text) == "" && (q.over == nil || keys[i].Name != "value") {
			return q, c.file.Wrong(q.at, fmt.Errorf("a published figure needs %s", keys[i].Name))
		}
	}
	if q.over != nil && q.value.Text != "" {
		return q, c.file.Wrong(q.value.At, errors.New("an order has no value: name a figure of each side apart from it"))
	}
	return q, nil
}

// metricWord is how metrics are named.
var metricWord = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Published resolves the figures of papers that c quotes, those of matrices last.
func (c Config) Published(p command.Plugins) ([]results.Published, error) {
	var out []results.Published
	for _, q := range c.published {
		x, err := c.resolve(p, q)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	for _, m := range c.matrices {
		xs, err := c.squares(p, m)
		if err != nil {
			return nil, err
		}
		out = append(out, xs...)
	}
	if !c.likes {
		return out, nil
	}

	// Of the figures of another preset those remain that this one computes; of its
	// own, one that it does not is a mistake that a reader should see.
	ds, err := plugins(c.file, c.defenses, p.Defenses, c.parseDefense(p), defenses.ID)
	if err != nil {
		return nil, err
	}
	as, err := plugins(c.file, c.attacks, p.Attacks, c.parseAttack(p), attacks.ID)
	if err != nil {
		return nil, err
	}
	has := func(defense, attack string) bool {
		return slices.ContainsFunc(ds, func(d defenses.Defense) bool { return defenses.ID(d) == defense }) &&
			slices.ContainsFunc(as, func(a attacks.Attack) bool { return attacks.ID(a) == attack })
	}
	return slices.DeleteFunc(out, func(q results.Published) bool {
		return !has(q.Defense, q.Attack) || q.Over != nil && !has(q.Over.Defense, q.Over.Attack)
	}), nil
}

// resolve checks the words of a figure against the plug-ins that there are.
func (c Config) resolve(p command.Plugins, q quote) (out results.Published, err error) {
	task, err := choose(c.file, []yamlfile.Value{q.task}, "task", datasets.Tasks())
	if err != nil {
		return out, err
	}
	out.Task, out.Class, out.As, out.Source, out.Calibrated, out.Data = task[0], q.class.Text, q.as.Text, q.source.Text, q.calibrated.Text, q.data.Text
	if out.Defense, out.Attack, err = c.plugIDs(p, q.defense, q.attack); err != nil {
		return out, err
	}

	// A metric may be one that we do not compute: the figure then stands alone.
	if out.Metric = q.metric.Text; !metricWord.MatchString(out.Metric) {
		return out, c.file.Wrong(q.metric.At, fmt.Errorf("metric %q: want a name such as f1 or macro_recall", out.Metric))
	}
	if out.Class != "" && !slices.Contains(classMetrics(), out.Metric) {
		return out, c.file.Wrong(q.metric.At, fmt.Errorf("metric %s of class %s: of one class there are only %s", out.Metric, out.Class, strings.Join(classMetrics(), " and ")))
	}
	if (out.Metric == results.NamesSeen) != (len(q.names) > 0) || out.Metric == results.NamesSeen && out.Class == "" {
		return out, c.file.Wrong(q.metric.At, fmt.Errorf("metric %s: %s is of a class, the device, and of names, and no other metric is of names", out.Metric, results.NamesSeen))
	}
	for _, n := range q.names {
		out.Names = append(out.Names, n.Text)
	}
	if out.As != "" && (out.Metric != results.Recall || out.Class == "") {
		return out, c.file.Wrong(q.as.At, fmt.Errorf("as %s: want metric recall and a class, whose share named so it is", out.As))
	}
	if out.Calibrated == "false" {
		out.Calibrated = ""
	}

	if q.over != nil {
		out.Over = &results.Place{Data: cmp.Or(q.over.data.Text, q.data.Text)}
		out.Over.Defense, out.Over.Attack, err = c.plugIDs(p, cmp.Or(q.over.defense, q.defense), cmp.Or(q.over.attack, q.attack))
		return out, err
	}
	out.Value, err = c.number(q.value)
	return out, err
}

// classMetrics are those that a single class has.
func classMetrics() []string {
	return []string{results.Recall, results.Precision, results.RecallLength, results.NamesSeen}
}

// plugIDs are the IDs of a defense and an attack.
func (c Config) plugIDs(p command.Plugins, defense, attack yamlfile.Value) (d, at string, err error) {
	x, err := defenses.Parse(p.Defenses, defense.Text)
	if err != nil {
		return "", "", c.file.Wrong(defense.At, err)
	}
	y, err := attacks.Parse(p.Attacks, attack.Text)
	if err != nil {
		return "", "", c.file.Wrong(attack.At, err)
	}
	return defenses.ID(x), attacks.ID(y), nil
}

// number reads a figure.
func (c Config) number(v yamlfile.Value) (float64, error) {
	x, err := strconv.ParseFloat(v.Text, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, c.file.Wrong(v.At, fmt.Errorf("value %s: want a number", v.Text))
	}
	return x, nil
}
