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

// writeBeside keeps v as a file beside the results in dir. Without a v (none)
// it takes away what an earlier run kept there.
func writeBeside(dir, name string, v any, none bool) error {
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

// readBeside reads into v what writeBeside kept; found is false if there is
// none. An error names the file.
func readBeside(dir, name string, v any) (found bool, err error) {
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
