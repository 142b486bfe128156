// Package published reads published data sets from their publishers' own file
// formats. A source is one file: where the data comes from, under which terms,
// the checksums of its files (sums/NAME.txt) and how they are read. To add one,
// write the file and name its value in sources below.
package published

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"slices"
	"strings"

	"veilbench/datasets"
	"veilbench/datasets/catalog"
	"veilbench/datasets/params"
)

// Source is all that the program knows of one published data set.
type Source struct {
	catalog.Entry
	cited   string // Dataset.Source of what is read
	loaders []loader
	// recorded is Dataset.Recorded of all that is read, "" for inside the home.
	recorded datasets.Vantage
}

// Recorded is where the capture point of the source was.
func (s Source) Recorded() datasets.Vantage { return cmp.Or(s.recorded, datasets.LAN) }

// loader is one reading of a source's files, and the name to ask for it.
type loader struct {
	name string
	// load reads from a folder as the publisher laid it out or, where that
	// makes sense, from one of its files. Name and Source of the data sets are
	// filled in by Load; of several, each has its part of the name in Name.
	load func(ctx context.Context, path string) ([]datasets.Dataset, error)
}

// sources lists the published data sets, sorted by name.
func sources() []Source {
	return []Source{
		behavIoTBursts(),
		echoVoice(),
		ikeaGateway(),
		iotSentinel(),
		iotEvents(),
		lockCameraWeek(),
		natPairs(),
		smartPlugDay(),
		voiceCaptures(),
		vpnSamples(),
		wholeHome(),
		zigbeeEvents(),
	}
}

//go:embed sums/*.txt
var sumFiles embed.FS

// withFiles adds the list of files, which is long, to a source.
func (s Source) withFiles() (Source, error) {
	name := "sums/" + s.Name + ".txt"
	text, err := sumFiles.ReadFile(name)
	if err == nil {
		s.Files, err = catalog.ParseSums(string(text))
	}
	if err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// Sources returns all published data sets, sorted by name. The slices are the
// caller's. Only a damaged list of checksums in the program is an error.
func Sources() ([]Source, error) {
	all := sources()
	for i, s := range all {
		var err error
		if all[i], err = s.withFiles(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Find returns the source with the given name, or the one that is read under
// that name. "_" in a name is as good as "-". An unknown name is an error that
// lists the known ones.
func Find(name string) (Source, error) {
	name = strings.ReplaceAll(name, "_", "-")
	var names []string
	for _, s := range sources() {
		if s.Name == name || slices.Contains(s.Loads(), name) {
			return s.withFiles()
		}
		names = append(names, s.Name)
	}
	return Source{}, unknown(name, names)
}

func unknown(name string, names []string) error {
	return fmt.Errorf("unknown data set %q%s (there are %s)", name, params.DidYouMean(name, names), strings.Join(names, ", "))
}

// Loads lists the names under which Load reads the source.
func (s Source) Loads() []string {
	var names []string
	for _, l := range s.loaders {
		names = append(names, l.name)
	}
	return names
}

// Names lists the data sets that Load reads, sorted.
func Names() []string {
	var names []string
	for _, s := range sources() {
		names = append(names, s.Loads()...)
	}
	slices.Sort(names)
	return names
}

// Load reads the published data set called name from path, a folder as the
// publisher laid it out or, where that makes sense, one of its files. Some
// names give several data sets, one per device, called "name/device". "_" in a
// name is as good as "-". Errors name the file, and the line if it has lines; when
// ctx ends, reading does, with its error.
func Load(ctx context.Context, name, path string) ([]datasets.Dataset, error) {
	plain := strings.ReplaceAll(name, "_", "-")
	for _, s := range sources() {
		for _, l := range s.loaders {
			if l.name != plain {
				continue
			}
			sets, err := l.load(ctx, path)
			for i := range sets {
				part := sets[i].Name
				sets[i].Name, sets[i].Source = l.name, s.cited
				if part != "" {
					sets[i].Name += "/" + part
				}
			}
			return sets, err
		}
	}
	return nil, unknown(name, Names())
}

// one makes a loader of a function that reads a single data set.
func one(load func(context.Context, string) (datasets.Dataset, error)) func(context.Context, string) ([]datasets.Dataset, error) {
	return func(ctx context.Context, path string) ([]datasets.Dataset, error) {
		ds, err := load(ctx, path)
		if err != nil {
			return nil, err
		}
		return []datasets.Dataset{ds}, nil
	}
}

// github is the archive of a repository at one commit.
func github(repository, commit string) []catalog.Download {
	return []catalog.Download{{URL: "https://codeload.github.com/" + repository + "/tar.gz/" + commit, Archive: true}}
}
