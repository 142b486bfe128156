package budget

import (
	"strings"
	"testing"

	"veilbench/datasets"
)

func TestWords(t *testing.T) {
	b, err := Words([]string{"advantage:event<=0.2", "advantage:clips <= 30 %", "overhead<=50%", "delay_p95<=50ms", "gb_per_month<=20"})
	if err != nil {
		t.Fatal(err)
	}
	if b.Advantage[datasets.TaskEvent] != 0.2 || b.Advantage[datasets.TaskClip] != 0.3 || *b.Overhead != 0.5 || *b.DelayP95 != 0.05 || *b.GBPerMonth != 20 || b.AllTasks != nil {
		t.Errorf("%+v", b)
	}
	if b, err = Words([]string{"advantage<=0.1"}); err != nil || *b.AllTasks != 0.1 {
		t.Errorf("%+v, %v", b, err)
	}
	for text, want := range map[string]string{
		"advantage<0.2":                      `"advantage<0.2" is no limit`,
		"advantage<=2":                       "want 0 to 1",
		"advantage:evnt<=0.2":                `unknown task "evnt"`,
		"overhed<=1":                         `did you mean "overhead"`,
		"delay_p95<=50":                      "want a time with its unit",
		"overhead<=1 overhead<=1":            "is no limit",
		"overhead<=-1":                       "want 0 or more",
		"rise<=0.1":                          "no earlier run",
		"overhead<=1,overhead<=2":            "is no limit",
		"overhead<=1;overhead<=2":            "there is a limit on that already",
		"advantage<=0.1;advantage:event<=.1": "want one of both",
	} {
		if _, err := Words(strings.Split(text, ";")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// FuzzWords: whatever is typed is an error or a budget with limits that are no less than
// zero.
func FuzzWords(f *testing.F) {
	for _, s := range []string{"advantage<=0.2", "advantage:event<=20%", "delay_p95<=5ms", "overhead<=1e3", "a:b<=1", "x<=\"", "overhead<=0x1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := Words([]string{s})
		if err != nil {
			return
		}
		n := len(b.Advantage)
		for _, v := range []*float64{b.AllTasks, b.Overhead, b.DelayP95, b.GBPerMonth} {
			if v != nil {
				n++
				if !(*v >= 0) {
					t.Errorf("%q: a limit of %v", s, *v)
				}
			}
		}
		if n != 1 {
			t.Errorf("%q: %d limits", s, n)
		}
	})
}
