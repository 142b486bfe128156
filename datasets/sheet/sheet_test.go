package sheet

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

// wide is s in UTF-16.
func wide(s string, little, mark bool) string {
	if mark {
		s = "\ufeff" + s
	}
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if little {
			b = append(b, byte(u), byte(u>>8))
		} else {
			b = append(b, byte(u>>8), byte(u))
		}
	}
	return string(b)
}

func TestReadsEveryMake(t *testing.T) {
	const plain = "time,device\n1,Küche\n2,b\n"
	for name, text := range map[string]string{
		"plain":              plain,
		"semicolons":         strings.ReplaceAll(plain, ",", ";"),
		"tabs":               strings.ReplaceAll(plain, ",", "\t"),
		"bars":               strings.ReplaceAll(plain, ",", "|"),
		"mark":               "\ufeff" + plain,
		"CRLF":               strings.ReplaceAll(plain, "\n", "\r\n"),
		"CR":                 strings.ReplaceAll(plain, "\n", "\r"),
		"no last line end":   strings.TrimSuffix(plain, "\n"),
		"spaces":             "time , device\n 1, Küche \n2,b\n",
		"quotes":             "\"time\",\"device\"\n1,\"Küche\"\n2,b\n",
		"empty rows":         plain + ",\n,\n\n",
		"little UTF-16":      wide(plain, true, true),
		"big UTF-16":         wide(plain, false, true),
		"UTF-16 by itself":   wide(plain, true, false),
		"big, by itself":     wide(plain, false, false),
		"sep line":           "sep=;\n" + strings.ReplaceAll(plain, ",", ";"),
		"tabs and commas in": "time\tdevice\n1\tKüche\n2\tb\n",
	} {
		got, err := Read(strings.NewReader(text), "l.csv")
		var cells []string
		for _, r := range got.Rows {
			cells = append(cells, strings.Join(r.Cells, "|"))
		}
		if s := fmt.Sprint(cells); err != nil || s != "[time|device 1|Küche 2|b]" {
			t.Errorf("%s: %s %v", name, s, err)
		}
	}
}

func TestRemarksAndLines(t *testing.T) {
	got, err := Read(strings.NewReader("\"# offset: -20s\",,\n#zone: Europe/Berlin;;\n\na;b\n# inside\n\"x\ny\";2\n3;4\n"), "l.csv")
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprint(got.Remarks); s != "[{1 [offset: -20s]} {2 [zone: Europe/Berlin]} {5 [inside]}]" {
		t.Error(s)
	}
	if s := fmt.Sprint(got.Rows); s != "[{4 [a b]} {6 [x\ny 2]} {8 [3 4]}]" {
		t.Error(s)
	}
}

func TestWhatIsNoText(t *testing.T) {
	for text, want := range map[string]string{
		"time,device\n1,K\xfcche\n":  "l.csv:2: not UTF-8; convert the file, such as by: iconv -f latin1 -t utf-8",
		"time,device\n1,a\n2,\x00\n": "l.csv:3: not UTF-8",
		"a,b\n1,\"x\n":               "l.csv: parse error on line 2",
	} {
		if _, err := Read(strings.NewReader(text), "l.csv"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("\ufefftime;device\r\n1,5;a\r\n# zone: x;\r\n")
	f.Add(wide("a\tb\n1\t2\n", true, true))
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Read(strings.NewReader(text), "l.csv")
		if err != nil {
			return
		}
		for _, r := range append(got.Rows, got.Remarks...) {
			for _, c := range r.Cells {
				if !utf8.ValidString(c) || r.Line < 1 {
					t.Fatalf("%d %q", r.Line, c)
				}
			}
		}
	})
}
