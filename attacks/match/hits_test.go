package match_test

import (
	"testing"
	"time"

	"veilbench/attacks/match"
)

func TestHitsByHand(t *testing.T) {
	at := func(s float64, class string) match.Span {
		d := time.Duration(s * float64(time.Second))
		return match.Span{From: d, To: d, Class: class}
	}
	events := []match.Span{at(10, "a/on"), at(20, "a/off"), at(22, "a/off")}
	for _, c := range []struct {
		name  string
		found []match.Span
		want  int
	}{
		{"nothing", nil, 0},
		{"each once", []match.Span{at(11, "a/on"), at(21, "a/off"), at(21, "a/off")}, 3},
		{"one event counts once", []match.Span{at(10, "a/on"), at(11, "a/on")}, 1},
		{"another name", []match.Span{at(10, "a/off")}, 0},
		{"too far", []match.Span{at(13, "a/on")}, 0},
	} {
		if got := match.Hits(match.Windows(events, c.found, 2*time.Second, match.ByClass)); got != c.want {
			t.Errorf("%s: %d right, want %d", c.name, got, c.want)
		}
	}
}
