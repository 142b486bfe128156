package plugin

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"veilbench/attacks/attacktest"
	attackprogram "veilbench/attacks/external"
	"veilbench/datasets/datatest"
	"veilbench/datasets/process"
	"veilbench/defenses/defensetest"
	defenseprogram "veilbench/defenses/external"
	"veilbench/reports/docs"
)

// part compiles a definition of the schema of the protocol.
func part(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(docs.ProtocolSchema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("mem:///protocol", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("mem:///protocol#/$defs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// valid says why a line is none of a part of the schema.
func valid(s *jsonschema.Schema, line string) error {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
	if err != nil {
		return err
	}
	return s.Validate(doc)
}

// What the harness and the reference programs say to each other is what the schema says.
func TestLinesFitTheSchema(t *testing.T) {
	python, sh := datatest.Python(t), datatest.Tool(t, "sh")
	datatest.Tool(t, "tee")
	s := process.NewSet(t.Context(), nil)
	dir := t.TempDir()
	listened := func(role, text string) []string {
		file := filepath.Join(dir, role+".py")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return []string{sh, "-c", fmt.Sprintf("cd %s; tee %[2]s.asked.$$ | %[3]s -S %[2]s.py | tee %[2]s.answered.$$", dir, role, python)}
	}
	d, err := defenseprogram.Open(s, listened("defense", defenseprogram.Mirror), map[string]string{"account": "full"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Apply(rand.New(rand.NewPCG(1, 2)), defensetest.Busy(1)); err != nil {
		t.Fatal(err)
	}
	a, err := attackprogram.Open(s, listened("attack", attackprogram.Mirror), nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := attacktest.ToyEvents(2)
	attacktest.Ask(t, attacktest.Train(t, a, tr), tr.Examples[0].Trace)
	s.Close()

	lines := 0
	for name, schema := range map[string]*jsonschema.Schema{"asked": part(t, "request"), "answered": part(t, "answer")} {
		for _, role := range []string{process.RoleDefense, process.RoleAttack} {
			// Each process has a file of its own: two speak at once.
			files, err := filepath.Glob(filepath.Join(dir, role+"."+name+".*"))
			if err != nil || len(files) == 0 {
				t.Fatal("nothing was heard", err)
			}
			for _, file := range files {
				b, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				for l := range bytes.Lines(b) {
					lines++
					if err := valid(schema, string(l)); err != nil {
						t.Errorf("%s %s: %v: %.300s", role, name, err, l)
					}
				}
			}
		}
	}
	if lines < 20 {
		t.Errorf("%d lines", lines)
	}
}

// The examples of the page are what the schema says, with a trace in the place of each
// {…}.
func TestPageFitsTheSchema(t *testing.T) {
	const trace = `{"time_ns":[],"size":[],"payload":[],"flow":[],"dir":""}`
	request, answer, whole := part(t, "request"), part(t, "answer"), part(t, "trace")
	fill := strings.NewReplacer(`"trace":{…}`, `"trace":`+trace, `"events":[…]`, `"events":[],"commands":[]`, "…", "1")
	n := 0
	for _, block := range regexp.MustCompile(`(?m)(?:^    .*\n)+`).FindAllString(docs.Protocol, -1) {
		if !strings.HasPrefix(strings.TrimSpace(block), "{") {
			continue
		}

		// One object a line, but for those that go on on indented ones.
		for _, text := range regexp.MustCompile(`(?m)^    \{.*\n(?:     +.*\n)*`).FindAllString(block, -1) {
			text = fill.Replace(text)
			n++
			if valid(request, text) != nil && valid(answer, text) != nil && valid(whole, text) != nil {
				t.Errorf("%s: as a request %v; as an answer %v", text, valid(request, text), valid(answer, text))
			}
		}
	}
	if n < 12 {
		t.Errorf("%d examples", n)
	}
	for _, line := range []string{`{"name":"Big"}`, `{"apply":1,"trace":{}}`, `{"guess":1}`, `{}`, `{"guess":1,"clip":[["a"]]}`} {
		if valid(answer, line) == nil {
			t.Errorf("%s is accepted", line)
		}
	}
}
