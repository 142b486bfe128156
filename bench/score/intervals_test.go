package score

import (
	"testing"
	"time"

	"veilbench/attacks/rates"
)

func TestMatch(t *testing.T) {
	at := func(s float64, class string) rates.FoundInterval {
		d := time.Duration(s * float64(time.Second))
		return rates.FoundInterval{Interval: rates.Interval{Start: d, End: d}, Class: class}
	}
	events := []rates.FoundInterval{at(10, "a/on"), at(20, "a/off"), at(22, "a/off")}
	for _, c := range []struct {
		name  string
		found []rates.FoundInterval
		want  int
	}{
		{"nothing", nil, 0},
		{"each once", []rates.FoundInterval{at(11, "a/on"), at(21, "a/off"), at(21, "a/off")}, 3},
		{"one event counts once", []rates.FoundInterval{at(10, "a/on"), at(11, "a/on")}, 1},
		{"another name", []rates.FoundInterval{at(10, "a/off")}, 0},
		{"too far", []rates.FoundInterval{at(13, "a/on")}, 0},
	} {
		if got := Match(events, c.found, 2*time.Second); got != c.want {
			t.Errorf("%s: %d right, want %d", c.name, got, c.want)
		}
	}
}
