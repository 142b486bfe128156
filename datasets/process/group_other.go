//go:build !unix

package process

import "os/exec"

// ownGroup does nothing where there are no groups of processes.
func ownGroup(*exec.Cmd) {}

// killGroup kills the process alone.
func killGroup(c *exec.Cmd) {
	c.Process.Kill() //nolint:errcheck // it may be gone
}
