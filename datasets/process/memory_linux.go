package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// memoryOf is how many bytes a process and its descendants have in memory.
// Address space would be the wrong thing to limit: libraries for graphics cards
// reserve hundreds of gigabytes of it that they never touch.
func memoryOf(pid int) int64 {
	pages := int64(0)
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid)); err == nil {
		if f := strings.Fields(string(b)); len(f) > 1 {
			pages, _ = strconv.ParseInt(f[1], 10, 64)
		}
	}
	n := pages * int64(os.Getpagesize())
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, t := range tasks {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, t.Name()))
		for _, f := range strings.Fields(string(b)) {
			if child, err := strconv.Atoi(f); err == nil {
				n += memoryOf(child)
			}
		}
	}
	return n
}
