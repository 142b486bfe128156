package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
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
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit": exitCode,
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
