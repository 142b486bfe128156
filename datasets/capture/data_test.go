package capture

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

func TestSmoke(t *testing.T) {
	filepath.WalkDir(shared(t), func(p string, d fs.DirEntry, err error) error {
		if strings.HasSuffix(p, ".pcap") || strings.HasSuffix(p, ".pcapng") {
			tr, rep, err := Open(t.Context(), p, Options{})
			if err != nil {
				t.Error(err)
				return nil
			}
			if err := tr.Check(); err != nil {
				t.Error(p, err)
			}
			if !strings.Contains(p, "sentinel") {
				t.Log(p, rep.Format, rep.Resolution, rep.Records, rep.Packets, len(tr.Flows), rep.Odd, rep.Reasons, rep.Links, rep.Warnings)
				for i, f := range tr.Flows {
					if i < 4 {
						t.Log("  ", f)
					}
				}
			}
		}
		return nil
	})
}
