//go:build !purego

package main

import "golang.org/x/sys/cpu"

//go:noescape
func fma512(turns int)

//go:noescape
func fma256(turns int)

// multiply runs turns of the widest multiplications and additions of this processor
// and returns how many single-precision operations a turn has; 0 where it has none.
func multiply(turns int) int {
	switch {
	case cpu.X86.HasAVX512F:
		fma512(turns)
		return 10 * 16 * 2
	case cpu.X86.HasFMA && cpu.X86.HasAVX2:
		fma256(turns)
		return 10 * 8 * 2
	}
	return 0
}
