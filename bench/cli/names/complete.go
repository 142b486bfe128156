package names

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/kernel"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/exchange"
	"veilbench/datasets/published"
	"veilbench/reports/benchfmt"
	"veilbench/reports/figures"
	"veilbench/reports/gate"
	"veilbench/reports/table"
	"veilbench/reports/tables"
	"veilbench/reports/tex"
)

// values completes one word. It returns what may stand there.
type values = cobra.CompletionFunc

// Complete makes a shell complete the values of the flags and arguments of every
// command below root. What is free text, or a number, it leaves alone.
func Complete(root *cobra.Command, p command.Plugins) error {
	flags, args := flagValues(p), argValues(p)
	var errs []error
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		_, path, _ := strings.Cut(c.CommandPath(), " ")
		if f := args[path]; f != nil {
			c.ValidArgsFunction = f
		}
		c.Flags().VisitAll(func(fl *pflag.Flag) {
			// A flag of one command may have other values than its namesakes.
			f := flags[path+" --"+fl.Name]
			if f == nil {
				f = flags[fl.Name]
			}
			if f != nil {
				errs = append(errs, c.RegisterFlagCompletionFunc(fl.Name, f))
			}
		})
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	return errors.Join(errs...)
}

// flagValues are the values of flags, by their names or by command and name.
func flagValues(p command.Plugins) map[string]values {
	data := values(dataIDs)
	protect := func() []entry { return defensesOf(p.Defenses) }
	attack := func() []entry { return attacksOf(p.Attacks) }
	pictures := []string{"svg", "pdf", "png", "pgf"}
	papers := oneOf(texts([]table.Format{table.Text, table.Markdown, table.LaTeX, table.CSV})...)
	return map[string]values{
		"dataset": data, "train": data, "test": data,
		"defense": ids(protect, false), "attack": ids(attack, false),
		"run --defense": ids(protect, true), "run --attack": ids(attack, true),
		"plan --defense": ids(protect, true), "plan --attack": ids(attack, true),
		"task": entries(func() []entry { return of(p, taskKind) }), "vantage": entries(vantagesOf),
		"knowledge": oneOf(texts([]results.Knowledge{results.Unaware, results.Adaptive, results.Transfer})...),
		"split":     oneOf(texts(datasets.Splits())...), "canaries": oneOf("on", "off"),
		"kernel":      oneOf(kernel.Classes()...),
		"probe":       oneOf(append(bench.ProbeNames(), "none")...),
		"firmware":    oneOf("same", "mixed", "unseen"),
		"label-clock": oneOf("start", "epoch"),
		"table":       named(tableNames), "figure": named(figureNames), "metric": named(metricNames),
		"compare --format": papers, "history --format": papers, "signatures tables --format": papers, "signatures show --format": papers, "signatures detect --format": papers,
		"rates --format": oneOf(pictures...), "dossier --format": oneOf("html", "markdown"), "gate --format": oneOf(texts(gate.Formats())...),
		"report --format": oneOf(slices.Concat(texts([]table.Format{table.Text, table.Markdown, table.LaTeX, table.CSV, table.HTML, table.JSON}),
			pictures, []string{benchfmt.Go, benchfmt.Action, tex.Macros})...),

		// What a file may be called is no more than a hint: a shell shows others where
		// none has the ending.
		"after": data, "before": data, "pairing": oneOf("paired", "sessions", "auto"), "live": oneOf("wireguard"),
		"role": oneOf("defense", "attack"), "features": ids(attack, false),
		"export --format": oneOf(texts(exchange.Formats())...), "tensor": oneOf(texts(exchange.Kinds())...),
		"baseline": runFolders, "timings": runFolders,
		"out": folders, "cache": folders, "source": folders, "iotevents": folders,
		"vpnlabel --out": files("csv"), "signatures learn --out": files("json"),
		"budget": files("yaml", "yml"), "plan": files("json"), "save": files("json"),
		"labels": files("csv", "json", "txt"), "devices": files("csv", "txt"), "owners": files("csv"), "names": files("csv"),
		"plot": files(pictures...), "lengths": files(pictures...), "courses": files(pictures...), "protocols": files(pictures...),
	}
}

