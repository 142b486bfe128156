// Package kernel chooses the class of machine code that networks are computed with:
// results of one class are the same bytes on every processor that has it.
package kernel

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"veilbench/attacks/lstm"
)

// off are the abilities of a processor that a class goes without, as the variable
// GODEBUG names them. Nothing after a program's start can take them away, for by then
// its kernels have been chosen.
func off(class string) string {
	switch class {
	case "avx2":
		return "cpu.avx512f=off"
	case "plain":
		return "cpu.avx512f=off,cpu.avx2=off"
	}
	return ""
}

// classes are the names that Use knows, fastest first.
func classes() []string { return []string{"avx512", "avx2", "plain"} }

// Classes are those that this processor, and this build, can compute with, fastest
// first.
func Classes() []string {
	at := slices.Index(classes(), lstm.Best().String())
	return classes()[max(at, 0):]
}

// Use makes the program one that computes with kernels of this class. Where it is
// another than the processor's best the program is started anew in its place, with
// the same arguments, and Use does not return. A class that the processor does not
// have is an error.
func Use(class string) error {
	if !slices.Contains(classes(), class) {
		return fmt.Errorf("--kernel %s: want one of %s", class, strings.Join(classes(), ", "))
	}
	best := lstm.Best().String()
	if class == best {
		return nil
	}

	// A faster one than the best is not there, nor what was taken away already and
	// did not help.
	set := os.Getenv("GODEBUG")
	if slices.Index(classes(), class) < slices.Index(classes(), best) || strings.Contains(set, off(class)) {
		return fmt.Errorf("--kernel %s: this processor, or this build, has %s at best", class, best)
	}
	if set != "" {
		set += ","
	}
	program, err := os.Executable()
	if err == nil {
		err = syscall.Exec(program, os.Args, append(os.Environ(), "GODEBUG="+set+off(class)))
	}
	return errors.Join(fmt.Errorf("--kernel %s: start the program with GODEBUG=%s in its environment", class, off(class)), err)
}
