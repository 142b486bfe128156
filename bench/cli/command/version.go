package command

import (
	"runtime"
	"runtime/debug"
)

// Build is what this program was made of.
type Build struct {
	Version  string `json:"version"`          // the module's, "devel" without a tag
	Commit   string `json:"commit,omitempty"` // in full, "" without a stamp
	Modified bool   `json:"modified"`         // the tree differed from the commit
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	// Module is the path of the module that the program is of, "" without a stamp.
	Module string `json:"module,omitempty"`
}

// BuildOf reads what the compiler stamped into this program.
func BuildOf() Build {
	b := Build{Version: "devel", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Module = info.Main.Path
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// Version is the module's version and the start of its commit, "devel" without a stamp.
// It stands in manifests, so that a run tells which program made it.
func Version() string {
	b := BuildOf()
	if len(b.Commit) >= 12 {
		return b.Version + " " + b.Commit[:12]
	}
	return b.Version
}
