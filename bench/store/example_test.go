package store_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"veilbench/bench/store"
)

// A place keeps files by name; s3.Open makes one of a bucket.
func Example() {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	ctx := context.Background()
	var s store.Store = store.Folder(dir)
	if err := s.Put(ctx, "cells/unit.gz", []byte("a cell")); err != nil {
		panic(err)
	}
	names, _ := s.List(ctx)
	b, _ := s.Get(ctx, names[0])
	fmt.Printf("%s holds %q\n", names[0], b)

	_, err = s.Get(ctx, "cells/other.gz")
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	// Output:
	// cells/unit.gz holds "a cell"
	// true
}
