package memory

import (
	"runtime"
	"testing"
)

// What was held counts, also after it was given back.
func TestPeakCountsWhatWasHeld(t *testing.T) {
	before := Peak()
	if before == 0 {
		if runtime.GOOS == "linux" || runtime.GOOS == "darwin" {
			t.Fatal("no peak")
		}
		t.Skip("this system is not asked")
	}
	const size = 64 << 20
	held := make([]byte, size+int(before))
	for i := 0; i < len(held); i += 4096 {
		held[i] = 1
	}
	if got := Peak(); got < size+before {
		t.Errorf("a peak of %d bytes with %d held", got, len(held))
	}
	runtime.KeepAlive(held)
	held = nil
	runtime.GC()
	if got := Peak(); got < size+before {
		t.Errorf("a peak of %d bytes after %d were held", got, size+before)
	}
}
