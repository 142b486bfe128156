// Package house holds the source of the project to its own rules: which way
// imports point, how large things grow, what is exported and what is said about
// it. Each rule is a function from sources to findings, so that
// TestRulesFindWhatTheyForbid can show every rule a violation.
//
// What the rules are for is in reports/docs/architecture.md.
package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// top is the top of the repository as seen from this folder.
const top = "../.."

// module is the path that all packages of the project begin with.
const module = "veilbench/"

// layers are the top folders from left to right: data flows to the right,
// imports point only to the left. The program sees everything.
var layers = []string{"datasets", "defenses", "attacks", "bench", "reports"}

// source is one parsed Go file.
type source struct {
	path string // slash-separated, from the top
	text string
	file *ast.File
	fset *token.FileSet
}

func (s source) dir() string          { return path.Dir(s.path) }
func (s source) test() bool           { return strings.HasSuffix(s.path, "_test.go") }
func (s source) line(p token.Pos) int { return s.fset.Position(p).Line }

// imports lists the packages of the project that s imports, without the
// module's path.
func (s source) imports() []string {
	var out []string
	for _, i := range s.file.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		if rel, ours := strings.CutPrefix(p, module); ours {
			out = append(out, rel)
		}
	}
	return out
}

// parse makes a source of a text.
func parse(t *testing.T, name, text string) source {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return source{name, text, f, fset}
}

// project reads every Go file of the five folders.
func project(t *testing.T) []source {
	t.Helper()
	var out []source
	for _, l := range layers {
		err := filepath.WalkDir(filepath.Join(top, l), func(p string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(p, ".go") || strings.Contains(filepath.ToSlash(p), "/testdata/") {
				return err
			}
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			rel, _ := filepath.Rel(top, p)
			out = append(out, parse(t, filepath.ToSlash(rel), string(b)))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestHouse(t *testing.T) {
	all := project(t)
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			for _, f := range r.check(all) {
				t.Error(f)
			}
		})
	}
}

// byPackage groups sources that are no tests by folder, folders in order.
func byPackage(all []source) (dirs []string, of map[string][]source) {
	of = map[string][]source{}
	for _, s := range all {
		if !s.test() {
			of[s.dir()] = append(of[s.dir()], s)
		}
	}
	return slices.Sorted(maps.Keys(of)), of
}

// walkFuncs calls f with every function that has a body.
func (s source) walkFuncs(f func(*ast.FuncDecl)) {
	for _, d := range s.file.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
			f(fn)
		}
	}
}
