package forest

import (
	"context"
	"math/rand/v2"
	"testing"
)

// BenchmarkTrainPorts grows a forest on columns as window-forest has them: many that
// are 0 or 1, few that are numbers.
func BenchmarkTrainPorts(b *testing.B) {
	const rows, ports, classes = 20000, 50, 11
	rng := rand.New(rand.NewPCG(3, 3))
	columns, y := make([][]float32, ports+3), make([]int32, rows)
	for j := range columns {
		columns[j] = make([]float32, rows)
	}
	for i := range rows {
		y[i] = int32(rng.IntN(classes))
		columns[(int(y[i])*4+rng.IntN(12))%ports][i] = 1
		for j := range 3 {
			columns[ports+j][i] = float32(int(rng.ExpFloat64()*300) + 40*int(y[i])*j)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Train(context.Background(), columns, y, classes, Options{Trees: 10, Seed: 1}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
