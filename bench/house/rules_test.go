package house

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"veilbench/bench/results"
)

// rule is one rule of the house: what it finds in sources, "" for nothing.
type rule struct {
	name  string
	check func([]source) []string
}

func rules() []rule {
	return []rule{
		{"imports point left", importsPointLeft},
		{"reports see results alone", reportsSeeResults},
		{"some know little", knowLittle},
		{"families do not see each other", familiesApart},
		{"forbidden imports", forbiddenImports},
		{"no init", noInit},
		{"no mutable package state", noState},
		{"packages are no halls", packageSizes},
		{"files and functions stay readable", fileSizes},
		{"long functions say why", longFunctions},
		{"packages say what they are", packageComments},
		{"exports are documented", documented},
		{"exports are used", exportsUsed},
		{"metrics are spelled once", metricNames},
		{"contracts have examples", examples},
	}
}

// layerOf is the place of a path in layers; the program stands behind the last.
func layerOf(p string) int {
	if strings.HasPrefix(p, "bench/cli/") || strings.HasPrefix(p, "bench/cmd/") || strings.HasPrefix(p, "bench/house/") {
		return len(layers)
	}
	for i, l := range layers {
		if p == l || strings.HasPrefix(p, l+"/") {
			return i
		}
	}
	return -1
}

func importsPointLeft(all []source) []string {
	var out []string
	for _, s := range all {
		for _, to := range s.imports() {
			switch from := layerOf(s.path); {
			case layerOf(to+"/") > from:
				out = append(out, fmt.Sprintf("%s imports %s: data flows from left to right (%s), imports only back", s.path, to, strings.Join(layers, ", ")))
			case strings.HasPrefix(s.path, "attacks/") && strings.HasPrefix(to, "defenses"):
				out = append(out, fmt.Sprintf("%s imports %s: an attack that knows a defense's type would cheat", s.path, to))
			}
		}
	}
	return out
}

// reportsMaySee are what package reports and those below it import outside of
// reports; the first must not drag in others by themselves.
func reportsMaySee() []string {
	return []string{"bench/results", "bench/pack", "bench/stats", "datasets", "datasets/params", "datasets/atomicfile", "datasets/parallel", "datasets/cite", "datasets/privacy"}
}

func reportsSeeResults(all []source) []string {
	// What the allowed packages import is checked as well: a generator behind a
	// helper would be in the reports all the same.
	imports := map[string][]string{}
	for _, s := range all {
		if !s.test() {
			imports[s.dir()] = append(imports[s.dir()], s.imports()...)
		}
	}
	var out []string
	for _, dir := range sortedKeys(imports) {
		if !strings.HasPrefix(dir+"/", "reports/") && !slices.Contains(reportsMaySee(), dir) {
			continue
		}
		for _, to := range imports[dir] {
			if !strings.HasPrefix(to+"/", "reports/") && !slices.Contains(reportsMaySee(), to) {
				out = append(out, fmt.Sprintf("%s imports %s: reports are drawn from stored results alone", dir, to))
			}
		}
	}
	return out
}

// knowLittle holds packages to what makes them what they are: learners know no
// packet, what writes tables and pictures knows no result.
func knowLittle(all []source) []string {
	may := map[string][]string{
		"attacks/forest": {"datasets/parallel"},
		"attacks/lstm":   {"datasets/parallel"},
		"attacks/match":  {"datasets"},
		"bench/stats":    {},
		"reports/table":  {},
		"reports/figure": {"reports/fontsubset", "reports/table"},
	}
	var out []string
	for _, s := range all {
		allowed, bound := may[s.dir()]
		for _, to := range s.imports() {
			if bound && !s.test() && !slices.Contains(allowed, to) {
				out = append(out, fmt.Sprintf("%s imports %s: want %q at most", s.path, to, allowed))
			}
		}
	}
	return out
}

// sharedBy are the packages below defenses and attacks that are no family: what
// families share, the kits, the lists of all, and what the lists are made for.
func sharedBy() []string {
	return []string{
		"defenses/shaping", "defenses/maybenot", "defenses/contract", "defenses/defensetest", "defenses/builtin",
		"attacks/bursts", "attacks/match", "attacks/diary", "attacks/features", "attacks/forest", "attacks/hmm", "attacks/lstm", "attacks/sigfile", "attacks/contract", "attacks/attacktest", "attacks/builtin",
	}
}

