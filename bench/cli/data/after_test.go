package data

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"veilbench/bench/cli/command"
	"veilbench/datasets/folder"
	"veilbench/defenses"
	"veilbench/defenses/builtin"
	"veilbench/defenses/captured"
)

// Captures of both kinds are written for every defense, and taken for what they are:
// the same traffic on both sides, or sessions of other times with labels.
func TestCapturesOfEveryDefense(t *testing.T) {
	for _, d := range builtin.All() {
		for _, sessions := range []bool{false, true} {
			dir := t.TempDir()
			dev := device{defense: defenses.ID(d), sessions: sessions, offset: time.Second, driftPPM: 10}
			a := &command.App{Stdout: io.Discard, Stderr: io.Discard}
			a.Defenses = builtin.All()
			if err := dev.write(t.Context(), a, "home:event_signatures:homes=2,hours=0.1", dir, 1, command.Show{}); err != nil {
				t.Error(dev.defense, err)
				continue
			}
			before, err := folder.Open(t.Context(), filepath.Join(dir, beforeDir), folder.Options{})
			if err != nil {
				t.Fatal(err)
			}
			after, err := folder.Open(t.Context(), filepath.Join(dir, afterDir), folder.Options{})
			if err != nil {
				t.Fatal(dev.defense, err)
			}
			b, f := before.Dataset(), after.Dataset()
			if together := captured.Together(b.Recordings, f.Recordings); together == sessions {
				t.Errorf("%s: sessions %v, taken as the same traffic: %v", dev.defense, sessions, together)
			}
			if labeled := len(f.Tasks) > 0; labeled != sessions {
				t.Errorf("%s: sessions %v, labeled %v", dev.defense, sessions, labeled)
			}
			os.RemoveAll(dir)
		}
	}
}
