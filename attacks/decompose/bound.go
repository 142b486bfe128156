package decompose

import "slices"

// listBetween is what list returns for a sum, of which those with lo to hi actions
// alone. From a table that is several times quicker; the walk enters few branches
// that end in other numbers anyhow (BenchmarkBounding).
func (l *lister) listBetween(rest, lo, hi int) [][]uint8 {
	if hi = min(hi, l.most); rest <= 0 || hi < max(lo, 1) {
		return nil
	}
	if l.table == nil {
		var out [][]uint8
		l.walk(0, hi, rest, make([]uint8, len(l.sizes)), &out)
		return slices.DeleteFunc(out, func(c []uint8) bool { return totalCount(c) < lo })
	}

	var kept []uint64
	for _, v := range l.table.withSum(rest) {
		if n := packedCount(v); n >= lo && n <= hi && len(kept) < maxCandidates {
			kept = append(kept, v)
		}
	}

	// As in list: all rows share one array.
	n := len(l.sizes)
	flat := make([]uint8, n*len(kept))
	out := make([][]uint8, 0, len(kept))
	for i, v := range kept {
		row := flat[i*n : (i+1)*n : (i+1)*n]
		for a := range row {
			row[a] = l.count(v, a)
		}
		out = append(out, row)
	}
	return out
}
