package tex

import (
	"path"
	"strings"

	"veilbench/reports"
)

// shortNames are short names of the data sets of s, for columns of a paper: without the
// folders of the disk that they lay on, and without settings and kinds where these
// tell no two of them apart. No two are the same.
func shortNames(s *reports.Set) map[string]string {
	var all []string
	for _, p := range s.Panels {
		all = append(all, p.Dataset)
	}
	all = reports.Distinct(all)

	// From the shortest form on, a data set takes the first that no other has.
	forms := []func(string) string{bare, s.DataName}
	out := map[string]string{}
	for _, name := range all {
		for _, form := range forms {
			out[name] = form(name)
			alone := true
			for _, other := range all {
				alone = alone && (other == name || form(other) != out[name])
			}
			if alone {
				break
			}
		}
	}
	return out
}

// bare is the part of a data set's name that says most: the preset of generated
// data, the part of published data, the file of a capture.
func bare(name string) string {
	if words := strings.Split(name, ":"); words[0] == "home" && len(words) > 1 {
		return words[1]
	}
	kind, file, ok := strings.Cut(name, "=")
	if ok && kind != "" {
		file, _, _ = strings.Cut(file, ":") // settings
		base := path.Base(file)
		return strings.TrimSuffix(base, path.Ext(base))
	}
	return path.Base(name)
}
