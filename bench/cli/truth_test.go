package cli

import (
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// frameRead is a frame of a capture as another program reads it.
type frameRead struct {
	at            time.Time
	mark          bool // no traffic
	size, payload int  // Ethernet and IP without filling; what TCP, UDP or else IP carries
}

func framesOf(t *testing.T, path string) []frameRead {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pcapgo.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []frameRead
	for {
		b, info, err := r.ReadPacketData()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, readFrame(t, b, info))
	}
}

func readFrame(t *testing.T, b []byte, info gopacket.CaptureInfo) frameRead {
	t.Helper()
	p := gopacket.NewPacket(b, layers.LinkTypeEthernet, gopacket.Default)
	eth := p.LinkLayer().(*layers.Ethernet)
	f := frameRead{at: info.Timestamp, mark: eth.EthernetType == 0x88b6, size: info.Length, payload: info.Length - 14}
	switch ip := p.NetworkLayer().(type) {
	case *layers.IPv4:
		f.size, f.payload = 14+int(ip.Length), int(ip.Length)-4*int(ip.IHL)
	case *layers.IPv6:
		f.size, f.payload = 54+int(ip.Length), int(ip.Length)
	}
	switch p := p.TransportLayer().(type) {
	case *layers.TCP:
		f.payload -= 4 * int(p.DataOffset)
	case *layers.UDP:
		f.payload -= 8
	}
	return f
}

// Who joins truth.csv with what another program reads of OUT, by frame number,
// finds the right packet in every row.
func TestTruthJoinsByFrame(t *testing.T) {
	dir := t.TempDir()
	must(t, "datasets", "generate", "home:event_signatures", "--homes", "1", "--hours", "0.2", "--out", filepath.Join(dir, "homes"))
	in := filepath.Join(dir, "homes", "home-01.pcap")
	var originals []frameRead // packets count without the marks, from 0
	for _, f := range framesOf(t, in) {
		if !f.mark {
			originals = append(originals, f)
		}
	}

	for _, defense := range []string{"none", "pad-random", "fragment", "front", "vpn:kind=wireguard"} {
		t.Run(defense, func(t *testing.T) {
			dir := t.TempDir()
			out := filepath.Join(dir, "out.pcap")
			must(t, "apply", "--defense", defense, in, out)
			frames := framesOf(t, out)
			rows, err := csv.NewReader(strings.NewReader(file(t, dir, "out.truth.csv"))).ReadAll()
			if err != nil {
				t.Fatal(err)
			}

			wrong := joinErrors(t, rows[1:], frames, originals, 0, defense)
			if wrong != 0 {
				t.Errorf("%d of %d rows do not agree with their frame", wrong, len(rows)-1)
			}
			// The comparison would show a number that is off by one.
			for _, shift := range []int{-1, 1} {
				if wrong := joinErrors(t, rows[1:], frames, originals, shift, defense); wrong < (len(rows)-1)/2 {
					t.Errorf("shifted by %d only %d of %d rows do not agree", shift, wrong, len(rows)-1)
				}
			}
		})
	}
}

// joinErrors counts the rows that do not agree with the frame they name: in time,
// in size where the defense leaves sizes alone, and in that a frame has room for
// what it carries. Frames that no row names, and originals of which not every byte
// is found, count too.
func joinErrors(t *testing.T, rows [][]string, frames, originals []frameRead, shift int, defense string) int {
	t.Helper()
	wrong := 0
	named := map[int]int{} // bytes carried by frame
	left := make([]int, len(originals))
	for i, o := range originals {
		left[i] = o.payload
	}
	for _, row := range rows {
		n := whole(t, row[1]) + shift
		if n < 1 || n > len(frames) {
			wrong++
			continue
		}
		f := frames[n-1]
		bad := f.mark || strconv.FormatFloat(f.at.Sub(frames[0].at).Seconds(), 'f', 9, 64) != row[2]
		bytes := 0
		if row[3] != "" {
			o := whole(t, row[3])
			bytes = whole(t, row[4])
			left[o] -= bytes
			bad = bad || defense == "none" && (f.size != originals[o].size || f.payload != bytes)
			bad = bad || defense == "pad-random" && (originals[o].payload != bytes || f.size-f.payload != originals[o].size-originals[o].payload)
		}
		named[n] += bytes
		if bad || named[n] > f.payload {
			wrong++
		}
	}

	for i, f := range frames {
		if _, ok := named[i+1]; ok == f.mark {
			wrong++
		}
	}
	for _, l := range left {
		if l != 0 {
			wrong++
		}
	}
	return wrong
}

func whole(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
