package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"veilbench/datasets/atomicfile"
)

// writeRunFile keeps v as a file in the folder of a run. Without a v (none) it
// takes away what an earlier run kept there.
func writeRunFile(dir, name string, v any, none bool) error {
	path := filepath.Join(dir, name)
	if none {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(path, append(b, '\n'))
}

// readRunFile reads into v what writeRunFile kept; found is false if there is
// none, which is no error. Others name the file.
func readRunFile(dir, name string, v any) (found bool, err error) {
	path := filepath.Join(dir, name)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	return true, nil
}

// CopyRunFiles copies into the folder out what runs of one experiment keep beside
// their cells: samples, published figures, probes, and files of the names own. Of
// several the first counts.
func CopyRunFiles(dirs []string, out string, own ...string) error {
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, samplesDir, "*"+sampleExt))
		if err != nil {
			return err
		}
		for _, name := range append([]string{publishedFile, probesFile}, own...) {
			files = append(files, filepath.Join(dir, name))
		}
		for _, f := range files {
			// All shards keep the same sample of the undefended traffic, for instance.
			to := filepath.Join(out, strings.TrimPrefix(f, dir))
			if _, err := os.Stat(to); err == nil {
				continue
			}
			b, err := os.ReadFile(f)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			if err := write(to, b); err != nil {
				return err
			}
		}
	}
	return nil
}