// family is the plug-in family that a path lies in, "" for none.
func family(p string) string {
	parts := strings.Split(p, "/")
	if len(parts) < 2 || parts[0] != "defenses" && parts[0] != "attacks" {
		return ""
	}
	f := parts[0] + "/" + parts[1]
	if slices.Contains(sharedBy(), f) {
		return ""
	}
	return f
}

func familiesApart(all []source) []string {
	var out []string
	for _, s := range all {
		f := family(s.dir())
		if s.test() {
			continue
		}
		for _, to := range s.imports() {
			switch other := family(to); {
			case f != "" && other != "" && other != f:
				out = append(out, fmt.Sprintf("%s imports %s: what two families share has a package of its own", s.path, to))
			case f != "" && strings.HasSuffix(to, "/builtin"):
				out = append(out, fmt.Sprintf("%s imports %s: a plug-in does not know the list of all", s.path, to))
			case f == "" && other != "" && strings.HasPrefix(other, strings.Split(s.path, "/")[0]+"/") && !strings.HasPrefix(s.path, "attacks/builtin/") && !strings.HasPrefix(s.path, "defenses/builtin/"):
				out = append(out, fmt.Sprintf("%s imports %s: contract and shared helpers know no plug-in", s.path, to))
			}
		}
	}
	return out
}

func forbiddenImports(all []source) []string {
	instead := map[string]string{
		"math/rand":                       "math/rand/v2 with a generator that is passed in",
		"github.com/google/gopacket/pcap": "pcapgo, which needs no C library",
		"golang.org/x/exp/rand":           "math/rand/v2",
	}
	var out []string
	for _, s := range all {
		for _, imp := range s.file.Imports {
			p, _ := strconv.Unquote(imp.Path.Value)
			if use, bad := instead[p]; bad {
				out = append(out, fmt.Sprintf("%s imports %s: use %s", s.path, p, use))
			}
		}
	}
	return out
}

func noInit(all []source) []string {
	var out []string
	for _, s := range all {
		s.walkFuncs(func(f *ast.FuncDecl) {
			if f.Recv == nil && f.Name.Name == "init" {
				out = append(out, s.path+" has func init: put values in a list that main hands over")
			}
		})
	}
	return out
}

// noState finds package variables that something assigns to. Values that are
// never changed (errors, embedded files, kinds of tables) are none.
func noState(all []source) []string {
	var out []string
	dirs, of := byPackage(all)
	for _, dir := range dirs {
		vars := map[string]bool{}
		for _, s := range of[dir] {
			for _, d := range s.file.Decls {
				if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
					for _, sp := range g.Specs {
						for _, n := range sp.(*ast.ValueSpec).Names {
							vars[n.Name] = true
						}
					}
				}
			}
		}
		for _, s := range of[dir] {
			ast.Inspect(s.file, func(n ast.Node) bool {
				var changed []ast.Expr
				switch n := n.(type) {
				case *ast.AssignStmt:
					if n.Tok != token.DEFINE {
						changed = n.Lhs
					}
				case *ast.IncDecStmt:
					changed = []ast.Expr{n.X}
				}
				for _, e := range changed {
					if id := rootOf(e); id != nil && id.Name != "_" && vars[id.Name] && s.isPackageVar(id) {
						out = append(out, fmt.Sprintf("%s:%d changes the package variable %s: state is passed along", s.path, s.line(e.Pos()), id.Name))
					}
				}
				return true
			})
		}
	}
	return out
}

