package hello

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"

	"veilbench/datasets/capture/internal/header"
)

// The keys of a QUIC client's first packets come from what stands in their own
// header (RFC 9001, section 5.2), so that everybody on the way reads the hello
// in them, in pieces of any order.

// maxCrypto bounds how much of a client's hello is put together, and maxPieces
// in how many pieces.
const (
	maxCrypto = 16 << 10
	maxPieces = 64
)

// QUIC puts together the hello of one client. The zero value is one of which
// nothing was seen.
type QUIC struct {
	keys   *initialKeys
	pieces map[int][]byte // of the crypto stream, by offset
}

// Long says whether p may be a packet that QUIC looks into: one with a long
// header, or one of the old versions of Google that name themselves.
func Long(p []byte) bool {
	return len(p) >= 64 && (p[0]&0xc0 == 0xc0 || p[0]&0x09 == 0x09 && p[9] == 'Q')
}

// Add takes a datagram of the client. It returns the name once the hello is
// there as far as that; more means that the next datagrams may have it.
func (q *QUIC) Add(p []byte) (name string, more bool) {
	if old := p[0]&0xc0 != 0xc0 || len(p) > 5 && string(p[1:4]) == "Q04"; old {
		_, chlo, _ := bytes.Cut(p, []byte("CHLO")) // in the clear before version Q050
		return tagName(chlo), false
	}
	for len(p) > 0 && p[0]&0x80 != 0 {
		n, ok := q.packet(p)
		if !ok {
			break
		}
		p = p[n:]
	}

	stream := q.stream()
	if rest, ok := bytes.CutPrefix(stream, []byte("CHLO")); ok {
		return tagName(rest), false
	}
	name, more = messageName(stream)
	return name, more && q.keys != nil && len(q.pieces) < maxPieces
}

// stream is the crypto stream as far as it is without a gap.
func (q *QUIC) stream() []byte {
	var out []byte
	for grown := true; grown && len(out) < maxCrypto; {
		grown = false
		for _, at := range slices.Sorted(maps.Keys(q.pieces)) {
			b := q.pieces[at]
			if at <= len(out) && at+len(b) > len(out) {
				out = append(out, b[len(out)-at:]...)
				grown = true
			}
		}
	}
	return out
}

// packet takes the first packet of a datagram and returns its length. ok is
// false where nothing behind it can be read.
func (q *QUIC) packet(p []byte) (n int, ok bool) {
	if len(p) < 7 {
		return 0, false
	}
	v, known := versionOf(binary.BigEndian.Uint32(p[1:]))
	r := reader{p[5:]}
	dcid := r.vector()
	r.vector() // the client's own
	if !known || r.b == nil || len(dcid) > 20 {
		return 0, false
	}
	kind := p[0] >> 4 & 3
	if kind != v.initial {
		// 0-RTT and handshake packets have a length, too; a retry ends here.
		size, good := r.number()
		if !good || kind == (v.initial+3)&3 || size > uint64(len(r.b)) {
			return 0, false
		}
		return len(p) - len(r.b) + int(size), true
	}

	// The token, and the length of packet number and content.
	token, good := r.number()
	if !good || token > uint64(len(r.b)) {
		return 0, false
	}
	r.b = r.b[token:]
	size, good := r.number()
	if !good || size > uint64(len(r.b)) || size < 20 {
		return 0, false
	}
	at := len(p) - len(r.b)
	n = at + int(size)

	// The keys are those of the client's first address for the server, also
	// when the server has given another since: both are tried.
	for _, k := range []*initialKeys{q.keys, newInitialKeys(v, dcid)} {
		if k == nil {
			continue
		}
		if plain := k.open(p[:n], at); plain != nil {
			q.keys = k
			q.frames(plain)
			break
		}
	}
	return n, true
}

// frames takes the crypto frames of an opened Initial packet (RFC 9000, section
// 17.2.2); the others there may be are short.
func (q *QUIC) frames(b []byte) {
	for r := (reader{b}); len(r.b) > 0; {
		typ, ok := r.number()
		switch {
		case !ok:
			return
		case typ <= 1: // padding, ping
		case typ == 2 || typ == 3: // acknowledgment: four numbers and its ranges
			fields := []uint64{0, 0, 0, 0}
			for i := range fields {
				fields[i], _ = r.number()
			}
			for range min(2*fields[2], 2*maxPieces) {
				r.number()
			}
			for range 3 * (typ - 2) {
				r.number()
			}
		case typ == 6:
			at, _ := r.number()
			size, ok := r.number()
			if !ok || size > uint64(len(r.b)) || at > maxCrypto || size > maxCrypto {
				return
			}
			if q.pieces == nil {
				q.pieces = map[int][]byte{}
			}
			if old := q.pieces[int(at)]; len(q.pieces) < maxPieces && len(old) < int(size) {
				q.pieces[int(at)] = bytes.Clone(r.b[:size])
			}
			r.b = r.b[size:]
		default:
			return
		}
	}
}

// version is how a version of QUIC makes the keys of its first packets.
type version struct {
	salt    string // in hexadecimal
	prefix  string // of the labels
	initial byte   // type of Initial packets
}

