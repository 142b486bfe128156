package gridfile

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/bench/cli/yamlfile"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/captured"
)

// capturedKey stands in a list of defenses before one that is captures of a real
// device.
const capturedKey = "captured"

// How captures after a device go with those before it.
const (
	pairingAuto     = "auto"     // paired where names and times fit
	pairingPaired   = "paired"   // the same traffic on both sides
	pairingSessions = "sessions" // other times
)

// device is a real device as written: what was captured after it. What was before
// are the data sets.
type device struct {
	name, pairing, oneClock yamlfile.Value
	after                   dataset
}

// defense reads an entry of a list of defenses into c: a device, or the ID of a
// defense that is computed.
func (c *Config) defense(n ast.Node) (yamlfile.Value, error) {
	p, err := c.file.Single(n)
	if err != nil || p.Key.Text != capturedKey {
		return c.file.Plugin(n)
	}
	var d device
	single := yamlfile.Into[yamlfile.Value]
	err = c.file.Read(p.Node, capturedKey, []yamlfile.Key{
		{Name: "name", Read: single(&d.name, c.file.Scalar)},
		{Name: "after", Read: yamlfile.Into(&d.after, c.dataset)},
		{Name: "pairing", Read: single(&d.pairing, c.file.Scalar)},
		{Name: "one_clock", Read: single(&d.oneClock, c.file.Scalar)},
	})
	if err == nil && (d.name.Text == "" || d.after.Text == "") {
		err = c.file.Wrong(p.Key.At, errors.New("captured: want name and after, such as {name: acme, after: folder=lab/after}"))
	}
	c.devices = append(c.devices, d)
	return yamlfile.Value{Text: capturedKey + ":" + d.name.Text, At: p.Key.At}, err
}

// overrideDevices is Override for what is before and after real devices.
func (c *Config) overrideDevices(w Words) error {
	if w.Before != "" {
		c.datasets = []dataset{{Value: yamlfile.Value{Text: w.Before}, tasks: c.commonTasks(), taken: true}}
	}

	// As of all lists, those of the flags replace those of the file.
	if len(w.After) > 0 {
		c.devices = nil
	}
	for _, text := range w.After {
		name, after, ok := strings.Cut(text, "=")
		if !ok || name == "" || after == "" {
			return fmt.Errorf("--after %q: want NAME=DATASET, such as acme=lab/after", text)
		}
		c.devices = append(c.devices, device{name: yamlfile.Value{Text: name}, after: dataset{Value: yamlfile.Value{Text: after}}})
	}
	for i := range c.devices {
		if w.Pairing != "" {
			c.devices[i].pairing = yamlfile.Value{Text: w.Pairing}
		}
		if w.OneClock {
			c.devices[i].oneClock = yamlfile.Value{Text: "true"}
		}
	}
	if (w.Pairing != "" || w.OneClock || w.Before != "") && len(c.devices) == 0 {
		return errors.New("--after is missing: NAME=DATASET, what was captured after the device")
	}
	return nil
}

// computed are the defenses of m but for devices.
func computed(m results.Manifest) []string {
	return slices.DeleteFunc(slices.Clone(m.Defenses), func(id string) bool {
		return slices.ContainsFunc(m.Captured, func(x results.Captured) bool { return x.Name == id })
	})
}

// computed are the words for defenses but for devices.
func (c Config) computed() []yamlfile.Value {
	return slices.DeleteFunc(slices.Clone(c.defenses), func(v yamlfile.Value) bool { return strings.HasPrefix(v.Text, capturedKey+":") })
}

// devicesOf are the devices of a manifest.
func devicesOf(m results.Manifest) []device {
	var out []device
	for _, x := range m.Captured {
		out = append(out, device{
			name: yamlfile.Value{Text: x.Name}, after: dataset{Value: yamlfile.Value{Text: x.After}},
			pairing: yamlfile.Value{Text: x.Pairing}, oneClock: yamlfile.Value{Text: strconv.FormatBool(x.OneClock)},
		})
	}
	return out
}

var deviceRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// checkDevices refuses names that are none, are taken, or come twice, before any data
// are read.
func (c Config) checkDevices(p command.Plugins) error {
	seen := map[string]bool{}
	for _, d := range c.devices {
		// An ID in results must not mean two things.
		name := d.name.Text
		_, err := defenses.Parse(p.Defenses, name)
		switch {
		case !deviceRE.MatchString(name):
			return c.file.Wrong(d.name.At, fmt.Errorf("%q is no name of a captured device: want letters, digits, and - . _ between them", name))
		case err == nil || name == allWord || name == results.NoDefense:
			return c.file.Wrong(d.name.At, fmt.Errorf("%s is a defense of this program; give the captured device another name", name))
		case seen[name]:
			return c.file.Wrong(d.name.At, fmt.Errorf("two captured devices are called %s", name))
		}
		seen[name] = true
		if _, err := d.pairingOf(c.file); err != nil {
			return err
		}
		if _, err := d.clockOf(c.file); err != nil {
			return err
		}
	}
	return nil
}

func (d device) pairingOf(f *yamlfile.File) (string, error) {
	if d.pairing.Text == "" {
		return pairingAuto, nil
	}
	chosen, err := choose(f, []yamlfile.Value{d.pairing}, "pairing", []string{pairingAuto, pairingPaired, pairingSessions})
	if err != nil {
		return "", err
	}
	return chosen[0], nil
}

func (d device) clockOf(f *yamlfile.File) (bool, error) {
	if d.oneClock.Text == "" {
		return false, nil
	}
	one, err := strconv.ParseBool(d.oneClock.Text)
	if err != nil {
		return false, f.Wrong(d.oneClock.At, fmt.Errorf("one_clock %s: want true or false", d.oneClock.Text))
	}
	return one, nil
}

// addDevices reads what was captured after each device and puts it behind the
// defenses of g. Sessions become part of the data set before.
func (c Config) addDevices(ctx context.Context, g *bench.Grid, opt source.Options) error {
	if len(c.devices) > 0 && len(g.Datasets) != 1 {
		return fmt.Errorf("%d data sets before a captured device: name the one that it was captured with", len(g.Datasets))
	}
	for _, d := range c.devices {
		pairing, err := d.pairingOf(c.file)
		if err != nil {
			return err
		}
		oneClock, err := d.clockOf(c.file)
		if err != nil {
			return err
		}
		after, err := c.load(ctx, d.after, g.Seed, opt.WithoutLabels())
		if err != nil {
			return err
		}
		if len(after) != 1 {
			return c.file.Wrong(d.after.At, fmt.Errorf("after %s: %s is %d data sets; name one of them", d.name.Text, d.after.Text, len(after)))
		}

		// Sessions of an earlier device are in the data set by now: they are no before.
		before := &g.Datasets[0]
		if pairing == pairingAuto {
			if pairing = pairingSessions; captured.Together(without(before), after[0].Recordings) {
				pairing = pairingPaired
			}
		}
		var made captured.Defense
		if pairing == pairingPaired {
			made, err = captured.Paired(d.name.Text, without(before), after[0].Recordings, oneClock)
		} else {
			made = captured.Sessions(d.name.Text)
			*before, err = datasets.WithDevice(*before, d.name.Text, after[0])
		}
		if err != nil {
			return c.file.Wrong(d.after.At, fmt.Errorf("after %s: %w", d.name.Text, err))
		}

		g.Defenses = append(g.Defenses, made)
		g.Labels[d.name.Text] = fmt.Sprintf("%s (%s)", d.name.Text, pairing)
		g.Captured = append(g.Captured, results.Captured{Name: d.name.Text, After: opt.WithoutLabels().Asked(d.after.Text), Pairing: pairing, OneClock: oneClock})
	}
	return nil
}

// without are the recordings of ds that were made without a device.
func without(ds *datasets.Dataset) []datasets.Recording {
	var out []datasets.Recording
	for _, r := range ds.Recordings {
		if r.Behind == "" {
			out = append(out, r)
		}
	}
	return out
}
