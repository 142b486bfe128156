package memory

import (
	"fmt"
	"os"
	"strings"
)

// Peak is the most memory, in bytes, that this process held at any time, as the system
// counts it (resident); 0 where it does not say. It is no getrusage, whose figure a
// process inherits from a larger one that started it.
func Peak() int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		var kb int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kb); err == nil {
			return kb * 1024
		}
	}
	return 0
}
