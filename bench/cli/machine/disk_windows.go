package machine

import "golang.org/x/sys/windows"

// free is how many bytes this user may still write where path lies, 0 where nobody says.
func free(path string) int64 {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0
	}
	var n uint64
	if err := windows.GetDiskFreeSpaceEx(name, &n, nil, nil); err != nil {
		return 0
	}
	return int64(n)
}
