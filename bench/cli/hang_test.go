package cli

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
)

// stuck never returns, and obeys nobody.
type stuck struct{}

func (stuck) Info() defenses.Info {
	return defenses.Info{Name: "stuck", Doc: "never returns", Place: defenses.AtGateway}
}

func (stuck) Apply(*rand.Rand, datasets.Trace) (defenses.Defended, error) {
	fmt.Println("stuck now")
	select {}
}

// The first signal ends a run whose plug-in hangs, wherever it was called.
func TestSignalEndsRunWhosePluginHangs(t *testing.T) {
	const env = "VEILBENCH_STUCK"
	if dir := os.Getenv(env); dir != "" {
		p := Builtin()
		p.Defenses = append(p.Defenses, stuck{})
		os.Args = []string{"veilbench", "run", "--dataset", "home:event_clips:homes=3,hours=0.05", "--defense", "stuck", "--attack", "guess-majority", "--out", dir}
		os.Exit(Main(p))
	}

	c := exec.Command(os.Args[0], "-test.run=^TestSignalEndsRunWhosePluginHangs$")
	c.Env = append(os.Environ(), env+"="+t.TempDir())
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(2*time.Minute, func() { c.Process.Kill() }).Stop()

	var said []string
	for s := bufio.NewScanner(out); s.Scan(); {
		said = append(said, s.Text())
		if s.Text() == "stuck now" {
			break
		}
	}
	start := time.Now()
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err = c.Wait()
	if code := c.ProcessState.ExitCode(); code != ExitInterrupted {
		t.Errorf("exit code %d (%v), want %d; it said %s", code, err, ExitInterrupted, strings.Join(said, "\n"))
	}
	if d := time.Since(start); d > patience+20*time.Second {
		t.Errorf("ended after %v", d)
	}
}
