//go:build !purego

package forest

import "golang.org/x/sys/cpu"

//go:noescape
func fastStepRows(nodes *walkNode, bins *uint8, width int, at, list *uint32, n int) int

//go:noescape
func fastBins(dst *uint8, column *float32, n int, table *[maxBins]float32)

//go:noescape
func fastSort(dst *uint32, rows *drawn, col *uint8, n int)

//go:noescape
func fastPlace(p *places, keys *uint32, cuts int, total, beat float64) (score float64, at int)

// stepRows is plainStepRows in half the instructions, without bounds checks:
// list is not empty, and features are below width and steps end inside the
// tree because newWalk made the nodes.
func stepRows(nodes []walkNode, bins []uint8, width int, at *[walkRows]uint32, list []uint32) int {
	return fastStepRows(&nodes[0], &bins[0], width, &at[0], &list[0], len(list))
}

// hasVectors says that the processor has vectors of 64 bytes with comparisons of
// bytes and conversions of whole numbers.
func hasVectors() bool {
	return cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL && cpu.X86.HasBMI2 && cpu.X86.HasPOPCNT
}

// vectorBins writes the bins of whole vectors of the column and returns how many
// values that are: none where the processor has no such vectors or the column is
// too short for laying out its cuts.
func vectorBins(dst []uint8, cuts, column []float32) int {
	n := len(column) &^ 15
	if n < 64 || !hasVectors() {
		return 0
	}
	table := layOutCuts(cuts)
	fastBins(&dst[:n][0], &column[0], n, &table)
	return n
}

// rankKeys writes the keys of up to rankedNode rows, one at least, to dst in order of
// their bins. It is asked only where hasVectors says so. Nothing is read out of range:
// the places of rows are below the length of every column.
func rankKeys(dst []uint32, rows []drawn, col []uint8) {
	fastSort(&dst[:len(rows)][0], &rows[0], &col[0], len(rows))
}

// bestPlace is plainPlace for eight cuts at a time. It is asked only where hasVectors
// says so, of two keys at least; behind them there is room for placeLanes more.
func bestPlace(p *places, keys []uint32, total int64, beat float64) (score float64, at int) {
	cuts := len(keys) - 1
	_, _ = p.nl[:cuts], keys[:len(keys)+placeLanes]
	return fastPlace(p, &keys[0], cuts, float64(total), beat)
}
