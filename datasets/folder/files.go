package folder

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"veilbench/datasets/sheet"
)

const (
	// specFile is the file that says what a folder is.
	specFile = "dataset.yaml"
	// maxFiles bounds what a folder may list: a home folder given by mistake
	// ends here and not in an hour.
	maxFiles = 250_000
	// maxText bounds label files and lists of devices.
	maxText = 64 << 20
	// maxLeft is how many files are named that were passed over.
	maxLeft = 20
)

// listing is what a folder holds, by paths in it with slashes, sorted.
type listing struct {
	captures []string
	texts    []string
	size     map[string]int64
	hasSpec  bool
}

var (
	packed    = regexp.MustCompile(`(?i)\.(gz|zst|zstd|xz)$`)
	captureRE = regexp.MustCompile(`(?i)\.(pcap|pcapng|cap|dmp|ntar|trace)$`)
	// numberedRE is a capture ending with the number of a rotated file.
	numberedRE = regexp.MustCompile(`(?i)\.(pcap|pcapng|cap|dmp)\.?(\d+)$`)
	// notTruth are files for people, which hold neither traffic nor truth.
	notTruth = regexp.MustCompile(`(?i)^(readme|licen[cs]e|copying|citation|changelog|sha\d*sums?|md5sums?|checksums?|makefile)\b|\.(md|py|sh|ipynb|html?|pdf|png|jpe?g|svg|pkl|npz|npy|h5|key|pem|m|r|go|docx?)$`)
	// spreadsheetRE and archiveRE may hold what a folder is read for.
	spreadsheetRE = regexp.MustCompile(`(?i)\.(xlsx?|xlsm|ods|numbers)$`)
	archiveRE     = regexp.MustCompile(`(?i)\.(zip|tar|tgz|rar|7z|bz2|lz4)$|\.tar\.\w+$`)
	textRE        = regexp.MustCompile(`(?i)\.(csv|tsv|txt|json|jsonl|ndjson|timestamps|list|lst|leases|log|tab|dat|cell|cells|events|labels)$`)
)

// Captures lists the captures in the folder at path and below, as Open finds them:
// by their paths in it, with slashes, sorted. Files of a rotated capture are one each.
func Captures(ctx context.Context, path string) ([]string, error) {
	l := &loader{ctx: ctx, root: path, f: &Folder{path: path}}
	err := l.list()
	return l.files.captures, err
}

// list walks the folder. Links to folders are not followed, so a walk ends; what
// is hidden is not looked at.
func (l *loader) list() error {
	l.files.size = map[string]int64{}
	l.truth.names = map[string]bool{}
	info, err := os.Stat(l.root)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is no folder; one capture is capture=%s", l.root, l.root)
	}

	n := 0
	err = filepath.WalkDir(l.root, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := l.ctx.Err(); err != nil {
			return err
		}

		// Editors, archives and systems leave hidden files, some of which end in
		// .pcap: ._a.pcap is no capture.
		name := e.Name()
		if p != l.root && (strings.HasPrefix(name, ".") || name == "__MACOSX") {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if n++; n > maxFiles {
			return fmt.Errorf("%s holds more than %d files; name the folder of one data set", l.root, maxFiles)
		}
		if e.IsDir() {
			return nil
		}
		rel, err := filepath.Rel(l.root, p)
		if err != nil {
			return err
		}
		return l.file(filepath.ToSlash(rel), e)
	})
	slices.Sort(l.files.captures)
	slices.Sort(l.files.texts)
	return err
}

// file sorts one file into the listing.
func (l *loader) file(rel string, e fs.DirEntry) error {
	info, err := os.Stat(filepath.Join(l.root, rel))
	if err != nil || !info.Mode().IsRegular() {
		return nil // a link to nowhere, a socket, a link to a folder
	}
	l.files.size[rel] = info.Size()
	bare := packed.ReplaceAllString(e.Name(), "")

	// The name decides where it can; only files without a telling name are
	// looked into, so that a folder of 100,000 is listed in a second.
	switch {
	case rel == specFile:
		l.files.hasSpec = true
	case captureRE.MatchString(bare), numberedRE.MatchString(bare):
		l.files.captures = append(l.files.captures, rel)
	case rel == "dataset.yml":
		return fmt.Errorf("%s: call it %s", rel, specFile)
	case spreadsheetRE.MatchString(e.Name()):
		l.leave(rel, "a spreadsheet: save it as CSV")
	case archiveRE.MatchString(e.Name()):
		l.leave(rel, "an archive: unpack it")
	case notTruth.MatchString(e.Name()):
	case textRE.MatchString(e.Name()):
		l.files.texts = append(l.files.texts, rel)
	default:
		switch l.sniff(rel) {
		case "capture":
			l.files.captures = append(l.files.captures, rel)
		case "text":
			l.files.texts = append(l.files.texts, rel)
		default:
			l.leave(rel, "neither a capture nor text")
		}
	}
	return nil
}

// leave notes a file that is passed over.
func (l *loader) leave(file, reason string) {
	if len(l.f.left) < maxLeft {
		l.f.left = append(l.f.left, problem{file, reason})
	}
}

// sniff tells a file without a telling name by its first bytes.
func (l *loader) sniff(rel string) string {
	f, err := os.Open(filepath.Join(l.root, rel))
	if err != nil {
		return ""
	}
	defer f.Close()
	b := make([]byte, 512)
	n, _ := io.ReadFull(f, b)
	b = b[:n]

	for _, magic := range []string{"\xd4\xc3\xb2\xa1", "\xa1\xb2\xc3\xd4", "\x4d\x3c\xb2\xa1", "\xa1\xb2\x3c\x4d", "\x0a\x0d\x0d\x0a"} {
		if bytes.HasPrefix(b, []byte(magic)) {
			return "capture"
		}
	}
	if _, line := sheet.Text(b[:n&^1]); n > 0 && (line == 0 || !bytes.ContainsRune(b, 0)) {
		return "text"
	}
	return ""
}

// text reads a whole text file of the folder.
func (l *loader) text(rel string) (string, error) {
	return readText(filepath.Join(l.root, rel))
}

// readText reads at most maxText bytes, in the encodings of package sheet.
func readText(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxText {
		return "", fmt.Errorf("%s: more than %d MB of text", filepath.Base(name), maxText>>20)
	}
	text, line := sheet.Text(b)
	if line > 0 {
		return text, sheet.NoText(filepath.Base(name), line)
	}
	return text, nil
}

// stemOf is a path without the endings that say "capture" and "compressed".
func stemOf(rel string) string {
	rel = packed.ReplaceAllString(rel, "")
	if m := numberedRE.FindStringIndex(rel); m != nil {
		return rel[:m[0]]
	}
	return captureRE.ReplaceAllString(rel, "")
}

// dirOf is the folder of a path, "" at the top.
func dirOf(rel string) string {
	if d := path.Dir(rel); d != "." {
		return d
	}
	return ""
}
