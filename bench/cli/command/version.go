package command

import "runtime/debug"

// Version is the module's version and commit, "devel" without a stamp. It
// stands in manifests, so that a run tells which program made it.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	v, rev := info.Main.Version, ""
	if v == "" || v == "(devel)" {
		v = "devel"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			rev = " " + s.Value[:12]
		}
	}
	return v + rev
}

// Module is the path of the module that the program is of, "" without a stamp.
func Module() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Path
}
