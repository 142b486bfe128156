package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/gopacket/layers"

	"veilbench/datasets"
	"veilbench/datasets/capture/internal/header"
)

// decodePlain makes of a frame what the long way makes of it, or leaves it alone:
// whole frames, cut ones, and those with a few bytes changed anywhere in the headers.
func TestPlainFramesDecodeAlike(t *testing.T) {
	rng := rand.New(rand.NewPCG(18, 2))
	ports := []uint16{53, 443, portTZSP, portZEP, portVXLAN, portVXLANGPE, portGeneve, portMPLS, portGTP, portTeredo, portL2TP, portCAPWAP, portHPERM}
	const rounds = 20_000
	plain, taken := 0, 0
	for range rounds {
		b := randomFrame(t, rng)
		if rng.IntN(3) > 0 {
			proto := []layers.IPProtocol{header.TCP, header.UDP}[rng.IntN(2)]
			b = append([]byte{2, 0, 0, 0, 1, 1, 2, 0, 0, 0, 2, 2, 8, 0}, ipPacket(t, 4, proto, rng.IntN(120))...)
			binary.BigEndian.PutUint16(b[34+2*rng.IntN(2):], ports[rng.IntN(len(ports))])
			if proto == header.UDP && len(b) >= 42+8+14+20 && rng.IntN(2) == 0 { // VXLAN
				copy(b[36:], []byte{portVXLAN >> 8, portVXLAN & 255})
				copy(b[42:], []byte{8, 0, 0, 0, 0, 0, 1, 0})
				copy(b[50:], b[:34])
			}
		}
		wire := len(b)
		for range rng.IntN(3) {
			b[rng.IntN(min(len(b), 60))] = []byte{0, 1, 2, 4, 5, 0x0c, 0x45, 0x50, 0xff, byte(rng.Uint32())}[rng.IntN(10)]
		}
		if rng.IntN(8) == 0 {
			copy(b[6*rng.IntN(2):], []byte{header.FarPrefix >> 16, header.FarPrefix >> 8 & 255, header.FarPrefix & 255})
		}
		switch rng.IntN(8) {
		case 0:
			b = b[:rng.IntN(len(b)+1)]
		case 1:
			wire = max(0, wire+rng.IntN(40)-20)
		}
		switch p, ok := comparePlain(t, b, wire); {
		case p:
			plain++
		case ok:
			taken++
		}
	}
	if plain < rounds/4 || taken < rounds/50 {
		t.Errorf("of %d frames %d were plain and %d had something rare", rounds, plain, taken)
	}
}

// A frame that others were decoded into before is what a new one would be.
func TestFramesAreDecodedAnew(t *testing.T) {
	rng := rand.New(rand.NewPCG(18, 3))
	var used frame
	plain := 0
	for range 20_000 {
		rec := Record{Link: linkEthernet, Data: randomFrame(t, rng)}
		switch rng.IntN(4) {
		case 0, 1:
			proto := []layers.IPProtocol{header.TCP, header.UDP}[rng.IntN(2)]
			rec.Data = append([]byte{2, 0, 0, 0, 1, 1, 2, 0, 0, 0, 2, 2, 8, 0}, ipPacket(t, 4, proto, rng.IntN(120))...)
		case 2:
			rec.Data[rng.IntN(min(len(rec.Data), 40))] = byte(rng.Uint32())
		}
		if rng.IntN(8) == 0 {
			rec.Link = []uint32{linkRaw, linkNull, link80211, linkCooked, 9999}[rng.IntN(5)]
		}
		rec.Length = len(rec.Data)

		var fresh frame
		for _, f := range []*frame{&fresh, &used} {
			f.decode(&rec)
			f.sumUp()
		}
		if !reflect.DeepEqual(used, fresh) {
			t.Fatalf("link %d: %x\n  used %+v\n fresh %+v", rec.Link, rec.Data, used, fresh)
		}
		if used.plain {
			plain++
		}
	}
	if plain < 5000 || plain > 15_000 {
		t.Errorf("%d of 20000 frames are plain", plain)
	}
}