// rootOf is the name that an expression such as a.b[i] begins with, nil for
// others.
func rootOf(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// isPackageVar says whether a name of s is declared by no function. The parser
// resolves names of a function and of the same file, and no others.
func (s source) isPackageVar(id *ast.Ident) bool {
	return id.Obj == nil || s.file.Scope.Lookup(id.Name) == id.Obj
}

// maxFiles, maxFileLines, maxFuncLines and whyLines are what a reader can take
// in: files of a package, lines of a file and of a function, and the lines from
// which on a function must say why in a comment.
const (
	maxFiles     = 15
	maxFileLines = 500
	maxFuncLines = 100
	whyLines     = 20
)

func packageSizes(all []source) []string {
	var out []string
	dirs, of := byPackage(all)
	for _, d := range dirs {
		if n := len(of[d]); n > maxFiles {
			out = append(out, fmt.Sprintf("%s has %d files, more than %d: cut it by ideas", d, n, maxFiles))
		}
	}
	return out
}

func fileSizes(all []source) []string {
	var out []string
	for _, s := range all {
		if s.test() {
			continue
		}
		if n := s.line(s.file.FileEnd - 1); n > maxFileLines {
			out = append(out, fmt.Sprintf("%s has %d lines, more than %d: split it by concept", s.path, n, maxFileLines))
		}
		s.walkFuncs(func(f *ast.FuncDecl) {
			if n := s.line(f.End()) - s.line(f.Pos()); n > maxFuncLines {
				out = append(out, fmt.Sprintf("%s: %s has %d lines, more than %d", s.path, f.Name.Name, n, maxFuncLines))
			}
		})
	}
	return out
}

func longFunctions(all []source) []string {
	var out []string
	for _, s := range all {
		if s.test() {
			continue
		}
		s.walkFuncs(func(f *ast.FuncDecl) {
			// A list that is returned has no steps.
			if len(f.Body.List) == 1 || s.line(f.Body.Rbrace)-s.line(f.Body.Lbrace)-1 < whyLines {
				return
			}
			for _, c := range s.file.Comments {
				if c.Pos() > f.Body.Lbrace && c.End() < f.Body.Rbrace {
					return
				}
			}
			out = append(out, fmt.Sprintf("%s: %s has %d lines or more and not one comment inside: say why at the step that is not plain", s.path, f.Name.Name, whyLines))
		})
	}
	return out
}

func packageComments(all []source) []string {
	var out []string
	dirs, of := byPackage(all)
	for _, d := range dirs {
		n := 0
		for _, s := range of[d] {
			if s.file.Doc != nil {
				n++
			}
		}
		if n != 1 {
			out = append(out, fmt.Sprintf("%s has %d package comments, want one, in the file to read first", d, n))
		}
	}
	return out
}

// fewestWords is how many words say something about a name, itself included:
// "Apply hides." says nothing.
const fewestWords = 4

func documented(all []source) []string {
	var out []string
	for _, s := range all {
		if s.test() {
			continue
		}
		for _, e := range exports(s.file) {
			switch {
			case e.doc == "":
				out = append(out, fmt.Sprintf("%s: %s has no comment", s.path, e.name))
			case !e.shared && len(strings.Fields(e.doc)) < fewestWords:
				out = append(out, fmt.Sprintf("%s: %q only repeats the name %s", s.path, strings.TrimSpace(e.doc), e.name))
			}
		}
	}
	return out
}

// export is an exported name of a file with what is said about it. shared
// comments are those of a block of constants or variables.
type export struct {
	name, doc string
	shared    bool
	top       bool      // no method
	block     token.Pos // of constants or variables that are declared together
}

func exports(f *ast.File) []export {
	var out []export
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && exportedReceiver(d) {
				out = append(out, export{name: d.Name.Name, doc: d.Doc.Text(), top: d.Recv == nil})
			}
		case *ast.GenDecl:
			for _, sp := range d.Specs {
				switch sp := sp.(type) {
				case *ast.TypeSpec:
					if sp.Name.IsExported() {
						out = append(out, export{name: sp.Name.Name, doc: d.Doc.Text() + sp.Doc.Text(), top: true})
					}
				case *ast.ValueSpec:
					for _, n := range sp.Names {
						if n.IsExported() {
							out = append(out, export{n.Name, d.Doc.Text() + sp.Doc.Text() + sp.Comment.Text(), true, true, d.Pos()})
						}
					}
				}
			}
		}
	}
	return out
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return true
	}
	e := d.Recv.List[0].Type
	if s, ok := e.(*ast.StarExpr); ok {
		e = s.X
	}
	id, ok := e.(*ast.Ident)
	return !ok || id.IsExported()
}

