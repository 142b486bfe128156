package score

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/datasets"
)

// TestQuietDays: an attacker that is right in all of six busy days has an F1 of
// 1 though nothing happens in two more, and what it says there counts as false
// alarms alone.
func TestQuietDays(t *testing.T) {
	for alarms := range 2 {
		var tests []Test
		for d := range 8 {
			r := &datasets.Recording{ID: fmt.Sprint(d), Group: fmt.Sprint("day", d)}
			x := Test{Recording: r, Trace: datasets.Trace{End: 24 * time.Hour}, Labels: datasets.Labels{Devices: []string{"lock"}}}
			said := attacks.Burst{Start: time.Hour, End: time.Hour, Ranked: []attacks.Ranked{{Class: "lock/open", P: 1}}, Score: 1}
			if d < 6 {
				x.Labels.Events = []datasets.Event{{Start: time.Hour, End: time.Hour, Activity: "open"}}
			}
			if d < 6+alarms {
				x.Answer.Events = []attacks.Burst{said}
			}
			tests = append(tests, x)
		}

		s := Of(&datasets.Dataset{}, datasets.TaskEvent, []string{"lock/open"}, tests)
		wantMetrics(t, metrics(s), map[string]float64{
			results.F1: 1, results.Precision: 1, results.Tested: 6, results.ObservedDays: 8,
			results.Detections: float64(6 + alarms), results.FalseAlarms: float64(alarms), results.FalsePerHomeDay: float64(alarms) / 8,
		})
		want := []results.LeftOut{{Group: "day6", Why: results.NothingToFind}, {Group: "day7", Why: results.NothingToFind}}
		if d := cmp.Diff(want, s.LeftOut); d != "" || len(s.Groups) != 6 {
			t.Errorf("%d groups scored, left out (-want +got)\n%s", len(s.Groups), d)
		}
		if p := s.Curve[0]; p.Precision != 1 || p.FalsePerDay != float64(alarms)/8 {
			t.Errorf("curve %+v", p)
		}
	}
}

// TestNothingIsNoScore: a task whose tests hold nothing has no headline metric,
// which would be a 0, and names the group.
func TestNothingIsNoScore(t *testing.T) {
	rec := &datasets.Recording{ID: "r", Group: "home"}
	for _, task := range datasets.Tasks() {
		for _, unseen := range []bool{false, true} {
			x := Test{Recording: rec, Trace: datasets.Trace{End: time.Hour}, Unseen: unseen}
			if task == datasets.TaskClip && !unseen {
				continue // a clip is an item, whatever is in it
			}
			if unseen {
				x.Labels = datasets.Labels{Devices: []string{"lock"}, Owners: []int32{0}, Events: []datasets.Event{{Activity: "open"}}, Commands: []datasets.Command{{}}}
			}
			s := Of(&datasets.Dataset{}, task, []string{"lock"}, []Test{x})
			if v, ok := metrics(s)[results.Headline(task)]; ok {
				t.Errorf("%s, unseen %v: %s is %v", task, unseen, results.Headline(task), v)
			}
			if d := cmp.Diff([]results.LeftOut{{Group: "home", Why: results.NothingToFind}}, s.LeftOut); d != "" || len(s.Groups) > 0 {
				t.Errorf("%s, unseen %v: groups %v, left out (-want +got)\n%s", task, unseen, s.Groups, d)
			}
		}
	}
}
