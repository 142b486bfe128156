// Package catalog keeps public data sets in a cache folder. An Entry says where
// one comes from, under which terms, and the checksum of every file; entries
// are fetched (fetch.go), taken in from what the user has already (store.go)
// and checked (verify.go). Files are known by their content, so neither the
// publisher's folders nor renamed files matter. The data itself is never part
// of the program, and which entries there are is for others to say.
package catalog

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"veilbench/datasets"
	"veilbench/datasets/cite"
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
	// Path is where the loaders expect it, with slashes, below the folder. There
	// it may be compressed by gzip, under Path and ".gz".
	Path string `json:"path"`
	// SHA256 is the checksum in hexadecimal, Bytes the length, of what is not
	// compressed.
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
	// Labels marks files that the publisher does not offer in this form, label
	// files mostly: they are checked where they are present, and get does not
	// bring them.
	Labels bool `json:"labels,omitempty"`
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
		if !f.Labels || !e.Offered() {
			n += f.Bytes
		}
	}
	return n
}

// Offered says whether the publisher has any file of e as loaders read it.
func (e Entry) Offered() bool {
	return slices.ContainsFunc(e.Files, func(f File) bool { return !f.Labels })
}

// Folder is where the cache keeps e.
func (e Entry) Folder(cache string) string { return filepath.Join(cache, e.Name) }

// ParseSums reads a list of files, a line each: checksum, bytes, "data" or
// "labels", path. The files come sorted by path.
func ParseSums(text string) ([]File, error) {
	var out []File
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		// The path comes last, for it may hold spaces.
		v := strings.SplitN(line, " ", 4)
		if len(v) != 4 || len(v[0]) != 64 {
			return nil, fmt.Errorf("line %d: want checksum, bytes, kind and path", i+1)
		}
		n, err := strconv.ParseInt(v[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		out = append(out, File{Path: v[3], SHA256: v[0], Bytes: n, Labels: v[2] == "labels"})
	}
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}
