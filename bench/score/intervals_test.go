package score

import (
	"testing"
	"time"

	"veilbench/attacks"
)

func TestMatch(t *testing.T) {
	at := func(s float64, class string) attacks.FoundInterval {
		d := time.Duration(s * float64(time.Second))
		return attacks.FoundInterval{Interval: attacks.Interval{Start: d, End: d}, Class: class}
	}
	events := []attacks.FoundInterval{at(10, "a/on"), at(20, "a/off"), at(22, "a/off")}
	for _, c := range []struct {
		name  string
		found []attacks.FoundInterval
		want  int
	}{
		{"nothing", nil, 0},
		{"each once", []attacks.FoundInterval{at(11, "a/on"), at(21, "a/off"), at(21, "a/off")}, 3},
		{"one event counts once", []attacks.FoundInterval{at(10, "a/on"), at(11, "a/on")}, 1},
		{"another name", []attacks.FoundInterval{at(10, "a/off")}, 0},
		{"too far", []attacks.FoundInterval{at(13, "a/on")}, 0},
	} {
		if got := Match(events, c.found, 2*time.Second); got != c.want {
			t.Errorf("%s: %d right, want %d", c.name, got, c.want)
		}
	}
}
