package sigfile_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"veilbench/attacks/sigfile"
)

// file is a file of two lines beside the first and the last.
func file(t testing.TB) []byte {
	t.Helper()
	w := sigfile.New("mine")
	w.Line("threshold %v", 0.5)
	w.Line("class %q", "plug/\n\"on\"")
	var b bytes.Buffer
	if err := w.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestAnnotate: notes are added to a file that stays whole, and its attack reads
// what it wrote, without them.
func TestAnnotate(t *testing.T) {
	raw, err := sigfile.Annotate(file(t), sigfile.Note{Key: "vantage", Value: "wan"}, sigfile.Note{Key: "data", Value: "a \"b\"\nc"})
	if err != nil {
		t.Fatal(err)
	}
	h, err := sigfile.ReadHead(raw)
	if err != nil || h.Attack != "mine" || h.Note("vantage") != "wan" || h.Note("data") != "a \"b\"\nc" || h.Note("none") != "" {
		t.Errorf("%+v, %v", h, err)
	}
	var lines []string
	err = sigfile.Read(bytes.NewReader(raw), "mine", func(word, rest string) error {
		lines = append(lines, word+" "+rest)
		return nil
	})
	if want := []string{"threshold 0.5", `class "plug/\n\"on\""`}; err != nil || !slices.Equal(lines, want) {
		t.Errorf("%q, %v, want %q", lines, err, want)
	}
}

// TestErrorsNameTheLine: those of the form, and those of whoever reads a line.
func TestErrorsNameTheLine(t *testing.T) {
	whole := file(t)
	read := func(raw []byte, attack string) error {
		return sigfile.Read(bytes.NewReader(raw), attack, func(word, _ string) error {
			if word == "class" {
				return errors.New("no such class")
			}
			return nil
		})
	}
	for _, c := range []struct {
		raw    []byte
		attack string
		want   string
	}{
		{nil, "mine", `signature file line 1: "": want "veilbench-signatures 2"`},
		{whole[:len(whole)-1], "mine", "signature file line 5: "},
		{bytes.Replace(whole, []byte("0.5"), []byte("0.4"), 1), "mine", "cut short, or somebody changed it"},
		{whole, "other", `signature file line 3: signatures of attack "mine", want those of "other"`},
		{whole, "mine", "signature file line 4: no such class"},
	} {
		if err := read(c.raw, c.attack); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// TestMeets: as many packets, each with a size that both allow.
func TestMeets(t *testing.T) {
	of := func(r ...sigfile.Range) sigfile.Signature { return sigfile.Signature{Packets: r} }
	a := of(sigfile.Range{Lo: 1, Hi: 3}, sigfile.Range{Lo: -5, Hi: -5})
	for _, c := range []struct {
		b    sigfile.Signature
		want bool
	}{
		{a, true},
		{of(sigfile.Range{Lo: 3, Hi: 9}, sigfile.Range{Lo: -9, Hi: -5}), true},
		{of(sigfile.Range{Lo: 4, Hi: 9}, sigfile.Range{Lo: -5, Hi: -5}), false},
		{of(sigfile.Range{Lo: 1, Hi: 3}), false},
	} {
		if a.Meets(c.b) != c.want || c.b.Meets(a) != c.want {
			t.Errorf("%v and %v: want %v", a, c.b, c.want)
		}
	}
}

// FuzzReadHead: whatever is read can be annotated and is read again with the note.
func FuzzReadHead(f *testing.F) {
	f.Add(file(f), "vantage")
	f.Fuzz(func(t *testing.T, raw []byte, value string) {
		h, err := sigfile.ReadHead(raw)
		if err != nil {
			return
		}
		again, err := sigfile.Annotate(raw, sigfile.Note{Key: "added", Value: value})
		if err != nil {
			t.Fatal(err)
		}
		g, err := sigfile.ReadHead(again)
		if err != nil || g.Attack != h.Attack || len(g.Notes) != len(h.Notes)+1 || g.Note("added") != value {
			t.Errorf("%+v with %q added is %+v (%v)", h, value, g, err)
		}
	})
}
