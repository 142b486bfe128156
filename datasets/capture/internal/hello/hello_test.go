package hello

import (
	"bytes"
	"encoding/binary"
	"testing"

	"veilbench/datasets/capture/internal/header"
)

// message is a TLS handshake message with a server name and so many bytes of
// filling.
func message(name string, fill int) []byte {
	sni := append([]byte{byte((len(name) + 3) >> 8), byte(len(name) + 3), 0, byte(len(name) >> 8), byte(len(name))}, name...)
	ext := binary.BigEndian.AppendUint16(nil, 0x1234)
	ext = binary.BigEndian.AppendUint16(ext, uint16(fill))
	ext = append(ext, make([]byte, fill)...)
	ext = append(ext, 0, 0)
	ext = binary.BigEndian.AppendUint16(ext, uint16(len(sni)))
	ext = append(ext, sni...)
	body := append([]byte{3, 3}, make([]byte, 32)...)
	body = append(body, 0, 0, 2, 0x13, 1, 1, 0)
	body = binary.BigEndian.AppendUint16(body, uint16(len(ext)))
	body = append(body, ext...)
	return append([]byte{1, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

// initial seals crypto data at an offset as the Initial packet of a client.
func initial(number uint32, dcid []byte, pn byte, at int, data []byte) []byte {
	v, _ := versionOf(number)
	k := newInitialKeys(v, dcid)
	long := func(n int) []byte { return []byte{0x40 | byte(n>>8), byte(n)} }
	plain := append([]byte{1, 0, 6}, append(long(at), long(len(data))...)...)
	plain = append(plain, data...)
	plain = append(plain, make([]byte, max(0, 600-len(plain)))...)

	head := []byte{0xc0 | v.initial<<4}
	head = binary.BigEndian.AppendUint32(head, number)
	head = append(append(head, byte(len(dcid))), dcid...)
	head = append(head, 3, 9, 9, 9, 0) // the client's ID, no token
	head = append(head, long(1+len(plain)+16)...)
	n := len(head)
	head = append(head, pn)
	nonce := bytes.Clone(k.iv)
	nonce[11] ^= pn
	p := append(bytes.Clone(head), k.aead.Seal(nil, nonce, plain, head)...)
	var mask [16]byte
	k.mask.Encrypt(mask[:], p[n+4:n+20])
	p[0] ^= mask[0] & 0x0f
	p[n] ^= mask[1]
	return p
}

func TestQUICVersions(t *testing.T) {
	for _, v := range []uint32{1, 0x6b3343cf, 0xff00001d, 0xff000017, 0xff000016, 0x51303530, 0x54303530, 0x54303531, 0xfaceb002} {
		hello := message("cam.example", 10)
		p := initial(v, []byte{1, 2, 3, 4, 5, 6, 7, 8}, 0, 0, hello)
		var q QUIC
		if name, more := q.Add(p); name != "cam.example" || !Long(p) {
			t.Errorf("%#x: %q, more %v", v, name, more)
		}
	}
}

// TestQUICInPieces has a hello that is larger than a datagram, as with keys that
// withstand quantum computers, its second half first, and after an answer that
// changed the server's connection ID.
func TestQUICInPieces(t *testing.T) {
	hello := message("cam.example", 900)
	first := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	a, b := initial(1, first, 0, 0, hello[:500]), initial(1, first, 1, 500, hello[500:])
	for name, ps := range map[string][][]byte{"in order": {a, b}, "turned round": {b, a}, "in one datagram": {append(bytes.Clone(a), b...)}, "twice": {a, a, b}} {
		var q QUIC
		got := ""
		for i, p := range ps {
			name, more := q.Add(p)
			if got = name; got == "" && !more && i < len(ps)-1 {
				t.Error("gave up")
			}
		}
		if got != "cam.example" {
			t.Errorf("%s: %q", name, got)
		}
	}

	damaged := bytes.Clone(a)
	damaged[len(damaged)-1] ^= 1
	var q QUIC
	if name, more := q.Add(damaged); name != "" || more {
		t.Errorf("damaged: %q, more %v", name, more)
	}
}

// TestQUICOfGoogle has a hello in the clear, as before version Q050.
func TestQUICOfGoogle(t *testing.T) {
	tags := []byte("CHLO\x02\x00\x00\x00PAD\x00\x04\x00\x00\x00SNI\x00\x0f\x00\x00\x00----cam.example")
	for _, head := range []string{"\x0d\x01\x02\x03\x04\x05\x06\x07\x08Q043\x01", "\xc3Q046\x50\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x00\x01"} {
		p := append([]byte(head), make([]byte, 40)...)
		p = append(p, tags...)
		var q QUIC
		if name, _ := q.Add(p); name != "cam.example" || !Long(p) {
			t.Errorf("%q: %q", head[:6], name)
		}
	}
}

func FuzzHello(f *testing.F) {
	f.Add(initial(1, []byte{1, 2, 3, 4}, 0, 0, message("cam.example", 3)), []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
	f.Add([]byte("\xc3Q046\x50CHLO\x01\x00\x00\x00SNI\x00\x01\x00\x00\x00a"), append([]byte{22, 3, 1, 0, 80}, message("a", 3)...))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var q QUIC
		for _, p := range [][]byte{a, b, a} {
			if Long(p) {
				if name, _ := q.Add(p); header.HostName(name) != name {
					t.Fatalf("name %q", name)
				}
			}
			if len(q.pieces) > maxPieces {
				t.Fatal("too many pieces")
			}
			Begins(p)
			name, _ := Stream(p)
			for _, n := range []string{name, Datagram(p)} {
				if header.HostName(n) != n {
					t.Fatalf("name %q", n)
				}
			}
		}

		// What was opened rightly is parsed as if it came from anybody.
		q.frames(b)
		q.stream()
	})
}
