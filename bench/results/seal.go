package results

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// A sealed file is a JSON object of one line whose first field is the SHA-256 of
// the rest, as it stands there, with the brace in front and the line feed behind:
//
//	{"sha256":"0f1e…","cell":{…
//
// So a byte that changed on the way, or by hand, cannot pass for a result.
const (
	sealHead = `{"sha256":"`
	sealTail = `",`
	sealLen  = len(sealHead) + 2*sha256.Size + len(sealTail)
)

// seal makes the content of a file of the JSON object b, which has fields and
// ends in a line feed.
func seal(b []byte) []byte {
	sum := sha256.Sum256(b)
	head := sealHead + hex.EncodeToString(sum[:]) + sealTail
	return append([]byte(head), b[1:]...)
}

// readSealed reads into v what seal made. A file without a checksum is one of
// method 1, or else damaged.
func readSealed(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}

	if bytes.HasPrefix(b, []byte(sealHead)) && len(b) > sealLen {
		// The object without its checksum is what was summed. Sealing it again must
		// give the file, to the commas.
		object := append([]byte{'{'}, b[sealLen:]...)
		if !bytes.Equal(seal(object), b) {
			return damaged(path, errors.New("its checksum is wrong"))
		}
		b = object
	} else {
		var old struct{ Method int }
		if err := json.Unmarshal(b, &old); err != nil {
			return damaged(path, err)
		}
		if old.Method != 1 {
			return damaged(path, errors.New("its checksum is missing"))
		}
	}

	if err := json.Unmarshal(b, v); err != nil {
		return damaged(path, err)
	}
	return nil
}

// damaged says what to do about a file that is not as it was written.
func damaged(path string, err error) error {
	return fmt.Errorf("%s: %w; delete the file to have it computed again", path, err)
}
