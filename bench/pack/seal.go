package pack

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// A sealed line is a JSON object whose first field is the SHA-256 of the rest, as it
// stands there, with the brace in front and the line feed behind:
//
//	{"sha256":"0f1e…","cell":{…
//
// So a byte that changed on the way, or by hand, cannot pass for a record.
const (
	sealHead = `{"sha256":"`
	sealTail = `",`
	sealLen  = len(sealHead) + 2*sha256.Size + len(sealTail)
)

// Seal makes a sealed line of the JSON object b, which has fields, no line feed
// inside and one at its end.
func Seal(b []byte) []byte {
	sum := sha256.Sum256(b)
	head := sealHead + hex.EncodeToString(sum[:]) + sealTail
	return append([]byte(head), b[1:]...)
}

// Open returns the object of a sealed line, without its checksum, which must be
// right.
func Open(line []byte) ([]byte, error) {
	if !sealed(line) {
		return nil, errors.New("its checksum is wrong")
	}
	return open(line), nil
}

// open is Open of a line that was found to be sealed.
func open(line []byte) []byte { return append([]byte{'{'}, line[sealLen:]...) }

// sealed says whether a line is what Seal made, to the commas.
func sealed(line []byte) bool {
	if len(line) <= sealLen || string(line[:len(sealHead)]) != sealHead || string(line[sealLen-len(sealTail):sealLen]) != sealTail {
		return false
	}
	h := sha256.New()
	h.Write([]byte{'{'})
	h.Write(line[sealLen:])
	return hex.EncodeToString(h.Sum(nil)) == string(line[len(sealHead):sealLen-len(sealTail)])
}

// Damaged says what to do about a file that is not as it was written. An error that
// says so already is returned as it is.
func Damaged(path string, err error) error {
	const remedy = "delete the file to have what it holds computed again"
	if strings.Contains(err.Error(), remedy) {
		return err
	}
	return fmt.Errorf("%s: %w; %s", path, err, remedy)
}
