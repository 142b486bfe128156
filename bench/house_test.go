package bench

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// root is the top of the repository as seen from this package.
const root = ".."

// layers are the packages from left to right: data flows to the right, imports
// point only to the left. bench/cli and bench/cmd see everything.
var layers = []string{"datasets", "defenses", "attacks", "bench", "reports"}

// sourceFile is one parsed Go file of the module.
type sourceFile struct {
	path string // slash-separated, from the top
	file *ast.File
	fset *token.FileSet
}

func sources(t *testing.T) []sourceFile {
	t.Helper()
	var out []sourceFile
	for _, l := range layers {
		err := filepath.WalkDir(filepath.Join(root, l), func(p string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(p, ".go") || strings.Contains(filepath.ToSlash(p), "/testdata/") {
				return err
			}
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, p, nil, parser.ParseComments)
			rel, _ := filepath.Rel(root, p)
			out = append(out, sourceFile{filepath.ToSlash(rel), f, fset})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func layerOf(path string) int {
	if strings.HasPrefix(path, "bench/cli/") || strings.HasPrefix(path, "bench/cmd/") {
		return len(layers)
	}
	for i, l := range layers {
		if path == l || strings.HasPrefix(path, l+"/") {
			return i
		}
	}
	return -1
}

func TestImportsPointLeft(t *testing.T) {
	for _, s := range sources(t) {
		from := layerOf(s.path)
		for _, imp := range s.file.Imports {
			to, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			rel, ours := strings.CutPrefix(to, "veilbench/")
			if !ours {
				continue
			}
			switch i := layerOf(rel + "/"); {
			case i > from:
				t.Errorf("%s imports %s: data flows from left to right (%s), imports only back", s.path, to, strings.Join(layers, ", "))
			case strings.HasPrefix(s.path, "attacks/") && strings.HasPrefix(rel, "defenses"):
				t.Errorf("%s imports %s: an attack that knows a defense's type would cheat", s.path, to)
			case strings.HasPrefix(s.path, "reports/") && !strings.HasSuffix(s.path, "_test.go") &&
				(strings.HasPrefix(rel, "defenses") || strings.HasPrefix(rel, "attacks")):
				t.Errorf("%s imports %s: reports are drawn from stored results alone", s.path, to)
			}
		}
	}
}

func TestForbiddenImports(t *testing.T) {
	instead := map[string]string{
		"math/rand":                       "math/rand/v2 with a generator that is passed in",
		"github.com/google/gopacket/pcap": "pcapgo, which needs no C library",
		"golang.org/x/exp/rand":           "math/rand/v2",
	}
	for _, s := range sources(t) {
		for _, imp := range s.file.Imports {
			p, _ := strconv.Unquote(imp.Path.Value)
			if use, bad := instead[p]; bad {
				t.Errorf("%s imports %s: use %s", s.path, p, use)
			}
		}
	}
}

func TestNoInit(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s has func init: put values in a list that main hands over", s.path)
			}
		}
	}
}

func TestExportsAreDocumented(t *testing.T) {
	for _, s := range sources(t) {
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		for _, name := range undocumented(s.file) {
			t.Errorf("%s: %s has no comment", s.path, name)
		}
	}
}

// undocumented lists exported names of f that have no comment of their own.
// Names in a const or var block may share the block's comment.
func undocumented(f *ast.File) []string {
	var out []string
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
				out = append(out, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, sp := range d.Specs {
				switch sp := sp.(type) {
				case *ast.TypeSpec:
					if sp.Name.IsExported() && d.Doc == nil && sp.Doc == nil {
						out = append(out, sp.Name.Name)
					}
				case *ast.ValueSpec:
					for _, n := range sp.Names {
						if n.IsExported() && d.Doc == nil && sp.Doc == nil && sp.Comment == nil {
							out = append(out, n.Name)
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

// Budgets of size: what a reader can take in.
const (
	maxFileLines = 600
	maxFuncLines = 100
)

func TestSizesStayReadable(t *testing.T) {
	for _, s := range sources(t) {
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		if n := s.fset.Position(s.file.End()).Line; n > maxFileLines {
			t.Errorf("%s has %d lines, more than %d: split it by concept", s.path, n, maxFileLines)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line; n > maxFuncLines {
				t.Errorf("%s: %s has %d lines, more than %d", s.path, f.Name.Name, n, maxFuncLines)
			}
		}
	}
}
