package memory

import "golang.org/x/sys/unix"

// Peak is the most memory, in bytes, that this process held at any time, as the system
// counts it (resident); 0 where it does not say.
func Peak() int64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Maxrss // bytes here, kilobytes elsewhere
}
