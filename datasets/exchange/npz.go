package exchange

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// array is a NumPy array as a member of an .npz file.
type array struct {
	name  string
	dtype string
	shape []int
	write func(w io.Writer) error
}

// floatArray is an array of float32 with this shape; each of rows fills one element of the
// first axis from its beginning, and what it does not fill is 0. Longer rows are cut.
func floatArray(name string, shape []int, rows [][]float32) array {
	size := 1
	for _, n := range shape[1:] {
		size *= n
	}
	return array{name, "<f4", shape, func(w io.Writer) error {
		buf := make([]byte, 4*size)
		for _, r := range rows {
			clear(buf)
			for i, x := range r[:min(size, len(r))] {
				binary.LittleEndian.PutUint32(buf[4*i:], math.Float32bits(x))
			}
			if _, err := w.Write(buf); err != nil {
				return err
			}
		}
		return nil
	}}
}

// intArray is a vector of int64.
func intArray(name string, v []int) array {
	return array{name, "<i8", []int{len(v)}, func(w io.Writer) error {
		buf := make([]byte, 8)
		for _, x := range v {
			binary.LittleEndian.PutUint64(buf, uint64(int64(x)))
			if _, err := w.Write(buf); err != nil {
				return err
			}
		}
		return nil
	}}
}

// textArray is a vector of Unicode strings, each as wide as the longest, in UTF-32 as NumPy
// has them.
func textArray(name string, v []string) array {
	width := 1
	for _, s := range v {
		width = max(width, utf8.RuneCountInString(s))
	}
	return array{name, fmt.Sprintf("<U%d", width), []int{len(v)}, func(w io.Writer) error {
		buf := make([]byte, 4*width)
		for _, s := range v {
			clear(buf)
			i := 0
			for _, r := range s {
				binary.LittleEndian.PutUint32(buf[4*i:], uint32(r))
				i++
			}
			if _, err := w.Write(buf); err != nil {
				return err
			}
		}
		return nil
	}}
}

// writeNpz writes arrays as numpy.savez_compressed does: a zip file with a member
// NAME.npy each. No time is in it, so equal arrays are equal bytes.
func writeNpz(w io.Writer, arrays ...array) error {
	z := zip.NewWriter(w)
	for _, a := range arrays {
		m, err := z.CreateHeader(&zip.FileHeader{Name: a.name + ".npy", Method: zip.Deflate})
		if err != nil {
			return err
		}
		b := bufio.NewWriterSize(m, 1<<16)
		if _, err := b.Write(a.header()); err != nil {
			return err
		}
		if err := a.write(b); err != nil {
			return err
		}
		if err := b.Flush(); err != nil {
			return err
		}
	}
	return z.Close()
}

// header is that of .npy version 1.0: magic, version, length, and a Python dictionary
// that blanks and a newline fill up, so that data begin at a multiple of 64.
func (a array) header() []byte {
	const magic, prefix, align = "\x93NUMPY\x01\x00", 10, 64
	var dims strings.Builder
	for _, n := range a.shape {
		fmt.Fprintf(&dims, "%d,", n) // one dimension needs the comma, and more bear it
	}
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", a.dtype, dims.String())
	for (prefix+len(dict)+1)%align != 0 {
		dict += " "
	}
	dict += "\n"
	return append(binary.LittleEndian.AppendUint16([]byte(magic), uint16(len(dict))), dict...)
}
