package source

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"veilbench/datasets/params"
)

// setting is one thing that can be said of captures in an ID, as in
// "folder=lab:labels=events.csv,zone=Europe/Berlin", in place of the flag. So a
// grid file and a manifest hold all that it takes to read the data again.
type setting struct {
	key string
	get func(o *Options) []string
	set func(o *Options, values []string) error
}

// between parts the values of one setting.
const between = "+"

// settings lists them in the order in which they are written.
func settings() []setting {
	// One kind of value each; a value that is not set is not written.
	list := func(key string, of func(o *Options) *[]string) setting {
		return setting{key, func(o *Options) []string { return *of(o) }, func(o *Options, v []string) error { *of(o) = v; return nil }}
	}
	word := func(key string, of func(o *Options) *string) setting {
		return setting{key, func(o *Options) []string {
			if *of(o) == "" {
				return nil
			}
			return []string{*of(o)}
		}, func(o *Options, v []string) error { *of(o) = strings.Join(v, between); return nil }}
	}
	flag := func(key string, of func(o *Options) *bool) setting {
		return setting{key, func(o *Options) []string {
			if !*of(o) {
				return nil
			}
			return []string{"true"}
		}, func(o *Options, v []string) (err error) {
			*of(o), err = strconv.ParseBool(strings.Join(v, between))
			return err
		}}
	}
	return []setting{
		list("labels", func(o *Options) *[]string { return &o.labels.files }),
		list("devices", func(o *Options) *[]string { return &o.labels.devices }),
		word("zone", func(o *Options) *string { return &o.labels.zone }),
		{"offset", func(o *Options) []string {
			if o.labels.offset == 0 {
				return nil
			}
			return []string{o.labels.offset.String()}
		}, func(o *Options, v []string) (err error) {
			o.labels.offset, err = time.ParseDuration(strings.Join(v, between))
			return err
		}},
		word("clock", func(o *Options) *string { return &o.labels.clock }),
		list("home", func(o *Options) *[]string { return &o.Capture.home }),
		list("mac", func(o *Options) *[]string { return &o.Capture.macs }),
		word("names", func(o *Options) *string { return &o.Capture.names }),
		flag("allow-truncated", func(o *Options) *bool { return &o.Capture.truncated }),
		flag("close-gaps", func(o *Options) *bool { return &o.Capture.gaps }),
		flag("drop-copies", func(o *Options) *bool { return &o.Capture.copies }),
		flag("split-at-jumps", func(o *Options) *bool { return &o.Capture.split }),
		flag("whole-frames", func(o *Options) *bool { return &o.Capture.whole }),
		flag("sort-times", func(o *Options) *bool { return &o.Capture.sort }),
	}
}

// keyRE finds where the settings of an ID begin: a path may hold colons too.
var keyRE = regexp.MustCompile(`:(labels|devices|zone|offset|clock|home|mac|names|allow-truncated|close-gaps|drop-copies|split-at-jumps|whole-frames|sort-times)=`)

// split takes the settings off a path and lays the flags over them: what was
// typed last wins.
func (o Options) split(path string) (string, Options, error) {
	at := keyRE.FindStringIndex(path)
	if at == nil {
		return path, o, nil
	}
	said := Options{Progress: o.Progress}
	known := settings()
	keys := make([]string, len(known))
	for i, s := range known {
		keys[i] = s.key
	}
	for kv := range strings.SplitSeq(path[at[0]+1:], ",") {
		key, value, _ := strings.Cut(kv, "=")
		i := slices.Index(keys, key)
		if i < 0 {
			return "", o, fmt.Errorf("%s: unknown key %q%s (has %s)", path, key, params.DidYouMean(key, keys), strings.Join(keys, ", "))
		}
		if err := known[i].set(&said, strings.Split(value, between)); err != nil {
			return "", o, fmt.Errorf("%s: %s: %w", path, key, err)
		}
	}

	// What is set in o was typed as a flag.
	for _, s := range known {
		if v := s.get(&o); len(v) > 0 {
			if err := s.set(&said, v); err != nil {
				return "", o, err
			}
		}
	}
	return path[:at[0]], said, nil
}

// SharedLabels finds those of several IDs that are captures with label files
// which another of them has too, by flags, a glob or in its settings.
func (o Options) SharedLabels(ids []string) map[string]bool {
	by := map[string][]string{}
	for _, id := range ids {
		path, ok := strings.CutPrefix(id, captureWord+"=")
		if !ok {
			continue
		}
		if _, said, err := o.split(path); err == nil { // else Load says what is wrong
			for _, f := range said.labels.files {
				by[f] = append(by[f], id)
			}
		}
	}

	shared := map[string]bool{}
	for _, list := range by {
		for _, id := range list {
			shared[id] = shared[id] || len(list) > 1
		}
	}
	return shared
}

// Asked is id with all that the flags say of how its captures are read: the
// same data without flags. Other IDs are as they were.
func (o Options) Asked(id string) string {
	name, path, has := strings.Cut(id, "=")
	if !has && isFolder(id) {
		name, path, has = folderWord, id, true
	}
	if !has || name != folderWord && name != captureWord {
		return id
	}
	path, all, err := o.split(path)
	if err != nil {
		return id // Load says what is wrong
	}
	var kv []string
	for _, s := range settings() {
		if v := s.get(&all); len(v) > 0 {
			kv = append(kv, s.key+"="+strings.Join(v, between))
		}
	}
	id = name + "=" + path
	if len(kv) > 0 {
		id += ":" + strings.Join(kv, ",")
	}
	return id
}

// Counts refuses flags of captures and labels where none of the data are captures: they
// would be passed over in silence.
func (o Options) Counts(ids ...string) error {
	var given []string
	for _, s := range settings() {
		if len(s.get(&o)) > 0 {
			given = append(given, "--"+s.flag())
		}
	}
	for _, id := range ids {
		name, _, has := strings.Cut(id, "=")
		if has && (name == captureWord || name == folderWord) || !has && isFolder(id) || strings.HasPrefix(id, ".") || strings.HasPrefix(id, "/") {
			return nil // as load takes it
		}
	}
	if len(given) == 0 || len(ids) == 0 {
		return nil
	}
	return fmt.Errorf("%s: said of capture=FILE and folder=PATH alone, and %s is neither: leave it out", strings.Join(given, ", "), strings.Join(ids, ", "))
}

// flag is the flag that says the same as the setting.
func (s setting) flag() string {
	switch s.key {
	case "zone", "offset", "clock":
		return "label-" + s.key
	}
	return s.key
}

// isFolder says whether a word that names no data set is a folder, perhaps with
// settings behind it.
func isFolder(id string) bool {
	if at := keyRE.FindStringIndex(id); at != nil {
		id = id[:at[0]]
	}
	info, err := os.Stat(id)
	return err == nil && info.IsDir()
}
