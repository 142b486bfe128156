//go:build !purego

package knn

import "golang.org/x/sys/cpu"

// leafDistances writes the squared distances of a block's rows from q and returns
// which are at most worst, a bit for each.
//
//go:noescape
func leafDistances(q *int16, pairs int, block *int16, worst uint32, dist *[leafBlock]int32) uint32

// boxDistances returns the squared distances of q from two boxes of so many groups of
// 16 dimensions.
//
//go:noescape
func boxDistances(q *int16, groups int, left, right *int16) (toLeft, toRight int32)

// hasVectors says that the processor has vectors of 64 bytes and arithmetic of 16-bit
// numbers in them.
func hasVectors() bool { return cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX2 }
