// Package wire is traces and their truth as text, for plug-ins that are
// programs of their own (reports/docs/protocol.md). A message is one JSON object
// on one line. Traces are columns, one list of numbers a field: a scripting
// language reads and writes those at the speed of its JSON library, where a list
// of packets would be millions of its objects.
//
// What is written here is appended to a slice; what comes back is walked by a
// [Reader], which is several times as fast as decoding into structs and can say
// where in the line a number is wrong. Begin with [AppendTrace] and [ReadTrace].
package wire

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"veilbench/datasets"
)

// integer is what columns are made of.
type integer interface{ ~int | ~int32 | ~int64 }

// appendInts appends xs as a list.
func appendInts[T integer](dst []byte, xs []T) []byte {
	dst = append(dst, '[')
	for i, x := range xs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, int64(x), 10)
	}
	return append(dst, ']')
}

// AppendString appends s in quotes. What is no UTF-8 comes out as U+FFFD.
func AppendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			b, _ := json.Marshal(strings.ToValidUTF8(s, "\ufffd")) // cannot fail, and writes no U+FFFD as an escape
			return append(dst, b...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

// AppendStrings appends a list of strings.
func AppendStrings[T ~string](dst []byte, xs []T) []byte {
	dst = append(dst, '[')
	for i, x := range xs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, string(x))
	}
	return append(dst, ']')
}

// AppendTrace appends t as an object of columns.
func AppendTrace(dst []byte, t datasets.Trace) []byte {
	dst = append(dst, `{"start":`...)
	start := ""
	if !t.Start.IsZero() {
		start = t.Start.Format(time.RFC3339Nano)
	}
	dst = AppendString(dst, start)
	dst = append(dst, `,"end_ns":`...)
	dst = strconv.AppendInt(dst, int64(t.End), 10)
	dst = append(dst, `,"flows":[`...)
	for i, f := range t.Flows {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendFlow(dst, f)
	}

	// A loop a column: one over the packets that fills four buffers is slower, and
	// needs them.
	ps := t.Packets
	dst = append(dst, `],"time_ns":[`...)
	for i := range ps {
		dst = append(strconv.AppendInt(dst, int64(ps[i].Time), 10), ',')
	}
	dst = append(closeList(dst, len(ps)), `,"size":[`...)
	for i := range ps {
		dst = append(strconv.AppendInt(dst, int64(ps[i].Size), 10), ',')
	}
	dst = append(closeList(dst, len(ps)), `,"payload":[`...)
	for i := range ps {
		dst = append(strconv.AppendInt(dst, int64(ps[i].Payload), 10), ',')
	}
	dst = append(closeList(dst, len(ps)), `,"flow":[`...)
	for i := range ps {
		dst = append(strconv.AppendInt(dst, int64(ps[i].Flow), 10), ',')
	}
	dst = append(closeList(dst, len(ps)), `,"dir":"`...)
	for i := range ps {
		dst = append(dst, directions[ps[i].Dir&1])
	}
	return append(dst, `"}`...)
}

// directions are the letters of datasets.Up and datasets.Down.
const directions = "ud"

// closeList ends a list whose n entries all have a comma behind them.
func closeList(dst []byte, n int) []byte {
	if n > 0 {
		dst = dst[:len(dst)-1]
	}
	return append(dst, ']')
}

// appendFlow appends f as an object with every field.
func appendFlow(dst []byte, f datasets.Flow) []byte {
	dst = append(dst, `{"proto":`...)
	dst = strconv.AppendInt(dst, int64(f.Proto), 10)
	for _, m := range []struct{ key, value string }{
		{"local", address(f.Local)},
		{"remote", address(f.Remote)},
		{"host", f.Host},
		{"query", f.Query},
		{"mac", f.MAC.String()},
		{"peer", f.Peer.String()},
	} {
		dst = append(append(append(dst, `,"`...), m.key...), `":`...)
		dst = AppendString(dst, m.value)
	}
	dst = append(dst, `,"lan":`...)
	return append(strconv.AppendBool(dst, f.LAN), '}')
}

// address is a with its port, "" where nobody knows it.
func address(a netip.AddrPort) string {
	if !a.Addr().IsValid() {
		return ""
	}
	return a.String()
}

// AppendLabels appends the truth about a trace as members of an object, without
// its braces. What is unknown is left out: owners, cause, stays.
func AppendLabels(dst []byte, l datasets.Labels) []byte {
	dst = AppendStrings(append(dst, `"devices":`...), l.Devices)
	if l.Owners != nil {
		dst = appendInts(append(dst, `,"owners":`...), l.Owners)
	}
	if l.Cause != nil {
		dst = appendInts(append(dst, `,"cause":`...), l.Cause)
	}
	dst = append(dst, `,"events":[`...)
	for i, e := range l.Events {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendSpan(dst, e.Start, e.End)
		dst = append(AppendString(append(dst, `,"class":`...), l.Class(e)), '}')
	}

	// Actions keep their order, which is sorted: an object's members may lose it.
	dst = append(dst, `],"commands":[`...)
	for i, c := range l.Commands {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(append(dst, `{"time_ns":`...), int64(c.Time), 10)
		dst = strconv.AppendInt(append(dst, `,"device":`...), int64(c.Device), 10)
		dst = append(dst, `,"actions":[`...)
		for k, a := range c.Actions {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = append(AppendString(append(dst, '['), a.Action), ',')
			dst = append(strconv.AppendInt(dst, int64(a.Count), 10), ']')
		}
		dst = append(dst, "]}"...)
	}
	dst = append(dst, ']')

	if l.Stays == nil {
		return dst
	}
	dst = append(dst, `,"stays":[`...)
	for i, s := range l.Stays {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendSpan(dst, s.Start, s.End)
		dst = strconv.AppendInt(append(dst, `,"home":`...), int64(s.Home), 10)
		dst = append(strconv.AppendBool(append(dst, `,"asleep":`...), s.Asleep), '}')
	}
	return append(dst, ']')
}

// appendSpan begins an object with two times.
func appendSpan(dst []byte, start, end time.Duration) []byte {
	dst = strconv.AppendInt(append(dst, `{"start_ns":`...), int64(start), 10)
	return strconv.AppendInt(append(dst, `,"end_ns":`...), int64(end), 10)
}