// versionOf knows RFC 9001, RFC 9369, the drafts since 21, and Google's
// versions between.
func versionOf(v uint32) (version, bool) {
	const draft22, draft23, draft29 = "7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a", "c3eef712c72ebb5a11a7d2432bb46365bef9f502", "afbfec289993d24c9e9786f19c6111e04390a899"
	switch {
	case v == 1, v == 0xff000021, v == 0xff000022:
		return version{"38762cf7f55934b34d179ae6a4c80cadccbb7f0a", "quic", 0}, true
	case v == 0x6b3343cf:
		return version{"0dede3def700a6db819381be6e269dcbf9bd2ed9", "quicv2", 1}, true
	case v == 0xff000015, v == 0xff000016, v == 0xfaceb001:
		return version{draft22, "quic", 0}, true
	case v >= 0xff000017 && v <= 0xff00001c, v == 0xfaceb002:
		return version{draft23, "quic", 0}, true
	case v >= 0xff00001d && v <= 0xff000020:
		return version{draft29, "quic", 0}, true
	case v == 0x51303530: // Q050
		return version{"504574efd066fe2f9d945cfcdbd3a7f0d3b56b45", "quic", 0}, true
	case v == 0x54303530: // T050
		return version{"7ff579e5acd072915580304c43a2367c60488310", "quic", 0}, true
	case v == 0x54303531: // T051
		return version{"7a4edef4e7ccee5fa4506c19124fc8ccda6e033d", "quic", 0}, true
	}
	return version{}, false
}

// initialKeys open the Initial packets of a client.
type initialKeys struct {
	aead cipher.AEAD
	iv   []byte
	mask cipher.Block // of the header
}

// newInitialKeys derives the keys from the server's first connection ID.
func newInitialKeys(v version, dcid []byte) *initialKeys {
	salt, err := hex.DecodeString(v.salt)
	if err != nil {
		return nil
	}
	secret, err := hkdf.Extract(sha256.New, dcid, salt)
	if err != nil {
		return nil
	}

	// The label of TLS 1.3: length of the result, prefix and name, no context.
	expand := func(secret []byte, label string, n int) []byte {
		info := binary.BigEndian.AppendUint16(nil, uint16(n))
		info = append(info, byte(6+len(label)))
		info = append(append(info, "tls13 "+label...), 0)
		out, _ := hkdf.Expand(sha256.New, secret, string(info), n)
		return out
	}
	client := expand(secret, "client in", 32)
	block, err := aes.NewCipher(expand(client, v.prefix+" key", 16))
	if err != nil {
		return nil
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil
	}
	mask, err := aes.NewCipher(expand(client, v.prefix+" hp", 16))
	if err != nil {
		return nil
	}
	return &initialKeys{aead, expand(client, v.prefix+" iv", 12), mask}
}

// open takes the protection off packet p, whose packet number is at at (RFC
// 9001, section 5.4): nil if the keys are others.
func (k *initialKeys) open(p []byte, at int) []byte {
	if len(p) < at+20 {
		return nil
	}
	var mask [16]byte
	k.mask.Encrypt(mask[:], p[at+4:at+20])
	head := bytes.Clone(p[:at+4])
	head[0] ^= mask[0] & 0x0f
	n := int(head[0]&3) + 1
	nonce := bytes.Clone(k.iv)
	for i := range n {
		head[at+i] ^= mask[1+i]
		nonce[12-n+i] ^= head[at+i]
	}
	plain, err := k.aead.Open(nil, nonce, p[at+n:], head[:at+n])
	if err != nil {
		return nil
	}
	return plain
}

// reader takes QUIC's numbers off a slice.
type reader struct{ b []byte }

// vector takes a length of one byte and what it counts; nil at the end.
func (r *reader) vector() []byte {
	if len(r.b) == 0 || len(r.b) < 1+int(r.b[0]) {
		r.b = nil
		return nil
	}
	n := int(r.b[0])
	v := r.b[1 : 1+n]
	r.b = r.b[1+n:]
	return v
}

// number takes a number whose two upper bits say how long it is (RFC 9000,
// section 16).
func (r *reader) number() (uint64, bool) {
	if len(r.b) == 0 {
		return 0, false
	}
	n := 1 << (r.b[0] >> 6)
	if len(r.b) < n {
		r.b = nil
		return 0, false
	}
	v := uint64(r.b[0] & 0x3f)
	for _, c := range r.b[1:n] {
		v = v<<8 | uint64(c)
	}
	r.b = r.b[n:]
	return v, true
}

// tagName finds the name in a hello of Google's QUIC behind "CHLO": the number
// of tags, two bytes of nothing, for each a tag and where its value ends, and
// the values.
func tagName(p []byte) string {
	if len(p) < 4 {
		return ""
	}
	n := int(binary.LittleEndian.Uint16(p))
	if len(p) < 4+8*n {
		return ""
	}

	// The table says where each value ends; it begins where the one before does.
	start, values := uint32(0), p[4+8*n:]
	for i := range n {
		t := p[4+8*i:]
		end := binary.LittleEndian.Uint32(t[4:])
		if end < start || int64(end) > int64(len(values)) {
			return ""
		}
		if string(t[:4]) == "SNI\x00" {
			return header.HostName(string(values[start:end]))
		}
		start = end
	}
	return ""
}
