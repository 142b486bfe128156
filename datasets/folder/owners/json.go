package owners

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"veilbench/datasets/labels"
)

// maxDepth bounds how deep a list of devices may lie.
const maxDepth = 8

// parseJSON reads devices and their addresses out of JSON: objects that have a name
// and an address somewhere, and names with addresses, or addresses with names, as
// keys and values.
func parseJSON(text string) ([]Owned, bool) {
	var out []Owned
	d := json.NewDecoder(strings.NewReader(text))
	for {
		var v any
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) {
			return out, len(out) > 0
		}
		if err != nil {
			return nil, false
		}
		out = append(out, ownersIn("", v, 0)...)
	}
}

// ownersIn finds devices in a value that stands under the key called name.
func ownersIn(name string, v any, depth int) (out []Owned) {
	if depth > maxDepth {
		return nil
	}
	own := func(device string, addrs []Address) {
		for _, a := range addrs {
			if device = labels.DeviceName(strings.TrimSpace(device)); device != "" {
				out = append(out, Owned{Addr: a, Device: device})
			}
		}
	}

	switch v := v.(type) {
	case string, []any:
		addrs := addressesIn(v)
		own(name, addrs)
		if list, ok := v.([]any); ok && len(addrs) == 0 {
			for _, x := range list {
				out = append(out, ownersIn("", x, depth+1)...)
			}
		}
	case map[string]any:
		// An object with a name of its own is a device; in any other the keys are
		// names, or addresses.
		if device := nameIn(v); device != "" {
			for _, k := range slices.Sorted(maps.Keys(v)) {
				own(device, addressesIn(v[k]))
			}
			if len(out) > 0 {
				return out
			}
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if a, ok := ParseAddress(k); ok {
				device, isText := v[k].(string)
				if m, isObject := v[k].(map[string]any); isObject {
					device, isText = nameIn(m), true
				}
				if isText {
					own(device, []Address{a})
				}
				continue
			}
			under := k
			if depth > 0 && name != "" && isColumn(k) {
				under = name // {"plug": {"mac": ...}}
			}
			out = append(out, ownersIn(under, v[k], depth+1)...)
		}
	}
	return out
}

// isColumn says whether a key means an address, and is no device's name.
func isColumn(k string) bool {
	return slices.Contains(labels.Names("mac", "ip", "ip6"), strings.ToLower(k))
}

// nameIn is the name that an object has, "" if none.
func nameIn(m map[string]any) string {
	for _, n := range append([]string{"label", "label_name"}, labels.Names("device")...) {
		for k, v := range m {
			s, ok := v.(string)
			if _, isAddress := ParseAddress(s); ok && !isAddress && strings.EqualFold(k, n) && s != "" {
				return s
			}
		}
	}
	return ""
}

// addressesIn lists the addresses that a text or a list of texts holds.
func addressesIn(v any) (out []Address) {
	switch v := v.(type) {
	case string:
		for _, w := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(" ,;|", r) }) {
			if a, ok := ParseAddress(w); ok {
				out = append(out, a)
			}
		}
	case []any:
		for _, x := range v {
			if s, ok := x.(string); ok {
				out = append(out, addressesIn(s)...)
			}
		}
	}
	return out
}
