package process

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"veilbench/datasets/params"
)

// Program is a command and the files that it is made of.
type Program struct {
	// Command is the program and its arguments.
	Command []string `json:"command"`
	// Params are the parameters that were asked for, by key.
	Params map[string]string `json:"params,omitempty"`
	// Files are what stands in the command as a file, or the program itself where
	// nothing does, and what the program named as its further parts.
	Files []File `json:"files"`
}

// File is a file of a program.
type File struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// Outside is what plug-ins are that run as programs of their own. They hold
// themselves to the limits of their Set.
type Outside interface {
	Program() Program
	// Doubt is why the program is taken for not deterministic, "" if it is not. Suspect
	// makes that of somebody who saw it.
	Doubt() string
	Suspect(why string)
}

// Digest is that of all files of p: another build is another plug-in.
func (p Program) Digest() string {
	h := sha256.New()
	for _, f := range p.Files {
		fmt.Fprintln(h, f.SHA256)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// programOf finds the files of a command. An interpreter that is found by PATH is no
// file of the program, as long as another word is one.
func programOf(command []string, set map[string]string) (Program, error) {
	p := Program{Command: command, Params: set}
	if len(command) == 0 || command[0] == "" {
		return p, fmt.Errorf("exec: no command")
	}
	exe, err := exec.LookPath(command[0])
	if err != nil {
		return p, err // which begins with exec:
	}
	for i, w := range command {
		if info, err := os.Stat(w); err == nil && info.Mode().IsRegular() && (i > 0 || strings.ContainsAny(w, `/\`)) {
			if err := p.add(w); err != nil {
				return p, err
			}
		}
	}
	if len(p.Files) == 0 {
		f, err := digestOf(exe)
		f.Name = command[0] // where it lies is of this machine
		p.Files = append(p.Files, f)
		return p, err
	}
	return p, nil
}

// add adds a file to those of p.
func (p *Program) add(name string) error {
	if slices.ContainsFunc(p.Files, func(f File) bool { return f.Name == name }) {
		return nil
	}
	f, err := digestOf(name)
	p.Files = append(p.Files, f)
	return err
}

// digestOf reads a file.
func digestOf(name string) (File, error) {
	f, err := os.Open(name)
	if err != nil {
		return File{Name: name}, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return File{Name: name, SHA256: hex.EncodeToString(h.Sum(nil))}, err
}

// NameOf is a name for a program that did not greet: that of the last word of its
// command, as names are written.
func NameOf(command []string) string {
	name := filepath.Base(command[len(command)-1])
	name = strings.ToLower(strings.TrimSuffix(name, filepath.Ext(name)))
	return params.Program + cmp.Or(strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(name, "-"), "-"), "program")
}

// Params lists parameters by key.
func Params(set map[string]string) []params.Param {
	var out []params.Param
	for _, k := range slices.Sorted(maps.Keys(set)) {
		out = append(out, params.Param{Key: k, Value: set[k], Help: "a parameter of the program"})
	}
	return out
}

// Known takes the ID of a program apart, as a manifest has it.
func Known(id string) (name string, ps []params.Param) {
	name, set, err := params.Split(id)
	if err != nil {
		return id, nil
	}
	for _, kv := range set {
		ps = append(ps, params.Param{Key: kv[0], Value: kv[1]})
	}
	return name, ps
}

// Unasked are ps for labels, which show what differs from the usual: parameters that
// nobody asked for have their values, and those that somebody did have none.
func Unasked(ps []params.Param, p Program) []params.Param {
	out := slices.Clone(ps)
	for i := range out {
		if _, asked := p.Params[out[i].Key]; asked {
			out[i].Value = ""
		}
	}
	return out
}
