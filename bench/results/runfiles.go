package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

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
