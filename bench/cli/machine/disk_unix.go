//go:build unix

package machine

import "golang.org/x/sys/unix"

// free is how many bytes this user may still write where path lies, 0 where nobody says.
func free(path string) int64 {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0
	}
	return int64(s.Bavail) * int64(s.Bsize)
}
