package table

import "testing"

func TestRoundingHidesNothing(t *testing.T) {
	for _, c := range []struct {
		v    float64
		want string
	}{{0, "0.00"}, {0.001, "<0.01"}, {0.999, ">0.99"}, {1, "1.00"}, {0.5, "0.50"}} {
		if got := Score(c.v); got != c.want {
			t.Errorf("Score(%v) = %q, want %q", c.v, got, c.want)
		}
	}
	if got := PValue(0.0501); got != ">0.050" {
		t.Errorf("PValue(0.0501) = %q", got)
	}
	for v, want := range map[float64]string{0: "0 %", 0.382: "+38 %", 8.7: "+870 %", -0.05: "-5.0 %", 0.0004: "+0.040 %"} {
		if got := Percent(v); got != want {
			t.Errorf("Percent(%v) = %q, want %q", v, got, want)
		}
	}
}

// Rounding makes no failure a pass: a bound or a p-value never looks better
// than it is.
func TestRoundingIsNoPass(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{
		{0.2004, 0.2004, "[.20 .21]"}, // not below a budget of 0.20
		{0.196, 0.996, "[.19 1]"},
		{0.2, 0.3, "[.20 .30]"}, // exact stays
		{0.1 + 0.2, 0.7, "[.30 .70]"},
		{0.001, 0.004, "[0 .01]"},
		{0, 1, "[0 1]"},
	} {
		if got := Bounds(c.lo, c.hi, 2, Short); got != c.want {
			t.Errorf("[%v %v] is printed as %s, want %s", c.lo, c.hi, got, c.want)
		}
	}
	if got := Bounds(-0.001, 0.001, 2, Signed); got != "[-0.01 +0.01]" {
		t.Errorf("an interval about 0 is printed as %s", got)
	}
	for p, want := range map[float64]string{0.0499: "<0.050", 0.05: "0.050", 0.0501: ">0.050", 0.0625: "0.062", 0.0004: "<0.001", 0.0494: "0.049"} {
		if got := PValue(p); got != want {
			t.Errorf("p = %v is printed as %s, want %s", p, got, want)
		}
	}
	for v, want := range map[float64]string{0.0004: "+0.0004", -0.0004: "-0.0004", 0: "0.00", 0.2: "+0.20"} {
		if got := Signed(v); got != want {
			t.Errorf("a difference of %v is printed as %s, want %s", v, got, want)
		}
	}
}
