//go:build !amd64 || purego

package forest

// stepRows is plainStepRows where there is no assembly.
func stepRows(nodes []walkNode, bins []uint8, width int, at *[walkRows]uint32, list []uint32) int {
	return plainStepRows(nodes, bins, width, at, list)
}
