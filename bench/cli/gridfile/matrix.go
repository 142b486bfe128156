package gridfile

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"veilbench/bench/cli/command"
	"veilbench/bench/cli/yamlfile"
	"veilbench/bench/results"
)

// matrix is an entry of "matrices": a confusion matrix of a paper, shares of each
// true class by the name that it was given.
type matrix struct {
	quote   // what all squares share; class, as and value are each square's own
	columns []yamlfile.Value
	rows    []row
}

// row is a true class and its shares, one for each column.
type row struct {
	class  yamlfile.Value
	shares []yamlfile.Value
}

// matrixKeys are the keys of a published matrix. Only calibrated and data may be
// missing.
func (c *Config) matrixKeys(m *matrix) []yamlfile.Key {
	// Rows are a mapping, so that a row cannot stand for another class unseen.
	f := c.file
	list := func(n ast.Node) ([]yamlfile.Value, error) { return yamlfile.List(f, n, f.Scalar) }
	return []yamlfile.Key{
		{Name: "task", Read: yamlfile.Into(&m.task, f.Scalar)},
		{Name: "defense", Read: yamlfile.Into(&m.defense, f.Plugin)},
		{Name: "attack", Read: yamlfile.Into(&m.attack, f.Plugin)},
		{Name: "source", Read: yamlfile.Into(&m.source, f.Scalar)},
		{Name: "columns", Read: yamlfile.Into(&m.columns, list)},
		{Name: "rows", Read: func(n ast.Node) error {
			pairs, err := f.Pairs(n)
			for _, p := range pairs {
				shares, e := list(p.Node)
				if e != nil {
					return e
				}
				m.rows = append(m.rows, row{p.Key, shares})
			}
			return err
		}},
		{Name: "calibrated", Read: yamlfile.Into(&m.calibrated, f.Scalar)},
		{Name: "data", Read: yamlfile.Into(&m.data, f.Scalar)},
	}
}

func (c *Config) matrix(n ast.Node) (matrix, error) {
	m := matrix{quote: quote{at: n.GetToken().Position, metric: yamlfile.Value{Text: results.Recall}}}
	keys := c.matrixKeys(&m)
	if err := c.file.Read(n, " of a published matrix", keys); err != nil {
		return m, err
	}
	if pairs, err := c.file.Pairs(n); err == nil && len(pairs) > 0 {
		m.at = pairs[0].Key.At // as in quote
	}
	for i, v := range []yamlfile.Value{m.task, m.defense, m.attack, m.source} {
		if strings.TrimSpace(v.Text) == "" {
			return m, c.file.Wrong(m.at, fmt.Errorf("a published matrix needs %s", keys[i].Name))
		}
	}
	if len(m.columns) == 0 || len(m.rows) == 0 {
		return m, c.file.Wrong(m.at, fmt.Errorf("a published matrix needs columns and rows"))
	}
	for _, r := range m.rows {
		if len(r.shares) != len(m.columns) {
			return m, c.file.Wrong(r.class.At, fmt.Errorf("row %s has %d shares for %d columns", r.class.Text, len(r.shares), len(m.columns)))
		}
	}
	return m, nil
}

// squares makes a figure of each square of m, row by row: the recall of a class
// on the diagonal, and off it the share that is named as another.
func (c Config) squares(p command.Plugins, m matrix) ([]results.Published, error) {
	var out []results.Published
	for _, r := range m.rows {
		for i, share := range r.shares {
			q := m.quote
			q.class, q.value = r.class, share
			if as := m.columns[i]; as.Text != r.class.Text {
				q.as = as
			}
			x, err := c.resolve(p, q)
			if err != nil {
				return nil, err
			}
			out = append(out, x)
		}
	}
	return out, nil
}
