package main_test

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/restreamd/restreamd/"

// room is what a package may import: ours, and whose else. A parent package never imports its children; data flows
// one way. golang.org/x is the standard library's annex and goes anywhere.
type room struct{ ours, others []string }

var (
	rtmp  = []string{"github.com/bluenviron/gortmplib", "github.com/bluenviron/mediacommon"}
	zap   = "go.uber.org/zap"
	yaml  = "go.yaml.in/yaml"
	minio = "github.com/minio/minio-go/v7"
	rooms = map[string]room{
		"relay":           {},
		"relay/flv":       {ours: []string{"relay"}},
		"relay/secret":    {},
		"relay/process":   {},
		"relay/ffmpeg":    {ours: []string{"relay/secret", "relay/process"}, others: []string{"github.com/u2takey/ffmpeg-go"}},
		"relay/naming":    {},
		"relay/config":    {ours: []string{"relay/naming", "relay/secret", "relay/push"}, others: []string{"github.com/fsnotify/fsnotify", yaml}},
		"relay/push":      {ours: []string{"relay/ffmpeg", "relay/secret"}, others: []string{yaml}}, // its table of platforms
		"relay/rendition": {ours: []string{"relay/ffmpeg", "relay/secret"}},
		"relay/hls":       {ours: []string{"relay/ffmpeg", "relay/secret"}, others: rtmp[1:]},      // to look into segments
		"relay/thumbnail": {ours: []string{"relay", "relay/flv", "relay/ffmpeg", "relay/process"}}, // on demand: no engine, no output
		"recorder":        {ours: []string{"relay/ffmpeg", "relay/naming", "relay/secret"}},
		"recorder/upload": {ours: []string{"relay/process", "relay/secret"}, others: []string{minio}}, // process: its back-off
		"relay/egress":    {ours: []string{"relay", "relay/flv", "relay/secret"}},
		"relay/hold":      {ours: []string{"relay", "relay/flv", "relay/secret"}},
		"relay/output":    {ours: []string{"relay", "relay/flv", "relay/ffmpeg", "relay/process", "relay/secret"}, others: []string{zap}},
		"relay/httpflv":   {ours: []string{"relay", "relay/flv"}},
		"ingest":          {ours: []string{"relay", "relay/flv", "relay/secret"}, others: append([]string{zap, "github.com/golang-jwt/jwt", "github.com/MicahParks/keyfunc", "github.com/caddyserver/certmagic"}, rtmp...)},
		"relay/httpapi":   {ours: []string{"relay/output", "relay", "relay/hls", "relay/secret"}, others: []string{zap, "github.com/prometheus/client_golang"}},
		"relay/relaytest": {ours: []string{"relay", "relay/flv", "relay/secret"}, others: rtmp},
		"scripts/demo":    {ours: []string{"relay/relaytest"}},
		"cmd/restreamd":   {ours: []string{"*"}, others: []string{zap, "github.com/urfave/cli/v2"}},
	}
	// Some things may stand in one place only.
	onlyIn = map[string][]string{
		"os/exec":                      {"relay/process", "relay/relaytest", "scripts/demo"},
		"github.com/u2takey/ffmpeg-go": {"relay/ffmpeg"},
		minio:                          {"recorder/upload"},
	}
)

// source is one Go file that is not a test.
type source struct {
	name, dir string
	file      *ast.File
	fset      *token.FileSet
}

func sources(t *testing.T) []source {
	t.Helper()
	root := "../.."
	var all []source
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		all = append(all, source{name: rel, dir: path.Dir(filepath.ToSlash(rel)), file: f, fset: fset})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Fatalf("only %d Go files found: looked in the wrong place?", len(all))
	}
	return all
}

func TestWhoImportsWhom(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		r, known := rooms[s.dir]
		if !known {
			t.Errorf("%s: a new package: say in this test what it may import, and why", s.name)
			continue
		}
		for _, spec := range s.file.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			if places, restricted := onlyIn[imported]; restricted && !slices.Contains(places, s.dir) {
				t.Errorf("%s imports %s, which belongs to %v", s.name, imported, places)
			}
			if !mayImport(r, imported) {
				t.Errorf("%s may not import %s: media and knowledge flow one way", s.name, imported)
			}
		}
	}
}

func mayImport(r room, imported string) bool {
	if ours, found := strings.CutPrefix(imported, module); found {
		return slices.Contains(r.ours, "*") || slices.Contains(r.ours, ours)
	}
	first, _, _ := strings.Cut(imported, "/")
	if !strings.Contains(first, ".") || first == "golang.org" {
		return true
	}
	return slices.ContainsFunc(r.others, func(allowed string) bool {
		return imported == allowed || strings.HasPrefix(imported, allowed+"/")
	})
}

// Code people are not afraid of: small files, functions and structs, and nothing that runs before main.
func TestSizeHabits(t *testing.T) {
	t.Parallel()
	const maxFile, maxFunc, maxFields, maxMethods = 400, 60, 14, 3
	sections := []string{"Contract"} // of configuration: a setting is a field
	for _, s := range sources(t) {
		if n := lines(t, filepath.Join("../..", s.name)); n > maxFile {
			t.Errorf("%s has %d lines, at most %d: does one type live here?", s.name, n, maxFile)
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			at := func(n ast.Node) token.Position { return s.fset.Position(n.Pos()) }
			switch n := n.(type) {
			case *ast.FuncDecl:
				length := s.fset.Position(n.End()).Line - at(n).Line + 1
				if length > maxFunc {
					t.Errorf("%s: %s has %d lines, at most %d", at(n), n.Name.Name, length, maxFunc)
				}
				if n.Name.Name == "init" && n.Recv == nil {
					t.Errorf("%s: init(): say it where it happens", at(n))
				}
			case *ast.TypeSpec:
				if shape, ok := n.Type.(*ast.StructType); ok && shape.Fields.NumFields() > maxFields && !slices.Contains(sections, n.Name.Name) {
					t.Errorf("%s: a struct of %d fields, about %d at most", at(n), shape.Fields.NumFields(), maxFields)
				}
			case *ast.InterfaceType:
				if methods := n.Methods.NumFields(); methods > maxMethods {
					t.Errorf("%s: an interface of %d methods, at most %d", at(n), methods, maxMethods)
				}
			}
			return true
		})
		for _, name := range []string{"utils", "common", "types", "defs", "helpers"} {
			if path.Base(s.dir) == name {
				t.Errorf("%s: a package named %s says nothing", s.name, name)
			}
		}
	}
}

func lines(t *testing.T, name string) int {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for sc := bufio.NewScanner(f); sc.Scan(); {
		n++
	}
	return n
}

// Every package says what it owns.
func TestPackageComments(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	for _, s := range sources(t) {
		said[s.dir] = said[s.dir] || s.file.Doc.Text() != ""
	}
	for dir, ok := range said {
		if !ok {
			t.Errorf("%s has no package comment", dir)
		}
	}
}