// argValues are the values of arguments, by command.
func argValues(p command.Plugins) map[string]values {
	grids := joined(entries(func() []entry { return presetsOf(datasetsOf()) }), files("yaml", "yml"))
	captures := files("pcap", "pcapng", "cap", "gz", "zst", "csv")
	catalog := named(catalogNames)
	everything := func() []entry {
		var all []entry
		for _, k := range kinds() {
			all = append(all, entry{Name: string(k), Doc: "every name of this kind"})
		}
		for _, k := range kinds() {
			all = append(all, of(p, k)...)
		}
		return all
	}

	// A command with a fixed number of arguments completes no more than these.
	return map[string]values{
		"list": entries(everything), "run": first(grids), "plan": first(grids),
		"report": first(runFolders), "verify": first(runFolders), "cite": first(runFolders), "gate": first(runFolders),
		"dossier": first(runFolders), "artifact": first(runFolders), "compare": runFolders, "history": runFolders,
		"status": runFolders, "merge": runFolders, "artifact check": firstThen(files("yaml", "yml"), runFolders),
		"inspect": captures, "apply": captures, "vpnlabel": captures,
		"datasets info": first(catalog), "datasets verify": firstThen(catalog, folders), "datasets get": catalog,
		"datasets import": firstThen(catalog, files()), "datasets generate": first(entries(homes)),
		"datasets describe": first(joined(catalog, folders)), "datasets devices": first(dataIDs), "datasets leaks": first(dataIDs),
		"signatures learn": first(joined(dataIDs, captures)), "signatures detect": firstThen(files("json"), joined(dataIDs, captures)),
		"signatures show": first(files("json")), "signatures tables": oneOf("1", "2", "3", "4", "5", "platforms", "figure5"),
		"man": first(folders), "export": first(joined(runFolders, grids)), "import": firstThen(runFolders, files("csv")),
		"maybenot show": first(files()), "maybenot build": first(files("yaml", "yml")),
		"plugin check": files(), "plugin example": first(oneOf("defense", "attack")),
	}
}

// oneOf completes fixed words.
func oneOf(list ...string) values { return named(func() []string { return list }) }

// named completes words that are made when they are asked for: every start of the
// program registers them, and few want one.
func named(list func() []string) values {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return begin(list(), typed), cobra.ShellCompDirectiveNoFileComp
	}
}

// begin are the words that begin as typed.
func begin(list []string, typed string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !strings.HasPrefix(s, typed) })
}

// entries completes names, each with what it is.
func entries(es func() []entry) values {
	return named(func() []string {
		var list []string
		for _, e := range es() {
			list = append(list, described(e.Name, e.Doc))
		}
		return list
	})
}

func described(name, doc string) string { return cobra.CompletionWithDesc(name, doc) }

func homes() []entry {
	return slices.DeleteFunc(datasetsOf(), func(e entry) bool { return !strings.HasPrefix(e.Name, "home:") })
}

// ids completes the ID of a plug-in: its name, after ":" and "," a parameter, after
// "=" a value, and after "+" the next stage of a chain. all says whether the word "all"
// may stand for every one.
func ids(of func() []entry, all bool) values {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		es := of()
		before, stage := "", typed
		if at := strings.LastIndexByte(typed, '+'); at >= 0 {
			before, stage = typed[:at+1], typed[at+1:]
		}
		name, settings, has := strings.Cut(stage, ":")
		if !has {
			var list []string
			if all && before == "" {
				list = append(list, described("all", "every one there is"))
			}
			for _, e := range es {
				list = append(list, described(before+e.Name, e.Doc))
				for _, a := range e.Aliases {
					list = append(list, described(before+a.Name, a.Doc))
				}
			}
			return begin(list, typed), cobra.ShellCompDirectiveNoFileComp
		}

		// Of a name's settings the last is being typed.
		i := slices.IndexFunc(es, func(e entry) bool { return e.called(name) })
		if i < 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		done := typed[:len(typed)-len(settings)]
		if at := strings.LastIndexByte(settings, ','); at >= 0 {
			done += settings[:at+1]
		}
		return begin(settingsOf(es[i], done, typed[len(done):]), typed), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}

