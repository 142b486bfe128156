package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/datasets"
	"veilbench/datasets/catalog"
	"veilbench/datasets/published"
	"veilbench/reports/table"
)

// catalogCmds are the commands about public data sets.
func catalogCmds(a *command.App) []*cobra.Command {
	// One variable serves all: a program runs one command.
	var c catalogFlags
	shown := func(cmd *cobra.Command) *cobra.Command {
		c.show.AddJSON(cmd.Flags())
		return cmd
	}
	withCache := func(cmd *cobra.Command) *cobra.Command {
		cmd.Flags().StringVar(&c.cache, "cache", "", "folder that holds fetched data sets (default: the user's cache folder)")
		return shown(cmd)
	}

	var files bool
	about := &cobra.Command{
		Use: "info NAME", Short: "where a public data set comes from, its terms and files", Args: command.Args(cobra.ExactArgs(1)),
		Example: "  veilbench datasets info iotevents --files",
		RunE:    func(_ *cobra.Command, args []string) error { return catalogInfo(a, args[0], files, c.show) },
	}
	about.Flags().BoolVar(&files, "files", false, "list every file with its checksum")

	return []*cobra.Command{
		withCache(&cobra.Command{
			Use: "list", Short: "public data sets: what they serve, their size, whether they are in the cache", Args: command.Args(command.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error { return catalogList(cmd.Context(), a, c) },
		}),
		shown(about),
		withCache(&cobra.Command{
			Use: "verify NAME [FOLDER]", Short: "compare files with the catalog's checksums", Args: command.Args(cobra.RangeArgs(1, 2)),
			Example: "  veilbench datasets verify iotevents data/iotevents",
			RunE:    func(cmd *cobra.Command, args []string) error { return catalogVerify(cmd.Context(), a, c, args) },
		}),
		withCache(&cobra.Command{
			Use: "get NAME...", Short: "fetch public data sets from their publishers", Args: command.Args(cobra.MinimumNArgs(1)),
			Long: "Fetches data sets from where they were published, checks every file and puts them into the cache folder.\n" +
				"A download that was cut goes on where it stopped, where the publisher's server can do that.",
			Example: "  veilbench datasets get iotevents echo-voice",
			RunE:    func(cmd *cobra.Command, args []string) error { return catalogGet(cmd.Context(), a, c, args) },
		}),
		withCache(&cobra.Command{
			Use: "import NAME FOLDER|ARCHIVE", Short: "take the files of a public data set that you have into the cache", Args: command.Args(cobra.ExactArgs(2)),
			Long: "Finds the files by their content, wherever they lie in a folder or a .tar.gz and whatever they are called.",
			RunE: func(cmd *cobra.Command, args []string) error { return catalogImport(cmd.Context(), a, c, args) },
		}),
	}
}

// catalogFlags are those of the commands about public data sets.
type catalogFlags struct {
	cache string
	show  command.Show
}

// listed is a public data set as "datasets list" and "datasets info" tell of it.
type listed struct {
	Name   string          `json:"name"`
	Title  string          `json:"title"`
	Tasks  []datasets.Task `json:"tasks"`
	Files  int             `json:"files"`
	Bytes  int64           `json:"bytes"`
	Folder string          `json:"folder,omitempty"` // where it is in the cache
	Cached bool            `json:"cached"`
}

func listedOf(e published.Source) listed {
	return listed{Name: e.Name, Title: e.Title, Tasks: append([]datasets.Task{}, e.Tasks...), Files: len(e.Files), Bytes: e.Bytes()}
}

func catalogList(ctx context.Context, a *command.App, c catalogFlags) error {
	cache, err := source.Cache(c.cache)
	if err != nil {
		return err
	}
	es, err := published.Sources()
	if err != nil {
		return err
	}

	// Complete compares checksums, so this takes a while once much is fetched; a
	// "yes" is as good as verify.
	t := table.Table{Columns: table.Columns("name", "tasks", "#files", "#size", "in cache", "what")}
	list := []listed{}
	for _, e := range es {
		l := listedOf(e)
		l.Folder = e.Folder(cache)
		l.Cached = e.Complete(ctx, l.Folder)
		have := "no"
		if l.Cached {
			have = "yes"
		}
		list = append(list, l)
		t.Rows = append(t.Rows, []table.Value{
			table.Word(e.Name), table.Word(taskList(e.Tasks)), table.Count(l.Files), {Text: byteCount(l.Bytes), Num: float64(l.Bytes), OK: true}, table.Word(have), table.Word(e.Title),
		})
	}
	if c.show.JSON {
		return c.show.Print(a, list, "")
	}
	return a.Tables(table.Text, c.show, t)
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

func catalogInfo(a *command.App, name string, files bool, show command.Show) error {
	e, err := published.Find(name)
	if err != nil {
		return err
	}
	if show.JSON {
		return show.Print(a, informed(e, files), "")
	}
	return a.Tables(table.Text, show, infoTables(e, files)...)
}

// info is what "datasets info" tells of a data set.
type info struct {
	listed
	Source string   `json:"source"`
	Papers []string `json:"papers"`
	Terms  string   `json:"terms"`
	Note   string   `json:"note,omitempty"`
	Use    []string `json:"use"` // what --dataset takes, each with =FOLDER behind it
	// From lists what get fetches, nothing where the publisher has it in another form.
	From []string       `json:"fetched_from"`
	All  []catalog.File `json:"all_files,omitempty"`
}

func informed(e published.Source, files bool) info {
	i := info{listed: listedOf(e), Source: e.Source, Papers: []string{}, Terms: e.Terms, Note: e.Note, Use: e.Loads(), From: []string{}}
	for _, p := range e.Papers {
		i.Papers = append(i.Papers, p.String())
	}
	if e.Offered() {
		for _, d := range e.From {
			i.From = append(i.From, d.URL)
		}
	}
	if files {
		i.All = e.Files
	}
	return i
}

// infoTables are the facts on a data set under its name, and its files where they are
// asked for.
func infoTables(e published.Source, files bool) []table.Table {
	var papers []string
	for _, p := range e.Papers {
		papers = append(papers, p.String())
	}
	t := table.Table{Columns: table.Columns(e.Name, e.Title)}
	add := func(key, text string) {
		if text != "" {
			t.Rows = append(t.Rows, []table.Value{table.Word(key), table.Word(text)})
		}
	}
	add("source", e.Source)
	add("paper", strings.Join(papers, "; "))
	add("terms", e.Terms)
	add("tasks", taskList(e.Tasks))
	add("note", e.Note)
	add("files", fmt.Sprintf("%d, %s", len(e.Files), byteCount(e.Bytes())))
	add("use", "--dataset "+strings.Join(e.Loads(), "=FOLDER, --dataset ")+"=FOLDER (without =FOLDER: from the cache)")

	// Labels that are ours or another's come with import alone, and whoever fetches
	// the rest has to know.
	how := "fetched from"
	if !e.Offered() {
		how = "not fetched"
	}
	from := table.Table{Columns: table.Columns(how)} // addresses are wider than sentences may be
	for _, d := range e.From {
		from.Rows = append(from.Rows, []table.Value{table.Word(d.URL)})
	}
	list := table.Table{Columns: table.Columns("SHA-256", "#bytes", "file")}
	for _, f := range e.Files {
		name := f.Path
		if f.Labels {
			name += " (labels, not from the publisher)"
		}
		list.Rows = append(list.Rows, []table.Value{table.Word(f.SHA256), table.Count(f.Bytes), table.Word(name)})
		if e.Offered() && f.Labels && !files {
			add("labels", f.Path+": get does not bring it, the publisher has it in another form or not at all")
		}
	}
	if !e.Offered() && !files {
		add("files", "the publisher has all of them in another form: take them in with import")
	}
	ts := []table.Table{t}
	if len(from.Rows) > 0 {
		ts = append(ts, from)
	}
	if files {
		ts = append(ts, list)
	}
	return ts
}

func catalogVerify(ctx context.Context, a *command.App, c catalogFlags, args []string) error {
	if len(args) == 2 && c.cache != "" {
		return errors.New("--cache and a folder: want one of them")
	}
	e, cache, err := source.Published(args[0], c.cache)
	if err != nil {
		return err
	}

	// Nothing in the cache is what someone meets who forgot to fetch: a folder that
	// was named and is not there is another mistake.
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

	var text strings.Builder
	problems := map[string]string{}
	for _, s := range st {
		if s.Problem != "" {
			problems[s.File.Path] = s.Problem
			fmt.Fprintf(&text, "%s: %s\n", s.File.Path, s.Problem)
		}
	}
	if len(problems) == 0 {
		fmt.Fprintf(&text, "%s: all %d files are right\n", folder, len(st))
	}
	if err := c.show.Print(a, map[string]any{"folder": folder, "files": len(st), "problems": problems}, text.String()); err != nil {
		return err
	}
	if len(problems) > 0 {
		return fmt.Errorf("%s: %d of %d files are missing or not what was published", folder, len(problems), len(st))
	}
	return nil
}

func catalogGet(ctx context.Context, a *command.App, c catalogFlags, names []string) error {
	cache, err := source.Cache(c.cache)
	if err != nil {
		return err
	}

	// A typo ends it before anything is fetched: some are many gigabytes.
	var es []published.Source
	for _, n := range names {
		e, err := published.Find(n)
		if err != nil {
			return err
		}
		es = append(es, e)
	}

	list := []listed{}
	for _, e := range es {
		fmt.Fprintf(a.Stderr, "%s: %s\n%s: terms: %s\n", e.Name, e.Source, e.Name, e.Terms)
		f := catalog.Fetcher{Cache: cache, Progress: fetchProgress(a), Log: func(m string) { fmt.Fprintln(a.Stderr, m) }}
		folder, err := f.Get(ctx, e.Entry)
		if err != nil {
			var unreached net.Error
			if errors.As(err, &unreached) {
				return fmt.Errorf("%s: %w; no network, or no way to the publisher: a copy that was fetched elsewhere is taken in with: veilbench datasets import %s PATH", e.Name, err, e.Name)
			}
			return fmt.Errorf("%s: %w", e.Name, err)
		}
		list = append(list, fetched(e, folder))
		if !c.show.JSON {
			fmt.Fprintln(a.Stdout, folder) // at once, for the next may take hours
		}
	}
	return c.show.Print(a, list, "")
}

func fetched(e published.Source, folder string) listed {
	l := listedOf(e)
	l.Folder, l.Cached = folder, true
	return l
}

// fetchProgress writes how far a download is, one line every few seconds.
func fetchProgress(a *command.App) func(url string, done, total int64) {
	last, current := time.Now(), ""
	return func(url string, done, total int64) {
		if now := time.Now(); url != current || now.Sub(last) > 3*time.Second || done == total {
			current, last = url, now
			of := ""
			if total >= 0 {
				of = " of " + byteCount(total)
			}
			fmt.Fprintf(a.Stderr, "%s: %s%s\n", url, byteCount(done), of)
		}
	}
}

func catalogImport(ctx context.Context, a *command.App, c catalogFlags, args []string) error {
	e, cache, err := source.Published(args[0], c.cache)
	if err != nil {
		return err
	}
	if err := e.Import(ctx, args[1], cache); err != nil {
		return err
	}
	return c.show.Print(a, fetched(e, e.Folder(cache)), e.Folder(cache)+"\n")
}
