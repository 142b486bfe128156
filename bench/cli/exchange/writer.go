package exchange

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"veilbench/attacks"
	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/datasets"
	"veilbench/datasets/atomicfile"
	"veilbench/datasets/exchange"
	"veilbench/reports"
)

// writer writes items as they come: all of a place (a defense on a data set, seen from a
// vantage point, for a task) and a role one after another.
type writer struct {
	flags    exportFlags
	vectors  attacks.Featurer
	at       string // the folder and the role of the files at work
	dirs     map[string]string
	open     files
	tables   map[string]*table // items.csv and its like
	classed  map[string]bool   // whose classes are written
	numbers  map[int]int       // of single files of a class, in the folder at work
	items    int
	leftOut  map[string]int
	order    []string // of leftOut
	why      []string // of the first of each
	failures int
}

// files are those of one place and role, as far as their format needs them.
type files struct {
	tensor *exchange.Tensor
	lines  *os.File
	csv    *csv.Writer
	sets   []*exchange.Vectors
	names  []string // of sets
	rows   int
}

// table is a CSV file that is written as items come.
type table struct {
	f *os.File
	w *csv.Writer
}

func newWriter(f exportFlags, v attacks.Featurer) (*writer, error) {
	w := &writer{flags: f, vectors: v, dirs: map[string]string{}, tables: map[string]*table{}, classed: map[string]bool{}, leftOut: map[string]int{}}
	for name, head := range map[string][]string{
		"items.csv":   {"item", "role", "folds", "dataset", "task", "vantage", "defense", "draw", "recording", "group", "class", "label", "packets", "file", "row", "rows"},
		"classes.csv": {"dataset", "task", "label", "class"},
		"events.csv":  {"item", "time", "end", "class"},
	} {
		file, err := os.Create(filepath.Join(f.out, name))
		if err != nil {
			return nil, err
		}
		w.tables[name] = &table{file, csv.NewWriter(file)}
		if err := w.tables[name].w.Write(head); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// unsafe is what a folder had better not have in its name, the signs of an ID among it:
// a folder can be named as a data set.
var unsafe = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// dirOf is the folder of an item's place, below --out. Names that differ only in what no
// file name can hold get a number.
func (w *writer) dirOf(s bench.Shown) string {
	key := strings.Join([]string{s.Dataset, string(s.Vantage), string(s.Task), s.Defense}, "\x00")
	if dir, ok := w.dirs[key]; ok {
		return dir
	}
	const longest = 100 // bytes of a name; chains have long IDs
	var parts []string
	for _, p := range []string{s.Dataset, string(s.Vantage), string(s.Task), s.Defense} {
		p = strings.Trim(unsafe.ReplaceAllString(p, "_"), ".")
		parts = append(parts, p[:min(longest, len(p))])
	}
	dir := filepath.Join(parts...)
	for n := 2; slices.ContainsFunc(slices.Collect(maps.Values(w.dirs)), func(d string) bool { return strings.EqualFold(d, dir) }); n++ {
		dir = filepath.Join(parts...) + "-" + strconv.Itoa(n)
	}
	w.dirs[key] = dir
	return dir
}

// add writes one item.
func (w *writer) add(s bench.Shown) error {
	if s.Err != nil {
		w.failures++
		w.leave(s.Dataset+"\x00"+s.Defense, s.Err.Error())
		return nil
	}
	if w.vectors == nil && exchange.Format(w.flags.format) == exchange.Npz && s.Task != datasets.TaskClip {
		w.leave(string(s.Task), fmt.Sprintf("the task %s has no class for a whole trace, which y of npz is; --features or another format has it", s.Task))
		return nil
	}

	// Items of a role come together, so the files of the one before are whole.
	dir := w.dirOf(s)
	if at := filepath.Join(dir, s.Role); at != w.at {
		if err := w.flush(); err != nil {
			return err
		}
		w.at, w.numbers = at, map[int]int{}
		if err := os.MkdirAll(filepath.Join(w.flags.out, dir), 0o755); err != nil {
			return err
		}
	}
	if err := w.addClasses(s); err != nil {
		return err
	}

	label := s.Label(s.Class)
	item := exchange.Item{ID: s.ID(), Class: s.Class, Label: label, Trace: s.Trace}
	if s.Task == datasets.TaskDevice {
		item.Owners = ownersOf(s.Labeled)
	}
	file, row, rows, err := w.write(s, item)
	if err != nil || file == "" {
		return err
	}
	w.items++
	for _, e := range s.Labels.Events {
		if s.Task == datasets.TaskEvent {
			if err := w.tables["events.csv"].w.Write([]string{item.ID, seconds(e.Start.Seconds()), seconds(e.End.Seconds()), s.Labels.Class(e)}); err != nil {
				return err
			}
		}
	}
	number := ""
	if label >= 0 {
		number = strconv.Itoa(label)
	}
	return w.tables["items.csv"].w.Write([]string{
		item.ID, s.Role, strings.Join(s.Folds, " "), s.Dataset, string(s.Task), string(s.Vantage), s.Defense, strconv.Itoa(s.Draw),
		s.Recording, s.From.Group, s.Class, number, strconv.Itoa(len(s.Trace.Packets)), filepath.ToSlash(file), strconv.Itoa(row), strconv.Itoa(rows),
	})
}

func seconds(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// leave counts an item that is not written, under what it has in common with others;
// why is said of the first.
func (w *writer) leave(what, why string) {
	if w.leftOut[what]++; w.leftOut[what] == 1 {
		w.order, w.why = append(w.order, what), append(w.why, why)
	}
}

// ownersOf names the device of each packet: nobody's are so called, and a defense's own
// are of the device that stands for it.
func ownersOf(l attacks.Labeled) []string {
	out := make([]string, len(l.Trace.Packets))
	for i := range out {
		out[i] = datasets.Nobody
		if i < len(l.Labels.Owners) && l.Labels.Owners[i] >= 0 {
			out[i] = l.Labels.Devices[l.Labels.Owners[i]]
		}
	}
	return out
}

// addClasses writes the classes of a data set's task once.
func (w *writer) addClasses(s bench.Shown) error {
	key := s.Dataset + "\x00" + string(s.Task)
	if w.classed[key] {
		return nil
	}
	w.classed[key] = true
	for _, c := range s.Classes {
		if err := w.tables["classes.csv"].w.Write([]string{s.Dataset, string(s.Task), strconv.Itoa(s.Label(c)), c}); err != nil {
			return err
		}
	}
	return nil
}

// write puts an item into the file of its format, and says where it lies: rows is how
// many of the file's it is. There is no file where the attack has no vectors for it.
func (w *writer) write(s bench.Shown, i exchange.Item) (file string, row, rows int, err error) {
	format := exchange.Format(w.flags.format)
	if w.vectors != nil {
		return w.addVectors(s, i.ID)
	}
	if format.Single() {
		// The names of website fingerprinting: a class and a number in it.
		name := strconv.Itoa(w.numbers[i.Label])
		if i.Label >= 0 {
			name = fmt.Sprintf("%d-%s", i.Label, name)
		}
		w.numbers[i.Label]++
		file = filepath.Join(w.at, name+format.Ext())
		if err := os.MkdirAll(filepath.Join(w.flags.out, w.at), 0o755); err != nil {
			return file, 0, 0, err
		}
		return file, 0, 1, atomicfile.WriteTo(filepath.Join(w.flags.out, file), func(to io.Writer) error {
			if format == exchange.Cells {
				return exchange.WriteCells(to, i.Trace)
			}
			return exchange.WriteMaybenot(to, i.Trace)
		})
	}

	file, row = w.at+format.Ext(), w.open.rows
	w.open.rows++
	if format == exchange.Npz {
		if w.open.tensor == nil {
			w.open.tensor = &exchange.Tensor{Kind: exchange.Kind(w.flags.tensor), Length: w.flags.length}
		}
		w.open.tensor.Add(i)
		return file, row, 1, nil
	}
	if w.open.lines == nil {
		if w.open.lines, err = os.Create(filepath.Join(w.flags.out, file)); err != nil {
			return file, row, 1, err
		}
		if format == exchange.CSV {
			w.open.csv = csv.NewWriter(w.open.lines)
			err = w.open.csv.Write(exchange.PacketColumns())
		}
	}
	if format == exchange.CSV {
		w.open.rows += len(i.Packets) - 1
		return file, row, len(i.Packets), errors.Join(err, exchange.WriteCSV(w.open.csv, i))
	}
	return file, row, 1, exchange.WriteJSON(w.open.lines, i)
}

// addVectors adds the feature vectors of an item, in a file for each of the attack's
// sets; the first is the one that items.csv names.
func (w *writer) addVectors(s bench.Shown, id string) (file string, row, rows int, err error) {
	f := w.vectors.Vectors(s.Task, s.Labeled)
	if len(f.Sets) == 0 {
		w.leave(string(s.Task), fmt.Sprintf("%s has no vectors for the task %s", w.flags.features, s.Task))
		return "", 0, 0, nil
	}
	if w.open.sets == nil {
		for _, set := range f.Sets {
			w.open.sets = append(w.open.sets, &exchange.Vectors{Names: set.Names})
			w.open.names = append(w.open.names, set.Name)
		}
	}
	label := map[string]int{} // a device task has a vector for each packet
	for n, set := range f.Sets {
		for k := range f.Items {
			class := f.Class(k)
			if _, ok := label[class]; !ok {
				label[class] = s.Label(class)
			}
			if err := w.open.sets[n].Add(id, class, label[class], set.Vector(k)); err != nil {
				return "", 0, 0, fmt.Errorf("attack %s, set %s: %w", w.flags.features, set.Name, err)
			}
		}
	}
	row = w.open.rows
	w.open.rows += f.Items
	return w.setFile(0), row, f.Items, nil
}

// setFile is the file of the n-th feature set of the files at work.
func (w *writer) setFile(n int) string {
	name := ""
	if len(w.open.names) > 1 {
		name = "." + unsafe.ReplaceAllString(w.open.names[n], "_")
	}
	return w.at + name + exchange.Format(w.flags.format).Ext()
}

// flush writes what waits for the last item of its file.
func (w *writer) flush() error {
	o, format := w.open, exchange.Format(w.flags.format)
	var err error
	if o.tensor != nil {
		err = atomicfile.WriteTo(filepath.Join(w.flags.out, w.at+format.Ext()), o.tensor.Write)
	}
	for n, v := range o.sets {
		err = errors.Join(err, atomicfile.WriteTo(filepath.Join(w.flags.out, w.setFile(n)), func(to io.Writer) error { return v.Write(to, format) }))
	}
	if o.csv != nil {
		o.csv.Flush()
		err = errors.Join(err, o.csv.Error())
	}
	if o.lines != nil {
		err = errors.Join(err, o.lines.Close())
	}
	w.open = files{}
	return err
}

// close ends all files.
func (w *writer) close() error {
	err := w.flush()
	for _, t := range w.tables {
		t.w.Flush()
		err = errors.Join(err, t.w.Error(), t.f.Close())
	}
	return err
}

// say says what was written and what was not. What a defense failed on is an exit code.
func (w *writer) say(a *command.App, out string, show command.Show) error {
	for i, what := range w.order {
		fmt.Fprintf(a.Stderr, "%s left out: %s\n", reports.Plural(w.leftOut[what], "item"), w.why[i])
	}
	if w.items == 0 {
		return errors.New("nothing was written")
	}
	list := filepath.Join(out, "items.csv")
	said := map[string]any{"folder": out, "items": w.items, "folders": len(w.dirs), "list": list, "failed": w.failures}
	if err := show.Print(a, said, fmt.Sprintf("%s in %s; %s says what they are\n", reports.Plural(w.items, "item"), reports.Plural(len(w.dirs), "folder"), list)); err != nil {
		return err
	}
	if w.failures > 0 {
		return command.Exit{Code: command.FailedCells, Err: fmt.Errorf("%d items failed", w.failures)}
	}
	return nil
}
