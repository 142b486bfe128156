package figure

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// What hatched squares say stands on them where it fits, else once beside a hatched
// sign.
func TestHatchedSquares(t *testing.T) {
	for columns, want := range map[int]int{2: 2, 16: 1} {
		h := HeatMap{Rows: []string{"pad-level"}, Scale: "F1", Cells: [][]HeatCell{nil}}
		for i := range columns {
			h.Cols = append(h.Cols, fmt.Sprint("attack ", i))
			h.Cells[0] = append(h.Cells[0], HeatCell{Text: "no evidence", Hatched: true})
		}
		var b bytes.Buffer
		if err := h.Figure("Scores", "Caption.").Write(&b, SVG, 0); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(b.String(), ">no evidence<"); n != want || strings.Contains(b.String(), "n. e.") {
			t.Errorf("%d columns: the words stand %d times, want %d", columns, n, want)
		}
	}
}
