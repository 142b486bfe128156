//go:build !darwin

package machine

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// memory is how much there is and how much of it is free, 0 where the system does not
// say. A container's limit counts where it is lower.
func memory() (total, available int64) {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(b)) {
		var kb int64
		if _, err := fmt.Sscanf(line, "MemTotal: %d kB", &kb); err == nil {
			total = kb * 1024
		}
		if _, err := fmt.Sscanf(line, "MemAvailable: %d kB", &kb); err == nil {
			available = kb * 1024
		}
	}

	// "max" is no limit, and no number.
	limit, err := readNumber("/sys/fs/cgroup/memory.max")
	if err != nil || limit >= total {
		return total, available
	}
	used, err := readNumber("/sys/fs/cgroup/memory.current")
	if err != nil {
		used = 0
	}
	return limit, min(available, max(limit-used, 0))
}

func readNumber(file string) (int64, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
}