// exportsUsed finds exported names that no other package mentions. What is
// there for people who import a package stands in forStrangers.
func exportsUsed(all []source) []string {
	used := map[string]bool{} // "folder.Name"
	for _, s := range all {
		local := map[string]string{} // name in the file -> folder
		for _, imp := range s.file.Imports {
			p, _ := strconv.Unquote(imp.Path.Value)
			if rel, ours := strings.CutPrefix(p, module); ours {
				name := path.Base(rel)
				if imp.Name != nil {
					name = imp.Name.Name
				}
				local[name] = rel
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && local[x.Name] != "" && local[x.Name] != s.dir() && (!s.test() || kit(local[x.Name]) || strings.Contains(local[x.Name], "/internal/")) {
					used[local[x.Name]+"."+sel.Sel.Name] = true
				}
			}
			return true
		})
	}
	var out []string
	dirs, of := byPackage(all)
	for _, dir := range dirs {
		for _, s := range of[dir] {
			// Of values that belong together, one in use is a reason for all.
			inUse := map[token.Pos]bool{}
			for _, e := range exports(s.file) {
				inUse[e.block] = inUse[e.block] || e.block.IsValid() && used[dir+"."+e.name]
			}
			for _, e := range exports(s.file) {
				if n := dir + "." + e.name; e.top && !used[n] && !inUse[e.block] && !forStrangers(n) && !mentioned(of[dir], e.name) {
					out = append(out, n+" is exported and used by nobody outside")
				}
			}
		}
	}
	return out
}

// kit says whether a package is there for tests.
func kit(dir string) bool { return strings.HasSuffix(dir, "test") }

// mentioned says whether an exported declaration of the package needs a type:
// whoever has a value of it needs the name to read about.
func mentioned(files []source, name string) bool {
	found := false
	look := func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == name {
			found = true
		}
		return true
	}
	for _, s := range files {
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && exportedReceiver(d) {
					ast.Inspect(d.Type, look)
				}
			case *ast.GenDecl:
				for _, sp := range d.Specs {
					if ts, ok := sp.(*ast.TypeSpec); ok && ts.Name.IsExported() && ts.Name.Name != name {
						ast.Inspect(ts.Type, look)
					}
				}
			}
		}
	}
	return found
}

func metricNames(all []source) []string {
	names := map[string]bool{}
	for _, m := range results.Metrics() {
		// A plain word such as "recall" is also a word of the language.
		if strings.Contains(m.Name, "_") || m.Name == results.F1 {
			names[m.Name] = true
		}
	}
	var out []string
	for _, s := range all {
		if s.test() || kit(s.dir()) || s.path == "bench/results/metric.go" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if f, ok := n.(*ast.Field); ok && f.Tag != nil {
				return false // keys of stored files
			}
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if v, err := strconv.Unquote(l.Value); err == nil && names[v] {
					out = append(out, fmt.Sprintf("%s:%d spells the metric %s: use its constant", s.path, s.line(l.Pos()), v))
				}
			}
			return true
		})
	}
	return out
}

// contracts are the packages that strangers build upon.
func contracts() []string {
	return []string{"datasets", "datasets/capture", "defenses", "attacks", "bench", "reports"}
}

func examples(all []source) []string {
	has := map[string]bool{}
	known := map[string]bool{}
	for _, s := range all {
		known[s.dir()] = true
		s.walkFuncs(func(f *ast.FuncDecl) {
			if s.test() && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Example") {
				has[s.dir()] = true
			}
		})
	}
	var out []string
	for _, c := range contracts() {
		if known[c] && !has[c] {
			out = append(out, c+" has no Example")
		}
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// forStrangers are names that people import and the project itself does not: what
// a program of one's own needs, readers, and kinds to draw one at a time.
func forStrangers(name string) bool {
	return strings.HasPrefix(name, "bench/cli.") || strings.HasPrefix(name, "defenses/maybenot.") || strings.HasPrefix(name, "bench/results.") ||
		strings.HasPrefix(name, "reports/tables.") || strings.HasPrefix(name, "reports/figures.") ||
		slices.Contains([]string{
			"bench.Digest", "bench.LabelShiftProbe", "bench.LeakProbe",
			"datasets/capture.NewReader", "defenses/wireguard.InMemory",
			"datasets/cite.Proceedings", "datasets/cite.Journal", "datasets/cite.Other",
			"reports/figure.PGF",
		}, name)
}
