//go:build unix

package datatest

import (
	"syscall"
	"testing"
	"time"
)

// CPU is what this process has used of processors so far, user and system, which a busy
// machine makes hardly longer.
func CPU(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
