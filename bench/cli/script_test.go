package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"veilbench/attacks/lstm"
	"veilbench/bench/store/s3/s3test"
)

// The program, as scripts call it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"veilbench": func() { os.Exit(Main(Builtin())) },
	})
}

// TestScripts runs every file of testdata/script: what a person types, what
// they see and the exit code. UPDATE_GOLDEN=1 writes the expected outputs anew.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("UPDATE_GOLDEN") != "",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			s := s3test.New()
			env.Defer(s.Close)
			env.Vars = append(env.Vars, s.Env()...)
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name == "avx2" { // or better
				return lstm.Best().String() != "plain", nil
			}
			return false, fmt.Errorf("no condition %s", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit":   exitCode,
			"await":  await,
			"damage": damage,
			"json":   isJSON,
		},
	})
}

// exitCode is "exit CODE PROGRAM ARGS...": the program must end with CODE.
func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exit CODE PROGRAM ARGS...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if err != nil {
		code = err.Error()
		if n, ok := strings.CutPrefix(code, "exit status "); ok {
			code = n
		}
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

// isJSON is "json FILE KEYS...": the file, or stdout, is one JSON document and nothing
// else, and its object, or that of its first element, has all of the keys.
func isJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: json FILE KEYS...")
	}
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &v); err != nil {
		ts.Fatalf("%s is no JSON: %v", args[0], err)
	}
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	object, _ := v.(map[string]any)
	for _, k := range args[1:] {
		if _, ok := object[k]; !ok {
			ts.Fatalf("%s has no key %s", args[0], k)
		}
	}
}

// await is "await PATTERN": it waits until a file has a name like that.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await PATTERN")
	}
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(5 * time.Millisecond) {
		if found, err := filepath.Glob(ts.MkAbs(args[0])); err != nil || len(found) > 0 {
			ts.Check(err)
			return
		}
	}
	ts.Fatalf("no %s after a minute", args[0])
}

// damage is "damage PATTERN": it changes the last byte of the one file with a
// name like that.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: damage PATTERN")
	}
	found, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("files %v, want one", found)
	}
	b, err := os.ReadFile(found[0])
	ts.Check(err)
	b[len(b)-1] ^= 1
	ts.Check(os.WriteFile(found[0], b, 0o666))
}
