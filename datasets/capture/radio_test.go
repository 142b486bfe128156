package capture

import (
	"encoding/binary"
	"fmt"
	"testing"

	"veilbench/datasets"
)

// zigbeeFrame is a data frame of short addresses in one network, whose last two
// bytes are end.
func zigbeeFrame(src, dst uint16, end [2]byte) []byte {
	b := []byte{0x41, 0x88, 7, 0xcd, 0xab}
	b = binary.LittleEndian.AppendUint16(b, dst)
	b = binary.LittleEndian.AppendUint16(b, src)
	b = append(b, make([]byte, 20)...)
	return append(b, end[0], end[1])
}

// right is f with the CRC that belongs to it.
func right(f []byte) []byte {
	for crc := range 1 << 16 {
		binary.LittleEndian.PutUint16(f[len(f)-2:], uint16(crc))
		if checkOf(f, len(f))&crcRight != 0 {
			break
		}
	}
	return f
}

// The example of IEEE 802.15.4-2015, section 7.2.10: an acknowledgment.
func TestCheckSequence(t *testing.T) {
	if c := checkOf([]byte{0x02, 0x00, 0x6a, 0xe4, 0x79}, 5); c&crcRight == 0 {
		t.Errorf("%b", c)
	}
	if c := checkOf([]byte{0x02, 0x00, 0x6a, 0xe4}, 5); c != 0 {
		t.Errorf("a cut frame: %b", c)
	}
}

// Damaged frames are left out, whether the last bytes are a CRC or a chip's word;
// where they are neither, every frame is kept.
func TestDamagedZigbeeFrames(t *testing.T) {
	for _, c := range []struct {
		name   string
		frames [][]byte
		kept   int
	}{
		{"CRC", [][]byte{zigbeeFrame(9, 0, [2]byte{1, 2}), right(zigbeeFrame(1, 0, [2]byte{})), right(zigbeeFrame(1, 0, [2]byte{})), right(zigbeeFrame(0, 1, [2]byte{}))}, 3},
		{"signal and a bit", [][]byte{zigbeeFrame(1, 0, [2]byte{0xd0, 0xeb}), zigbeeFrame(9, 0, [2]byte{0xd0, 0x2b}), zigbeeFrame(0, 1, [2]byte{0xd0, 0xeb})}, 2},
		{"neither", [][]byte{zigbeeFrame(1, 0, [2]byte{}), zigbeeFrame(9, 0, [2]byte{}), zigbeeFrame(0, 1, [2]byte{})}, 3},
	} {
		b := fileHeaderBytes(magicMicro, 65535, link802154FCS)
		for i, fr := range c.frames {
			b = append(b, recordBytes(uint32(100+i), 0, fr)...)
		}
		tr, rep, err := readBytes(t, b, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(tr.Packets) != c.kept || rep.Packets != c.kept || rep.Skipped != len(c.frames)-c.kept || rep.Recorded != datasets.Zigbee {
			t.Errorf("%s: %d packets, %+v", c.name, len(tr.Packets), rep)
		}
		if err := tr.Check(); err != nil || tr.Packets[0].Time != 0 {
			t.Errorf("%s: begins at %v: %v", c.name, tr.Packets[0].Time, err)
		}
		for _, f := range tr.Flows {
			if c.name != "neither" && (f.MAC[5] != 1 || len(tr.Flows) != 1) {
				t.Errorf("%s: %d flows, one of %v", c.name, len(tr.Flows), f.MAC)
			}
		}
	}
}

// A frame's flow knows both ends; what is no data is left out and named.
func TestZigbeeFlows(t *testing.T) {
	b := fileHeaderBytes(magicMicro, 65535, link802154)
	command := zigbeeFrame(1, 0, [2]byte{})
	command[0] = 0x63
	beacon := zigbeeFrame(1, 0, [2]byte{})
	beacon[0] = 0x40
	for i, fr := range [][]byte{zigbeeFrame(1, 0, [2]byte{}), command, beacon, zigbeeFrame(1, 2, [2]byte{})} {
		b = append(b, recordBytes(uint32(i), 0, fr)...)
	}
	tr, rep, err := readBytes(t, b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(rep.Reasons); got != "[{802.15.4 MAC command 1} {802.15.4 beacon 1}]" {
		t.Errorf("skipped %s", got)
	}
	want := []datasets.MAC{{0, 0, 0xab, 0xcd, 0, 0}, {0, 0, 0xab, 0xcd, 0, 2}}
	for i, f := range tr.Flows {
		if !f.Radio() || f.Peer != want[i] || f.MAC != (datasets.MAC{0, 0, 0xab, 0xcd, 0, 1}) || !f.LAN {
			t.Errorf("flow %d: %+v", i, f)
		}
	}
}