// settingsOf are the parameters of an entry that are not yet in done, or the values of
// the one that is being typed.
func settingsOf(e entry, done, typed string) []string {
	key, _, valued := strings.Cut(typed, "=")
	var list []string
	for _, p := range e.Params {
		switch {
		case !valued && !strings.Contains(done, p.Key+"="):
			list = append(list, described(done+p.Key+"=", p.Doc+" ("+p.Default+")"))
		case valued && p.Key == key && !strings.Contains(p.Values, " to "):
			for v := range strings.SplitSeq(p.Values, " or ") {
				list = append(list, done+key+"="+v)
			}
		}
	}
	return list
}

// dataIDs completes data sets: names of generated and published data, and after "=" a
// path.
func dataIDs(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	if name, path, ok := strings.Cut(typed, "="); ok && !strings.Contains(name, ":") {
		return paths(name+"=", path, func(string, bool) bool { return true })
	}
	var list []string
	for _, e := range datasetsOf() {
		name := e.Name
		if e.Use != "" && !slices.Contains(published.Names(), name) {
			name += "=" // says nothing without a path
		}
		list = append(list, described(name, e.Doc))
	}
	return begin(list, typed), cobra.ShellCompDirectiveNoSpace
}

// paths lists what begins as typed and suits: files, and folders with a slash, for
// there may be more in them.
func paths(before, typed string, suits func(path string, dir bool) bool) ([]string, cobra.ShellCompDirective) {
	found, _ := filepath.Glob(escapeGlob(typed) + "*") // the pattern has no mistake
	var out []string
	for _, f := range found {
		info, err := os.Stat(f)
		if err != nil || !suits(f, info.IsDir()) {
			continue
		}
		if info.IsDir() {
			f += string(filepath.Separator)
		}
		out = append(out, before+f)
	}
	return out, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

// escapeGlob keeps signs of a name from being a pattern.
func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(s)
}

// runFolders completes the folders of runs, and folders that hold some; all folders
// where there are none.
func runFolders(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	list, how := paths("", typed, func(path string, dir bool) bool {
		if !dir {
			return false
		}
		if isRun(path) {
			return true
		}
		inside, err := os.ReadDir(path)
		return err == nil && slices.ContainsFunc(inside, func(e os.DirEntry) bool { return e.IsDir() && isRun(filepath.Join(path, e.Name())) })
	})
	if len(list) == 0 {
		return folders(nil, nil, typed)
	}
	return list, how
}

// isRun says whether a folder holds what a run leaves.
func isRun(path string) bool {
	_, err := results.ReadManifest(path)
	return err == nil
}

func folders(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// files completes files with one of the endings, any without one.
func files(endings ...string) values {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		if len(endings) == 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return endings, cobra.ShellCompDirectiveFilterFileExt
	}
}

// first completes the first argument alone, firstThen the others by another list.
func first(f values) values { return firstThen(f, nil) }

func firstThen(f, rest values) values {
	return func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		switch {
		case len(args) == 0:
			return f(c, args, typed)
		case rest != nil:
			return rest(c, args, typed)
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

// joined completes what f knows, and where nothing of it begins as typed by g.
func joined(f, g values) values {
	return func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if list, how := f(c, args, typed); len(list) > 0 {
			return list, how &^ cobra.ShellCompDirectiveNoFileComp
		}
		return g(c, args, typed)
	}
}

func catalogNames() []string {
	all, err := published.Sources()
	if err != nil {
		return nil // a damaged list of checksums: "datasets list" says so
	}
	var out []string
	for _, s := range all {
		out = append(out, described(s.Name, s.Title))
	}
	return out
}

func tableNames() []string {
	out := []string{"all"}
	for _, k := range tables.All() {
		out = append(out, described(k.Name, k.Doc))
	}
	return out
}

func figureNames() []string {
	var out []string
	for _, k := range figures.All() {
		out = append(out, described(k.Name, k.Doc))
	}
	return out
}

func metricNames() []string {
	var out []string
	for _, m := range results.Metrics() {
		out = append(out, described(m.Name, m.Label))
	}
	return out
}