// nextPlain reads the records that nextBlock does, at the places where that does, and
// leaves alone what is an error or another block.
func TestPlainBlocksReadAlike(t *testing.T) {
	rng := rand.New(rand.NewPCG(18, 4))
	taken, total := 0, 0
	for range 2000 {
		file := sectionBytes()
		for range 1 + rng.IntN(2) {
			// A resolution, and at times an offset of seconds.
			options := []byte{9, 0, 1, 0, []byte{0, 3, 6, 9, 11, 19, 0x80 | 20, 0x80 | 63}[rng.IntN(8)], 0, 0, 0}
			if rng.IntN(2) == 0 {
				options = append(options, 14, 0, 8, 0)
				options = binary.LittleEndian.AppendUint64(options, uint64(rng.IntN(2000)))
			}
			file = append(file, interfaceBytes(linkEthernet, options)...)
		}
		for range 8 {
			data := make([]byte, rng.IntN(100))
			n := uint32(len(data))
			block := enhancedBytes(uint32(rng.IntN(2)), rng.Uint64()>>rng.IntN(64), n, n+uint32(rng.IntN(2)), data)
			switch rng.IntN(12) {
			case 0:
				block[rng.IntN(28)] = byte(rng.Uint32())
			case 1:
				block = blockBytes(uint32(rng.IntN(8)), make([]byte, 4*rng.IntN(20)))
			}
			file = append(file, block...)
		}
		file = file[:len(file)-rng.IntN(3)*rng.IntN(20)]

		var read [2]*Reader
		for i := range read {
			var err error
			if read[i], err = NewReader(bytes.NewReader(file)); err != nil {
				t.Fatal(err)
			}
		}
		quick, slow := read[0].format.(*pcapng), read[1].format.(*pcapng)
		for {
			var a, b Record
			at := slow.src.offset()
			if quick.nextPlain(&a) {
				if err := slow.nextBlock(&b); err != nil || !reflect.DeepEqual(a, b) || quick.src.offset() != slow.src.offset() || quick.time != slow.time {
					t.Fatalf("at %d of %x: %+v; want %+v, %v", at, file, a, b, err)
				}
				taken++
				total++
				continue
			}
			if quick.src.offset() != at || !reflect.DeepEqual(a, Record{}) {
				t.Fatalf("at %d of %x: changed without a packet", at, file)
			}
			err := quick.nextBlock(&a)
			if err2 := slow.nextBlock(&b); fmt.Sprint(err) != fmt.Sprint(err2) {
				t.Fatal(err, err2)
			}
			if err != nil {
				break
			}
			total++
		}
	}
	if taken < 2000 || taken > total*9/10 {
		t.Errorf("%d of %d blocks are plain", taken, total)
	}
}

// What is in order is left as putting it into order would leave it.
func TestEvenTimesStay(t *testing.T) {
	rng := rand.New(rand.NewPCG(18, 5))
	even := 0
	for range 5000 {
		b := newBuilder(Options{SortTimes: rng.IntN(4) == 0})
		var now time.Duration
		for range rng.IntN(40) {
			b.append(datasets.Packet{Time: now, Size: 60})
			now += time.Duration(rng.Int64N(int64(time.Second)))
			if rng.IntN(60) == 0 {
				now += time.Duration(rng.Int64N(int64(100*time.Hour))) >> rng.IntN(30) * time.Duration(1-2*rng.IntN(2))
			}
		}
		if !b.uneven {
			even++
		}
		plain := newBuilder(b.o)
		plain.ps, plain.n, plain.uneven = slices.Clone(b.ps), b.n, true
		got, want := b.packets(), plain.packets()
		if !slices.Equal(got, want) || !reflect.DeepEqual(b.rep, plain.rep) || b.base != plain.base || len(plain.steps)+len(plain.gaps) > 0 && !b.uneven {
			t.Fatalf("%v\nwant %v", got, want)
		}
	}
	if even < 1000 || even > 4500 {
		t.Errorf("%d of 5000 recordings have even times", even)
	}
}

// comparePlain decodes b both ways and says whether the short one found it plain, and
// whether it decoded it.
func comparePlain(t *testing.T, b []byte, wire int) (plain, ok bool) {
	t.Helper()
	var short, long frame
	ok = short.decodePlain(b, wire)
	if ok {
		long.decodeEthernet(b, wire)
	}
	plain, short.plain = short.plain, false
	if !reflect.DeepEqual(short, long) {
		t.Fatalf("%x of %d bytes\n short %+v\n  long %+v", b, wire, short, long)
	}
	rare := frame{
		key: short.key, size: short.size, payload: short.payload, app: short.app, ipID: short.ipID,
		seq: short.seq, ack: short.ack, flags: short.flags,
	}
	if plain && !reflect.DeepEqual(short, rare) {
		t.Fatalf("%x of %d bytes is not plain: %+v", b, wire, short)
	}
	return plain, ok
}
