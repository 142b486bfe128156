package machine

import "golang.org/x/sys/unix"

// memory is how much there is. How much is free only other interfaces tell.
func memory() (total, available int64) {
	n, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 0, 0
	}
	return int64(n), 0
}
