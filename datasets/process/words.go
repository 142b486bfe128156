package process

import (
	"errors"
	"fmt"
	"strings"
)

// Spec is a program as a user names it: exec:COMMAND, with words parted by blanks,
// and behind commas its parameters: exec:python3 d.py,max_bytes=64.
type Spec struct {
	Command []string
	Params  map[string]string
}

// ParseSpec reads the text behind params.Program. Quotes, ' or ", hold together what has
// blanks, commas or plus signs. There is no shell behind it.
func ParseSpec(text string) (Spec, error) {
	var s Spec

	// Quotes stay at the first cut, for the second one to see.
	parts, err := split(text, ',', true)
	if err != nil {
		return s, err
	}
	if s.Command, err = split(parts[0], ' ', false); err != nil {
		return s, err
	}
	s.Command = nonEmpty(s.Command)
	if len(s.Command) == 0 {
		return s, errors.New("exec: no command; want exec:PROGRAM, or exec:\"python3 d.py\", with key=value behind commas")
	}
	for _, kv := range parts[1:] {
		k, v, ok := strings.Cut(kv, "=")
		k = strings.TrimSpace(k)
		if !ok || k == "" {
			return s, fmt.Errorf("exec: %q is not key=value", kv)
		}
		if s.Params == nil {
			s.Params = map[string]string{}
		}
		if _, twice := s.Params[k]; twice {
			return s, fmt.Errorf("exec: %s is set twice", k)
		}
		s.Params[k] = strings.TrimSpace(v)
	}
	return s, nil
}

// SplitStages cuts a chain of defenses at the plus signs that stand in no quotes.
func SplitStages(id string) ([]string, error) { return split(id, '+', true) }

// split cuts text at a mark that stands in no quotes. Quotes stay where keep is set.
func split(text string, mark rune, keep bool) ([]string, error) {
	var out []string
	var b strings.Builder
	quote := rune(0)
	for _, c := range text {
		// The other kind of quote is a letter inside of one, so both can be written.
		switch {
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
			if keep {
				b.WriteRune(c)
			}
		case c == quote:
			quote = 0
			if keep {
				b.WriteRune(c)
			}
		case quote == 0 && c == mark:
			out = append(out, b.String())
			b.Reset()
		default:
			b.WriteRune(c)
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("%s: a quote that does not end", text)
	}
	return append(out, b.String()), nil
}

func nonEmpty(words []string) []string {
	var out []string
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}

// Quote writes a command as ParseSpec reads it.
func Quote(command []string) string {
	out := make([]string, len(command))
	for i, w := range command {
		switch {
		case w != "" && !strings.ContainsAny(w, " ,+'\""):
			out[i] = w
		case strings.Contains(w, "'"):
			out[i] = `"` + w + `"`
		default:
			out[i] = "'" + w + "'"
		}
	}
	return strings.Join(out, " ")
}
