//go:build !amd64 || purego

package attacks

func stepRows(nodes []walkNode, bins []uint8, width int, at *[walkRows]uint32, list []uint32) int {
	return plainStepRows(nodes, bins, width, at, list)
}
