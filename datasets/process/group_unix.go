//go:build unix

package process

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the process into a group of its own: a signal of the terminal is for
// the harness, and who is killed takes along what it started.
func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup kills the process and those that it started.
func killGroup(c *exec.Cmd) {
	syscall.Kill(-c.Process.Pid, syscall.SIGKILL) //nolint:errcheck // it may be gone
	c.Process.Kill()                              //nolint:errcheck // as well
}
