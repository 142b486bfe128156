package capture

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
)

// at is a frame with its time.
type at struct {
	time time.Duration
	data []byte
}

// packet4 is an Ethernet frame of IPv4 between two addresses, with an
// identification and what is above IP.
func packet4(id int, srcMAC, dstMAC byte, src, dst [4]byte, proto byte, frag int, body []byte) []byte {
	h := cat([]byte{2, 0, 0, 0, 0, dstMAC, 2, 0, 0, 0, 0, srcMAC, 8, 0, 0x45, 0}, be16(20+len(body)), be16(id), be16(frag), []byte{64, proto, 0, 0}, src[:], dst[:])
	return append(h, body...)
}

func tcp(src, dst, seq int, flags byte, options, payload []byte) []byte {
	return cat(be16(src), be16(dst), be32(seq), be32(1), []byte{byte(5+len(options)/4) << 4, flags, 1, 0, 0, 0, 0, 0}, options, payload)
}

func udp(src, dst int, payload []byte) []byte {
	return cat(be16(src), be16(dst), be16(8+len(payload)), be16(0), payload)
}

var (
	plug  = [4]byte{192, 168, 1, 23}
	cloud = [4]byte{203, 0, 113, 10}
)

// readFrames reads frames of a link type as a capture that begins in 2023.
func readFrames(t *testing.T, link uint32, o Options, frames ...at) (datasets.Trace, *Report) {
	t.Helper()
	b := fileHeaderBytes(magicNano, 65535, link)
	for _, f := range frames {
		ns := 1_700_000_000*int64(time.Second) + int64(f.time)
		b = append(b, recordBytes(uint32(ns/1e9), uint32(ns%1e9), f.data)...)
	}
	tr, rep, err := readBytes(t, b, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Check(); err != nil {
		t.Fatal(err)
	}
	if len(tr.Packets) != rep.Packets || rep.Packets != rep.Records-rep.Skipped+rep.Segments-map[bool]int{true: rep.Copies}[o.DropCopies] {
		t.Errorf("counts do not add up: %+v", rep)
	}
	return tr, rep
}

func sizes(tr datasets.Trace) []int {
	var out []int
	for _, p := range tr.Packets {
		out = append(out, int(p.Size))
	}
	return out
}

func TestFragmentsInAnyOrder(t *testing.T) {
	first := packet4(7, 1, 2, plug, cloud, 17, 0x2000, cat(be16(5000), be16(6000), be16(3000), be16(0), make([]byte, 1472)))
	second := packet4(7, 1, 2, plug, cloud, 17, 185, make([]byte, 1480))
	other := packet4(8, 1, 2, plug, cloud, 17, 185, make([]byte, 100)) // of another packet, whose first one is not there
	six := func(offset int, more byte, body []byte) []byte {
		h := cat([]byte{0x60, 0, 0, 0}, be16(8+len(body)), []byte{44, 64, 0xfd}, make([]byte, 14), []byte{2, 0x26}, make([]byte, 14), []byte{4},
			[]byte{17, 0}, be16(offset<<3|int(more)), be32(77))
		return ethernet(0x86dd, h, body)
	}
	a6, b6 := six(0, 1, cat(be16(5000), be16(6000), be16(3000), be16(0), make([]byte, 1400))), six(176, 0, make([]byte, 500))
	for name, frames := range map[string][]at{
		"in order":   {{0, first}, {1, second}},
		"last first": {{0, second}, {1, first}},
		"IPv6":       {{0, a6}, {1, b6}},
		"IPv6 late":  {{0, b6}, {1, a6}},
	} {
		tr, _ := readFrames(t, 1, Options{}, frames...)
		if len(tr.Flows) != 1 || tr.Flows[0].Local.Port() != 5000 || tr.Flows[0].Remote.Port() != 6000 {
			t.Errorf("%s: %+v", name, tr.Flows)
		}
	}
	if tr, _ := readFrames(t, 1, Options{}, at{0, first}, at{1, other}); len(tr.Flows) != 2 {
		t.Errorf("another packet's fragment: %+v", tr.Flows)
	}
	if tr, _ := readFrames(t, 1, Options{}, at{0, first}, at{2 * time.Minute, second}); len(tr.Flows) != 2 {
		t.Errorf("an identification used again: %+v", tr.Flows)
	}

	// A tunnel in fragments: the first shows what is inside, the rest is nothing.
	inner := ethernet(0x0800, packet4(1, 0, 0, plug, cloud, 6, 0, tcp(1234, 443, 1, 16, nil, make([]byte, 1460)))[14:])
	vxlan := udp(40000, 4789, cat([]byte{8, 0, 0, 0, 0, 0, 7, 0}, inner))
	tr, rep := readFrames(t, 1, Options{}, at{0, packet4(9, 1, 2, [4]byte{192, 0, 2, 1}, [4]byte{192, 0, 2, 2}, 17, 0x2000, vxlan[:1480])},
		at{1, packet4(9, 1, 2, [4]byte{192, 0, 2, 1}, [4]byte{192, 0, 2, 2}, 17, 185, vxlan[1480:])})
	if len(tr.Packets) != 1 || tr.Packets[0].Size != 1514 || rep.Skipped != 1 || len(rep.Odd) > 0 {
		t.Errorf("%v %+v", tr.Packets, rep)
	}
}

func TestCopies(t *testing.T) {
	up := func(id int, srcMAC, dstMAC byte, src [4]byte, port int) []byte {
		return packet4(id, srcMAC, dstMAC, src, cloud, 6, 0, tcp(port, 443, 100*id, 24, nil, bytes.Repeat([]byte{byte(id)}, 50)))
	}
	down := func(id int, srcMAC, dstMAC byte, dst [4]byte, port int) []byte {
		return packet4(id, srcMAC, dstMAC, cloud, dst, 6, 0, tcp(443, port, 100*id, 24, nil, bytes.Repeat([]byte{byte(id)}, 70)))
	}
	public := [4]byte{198, 51, 100, 20}
	ms := time.Millisecond
	for name, frames := range map[string][]at{
		"mirror port":       {{0, up(1, 1, 2, plug, 4000)}, {0, up(1, 1, 2, plug, 4000)}, {9 * ms, down(2, 2, 1, plug, 4000)}, {9 * ms, down(2, 2, 1, plug, 4000)}},
		"ARP spoofing":      {{0, up(1, 1, 3, plug, 4000)}, {ms / 2, up(1, 3, 2, plug, 4000)}, {9 * ms, down(2, 2, 3, plug, 4000)}, {10 * ms, down(2, 3, 1, plug, 4000)}},
		"router, both ends": {{0, up(1, 1, 2, plug, 4000)}, {ms / 2, up(1, 4, 5, public, 61000)}, {9 * ms, down(2, 5, 4, public, 61000)}, {10 * ms, down(2, 2, 1, plug, 4000)}},
	} {
		tr, rep := readFrames(t, 1, Options{}, frames...)
		if rep.Copies != 2 || len(tr.Packets) != 4 || !strings.Contains(strings.Join(said(rep), " "), "2 packets are copies") {
			t.Errorf("%s: %+v", name, rep)
		}
		tr, _ = readFrames(t, 1, Options{DropCopies: true}, frames...)
		if len(tr.Packets) != 2 || len(tr.Flows) != 1 || tr.Flows[0].Local.Addr().String() != "192.168.1.23" || tr.Flows[0].MAC.String() != "02:00:00:00:00:01" ||
			tr.Packets[0].Dir != datasets.Up || tr.Packets[1].Dir != datasets.Down {
			t.Errorf("%s, dropped: %+v %+v", name, tr.Flows, tr.Packets)
		}
	}

	// The same words at another time, and the acknowledgments of a host that
	// names no packets, are no copies.
	again := cat(packet4(0, 1, 2, plug, cloud, 6, 0, tcp(4000, 443, 5, 16, nil, nil)))
	for name, frames := range map[string][]at{
		"later":           {{0, up(1, 1, 2, plug, 4000)}, {time.Second, up(1, 1, 2, plug, 4000)}},
		"resent":          {{0, up(1, 1, 2, plug, 4000)}, {ms, up(2, 1, 2, plug, 4000)}},
		"acknowledgments": {{0, again}, {1, again}, {2, again}},
	} {
		if _, rep := readFrames(t, 1, Options{}, frames...); rep.Copies != 0 {
			t.Errorf("%s: %d copies", name, rep.Copies)
		}
	}
}

// TestCopiesInEveryRun reads a capture in which so many packets come within a moment
// that some put each other out of what is remembered: which ones must not change.
func TestCopiesInEveryRun(t *testing.T) {
	var frames []at
	for round := range 2 {
		for id := range 3000 {
			body := cat(be32(id), make([]byte, 40))
			frames = append(frames, at{time.Duration(3000*round+id) * time.Microsecond, packet4(id+1, 1, 2, plug, cloud, 17, 0, udp(4000, 5000, body))})
		}
	}
	_, first := readFrames(t, 1, Options{}, frames...)
	if first.Copies < 1000 || first.Copies == 3000 {
		t.Fatalf("%d copies; want some put out and most not", first.Copies)
	}
	for range 3 {
		if _, rep := readFrames(t, 1, Options{}, frames...); rep.Copies != first.Copies {
			t.Fatalf("%d copies, and %d before", rep.Copies, first.Copies)
		}
	}
}

func TestSegmentsOfLargeFrames(t *testing.T) {
	syn := func(mss int) []byte {
		return packet4(1, 1, 2, plug, cloud, 6, 0, tcp(4000, 443, 0, 2, cat([]byte{2, 4}, be16(mss)), nil))
	}
	stamp := cat([]byte{1, 1, 8, 10}, make([]byte, 8))
	large := packet4(2, 1, 2, plug, cloud, 6, 0, tcp(4000, 443, 1, 24, stamp, make([]byte, 4000)))
	tr, rep := readFrames(t, 1, Options{}, at{0, syn(1460)}, at{1, large})
	if got := fmt.Sprint(sizes(tr)); got != "[58 1514 1514 1170]" || rep.Segments != 2 {
		t.Errorf("%s, %d segments", got, rep.Segments)
	}
	if !strings.Contains(strings.Join(rep.Warnings, " "), "1 frames are longer than a line takes (1500 bytes of IP): they are seen as the 3 segments") {
		t.Error(rep.Warnings)
	}
	if tr, _ := readFrames(t, 1, Options{WholeFrames: true}, at{0, syn(1460)}, at{1, large}); fmt.Sprint(sizes(tr)) != "[58 4066]" {
		t.Error(sizes(tr))
	}

	// Jumbo frames that both ends agreed on are what was on the line.
	back := packet4(3, 2, 1, cloud, plug, 6, 0, tcp(443, 4000, 0, 18, cat([]byte{2, 4}, be16(8960)), nil))
	if tr, _ := readFrames(t, 1, Options{}, at{0, syn(8960)}, at{1, back}, at{2, large}); fmt.Sprint(sizes(tr)) != "[58 58 4066]" {
		t.Error(sizes(tr))
	}
	// Length 0 in the header: the card was to fill it in.
	zero := bytes.Clone(large)
	zero[16], zero[17] = 0, 0
	if tr, _ := readFrames(t, 1, Options{}, at{0, zero}); fmt.Sprint(sizes(tr)) != "[1514 1514 1170]" {
		t.Error(sizes(tr))
	}
}

// said is all that a report says in sentences.
func said(rep *Report) []string {
	out := slices.Clone(rep.Warnings)
	for _, d := range rep.Doubts {
		out = append(out, d.String())
	}
	return out
}

func TestClocksThatAreSet(t *testing.T) {
	frame := func(i int) []byte {
		return packet4(i+1, 1, 2, plug, cloud, 6, 0, tcp(4000, 443, i, 24, nil, make([]byte, 9)))
	}
	run := func(o Options, seconds ...float64) (string, *Report, datasets.Trace) {
		var frames []at
		for i, s := range seconds {
			frames = append(frames, at{time.Duration(s * 1e9), frame(i)})
		}
		tr, rep := readFrames(t, 1, o, frames...)
		var out []string
		for _, p := range tr.Packets {
			out = append(out, fmt.Sprint(p.Time.Seconds()))
		}
		return strings.Join(out, " "), rep, tr
	}
	const day = 86400.0
	for name, tc := range map[string]struct {
		o       Options
		seconds []float64
		want    string
		warning string
	}{
		"late ones":         {Options{}, []float64{0, 10, 9.9, 20, 30}, "0 10 10 20 30", "1 packets are earlier"},
		"back an hour":      {Options{}, []float64{0, 10, 20, -3570, -3560, -3550}, "0 10 20 30 40 50", "set back by 59m50s before packet 4"},
		"back seven":        {Options{}, []float64{0, 1, 2, -5, -4, -3, -2}, "0 1 2 3 4 5 6", "set back by 7s before packet 4"},
		"one from tomorrow": {Options{}, []float64{0, 10, 86000, 20, 30, 40}, "0 10 10 20 30 40", "1 packets are dated far ahead"},
		"a long silence":    {Options{}, []float64{0, 10, 20, 3 * day, 3*day + 10}, "0 10 20 259200 259210", "gap of 2 days after packet 3"},
		"closed":            {Options{CloseGaps: true}, []float64{0, 10, 20, 3 * day, 3*day + 10}, "0 10 20 30 40", "closed, as asked"},
		"sorted":            {Options{SortTimes: true}, []float64{0, 10, 20, -30, -20, -10}, "0 10 20 30 40 50", "sorted, as asked"},
	} {
		got, rep, _ := run(tc.o, tc.seconds...)
		if got != tc.want || !strings.Contains(strings.Join(said(rep), " "), tc.warning) {
			t.Errorf("%s: %s, want %s\n%q", name, got, tc.want, said(rep))
		}
	}

	// The clock behind a step is the right one.
	if _, _, tr := run(Options{}, 0, 10, 20, -3570, -3560, -3550); tr.Start.Unix() != 1_700_000_000-3600 {
		t.Error(tr.Start)
	}
	if _, _, tr := run(Options{CloseGaps: true}, 0, 10, 20, 3*day, 3*day+10); tr.Start.Add(tr.End).Unix() != 1_700_000_000+3*86400+10 {
		t.Error(tr.Start, tr.End)
	}
}

func TestRadioFramesOf2015(t *testing.T) {
	short := func(a ...byte) []byte { return a }
	long1, long2 := []byte{1, 0, 0, 0, 0, 0xaa, 0xbb, 0x02}, []byte{2, 0, 0, 0, 0, 0xcc, 0xdd, 0x02}
	pan := []byte{0x34, 0x12}
	for name, tc := range map[string]struct {
		control  int
		b        []byte
		src, dst string
	}{
		"long, long, network":       {0xec01, cat(pan, long2, long1), "02:bb:aa:00:00:01", "02:dd:cc:00:00:02"},
		"long, long, none":          {0xec41, cat(long2, long1), "02:bb:aa:00:00:01", "02:dd:cc:00:00:02"},
		"short, short, both":        {0xa801, cat(pan, short(2, 0), pan, short(1, 0)), "00:00:12:34:00:01", "00:00:12:34:00:02"},
		"short, short, one":         {0xa841, cat(pan, short(2, 0), short(1, 0)), "00:00:12:34:00:01", "00:00:12:34:00:02"},
		"short from long, one":      {0xe841, cat(pan, short(2, 0), long1), "02:bb:aa:00:00:01", "00:00:12:34:00:02"},
		"long from short, both":     {0xac01, cat(pan, long2, pan, short(1, 0)), "00:00:12:34:00:01", "02:dd:cc:00:00:02"},
		"only a source":             {0xa001, cat(pan, short(1, 0)), "00:00:12:34:00:01", ""},
		"only a source, none":       {0xe041, long1, "02:bb:aa:00:00:01", ""},
		"only a destination":        {0x2801, cat(pan, short(2, 0)), "", "00:00:12:34:00:02"},
		"nobody, network":           {0x2041, pan, "", ""},
		"2006: short, short, one":   {0x8841, cat(pan, short(2, 0), short(1, 0)), "00:00:12:34:00:01", "00:00:12:34:00:02"},
		"2006: long, long, network": {0xcc41, cat(pan, long2, long1), "02:bb:aa:00:00:01", "02:dd:cc:00:00:02"},
		"2006: short, long, one":    {0xc841, cat(pan, short(2, 0), long1), "02:bb:aa:00:00:01", "00:00:12:34:00:02"},
		"2006: long, short, one":    {0x8c41, cat(pan, long2, short(1, 0)), "00:00:12:34:00:01", "02:dd:cc:00:00:02"},
	} {
		for _, suppressed := range []bool{false, true} {
			b := cat(le16(tc.control), []byte{7}, tc.b, make([]byte, 20))
			if suppressed {
				if tc.control>>12&3 != 2 {
					continue
				}
				b = cat(le16(tc.control|0x100), tc.b, make([]byte, 20))
			}
			var f frame
			f.decode(&Record{Length: len(b), Link: link802154, Data: b})
			if macOf(f.srcMAC).String() != tc.src || macOf(f.dstMAC).String() != tc.dst || f.skip != "" || int(f.size) != len(b) {
				t.Errorf("%s: from %v to %v, %s", name, macOf(f.srcMAC), macOf(f.dstMAC), f.skip)
			}
		}
	}
}

func TestSidesByTheLink(t *testing.T) {
	ip := func(src, dst [4]byte, sport, dport int) []byte {
		return packet4(1, 0, 0, src, dst, 6, 0, tcp(sport, dport, 1, 24, nil, make([]byte, 9)))[14:]
	}
	cooked := func(way int, mac byte, b []byte) []byte {
		return cat(be16(way), be16(1), be16(6), []byte{2, 0, 0, 0, 0, mac, 0, 0}, be16(0x0800), b)
	}
	mac := func(src, dst byte, b []byte) []byte {
		return cat([]byte{2, 0, 0, 0, 0, dst, 2, 0, 0, 0, 0, src, 8, 0}, b)
	}
	cgn, public, far := [4]byte{100, 70, 1, 2}, [4]byte{198, 51, 100, 20}, [4]byte{203, 0, 113, 5}
	arp := func(src, dst [4]byte) []byte {
		return cat([]byte{255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1}, src[:], make([]byte, 6), dst[:])
	}
	for name, tc := range map[string]struct {
		link   uint32
		frames []at
		local  string
		mac    string
		lan    bool
	}{
		"carrier's address to the Internet": {1, []at{{0, mac(1, 2, ip(cloud, cgn, 8883, 50000))}}, "100.70.1.2:50000", "02:00:00:00:00:02", false},
		"home to the carrier":               {1, []at{{0, mac(1, 2, ip(cgn, plug, 53000, 50000))}}, "192.168.1.23:50000", "02:00:00:00:00:02", false},
		"DS-Lite's address":                 {1, []at{{0, mac(1, 2, ip(cloud, [4]byte{192, 0, 0, 2}, 8883, 50000))}}, "192.0.0.2:50000", "02:00:00:00:00:02", false},
		"sent by the machine itself":        {linkCooked, []at{{0, cooked(0, 9, ip(far, public, 8883, 50000))}, {1, cooked(4, 5, ip(public, far, 50000, 8883))}}, "198.51.100.20:50000", "02:00:00:00:00:05", false},
		"sender of a cooked packet":         {linkCooked, []at{{0, cooked(0, 5, ip(plug, cloud, 50000, 443))}, {1, cooked(4, 9, ip(plug, cloud, 50000, 443))}}, "192.168.1.23:50000", "02:00:00:00:00:05", false},
		"resolved on the link":              {1, []at{{0, arp(public, [4]byte{198, 51, 100, 1})}, {1, mac(7, 8, ip(far, public, 8883, 50000))}}, "198.51.100.20:50000", "02:00:00:00:00:08", false},
	} {
		tr, _ := readFrames(t, tc.link, Options{}, tc.frames...)
		f := tr.Flows[len(tr.Flows)-1]
		if f.Local.String() != tc.local || f.MAC.String() != tc.mac || f.LAN != tc.lan {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestNamesInPieces(t *testing.T) {
	hello := clientHello("cam.example.com")
	record := cat([]byte{22, 3, 1}, be16(len(hello)), hello)
	http := []byte("POST /state HTTP/1.1\r\nUser-Agent: plug\r\nHost: Cam.Example.com:8080\r\n\r\n{}")
	answer := dnsAnswer("cam.example.com", cloud)
	dns := cat(be16(len(answer)), answer, be16(len(answer)), answer)
	seg := func(i, seq int, b []byte) at {
		return at{time.Duration(i) * time.Second, packet4(i+1, 1, 2, plug, cloud, 6, 0, tcp(4000, 8443, seq, 24, nil, b))}
	}
	reply := func(i, seq int, b []byte) at {
		return at{time.Duration(i) * time.Second, packet4(i+1, 2, 1, [4]byte{9, 9, 9, 9}, plug, 6, 0, tcp(53, 4001, seq, 24, nil, b))}
	}
	for name, frames := range map[string][]at{
		"TLS":                    {seg(0, 1, record)},
		"TLS in three":           {seg(0, 1, record[:20]), seg(1, 21, record[20:40]), seg(2, 41, record[40:])},
		"TLS, one sent again":    {seg(0, 1, record[:20]), seg(1, 1, record[:20]), seg(2, 21, record[20:])},
		"TLS, overlapping":       {seg(0, 1, record[:30]), seg(1, 11, record[10:])},
		"TLS, the middle late":   {seg(0, 1, record[:20]), seg(1, 41, record[40:]), seg(2, 21, record[20:40])},
		"TLS, over the wrap":     {seg(0, 0xfffffff6, record[:20]), seg(1, 10, record[20:])},
		"HTTP":                   {seg(0, 1, http)},
		"HTTP in two":            {seg(0, 1, http[:50]), seg(1, 51, http[50:])},
		"DNS over TCP":           {reply(0, 1, dns), seg(1, 1, []byte{1})},
		"DNS over TCP in pieces": {reply(0, 1, dns[:2]), reply(1, 3, dns[2:20]), reply(2, 21, dns[20:]), seg(3, 1, []byte{1})},
		"DTLS":                   {{0, packet4(1, 1, 2, plug, cloud, 17, 0, udp(5000, 5684, dtlsHello("cam.example.com")))}},
	} {
		tr, _ := readFrames(t, 1, Options{}, frames...)
		if f := tr.Flows[len(tr.Flows)-1]; f.Host != "cam.example.com" {
			t.Errorf("%s: %+v", name, tr.Flows)
		}
	}
	for name, b := range map[string]string{
		"an address":   "GET / HTTP/1.1\r\nHost: 192.168.1.1:80\r\n\r\n",
		"IPv6":         "GET / HTTP/1.1\r\nHost: [fd00::1]:80\r\n\r\n",
		"none":         "GET / HTTP/1.1\r\nAccept: */*\r\n\r\nHost: not.a.header\r\n",
		"not HTTP":     "GET something else\r\nHost: cam.example.com\r\n\r\n",
		"control code": "GET / HTTP/1.1\r\nHost: a\x1bb\r\n\r\n",
	} {
		if tr, _ := readFrames(t, 1, Options{}, seg(0, 1, []byte(b))); tr.Flows[0].Host != "" {
			t.Errorf("%s: name %q", name, tr.Flows[0].Host)
		}
	}
}

// TestQueries: what two devices look up, answered or not, by device and name.
func TestQueries(t *testing.T) {
	resolver, lamp := [4]byte{9, 9, 9, 9}, [4]byte{192, 168, 1, 9}
	question := func(name string) []byte {
		m := dnsAnswer(name, cloud)
		m = m[:len(m)-16] // the record that answers
		m[2], m[3], m[7] = 1, 0, 0
		return m
	}
	ask := func(i int, from [4]byte, name string) at {
		return at{time.Duration(i) * time.Second, packet4(i+1, 1, 2, from, resolver, 17, 0, udp(4000+i, 53, question(name)))}
	}
	_, rep := readFrames(t, 1, Options{},
		ask(0, plug, "Cam.example.com"), ask(1, plug, "cam.example.com"), ask(2, lamp, "time.example.com"), ask(3, plug, "a.example.com"),
		at{4 * time.Second, packet4(5, 2, 1, resolver, plug, 17, 0, udp(53, 4000, dnsAnswer("cam.example.com", cloud)))},
	)
	p, l := netip.AddrFrom4(plug).String(), netip.AddrFrom4(lamp).String()
	want := []Query{{p, "a.example.com", 1}, {p, "cam.example.com", 2}, {l, "time.example.com", 1}}
	slices.SortFunc(want, func(a, b Query) int {
		return cmp.Or(strings.Compare(a.Client, b.Client), strings.Compare(a.Name, b.Name))
	})
	if !slices.Equal(rep.Queries, want) {
		t.Errorf("queries %v, want %v", rep.Queries, want)
	}
}

// clientHello is a TLS handshake message with a server name.
func clientHello(name string) []byte {
	sni := cat(be16(len(name)+3), []byte{0}, be16(len(name)), []byte(name))
	ext := cat(be16(0x2a2a), be16(1), []byte{0}, be16(0), be16(len(sni)), sni)
	body := cat([]byte{3, 3}, make([]byte, 32), []byte{0}, be16(2), []byte{0x13, 1}, []byte{1, 0}, be16(len(ext)), ext)
	return cat([]byte{1, 0}, be16(len(body)), body)
}

func dtlsHello(name string) []byte {
	body := clientHello(name)[4:]
	body = cat(body[:35], []byte{4, 1, 2, 3, 4}, body[35:]) // a cookie behind the session ID
	message := cat([]byte{1, 0}, be16(len(body)), be16(0), []byte{0, 0, 0, 0}, be16(len(body)), body)
	return cat([]byte{22, 0xfe, 0xfd}, make([]byte, 8), be16(len(message)), message)
}

// dnsAnswer is a DNS message that says that name has an address.
func dnsAnswer(name string, a [4]byte) []byte {
	var q []byte
	for l := range strings.SplitSeq(name, ".") {
		q = append(append(q, byte(len(l))), l...)
	}
	q = append(q, 0)
	return cat([]byte{0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0}, q, []byte{0, 1, 0, 1, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4}, a[:])
}

// TestContainersOfOldAndOfRouters has two records in every layout of pcap files
// that tcpdump, its modifications and firewalls have had.
func TestContainersOfOldAndOfRouters(t *testing.T) {
	ip := packet4(1, 1, 2, plug, cloud, 6, 0, tcp(4000, 443, 1, 24, nil, make([]byte, 50)))
	for name, tc := range map[string]struct {
		magic          uint32
		minor          uint16
		swapped        bool
		behind, length int
	}{
		"2.4":               {magicMicro, 4, false, 0, len(ip)},
		"2.3":               {magicMicro, 3, false, 0, len(ip)},
		"2.3, swapped":      {magicMicro, 3, true, 0, len(ip) + 40},
		"2.2":               {magicMicro, 2, true, 0, len(ip)},
		"2.0":               {magicMicro, 0, true, 0, len(ip) + 40},
		"nanoseconds":       {magicNano, 4, false, 0, len(ip)},
		"modified":          {magicModified, 4, false, 8, len(ip)},
		"modified, longer":  {magicModified, 4, false, 12, len(ip)},
		"modified, unnamed": {magicMicro, 4, false, 8, len(ip)},
		"firewall":          {magicMicro, 4, false, 4, len(ip)},
		"captured more":     {magicMicro, 4, false, 0, len(ip) - 4},
		"length unknown":    {magicMicro, 4, false, 0, 0},
	} {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			b := order.AppendUint32(nil, tc.magic)
			b = order.AppendUint16(order.AppendUint16(b, 2), tc.minor)
			for _, v := range []uint32{0, 0, 65535, 1} {
				b = order.AppendUint32(b, v)
			}
			for i := range 4 {
				captured, length := uint32(len(ip)), uint32(tc.length)
				if tc.swapped {
					captured, length = length, captured
				}
				for _, v := range []uint32{1_700_000_000 + uint32(i), 250_000, captured, length} {
					b = order.AppendUint32(b, v)
				}
				b = append(append(b, make([]byte, tc.behind)...), ip...)
			}
			tr, _, err := readBytes(t, b, Options{})
			if err != nil || len(tr.Packets) != 4 || tr.Packets[3].Size != int32(len(ip)) || tr.Packets[3].Time != 3*time.Second || len(tr.Flows) != 1 {
				t.Errorf("%s, %v: %+v %v", name, order, tr, err)
			}
		}
	}
}

// TestRadioHeaders has a frame of 802.11 behind everything that sniffers put in
// front of one, and one that they found damaged.
func TestRadioHeaders(t *testing.T) {
	data := dot11Frame(0x88, 0x41, true)
	var want frame
	want.decode(&Record{Length: len(data), Link: link80211, Data: data})
	prism := cat(le32(0x44), le32(144), make([]byte, 136))
	avs := cat(be32(0x80211001), be32(64), make([]byte, 56))
	common := func(flags int) []byte {
		return cat([]byte{0, 0, 32, 0}, le32(link80211), le16(2), le16(20), make([]byte, 8), le16(flags), make([]byte, 10))
	}
	for name, tc := range map[string]struct {
		link uint32
		b    []byte
		skip string
	}{
		"Prism":               {linkPrism, cat(prism, data), ""},
		"AVS":                 {linkAVS, cat(avs, data), ""},
		"PPI":                 {linkPPI, cat([]byte{0, 0, 8, 0}, le32(link80211), data), ""},
		"PPI, sequence":       {linkPPI, cat(common(1), data, make([]byte, 4)), ""},
		"PPI, damaged":        {linkPPI, cat(common(5), data, make([]byte, 4)), skipDamaged},
		"radiotap, damaged":   {linkRadiotap, cat([]byte{0, 0, 9, 0, 2, 0, 0, 0, 0x50}, data, make([]byte, 4)), skipDamaged},
		"TZSP":                {linkEthernet, ethernet(0x0800, outerUDP(37008, []byte{1, 0, 0, 18, 1}, data)), ""},
		"TZSP, damaged":       {linkEthernet, ethernet(0x0800, outerUDP(37008, []byte{1, 0, 0, 18, 17, 1, 1, 1}, data)), skipDamaged},
		"PPI in TZSP is none": {linkPPI, []byte{0, 0, 200, 0, 1, 2, 3, 4}, "malformed PPI header"},
	} {
		var f frame
		f.decode(&Record{Length: len(tc.b), Link: tc.link, Data: tc.b})
		if f.skip != tc.skip || tc.skip == "" && (f.key != want.key || f.size != want.size || f.payload != want.payload || f.way != want.way) {
			t.Errorf("%s: %+v\nwant %+v", name, f, want)
		}
	}

	// A repeater's frames are the station's own once more, unless they are all
	// there is.
	up := dot11Frame(0x88, 0x41, true)
	relayed := slices.Insert(dot11Frame(0x88, 0x43, true), 24, 0xa2, 0, 0, 0, 0, 2)
	if tr, rep := readFrames(t, link80211, Options{}, at{0, up}, at{1, relayed}); len(tr.Packets) != 1 || len(tr.Flows) != 1 || rep.Skipped != 1 {
		t.Errorf("%+v %+v", tr, rep)
	}
	if tr, _ := readFrames(t, link80211, Options{}, at{0, relayed}); len(tr.Packets) != 1 || tr.Flows[0].MAC.String() != "a2:00:00:00:00:02" {
		t.Errorf("%+v", tr)
	}
}
