package machines

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"veilbench/defenses/maybenot"
)

// text is a machine as YAML. It is written by hand, not by the library: a state's
// transitions and a distribution each fit a line, and so a machine a page.
func text(m *maybenot.Machine) string {
	var b strings.Builder
	fmt.Fprintf(&b, "allowed_padding_packets: %d\nmax_padding_frac: %s\n", m.AllowedPaddingPackets, number(m.MaxPaddingFrac))
	fmt.Fprintf(&b, "allowed_blocked_microsec: %d\nmax_blocking_frac: %s\nstates:\n", m.AllowedBlockedMicrosec, number(m.MaxBlockingFrac))
	for i := range m.States {
		s := &m.States[i]
		fmt.Fprintf(&b, "- # %d\n", i)
		if s.Action != nil {
			fmt.Fprintf(&b, "  action: {%s}\n", actionText(s.Action))
		}
		for k, c := range []*maybenot.Counter{s.CounterA, s.CounterB} {
			if c != nil {
				fmt.Fprintf(&b, "  counter_%c: {%s}\n", 'a'+k, counterText(c))
			}
		}

		// A state with nothing to say is an empty mapping, which YAML needs to see.
		lines := ""
		for k, list := range s.Transitions {
			if list == nil {
				continue
			}
			var to []string
			for _, t := range list {
				to = append(to, fmt.Sprintf("%s: %s", stateText(t.State), number32(t.Probability)))
			}
			lines += fmt.Sprintf("    %v: {%s}\n", maybenot.EventKind(k), strings.Join(to, ", "))
		}
		if lines == "" {
			b.WriteString("  transitions: {}\n")
		} else {
			b.WriteString("  transitions:\n" + lines)
		}
	}
	return b.String()
}

// The pseudo states by name.
const (
	endText    = "end"
	signalText = "signal"
)

func stateText(s uint32) string {
	switch s {
	case maybenot.EndState:
		return endText
	case maybenot.SignalState:
		return signalText
	}
	return strconv.FormatUint(uint64(s), 10)
}

// actionText says what counts for the kind of action, flags only where they are set.
func actionText(a *maybenot.Action) string {
	out := []string{"do: " + a.Kind.String()}
	flag := func(name string, set bool) {
		if set {
			out = append(out, name+": true")
		}
	}

	// What does not count for the kind would be refused when it is read again.
	if a.Kind == maybenot.Cancel {
		return strings.Join(append(out, "timer: "+a.Timer.String()), ", ")
	}
	if a.Kind != maybenot.UpdateTimer {
		flag("bypass", a.Bypass)
	}
	flag("replace", a.Replace)
	if a.Kind != maybenot.UpdateTimer {
		out = append(out, "timeout: "+distText(&a.Timeout))
	}
	if a.Kind != maybenot.SendPadding {
		out = append(out, "duration: "+distText(&a.Duration))
	}
	if a.Limit != nil {
		out = append(out, "limit: "+distText(a.Limit))
	}
	return strings.Join(out, ", ")
}

func counterText(c *maybenot.Counter) string {
	out := "do: " + c.Operation.String()
	if c.Dist != nil {
		out += ", by: " + distText(c.Dist)
	}
	if c.Copy {
		out += ", copy: true"
	}
	return out
}

// distText is a distribution: a number where it is Constant.
func distText(d *maybenot.Dist) string {
	if plain := maybenot.Constant(d.Start); same(d, &plain) {
		return number(d.Start)
	}
	out := []string{"dist: " + d.Kind.String()}
	for i, p := range d.Kind.Params() {
		out = append(out, p+": "+number(d.Params[i]))
	}
	if !zero(d.Start) {
		out = append(out, "start: "+number(d.Start))
	}
	if !zero(d.Max) {
		out = append(out, "max: "+number(d.Max))
	}
	return "{" + strings.Join(out, ", ") + "}"
}

// same compares to the bit, so that -0 and NaN are kept.
func same(a, b *maybenot.Dist) bool {
	bits := math.Float64bits
	return a.Kind == b.Kind && bits(a.Params[0]) == bits(b.Params[0]) && bits(a.Params[1]) == bits(b.Params[1]) &&
		bits(a.Start) == bits(b.Start) && bits(a.Max) == bits(b.Max)
}

// zero tells whether x is the 0 that may be left out, not -0.
func zero(x float64) bool { return math.Float64bits(x) == 0 }

// number is x so that it reads back as the same.
func number(x float64) string { return written(x, 64) }

// number32 is the shortest that reads back as the same float32.
func number32(x float32) string { return written(float64(x), 32) }

func written(x float64, bits int) string {
	switch {
	case math.IsNaN(x):
		return ".nan"
	case math.IsInf(x, 0):
		return strings.Replace(fmt.Sprint(x), "Inf", ".inf", 1)[strings.Index(fmt.Sprint(x), "+")+1:]
	case x != 0 && (math.Abs(x) < 1e-4 || math.Abs(x) >= 1e15):
		return strconv.FormatFloat(x, 'g', -1, bits)
	}
	return strconv.FormatFloat(x, 'f', -1, bits)
}
