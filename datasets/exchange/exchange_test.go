package exchange

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/datatest"
)

// request is a request of 100 bytes at 0 and its answer of 1400, 2.5 ms later.
func request() Item {
	return Item{ID: "i1", Class: "lamp/on", Label: 3, Trace: datasets.Trace{
		End:   time.Second,
		Flows: []datasets.Flow{{Proto: 6, Host: "lamp.example"}},
		Packets: []datasets.Packet{
			{Size: 154, Payload: 100, Dir: datasets.Up},
			{Time: 2500 * time.Microsecond, Size: 1454, Payload: 1400, Dir: datasets.Down},
		},
	}, Owners: []string{"lamp", "lamp"}}
}

func TestTextFormats(t *testing.T) {
	for _, c := range []struct {
		name  string
		write func(io.Writer) error
		want  string
	}{
		{"cells", func(w io.Writer) error { return WriteCells(w, request().Trace) }, "0.000000000\t140\n0.002500000\t-1440\n"},
		{"maybenot", func(w io.Writer) error { return WriteMaybenot(w, request().Trace) }, "0,s\n2500000,r\n"},
		{"ndjson", func(w io.Writer) error { return WriteJSON(w, request()) }, `{"item":"i1","class":"lamp/on","end_s":1,"flows":[{"Proto":6,"Local":"","Remote":"","Host":"lamp.example","Link":[0,0,0,0,0,0],"LAN":false}],` +
			`"time_ns":[0,2500000],"size":[140,-1440],"payload":[100,1400],"flow":[0,0],"owner":["lamp","lamp"]}` + "\n"},
		{"csv", func(w io.Writer) error {
			c := csv.NewWriter(w)
			defer c.Flush()
			return WriteCSV(c, request())
		}, "i1,0,0.000000000,140,100,0,6,,,lamp.example,lamp\ni1,1,0.002500000,-1440,1400,0,6,,,lamp.example,lamp\n"},
	} {
		var b strings.Builder
		if err := c.write(&b); err != nil || b.String() != c.want {
			t.Errorf("%s: %v\n%swant\n%s", c.name, err, &b, c.want)
		}
	}
}

// member is a plain reading of a member of an .npz file: its header and its bytes.
func member(t *testing.T, file []byte, name string) (header string, data []byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open(name + ".npy")
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	n := 10 + int(binary.LittleEndian.Uint16(b[8:]))
	if string(b[:8]) != "\x93NUMPY\x01\x00" || n%64 != 0 || b[n-1] != '\n' {
		t.Fatalf("%s: header %q", name, b[:n])
	}
	return strings.TrimRight(string(b[10:n]), " \n"), b[n:]
}

func floats(b []byte) []float32 {
	var out []float32
	for ; len(b) >= 4; b = b[4:] {
		out = append(out, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return out
}

// Shorter traces end in zeros, longer ones are cut, and time 0 keeps its sign.
func TestTensor(t *testing.T) {
	short := request()
	short.Packets = short.Packets[1:]
	short.ID, short.Label = "i2é", 0
	for _, c := range []struct {
		kind   Kind
		length int
		shape  string
		want   []float32
	}{
		{DirectionTime, 0, "(2,2,)", []float32{1e-6, -0.0025, -0.0025, 0}},
		{Direction, 3, "(2,3,)", []float32{1, -1, 0, -1, 0, 0}},
		{Size, 1, "(2,1,)", []float32{140, -1440}},
		{TimeSize, 2, "(2,2,2,)", []float32{1e-6, 140, 0.0025, -1440, 0.0025, -1440, 0, 0}},
	} {
		x := Tensor{Kind: c.kind, Length: c.length}
		x.Add(request())
		x.Add(short)
		var b, again bytes.Buffer
		if err := x.Write(&b); err != nil {
			t.Fatal(err)
		}
		head, data := member(t, b.Bytes(), "X")
		if want := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': %s, }", c.shape); head != want || !slices.Equal(floats(data), c.want) {
			t.Errorf("%s: %s %v, want %s %v", c.kind, head, floats(data), want, c.want)
		}
		if head, data := member(t, b.Bytes(), "y"); !strings.Contains(head, "'<i8'") || !bytes.Equal(data, []byte{3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}) {
			t.Errorf("y: %s %v", head, data)
		}
		if head, data := member(t, b.Bytes(), "item"); !strings.Contains(head, "'<U3'") || len(data) != 24 || data[20] != 0xe9 {
			t.Errorf("item: %s %v", head, data)
		}
		if err := x.Write(&again); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Errorf("written twice: %v, other bytes", err)
		}
	}
}

// NumPy reads what is written, where there is one.
func TestNumPyReadsIt(t *testing.T) {
	python := datatest.PythonWith(t, "numpy")
	file := filepath.Join(t.TempDir(), "x.npz")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	x := Tensor{Kind: Size}
	x.Add(request())
	if err := x.Write(f); err != nil {
		t.Fatal(err)
	}
	f.Close()
	out, err := exec.Command(python, "-c", "import numpy as n, sys; d = n.load(sys.argv[1]); print(d['X'].tolist(), d['X'].dtype, d['y'].tolist(), d['item'].tolist())", file).CombinedOutput()
	if want := "[[140.0, -1440.0]] float32 [3] ['i1']\n"; err != nil || string(out) != want {
		t.Errorf("%v: %swant %s", err, out, want)
	}
}

func TestVectors(t *testing.T) {
	v := Vectors{Names: []string{"bytes", "packets"}}
	if err := v.Add("i1", "lamp/on", 3, []float32{0.5, 2}); err != nil {
		t.Fatal(err)
	}
	if err := v.Add("i1", "other", -1, []float32{1}); err == nil {
		t.Error("a vector of another length was taken")
	}
	for f, want := range map[Format]string{
		CSV:    "item,class,bytes,packets\ni1,lamp/on,0.5,2\n",
		NDJSON: `{"item":"i1","class":"lamp/on","features":[0.5,2]}` + "\n",
	} {
		var b strings.Builder
		if err := v.Write(&b, f); err != nil || b.String() != want {
			t.Errorf("%s: %v %s", f, err, &b)
		}
	}
	var b bytes.Buffer
	if err := v.Write(&b, Npz); err != nil {
		t.Fatal(err)
	}
	if _, data := member(t, b.Bytes(), "X"); !slices.Equal(floats(data), []float32{0.5, 2}) {
		t.Errorf("X: %v", floats(data))
	}
	if err := v.Write(&b, Cells); err == nil {
		t.Error("vectors as cells")
	}
}
