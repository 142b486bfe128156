package external_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"veilbench/attacks"
	"veilbench/attacks/attacktest"
	"veilbench/attacks/external"
	"veilbench/attacks/guess"
	"veilbench/datasets"
	"veilbench/datasets/datatest"
	"veilbench/datasets/process"
)

// start starts a program whose source is text.
func start(t *testing.T, text string) attacks.Attack {
	t.Helper()
	python := datatest.Python(t)
	file := filepath.Join(t.TempDir(), "a.py")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s := process.NewSet(t.Context(), nil)
	t.Cleanup(s.Close)
	a, err := external.Open(s, []string{python, "-S", file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestMirrorKeepsTheContract(t *testing.T) { attacktest.Run(t, start(t, external.Mirror)) }

// The program in Python answers what guess-exact answers.
func TestMirrorIsGuessExact(t *testing.T) {
	a := start(t, external.Mirror)
	tr := attacktest.ToyEvents(4)
	test := tr.Examples[3].Trace
	tr.Examples = tr.Examples[:3]
	want := attacktest.Ask(t, attacktest.Train(t, guess.Exact{GapS: 1, PairS: 5}, tr), test)
	got := attacktest.Ask(t, attacktest.Train(t, a, tr), test)
	if len(want.Events) < 30 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d events: %+v, want %+v", len(want.Events), got, want)
	}
	if why := a.(process.Outside).Doubt(); why != "" {
		t.Error("in doubt:", why)
	}
}

// skeleton is an attack of which a test writes what it answers.
const skeleton = `
import json, os, sys
def say(a): print(json.dumps(a), flush=True)
for line in sys.stdin:
    q = json.loads(line)
    if "veilbench" in q:
        say({"name": "toy", "doc": "a toy", "tasks": ["event", "clip", "device", "command", "routine"], "params": {}, "files": FILES})
    elif "train" in q:
        say({"progress": 0.5})
        TRAIN
    else:
        GUESS
`

// written is the skeleton with its parts filled in.
func written(files, train, guess string) string {
	return strings.NewReplacer("FILES", files, "TRAIN", train, "GUESS", guess).Replace(skeleton)
}

// A program may keep its states in files, which every process reads.
func TestStateInFiles(t *testing.T) {
	a := start(t, written("True",
		`open(q["state_file"], "w").write(q["seed"]); say({"train": q["train"]})`,
		`assert "state" not in q; say({"guess": q["guess"], "clip": [[open(q["state_file"]).read()[:0] + "unknown", 1]]})`))
	tr := attacks.Training{Task: datasets.TaskClip, Classes: []string{"a/b"}}
	var said []attacks.Progress
	ctx := attacks.WithProgress(t.Context(), func(p attacks.Progress) { said = append(said, p) })
	m, err := a.Train(ctx, rand.New(rand.NewPCG(1, 2)), tr)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		got, err := m.Guess(t.Context(), datasets.Trace{})
		if err != nil || !reflect.DeepEqual(got.Clip, []attacks.Ranked{{Class: datasets.Unknown, P: 1}}) {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if len(said) == 0 || said[0].Attack != "exec:toy" {
		t.Errorf("progress %+v", said)
	}
	if why := a.(process.Outside).Doubt(); why != "" {
		t.Error("in doubt:", why)
	}
}

// More states than a process must keep are asked about in turn: each comes again where
// it was forgotten.
func TestStatesAreGivenAgain(t *testing.T) {
	a := start(t, written("False", `say({"train": q["train"], "state": str(q["train"])})`, `
        kept = globals().setdefault("kept", {})
        if "state" in q: kept[q["state_of"]] = q["state"]
        kept.pop(q.get("forget"), None)
        assert len(kept) <= 8
        assert kept[q["state_of"]] == str(q["state_of"])
        say({"guess": q["guess"], "clip": [["unknown", 1]]})`))
	var ms []attacks.Model
	for range 12 {
		ms = append(ms, attacktest.Train(t, a, attacks.Training{Task: datasets.TaskClip}))
	}
	for range 3 {
		for _, m := range ms {
			attacktest.Ask(t, m, datasets.Trace{})
		}
	}
}

// Each part of an answer that is malformed is an error that names the place.
func TestMalformedAnswers(t *testing.T) {
	trace := datasets.Trace{Packets: []datasets.Packet{{Size: 60}, {Size: 61}}, Flows: make([]datasets.Flow, 1), End: 3600e9}
	for _, c := range []struct {
		task         datasets.Task
		answer, want string
	}{
		{datasets.TaskClip, `{}`, "holds no answer for the task clip"},
		{datasets.TaskClip, `{"clip": []}`, "no ranked class"},
		{datasets.TaskClip, `{"clip": [["a/b"]]}`, "rank 0: want a class and a probability"},
		{datasets.TaskClip, `{"clip": [["a/b", 0.2], ["unknown", 0.7]]}`, "want the best first"},
		{datasets.TaskClip, `{"clip": [["a/b", 0.8], ["unknown", 0.7]]}`, "sum to 1.5"},
		{datasets.TaskEvent, `{"events": [{"start_ns": 5, "end_ns": 4, "ranked": [["a/b", 1]]}]}`, "event 0: ends at 4ns, before it starts"},
		{datasets.TaskEvent, `{"events": [{"start_ns": 5, "ranked": [["a/b", 1]]}, {"start_ns": 4, "ranked": [["a/b", 1]]}]}`, "event 1: starts at 4ns, before"},
		{datasets.TaskEvent, `{"events": [{"start_ns": 5}]}`, "event 0: no ranked class"},
		{datasets.TaskEvent, `{"events": [{"start_ns": 1.5}]}`, "want a whole number"},
		{datasets.TaskDevice, `{"devices": [0]}`, "1 devices and 0 probabilities for 2 packets"},
		{datasets.TaskDevice, `{"devices": [0, 7]}`, "packet 1: class 7 of 1"},
		{datasets.TaskDevice, `{"devices": [0, -1], "p": [1, 2]}`, "packet 1: probability 2"},
		{datasets.TaskCommand, `{"commands": [{"time_ns": 1, "candidates": [[1, 2]]}]}`, "candidate 0: 2 counts for 1 classes"},
		{datasets.TaskCommand, `{"commands": [{"time_ns": 1, "candidates": [[1]], "best": 1}]}`, "command 0: best 1 of 1"},
		{datasets.TaskCommand, `{"commands": [{"time_ns": 1, "bounded": [0]}]}`, "bounded [0] of 0"},
		{datasets.TaskRoutine, `{"slots": {"state": [0]}}`, "1 slots for 4 quarter hours"},
		{datasets.TaskRoutine, `{"slots": {"state": [0, 0, 0, 9]}}`, "slot 3: state 9 of 1"},
		{datasets.TaskRoutine, `{"slots": {"state": [0, 0], "p": [1]}}`, "unequal length"},
	} {
		_, err := external.ReadAnswer(c.task, []string{"a/b"}, trace, []byte(c.answer))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v, want %q", c.task, c.answer, err, c.want)
		}
	}
}

// FuzzAnswer reads any answer: what is accepted is what scoring may index by.
func FuzzAnswer(f *testing.F) {
	trace := datasets.Trace{Packets: []datasets.Packet{{Size: 60}, {Size: 61}}, Flows: make([]datasets.Flow, 1), End: 3600e9}
	for i, text := range []string{
		`{"clip":[["a/b",0.9],["unknown",0.1]]}`, `{"threshold":0.5,"events":[{"start_ns":7,"end_ns":9,"ranked":[["a/b",0.9]],"score":0.9}]}`,
		`{"devices":[0,-1],"p":[1,0.7]}`, `{"commands":[{"time_ns":7,"bytes":812,"candidates":[[2]],"best":0}]}`,
		`{"slots":{"state":[0,0,0,-1],"p":[1,0.5,0,0]}}`,
	} {
		f.Add(i, []byte(text))
	}
	tasks := []datasets.Task{datasets.TaskClip, datasets.TaskEvent, datasets.TaskDevice, datasets.TaskCommand, datasets.TaskRoutine}
	f.Fuzz(func(t *testing.T, i int, text []byte) {
		task := tasks[uint(i)%uint(len(tasks))]
		a, err := external.ReadAnswer(task, []string{"a/b"}, trace, text)
		if err != nil {
			return
		}
		if task == datasets.TaskDevice && len(a.Devices) != 2 || task == datasets.TaskRoutine && len(a.Slots) != 4 || task == datasets.TaskClip && len(a.Clip) == 0 {
			t.Fatalf("%+v", a)
		}
		for _, b := range a.Events {
			_ = b.Ranked[0]
		}
		for _, m := range a.Commands {
			if m.Best >= 0 {
				_ = m.Candidates[m.Best][0]
			}
		}
	})
}

// A program that ends with its first word is an attack that fails, and no other error.
func TestBrokenProgram(t *testing.T) {
	a := start(t, `print("hello")`)
	if got := a.Info().Name; got != "exec:a" {
		t.Errorf("name %q", got)
	}
	_, err := a.Train(context.Background(), rand.New(rand.NewPCG(1, 2)), attacks.Training{Task: datasets.TaskClip})
	if err == nil || !strings.Contains(err.Error(), "the first line is no greeting") {
		t.Error(err)
	}
}
