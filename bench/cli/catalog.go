package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"veilbench/datasets"
	"veilbench/datasets/catalog"
	"veilbench/datasets/published"
)

// catalogCmds are the commands about public data sets.
func (a *app) catalogCmds() []*cobra.Command {
	var cache string
	withCache := func(c *cobra.Command) *cobra.Command {
		c.Flags().StringVar(&cache, "cache", "", "folder that holds fetched data sets (default: the user's cache folder)")
		return c
	}
	var files bool
	info := &cobra.Command{
		Use: "info NAME", Short: "where a public data set comes from, its terms and files", Args: usageArgs(cobra.ExactArgs(1)),
		Example: "  veilbench datasets info iotevents --files",
		RunE:    func(_ *cobra.Command, args []string) error { return a.datasetInfo(args[0], files) },
	}
	info.Flags().BoolVar(&files, "files", false, "list every file with its checksum")
	return []*cobra.Command{
		withCache(&cobra.Command{
			Use: "list", Short: "public data sets: what they serve, their size, whether they are in the cache", Args: usageArgs(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error { return a.datasetList(cmd.Context(), cache) },
		}),
		info,
		withCache(&cobra.Command{
			Use: "verify NAME [FOLDER]", Short: "compare files with the catalog's checksums", Args: usageArgs(cobra.RangeArgs(1, 2)),
			Example: "  veilbench datasets verify iotevents data/iotevents",
			RunE:    func(cmd *cobra.Command, args []string) error { return a.datasetVerify(cmd.Context(), cache, args) },
		}),
		withCache(&cobra.Command{
			Use: "get NAME...", Short: "fetch public data sets from their publishers", Args: usageArgs(cobra.MinimumNArgs(1)),
			Long: "Fetches data sets from where they were published, checks every file and puts them into the cache folder.\n" +
				"A download that was cut goes on where it stopped, where the publisher's server can do that.",
			Example: "  veilbench datasets get iotevents echo-voice",
			RunE:    func(cmd *cobra.Command, args []string) error { return a.datasetGet(cmd.Context(), cache, args) },
		}),
		withCache(&cobra.Command{
			Use: "import NAME FOLDER|ARCHIVE", Short: "take the files of a public data set that you have into the cache", Args: usageArgs(cobra.ExactArgs(2)),
			Long: "Finds the files by their content, wherever they lie in a folder or a .tar.gz and whatever they are called.",
			RunE: func(cmd *cobra.Command, args []string) error { return a.datasetImport(cmd.Context(), cache, args) },
		}),
	}
}

// cacheFolder is the folder that --cache names, else the user's.
func cacheFolder(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder (%w); name one with --cache", err)
	}
	return filepath.Join(dir, "veilbench", "datasets"), nil
}

func (a *app) datasetList(ctx context.Context, flag string) error {
	cache, err := cacheFolder(flag)
	if err != nil {
		return err
	}
	es, err := published.Sources()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "name\ttasks\tfiles\tsize\tin cache\twhat")
	for _, e := range es {
		have := "no"
		if e.Complete(ctx, e.Folder(cache)) {
			have = "yes"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\n", e.Name, taskList(e.Tasks), len(e.Files), byteCount(e.Bytes()), have, e.Title)
	}
	return w.Flush()
}

// taskList joins tasks, "-" for none.
func taskList(tasks []datasets.Task) string {
	var out []string
	for _, t := range tasks {
		out = append(out, string(t))
	}
	if len(out) == 0 {
		return "-"
	}
	return strings.Join(out, ",")
}

// byteCount writes a number of bytes for people.
func byteCount(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}

