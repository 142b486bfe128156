//go:build !amd64 || purego

package forest

// stepRows is plainStepRows where there is no assembly.
func stepRows(nodes []walkNode, bins []uint8, width int, at *[walkRows]uint32, list []uint32) int {
	return plainStepRows(nodes, bins, width, at, list)
}

func hasVectors() bool { return false }

func vectorBins(dst []uint8, cuts, column []float32) int { return 0 }

// rankKeys is not asked where hasVectors is false.
func rankKeys(dst []uint32, rows []drawn, col []uint8) {}

// bestPlace is not asked where hasVectors is false.
func bestPlace(p *places, keys []uint32, total int64, beat float64) (score float64, at int) {
	return beat, -1
}
