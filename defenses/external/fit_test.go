package external_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"veilbench/datasets"
	"veilbench/datasets/datatest"
	"veilbench/datasets/process"
	"veilbench/defenses"
	"veilbench/defenses/defensetest"
	"veilbench/defenses/external"
)

// learner pads packets to the largest size that it was shown: a defense that learns, with
// its state in the answer or, with FILES, in a file.
const learner = `
import json, sys
kept = {}
def say(a): print(json.dumps(a), flush=True)
for line in sys.stdin:
    q = json.loads(line)
    if "veilbench" in q:
        say({"name": "learner", "doc": "pads to the largest packet seen", "place": "gateway", "needs": ["tunnel end"], "params": {}, "fits": True, "files": FILES})
    elif "fit" in q:
        most = str(max(s for e in q["examples"] for s in e["trace"]["size"] if s <= 1514))
        assert q["examples"][0]["events"][0]["class"] == "plug/on", q["examples"][0]["events"]
        if FILES:
            open(q["state_file"], "w").write(most)
            say({"fit": q["fit"]})
        else:
            say({"fit": q["fit"], "state": most})
    else:
        if FILES: kept[q["state_of"]] = open(q["state_file"]).read()
        elif "state" in q: kept[q["state_of"]] = q["state"]
        most, t = int(kept[q["state_of"]]), q["trace"]
        for i, (s, b) in enumerate(zip(t["size"], t["payload"])):
            if b > 0 and s < most and t["flows"][t["flow"][i]]["proto"]:
                t["size"][i], t["payload"][i] = most, b + most - s
        say({"apply": q["apply"], "trace": t})
`

func TestProgramThatLearns(t *testing.T) {
	python := datatest.Python(t)
	for _, files := range []string{"False", "True"} {
		file := filepath.Join(t.TempDir(), "l.py")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(learner, "FILES", files)), 0o644); err != nil {
			t.Fatal(err)
		}
		d := open(t, set(t), []string{python, "-S", file}, nil)
		in := defensetest.Busy(1)
		if _, err := d.Apply(rand.New(rand.NewPCG(1, 2)), in); !errors.Is(err, defenses.ErrNotFitted) {
			t.Errorf("unfitted: %v", err)
		}

		// Two fittings lie beside each other in one program.
		recs := defensetest.Recordings()
		few := []datasets.Recording{recs[0]}
		few[0].Trace.Packets = few[0].Trace.Packets[:1]
		for _, r := range [][]datasets.Recording{recs, few} {
			most := int32(0)
			for _, rec := range r {
				for _, p := range rec.Trace.Packets {
					most = max(most, p.Size)
				}
			}
			fitted, err := d.(defenses.Fitter).Fit(t.Context(), rand.New(rand.NewPCG(1, 2)), r)
			if err != nil {
				t.Fatal(err)
			}
			out, err := fitted.Apply(rand.New(rand.NewPCG(1, 2)), in)
			if err != nil {
				t.Fatal(err)
			}
			if err := defenses.Check(in, out); err != nil {
				t.Fatal(err)
			}
			for i, p := range out.Trace.Packets {
				if p.Payload > 0 && p.Size < most {
					t.Fatalf("packet %d has %d bytes, want %d", i, p.Size, most)
				}
			}
		}
		if why := d.(process.Outside).Doubt(); why != "" {
			t.Error("in doubt:", why)
		}
		defensetest.Run(t, d)
	}
}

// What a program may say wrong of itself is the user's to hear.
func TestGreetingsOfDefenses(t *testing.T) {
	sh := datatest.Tool(t, "sh")
	for greeting, want := range map[string]string{
		`{"name":"x","place":"cellar"}`:                    `place "cellar": want device or gateway`,
		`{"name":"x","place":"device","needs":["wizard"]}`: `needs "wizard": want cloud or tunnel end`,
	} {
		_, err := external.Open(set(t), []string{sh, "-c", "read x; echo '" + greeting + "'; read y"}, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", greeting, err)
		}
	}
}
