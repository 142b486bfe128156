// Package catalog knows the public data sets that the loaders read: where they
// come from, under which terms, and the checksum of every file. It fetches them
// (fetch.go), takes in what the user has already (store.go) and checks what
// lies there. Files are known by their content, so neither the publisher's
// folders nor renamed files matter. The data itself is never part of the
// program.
package catalog

import (
	"embed"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
)

// Entry is one public data set.
type Entry struct {
	// Name is the folder in the cache.
	Name string
	// Title is one line that says what it is.
	Title string
	// Source is the page people go to.
	Source string
	// Papers are the publications of the data, nil if there is none.
	Papers []cite.Work
	// Terms says under which terms the publisher offers it.
	Terms string
	// Loads lists the names under which the loaders read it.
	Loads []string
	// Tasks lists what it serves, in report order.
	Tasks []datasets.Task
	// Note is what a user must know before using it, "" if nothing.
	Note string
	// Files lists every file, sorted by path.
	Files []File
	// From lists what to fetch to get all files but the labels.
	From []Download
}

// File is one file of a data set.
type File struct {
	// Path is where the loaders expect it, with slashes, below the folder.
	Path string
	// SHA256 is the checksum in hexadecimal.
	SHA256 string
	Bytes  int64
	// Labels marks label files that the publisher does not offer in this
	// form: they are checked where they are present, and get does not bring
	// them.
	Labels bool
}

// Download is something to fetch: a gzipped tar archive, or one file.
type Download struct {
	URL string
	// Archive says that URL is a gzipped tar archive.
	Archive bool
}

// Bytes is the size of the data without label files.
func (e Entry) Bytes() int64 {
	var n int64
	for _, f := range e.Files {
		if !f.Labels {
			n += f.Bytes
		}
	}
	return n
}

// Entries returns the catalog, sorted by name. The slices are the caller's.
func Entries() ([]Entry, error) {
	es := entries()
	for i := range es {
		var err error
		if es[i].Files, err = readSums(es[i].Name); err != nil {
			return nil, err
		}
	}
	return es, nil
}

// Find returns the entry with the given name, or the one that serves the
// loader of that name.
func Find(name string) (Entry, error) {
	es, err := Entries()
	if err != nil {
		return Entry{}, err
	}
	name = strings.ReplaceAll(name, "_", "-")
	var names []string
	for _, e := range es {
		if e.Name == name || slices.Contains(e.Loads, name) {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return Entry{}, fmt.Errorf("unknown data set %q%s (there are %s)", name, params.DidYouMean(name, names), strings.Join(names, ", "))
}

// Folder is where the cache keeps e.
func (e Entry) Folder(cache string) string { return filepath.Join(cache, e.Name) }

//go:embed sums/*.txt
var sums embed.FS

// readSums reads the list of files: checksum, bytes, data or labels, path.
func readSums(name string) ([]File, error) {
	file := path.Join("sums", name+".txt")
	b, err := sums.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var out []File
	for i, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		v := strings.SplitN(line, " ", 4)
		if len(v) != 4 || len(v[0]) != 64 {
			return nil, fmt.Errorf("%s:%d: want checksum, bytes, kind and path", file, i+1)
		}
		n, err := strconv.ParseInt(v[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
		}
		out = append(out, File{Path: v[3], SHA256: v[0], Bytes: n, Labels: v[2] == "labels"})
	}
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}
