// Package imports keeps predictions that were made elsewhere in the folder of a run, and
// makes attacks of a grid of them.
package imports

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"veilbench/attacks"
	"veilbench/bench"
	"veilbench/bench/outside"
	"veilbench/bench/results"
	"veilbench/datasets/atomicfile"
)

// folder holds the predictions of a run, as NAME.KNOWLEDGE.csv.
const folder = "imports"

// File is a file of predictions by the name of its attack.
type File struct {
	Name      string
	Knowledge results.Knowledge
	// Path stands in messages.
	Path string
	Text []byte
}

var nameRE = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)

// Check refuses a name that could not stand in an ID or a file's name, and a knowledge
// that no predictions can be of: who trained on a third defense has cells that differ
// by it, which no file says.
func (f File) Check() error {
	if !nameRE.MatchString(f.Name) {
		return fmt.Errorf("name %q: want small letters, digits, - and _, such as deep-2", f.Name)
	}
	if f.Knowledge != results.Unaware && f.Knowledge != results.Adaptive {
		return fmt.Errorf("knowledge %q: want %s (trained on undefended traffic) or %s (on that of the defense it is asked about)", f.Knowledge, results.Unaware, results.Adaptive)
	}
	return nil
}

// Free refuses f where the folder of a run holds other predictions of its name and
// knowledge, which Keep would put f in place of. The same ones again are no others: an
// import that was interrupted goes on.
func (f File) Free(dir string) error {
	was, err := os.ReadFile(f.at(dir))
	if err != nil || bytes.Equal(was, f.Text) {
		return nil // none, or Keep will say what is wrong with the file
	}
	other := f
	for n := 2; ; n++ {
		other.Name = fmt.Sprintf("%s-%d", f.Name, n)
		if _, err := os.Lstat(other.at(dir)); errors.Is(err, fs.ErrNotExist) || n == 1000 {
			break
		}
	}
	return fmt.Errorf("%s holds other predictions of that name already (%d lines, %s has %d): --replace puts these in their place, --name %s keeps both",
		f.at(dir), bytes.Count(was, []byte("\n")), f.Path, bytes.Count(f.Text, []byte("\n")), other.Name)
}

// at is where f is kept in the folder of a run.
func (f File) at(dir string) string {
	return filepath.Join(dir, folder, f.Name+"."+string(f.Knowledge)+".csv")
}

// Keep puts f into the folder of a run, in place of what has the same name: whoever
// does not want that asks Free before.
func (f File) Keep(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(f.at(dir), f.Text)
}

// Collect copies what is kept in the folders of runs into the folder out. Other
// predictions of one name and knowledge, in two of these or in out, are an error that
// names both, before anything is copied.
func Collect(dirs []string, out string) error {
	// What an earlier merge, or an import into what was merged, left in out stays.
	found := map[string]File{}
	for _, dir := range append(slices.Clone(dirs), out) {
		files, err := kept(dir)
		if err != nil {
			return err
		}
		for _, f := range files {
			name := filepath.Base(f.Path)
			if was, ok := found[name]; ok && !bytes.Equal(was.Text, f.Text) {
				return fmt.Errorf("%s and %s are different predictions of one name: import one of them under another name, or leave it out", was.Path, f.Path)
			}
			found[name] = f
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if err := found[name].Keep(out); err != nil {
			return err
		}
	}
	return nil
}

// kept are the files in the folder of a run; none is no error.
func kept(dir string) ([]File, error) {
	paths, err := filepath.Glob(filepath.Join(dir, folder, "*.csv"))
	if err != nil {
		return nil, nil // a folder whose name is a pattern
	}
	var out []File
	for _, p := range paths {
		name, knowledge, _ := strings.Cut(strings.TrimSuffix(filepath.Base(p), ".csv"), ".")
		f := File{Name: name, Knowledge: results.Knowledge(knowledge), Path: p}
		if err := f.Check(); err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		if f.Text, err = os.ReadFile(p); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// Attach adds to g an attack for each name of predictions in the folder of a run and in
// more, which come before files of the same name and knowledge there. Errors say which
// line of which file does not fit g.
func Attach(g *bench.Grid, dir string, more ...File) error {
	files, err := kept(dir)
	if err != nil {
		return err
	}
	said := map[string]map[results.Knowledge]outside.Predictions{}
	for _, f := range append(files, more...) {
		p, err := outside.Read(bytes.NewReader(f.Text), f.Path)
		if err != nil {
			return err
		}
		if said[f.Name] == nil {
			said[f.Name] = map[results.Knowledge]outside.Predictions{}
		}
		said[f.Name][f.Knowledge] = p
	}
	if len(said) == 0 {
		return nil
	}

	// Items hang on data, defenses, splits and seed, and on no attack.
	items, err := bench.Items(*g)
	if err != nil {
		return err
	}
	var tests []outside.Asked
	training := map[string]bool{}
	for _, i := range items {
		if i.Role == outside.Test {
			tests = append(tests, i.Asked)
		} else {
			training[i.ID()] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(said)) {
		a, err := outside.Resolve(name, said[name], tests, training)
		if err != nil {
			return err
		}
		g.Attacks = append(g.Attacks, a)
		g.Labels[attacks.ID(a)] = attacks.ID(a)
	}
	return nil
}
