//go:build !amd64 || purego

package knn

// hasVectors is false: trees have no blocks, and what reads them is not asked.
func hasVectors() bool { return false }

func leafDistances(q *int16, pairs int, block *int16, worst uint32, dist *[leafBlock]int32) uint32 {
	return 0
}

func boxDistances(q *int16, groups int, left, right *int16) (toLeft, toRight int32) { return 0, 0 }
