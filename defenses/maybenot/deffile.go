package maybenot

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Pair is the machines of both ends of a tunnel, by Side.
type Pair [2][]*Machine

// ReadPairs reads machines from a file of either form.
//
// One pair: lines "client STRING" and "server STRING", any number of each, that all
// run together. A number between them, which some write, is left out.
//
// Many pairs: a line for each, of JSON: {"client": [STRING...], "server":
// [STRING...]}, as Maybenot's own tools write them behind a line that says what they
// are. Other keys are left out.
//
// Empty lines and lines that begin with # count for nothing. An error says the line.
func ReadPairs(r io.Reader) ([]Pair, error) {
	var one Pair
	var many []Pair
	var wrong error // of the first line that is none
	asYAML := false
	s := bufio.NewScanner(r)
	s.Buffer(nil, 64<<20) // a pair may hold many machines
	for n := 1; s.Scan(); n++ {
		line := strings.TrimSpace(s.Text())
		side, text, _ := strings.Cut(line, " ")
		asYAML = asYAML || strings.HasPrefix(line, "states:")
		switch {
		case wrong != nil:
			// What the file is meant to be may stand further below.
		case line == "" || line[0] == '#':
		case line[0] == '{':
			p, err := readPair(line)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			many = append(many, p)
		case side == "client" || side == "server":
			text = strings.TrimSpace(text)
			if number, rest, ok := strings.Cut(text, " "); ok {
				if _, err := strconv.Atoi(number); err == nil {
					text = strings.TrimSpace(rest)
				}
			}
			m, err := Parse(text)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			of := Client
			if side == "server" {
				of = Server
			}
			one[of] = append(one[of], m)
		case n > 1:
			wrong = fmt.Errorf("line %d: %.40q: want client STRING, server STRING or {\"client\": [...], \"server\": [...]}", n, line)
		}
	}
	if err := s.Err(); err != nil {
		return nil, err
	}

	// Neither form holds the other: which pair would the single machines be of?
	none := len(one[Client])+len(one[Server]) == 0
	switch {
	case asYAML && (wrong != nil || none && len(many) == 0):
		wrong = cmp.Or(wrong, errors.New("no machine in it"))
		return nil, fmt.Errorf("%w; it looks like a machine written as YAML: \"veilbench maybenot build FILE\" prints the string of it, for a line client STRING or server STRING", wrong)
	case wrong != nil:
		return nil, wrong
	case len(many) > 0 && !none:
		return nil, fmt.Errorf("lines of single machines and of pairs in one file")
	case len(many) > 0:
		return many, nil
	case none:
		return nil, fmt.Errorf("no machine in it: want lines client STRING or server STRING")
	}
	return []Pair{one}, nil
}

// readPair reads a line of JSON.
func readPair(line string) (p Pair, err error) {
	var text struct{ Client, Server []string }
	if err := json.Unmarshal([]byte(line), &text); err != nil {
		return p, err
	}
	for side, list := range [2][]string{text.Client, text.Server} {
		for _, s := range list {
			m, err := Parse(s)
			if err != nil {
				return p, err
			}
			p[side] = append(p[side], m)
		}
	}
	return p, nil
}