func (a *app) datasetInfo(name string, files bool) error {
	e, err := published.Find(name)
	if err != nil {
		return err
	}
	var papers []string
	for _, p := range e.Papers {
		papers = append(papers, p.String())
	}
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	for _, l := range [][2]string{
		{"name", e.Name},
		{"what", e.Title},
		{"source", e.Source},
		{"paper", strings.Join(papers, "; ")},
		{"terms", e.Terms},
		{"tasks", taskList(e.Tasks)},
		{"note", e.Note},
		{"files", fmt.Sprintf("%d, %s", len(e.Files), byteCount(e.Bytes()))},
		{"use", "--dataset " + strings.Join(e.Loads(), "=FOLDER, --dataset ") + "=FOLDER (without =FOLDER: from the cache)"},
	} {
		if l[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", l[0], l[1])
		}
	}
	for _, d := range e.From {
		fmt.Fprintf(w, "fetched from\t%s\n", d.URL)
	}
	for _, f := range e.Files {
		switch {
		case files:
			kind := ""
			if f.Labels {
				kind = " (labels, not from the publisher)"
			}
			fmt.Fprintf(w, "%s\t%d bytes  %s%s\n", f.SHA256, f.Bytes, f.Path, kind)
		case f.Labels:
			fmt.Fprintf(w, "labels\t%s: get does not bring it, the publisher has it in another form or not at all\n", f.Path)
		}
	}
	return w.Flush()
}

func (a *app) datasetVerify(ctx context.Context, flag string, args []string) error {
	e, err := published.Find(args[0])
	if err != nil {
		return err
	}
	cache, err := cacheFolder(flag)
	if err != nil {
		return err
	}
	folder := e.Folder(cache)
	if len(args) == 2 {
		folder = args[1]
	}
	st, err := e.Verify(ctx, folder)
	if errors.Is(err, fs.ErrNotExist) && len(args) == 1 {
		return fmt.Errorf("%s is not in the cache (%s); fetch it with veilbench datasets get %s, or name a folder", e.Name, folder, e.Name)
	}
	if err != nil {
		return err
	}
	bad := 0
	for _, s := range st {
		if s.Problem != "" {
			bad++
			fmt.Fprintf(a.stdout, "%s: %s\n", s.File.Path, s.Problem)
		}
	}
	if bad > 0 {
		return fmt.Errorf("%s: %d of %d files are missing or not what was published", folder, bad, len(st))
	}
	fmt.Fprintf(a.stdout, "%s: all %d files are right\n", folder, len(st))
	return nil
}

func (a *app) datasetGet(ctx context.Context, flag string, names []string) error {
	cache, err := cacheFolder(flag)
	if err != nil {
		return err
	}
	var es []published.Source
	for _, n := range names { // a typo ends it before anything is fetched
		e, err := published.Find(n)
		if err != nil {
			return err
		}
		es = append(es, e)
	}
	for _, e := range es {
		fmt.Fprintf(a.stderr, "%s: %s\n%s: terms: %s\n", e.Name, e.Source, e.Name, e.Terms)
		f := catalog.Fetcher{Cache: cache, Progress: a.fetchProgress(), Log: func(m string) { fmt.Fprintln(a.stderr, m) }}
		folder, err := f.Get(ctx, e.Entry)
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
		fmt.Fprintln(a.stdout, folder)
	}
	return nil
}

// fetchProgress writes how far a download is, one line every few seconds.
func (a *app) fetchProgress() func(url string, done, total int64) {
	last, current := time.Now(), ""
	return func(url string, done, total int64) {
		if now := time.Now(); url != current || now.Sub(last) > 3*time.Second || done == total {
			current, last = url, now
			of := ""
			if total >= 0 {
				of = " of " + byteCount(total)
			}
			fmt.Fprintf(a.stderr, "%s: %s%s\n", url, byteCount(done), of)
		}
	}
}

func (a *app) datasetImport(ctx context.Context, flag string, args []string) error {
	e, err := published.Find(args[0])
	if err != nil {
		return err
	}
	cache, err := cacheFolder(flag)
	if err != nil {
		return err
	}
	if err := e.Import(ctx, args[1], cache); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, e.Folder(cache))
	return nil
}

// loadCached reads published data that get or import put into the user's cache.
func loadCached(name string) ([]datasets.Dataset, error) {
	e, err := published.Find(name)
	if err != nil {
		return nil, err
	}
	cache, err := cacheFolder("")
	if err != nil {
		return nil, err
	}
	folder := e.Folder(cache)
	if _, err := os.Stat(folder); err != nil {
		return nil, fmt.Errorf("data set %q is not in the cache: say where it lies (%s=FOLDER) or fetch it (veilbench datasets get %s)", name, name, e.Name)
	}
	return published.Load(name, folder)
}
