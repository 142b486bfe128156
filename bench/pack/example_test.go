package pack_test

import (
	"fmt"
	"os"
	"path/filepath"

	"veilbench/bench/pack"
)

// What a unit of work is given is kept at once and packed in the end.
func Example() {
	dir, err := os.MkdirTemp("", "pack")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	f := pack.Folder{Records: dir, Notes: filepath.Join(dir, "notes")}
	u, err := f.Unit("homes", "pad-random")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := u.Put(pack.Record{Note: pack.Note{Name: "first"}, Line: pack.Seal([]byte(`{"score":0.5}` + "\n"))}); err != nil {
		fmt.Println(err)
		return
	}
	if err := u.Close(); err != nil {
		fmt.Println(err)
		return
	}

	segments, _ := filepath.Glob(filepath.Join(dir, "*.gz"))
	line, err := pack.Unzip(segments[0])
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: %s", filepath.Base(segments[0]), line)
	// Output:
	// pad-random.0820d233f29e385d.93143b21ee1d5b67.ndjson.gz: {"sha256":"8905265c42fbf4f82ffdf91515bb2b61d9bae498ca50e2fee60d9a9ff002369e","score":0.5}
}
