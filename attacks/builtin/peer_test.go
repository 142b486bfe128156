package builtin_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"veilbench/attacks/forest"
)

// peerData returns the folder that holds the inputs of the peer programs
// (PEER_DATA), or skips: the comparison is a measurement to be made on a quiet
// machine, not part of the suite.
func peerData(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("PEER_DATA")
	if dir == "" {
		t.Skip("PEER_DATA does not name the folder of the peers' inputs")
	}
	return dir
}

// peer runs one of the peer programs and returns its line of figures.
func peer(t *testing.T, args ...string) map[string]any {
	t.Helper()
	python := os.Getenv("PEER_PYTHON")
	if python == "" {
		python = "python3"
	}
	args[0] = filepath.Join("..", "..", "shared", "peers", args[0])
	out, err := exec.Command(python, args...).Output()
	if err != nil {
		t.Fatalf("%s %v: %v", python, args, err)
	}
	var m map[string]any
	if err := json.Unmarshal(out, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// forestInput reads a peer's matrix as columns.
func forestInput(t *testing.T, dir string, n, f int) (cols [][]float32, y []int32) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("forest_%d_%d.bin", n, f)))
	if err != nil {
		t.Fatal(err)
	}
	cols = make([][]float32, f)
	for j := range cols {
		cols[j] = make([]float32, n)
		for i := range n {
			cols[j][i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*(i*f+j):]))
		}
	}
	y = make([]int32, n)
	for i := range y {
		y[i] = int32(binary.LittleEndian.Uint32(raw[4*(n*f+i):]))
	}
	return cols, y
}

func slicesOf(cols [][]float32, lo, hi int) [][]float32 {
	out := make([][]float32, len(cols))
	for j, c := range cols {
		out[j] = c[lo:hi]
	}
	return out
}

func argmax(p []float32) int32 {
	b := 0
	for i, v := range p {
		if v > p[b] {
			b = i
		}
	}
	return int32(b)
}

// TestPeerForest sets the forest beside scikit-learn's on the same data, both
// with two jobs, in turn. PEER_SEEDS seeds of ours are averaged.
func TestPeerForest(t *testing.T) {
	dir := peerData(t)
	const n, f, trees = 100000, 50, 100
	cols, y := forestInput(t, dir, n, f)
	k := n * 9 / 10
	seeds := 1
	fmt.Sscan(os.Getenv("PEER_SEEDS"), &seeds)
	for round := range seeds {
		start := time.Now()
		m, err := forest.Train(context.Background(), slicesOf(cols, 0, k), y[:k], 11,
			forest.Options{Trees: trees, Workers: 2, Seed: uint64(round)})
		if err != nil {
			t.Fatal(err)
		}
		train := time.Since(start)
		start = time.Now()
		p, err := m.PredictAll(context.Background(), slicesOf(cols, k, n), 2)
		if err != nil {
			t.Fatal(err)
		}
		predict := time.Since(start)
		right := 0
		for i := range n - k {
			if argmax(p[i*11:(i+1)*11]) == y[k+i] {
				right++
			}
		}
		t.Logf("seed %d: train %.2f s, predict %.0f rows/s, accuracy %.4f", round, train.Seconds(),
			float64(n-k)/predict.Seconds(), float64(right)/float64(n-k))
		if round == 0 && os.Getenv("PEER_ALONE") == "" {
			s := peer(t, "forest_py.py", "rf", "100000", "50", "100", "2")
			t.Logf("scikit-learn: train %v s, predict %v rows/s, accuracy %v: train %.1f times, predict %.1f times",
				s["train_s"], s["predict_rows_per_s"], s["accuracy"], s["train_s"].(float64)/train.Seconds(),
				float64(n-k)/predict.Seconds()/s["predict_rows_per_s"].(float64))
		}
	}
}
