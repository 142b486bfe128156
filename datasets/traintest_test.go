package datasets

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// side is a small data set of clips that end at end.
func side(name string, at Vantage, end time.Duration, tasks ...Task) Dataset {
	ds := Dataset{Name: name, Recorded: at, Tasks: tasks, Split: "kfold:k=2", Source: name + " paper", Warnings: []string{"both", name}}
	for i := range 3 {
		id := fmt.Sprint(i)
		ds.Recordings = append(ds.Recordings, Recording{
			ID: id, Group: id,
			Trace: Trace{
				Flows: []Flow{{Proto: 6}}, End: end,
				Packets: []Packet{{Time: time.Second, Size: 100, Payload: 46}, {Time: end, Size: 100, Payload: 46}},
			},
			Labels: Labels{Devices: []string{"echo"}, Owners: []int32{0, 0}, Events: []Event{{Activity: "a" + id}}, Cause: []int32{0, 0}},
		})
	}
	return ds
}

func TestTrainTest(t *testing.T) {
	train, test := side("one", LAN, 30*time.Second, TaskEvent, TaskClip), side("two", WiFi, 10*time.Second, TaskClip)
	train.Same, test.Same = [][]string{{"a", "b"}, {"x", "y"}}, [][]string{{"b", "c"}}
	before := fmt.Sprint(train, test)
	ds, err := TrainTest(train, test)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(train, test) != before {
		t.Error("an input was modified")
	}
	if ds.Name != "one->two" || ds.Recorded != WiFi || !slices.Equal(ds.Tasks, []Task{TaskClip}) || ds.Split != "train-test" || ds.Split.Within() {
		t.Errorf("%s at %s for %v by %s", ds.Name, ds.Recorded, ds.Tasks, ds.Split)
	}
	if want := [][]string{{"x", "y"}, {"a", "b", "c"}}; !reflect.DeepEqual(ds.Same, want) {
		t.Errorf("same %v, want %v", ds.Same, want)
	}
	if len(ds.Warnings) != 4 || !strings.Contains(ds.Warnings[3], "clips of one are cut from 30s to the 10s") {
		t.Errorf("warnings %q", ds.Warnings)
	}

	// One fold: the first set trains, the second tests, and nothing tells them
	// apart by their length.
	folds, err := ds.Split.Folds(&ds, TaskClip)
	if err != nil || len(folds) != 1 || len(folds[0]) != 1 {
		t.Fatal(folds, err)
	}
	for _, i := range folds[0][0].Train {
		r := ds.Recordings[i]
		if !strings.HasPrefix(r.Group, "train/") || r.Trace.End != 10*time.Second || len(r.Trace.Packets) != 1 || len(r.Labels.Owners) != 1 || r.ClipClass() == "" {
			t.Errorf("%+v trains", r)
		}
	}
	for _, i := range folds[0][0].Test {
		if r := ds.Recordings[i]; !strings.HasPrefix(r.ID, "test/") || len(r.Trace.Packets) != 2 {
			t.Errorf("%+v tests", r)
		}
	}
	if n := len(folds[0][0].Train) + len(folds[0][0].Test); n != 6 {
		t.Errorf("%d recordings", n)
	}
}

func TestTrainTestRefuses(t *testing.T) {
	clips := side("one", LAN, time.Second, TaskClip)
	if _, err := TrainTest(clips, side("two", LAN, time.Second, TaskEvent)); err == nil || !strings.Contains(err.Error(), "no task is common") {
		t.Error(err)
	}
	if _, err := TrainTest(clips, side("two", Zigbee, time.Second, TaskClip)); err == nil || !strings.Contains(err.Error(), "nobody sees both") {
		t.Error(err)
	}
	if _, err := TrainTest(clips, clips); err == nil || !strings.Contains(err.Error(), "recording 0 of one is recording 0 of one") {
		t.Error(err)
	}
	if _, err := Split("train-test").Folds(&clips, TaskClip); err == nil || !strings.Contains(err.Error(), "second data set") {
		t.Error(err)
	}
}
