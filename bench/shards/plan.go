package shards

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"veilbench/bench"
	"veilbench/bench/forecast"
	"veilbench/bench/outside"
	"veilbench/bench/results"
	"veilbench/datasets/atomicfile"
)

// Plan is all that a run would compute, as its folder keeps it beside the manifest.
type Plan struct {
	// Shard of Shards, from 0, is what the folder's own run computes. Shards is 1
	// where one run computes all.
	Shard  int    `json:"shard"`
	Shards int    `json:"shards"`
	Units  []Unit `json:"units"`
}

// Unit is a defense on a data set: what one run computes in any case.
type Unit struct {
	Dataset string `json:"dataset"`
	Defense string `json:"defense"`
	Shard   int    `json:"shard"`
	// Seconds is what it is expected to take, of one worker.
	Seconds float64 `json:"seconds"`
	// Cells are the names of its results in a store.
	Cells []string `json:"cells"`
}

// PlanFile lies in the folder of a run.
const PlanFile = "plan.json"

// New deals the cells of a plan to n shards; the folder's own run is shard.
func New(m results.Manifest, cells []bench.Planned, units []forecast.Unit, shard, n int) Plan {
	dealt := deal(units, n)
	p := Plan{Shard: shard, Shards: n}
	at := map[[2]string]int{}
	for i, u := range units {
		at[[2]string{u.Dataset, u.Defense}] = i
		p.Units = append(p.Units, Unit{Dataset: u.Dataset, Defense: u.Defense, Shard: dealt[i], Seconds: alone(u)})
	}
	for _, c := range cells {
		// Predictions are imported into the folder of one shard, and make it no other.
		if strings.HasPrefix(c.Cell.Attack, outside.Prefix) {
			continue
		}
		u := &p.Units[at[[2]string{c.Cell.Dataset, c.Cell.Defense}]]
		u.Cells = append(u.Cells, m.Name(c.Cell))
	}
	return p
}

// Mine says whether a unit is one of the folder's own shard.
func (p Plan) Mine(dataset, defense string) bool {
	for _, u := range p.Units {
		if u.Dataset == dataset && u.Defense == defense {
			return u.Shard == p.Shard
		}
	}
	return false
}

// Write keeps p in the folder of a run, whole or not at all.
func (p Plan) Write(dir string) error { return p.Save(filepath.Join(dir, PlanFile)) }

// Save keeps p in a file of its own, for shards that are dealt by it.
func (p Plan) Save(file string) error {
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return atomicfile.Write(file, append(b, '\n'))
}

// DealtAs is p with its units in the shards of the plan that Save kept in a file. One
// of other cells, or for another number of shards, is an error that says what differs.
func (p Plan) DealtAs(file string) (Plan, error) {
	var q Plan
	if _, err := q.readFile(file, nil, nil); err != nil {
		return p, err
	}
	q.Shard = p.Shard

	// Which shard a unit is dealt to is what may differ, and nothing else.
	alike := Plan{Shards: p.Shards, Units: slices.Clone(p.Units)}
	for i := range min(len(alike.Units), len(q.Units)) {
		alike.Units[i].Shard = q.Units[i].Shard
	}
	if why := alike.same(q); why != "" {
		return p, fmt.Errorf("%s is no plan of this run: %s", file, why)
	}
	return q, nil
}

// read fills p with the plan in the folder of a run and returns its units as they
// stand there, see readFile.
func (p *Plan) read(dir string, known []byte, units []Unit) ([]byte, error) {
	text, err := p.readFile(filepath.Join(dir, PlanFile), known, units)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no %s: is it the --out folder of a run? A run of this version writes one (the same command again goes on there)", dir, PlanFile)
	}
	return text, err
}

// readFile fills p with the plan in a file. Where its units are the text known, as in
// all shards of one run, known units are taken for them: they name every cell, and to
// read a hundred thousand names takes a while.
func (p *Plan) readFile(name string, known []byte, units []Unit) ([]byte, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}

	// The units stay text as long as they may be known.
	raw := struct {
		*Plan
		Units json.RawMessage `json:"units"`
	}{Plan: p}
	if err = json.Unmarshal(b, &raw); err == nil {
		if known != nil && bytes.Equal(raw.Units, known) {
			p.Units = units
		} else if err = json.Unmarshal(raw.Units, &p.Units); err == nil {
			err = p.checkCells()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return raw.Units, p.check(name)
}

// check refuses what New does not make.
func (p Plan) check(name string) error {
	if p.Shards < 1 || p.Shard < 0 || p.Shard >= p.Shards {
		return fmt.Errorf("%s: shard %d of %d: want one of 0 to one less than their number", name, p.Shard, p.Shards)
	}
	for _, u := range p.Units {
		if u.Shard < 0 || u.Shard >= p.Shards {
			return fmt.Errorf("%s: unit %s of %s is in shard %d of %d", name, u.Defense, u.Dataset, u.Shard, p.Shards)
		}
	}
	return nil
}

// checkCells refuses a plan without units, and one that deals a cell twice: counts of
// what is missing would be wrong.
func (p Plan) checkCells() error {
	if len(p.Units) == 0 {
		return errors.New("a plan without units is none of a run")
	}
	seen := map[string]bool{}
	for _, u := range p.Units {
		for _, name := range u.Cells {
			if seen[name] {
				return fmt.Errorf("cell %s of %s on %s is dealt twice", name, u.Defense, u.Dataset)
			}
			seen[name] = true
		}
	}
	return nil
}

// same says why q is another plan than p, "" if both plan the same cells for the
// same shards.
func (p Plan) same(q Plan) string {
	if p.Shards != q.Shards {
		return fmt.Sprintf("%d shards against %d", p.Shards, q.Shards)
	}
	for i := range max(len(p.Units), len(q.Units)) {
		if i >= len(p.Units) || i >= len(q.Units) {
			return fmt.Sprintf("%d units against %d", len(p.Units), len(q.Units))
		}
		a, b := p.Units[i], q.Units[i]
		switch {
		case a.Dataset != b.Dataset || a.Defense != b.Defense:
			return fmt.Sprintf("%s on %s against %s on %s", a.Defense, a.Dataset, b.Defense, b.Dataset)
		case a.Shard != b.Shard:
			return fmt.Sprintf("%s on %s is dealt to shard %d and to %d", a.Defense, a.Dataset, a.Shard, b.Shard)
		case len(a.Cells) != len(b.Cells):
			return fmt.Sprintf("%s on %s has %d cells and %d", a.Defense, a.Dataset, len(a.Cells), len(b.Cells))
		}

		// Names are digests of the cell, its data and its setup: a difference here is
		// one of these, which manifests have in words.
		for k := range a.Cells {
			if a.Cells[k] != b.Cells[k] {
				return fmt.Sprintf("cell %d of %s on %s: other data, settings or builds", k, a.Defense, a.Dataset)
			}
		}
	}
	return ""
}
