package params_test

import (
	"cmp"
	"math"
	"slices"
	"testing"
	"time"

	"veilbench/datasets/params"
)

func TestChecks(t *testing.T) {
	table := map[string]int{"b": 1, "a": 2}
	for _, c := range []struct {
		err  error
		want string // "" for no error
	}{
		{params.Within("n", 3, 1, 3), ""},
		{params.Within("n", 4, 1, 3), "n=4: want 1 to 3"},
		{params.Within("n", 0.5, 1, 3), "n=0.5: want 1 to 3"},
		{params.Within("n", math.NaN(), 1, 3), "n=NaN: want 1 to 3"},
		{params.ZeroOrWithin("n", 0, 1, 3), ""},
		{params.ZeroOrWithin("n", 9, 1, 3), "n=9: want 0 or 1 to 3"},
		{params.OneOf("per", "home", "device", "home"), ""},
		{params.OneOf("per", "room", "device", "home"), "per=room: want device or home"},
		{params.KeyOf("kind", "a", table), ""},
		{params.KeyOf("kind", "c", table), "kind=c: want a or b"},
	} {
		got := ""
		if c.err != nil {
			got = c.err.Error()
		}
		if got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestSeconds(t *testing.T) {
	for s, want := range map[float64]time.Duration{
		0: 0, 0.1: 100 * time.Millisecond, 1.1: 1100 * time.Millisecond, 0.29: 290 * time.Millisecond,
		-0.1: -100 * time.Millisecond, 0.4e-9: 0, 0.6e-9: 1,
	} {
		if got := params.Seconds(s); got != want {
			t.Errorf("%v s gave %v, want %v", s, got, want)
		}
	}
}

// TestZeroIsSaid: what 0 stands for, where it is no number, is told apart and at
// the end of the help.
func TestZeroIsSaid(t *testing.T) {
	type plugin struct {
		K     int `help:"neighbors" zero:"chosen"`
		Slack int `help:"slack"`
	}
	want := []params.Param{{Key: "k", Value: "0", Zero: "chosen", Help: "neighbors; 0: chosen"}, {Key: "slack", Value: "1", Help: "slack"}}
	if got := params.List(plugin{Slack: 1}); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

type ranged struct {
	N     int     `help:"number"`
	Share float64 `help:"share"`
	Size  int     `help:"size, if any"`
	Kind  string  `help:"kind"`
	Quick bool    `help:"quick"`
	Free  string  `help:"any text"`
	share float64 // no parameter, whatever its name
}

func (r ranged) Validate() error {
	return cmp.Or(params.Within("hidden share", r.share, 0, 0), params.Within("n", r.N, 1, 9), params.Within("share", r.Share, 0, 0.5),
		params.ZeroOrWithin("size", r.Size, 60, 1500), params.OneOf("kind", r.Kind, "a", "b"))
}

// Allowed says what Validate says, and leaves its value as it is.
func TestAllowed(t *testing.T) {
	v := &ranged{N: 1, Kind: "a"}
	for key, want := range map[string]string{
		"n": "1 to 9", "share": "0 to 0.5", "size": "0 or 60 to 1500", "kind": "a or b", "quick": "true or false", "free": "", "none": "",
	} {
		if got := params.Allowed(v, key); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
		if got := params.Allowed(*v, key); got != want {
			t.Errorf("%s of a value: %q, want %q", key, got, want)
		}
	}
	if *v != (ranged{N: 1, Kind: "a"}) {
		t.Errorf("it changed to %+v", *v)
	}
	if got := params.Allowed(struct{ N int }{}, "n"); got != "" {
		t.Errorf("without Validate: %q", got)
	}
}
