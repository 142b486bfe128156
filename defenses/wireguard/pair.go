// Package wireguard runs the real WireGuard, golang.zx2c4.com/wireguard, between a
// home's gateway and the far end of its tunnel, both in this process. The model of
// package tunnel is held to it, and captures can be played through it.
//
// Pair is what to read first.
package wireguard

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"

	"veilbench/datasets"
)

// MTU is the largest inner packet of a tunnel, as everybody sets it.
const MTU = device.DefaultMTU

// Smallest is the smallest inner packet that Pair sends: an IPv4 header and the
// number that tells which packet it is.
const Smallest = 28

// Message is a datagram of the tunnel. Its bytes are those above UDP.
type Message struct {
	Dir   datasets.Dir
	Bytes int
	Kind  Kind
}

// Kind is the type that a message begins with.
type Kind uint32

// The kinds of messages; an empty transport message is a keepalive.
const (
	Initiation Kind = device.MessageInitiationType
	Response   Kind = device.MessageResponseType
	Cookie     Kind = device.MessageCookieReplyType
	Transport  Kind = device.MessageTransportType
)

// Observer is told what happens, from several goroutines at once.
type Observer struct {
	// Sent is called for each message where the home's line meets the gateway: those
	// down when they have come over it.
	Sent func(Message)
	// Arrived is called for each inner packet at the other end, by its number.
	Arrived func(id uint32)
}

// Pair is a tunnel between the two ends. Close it.
type Pair struct {
	tuns    [2]*tunDevice // by the direction of what they send
	devices [2]*device.Device
	stop    func()
}

// InMemory makes a tunnel whose line is memory: every message takes delay. All that it
// starts ends with Close, so that it can live in a bubble of testing/synctest.
func InMemory(delay time.Duration, o Observer) (*Pair, error) {
	up, down := newLine(delay), newLine(delay)
	stop := func() { close(up.closed); close(down.closed) }
	gateway := &memory{out: up, in: down, sent: func(b []byte) { o.Sent(messageOf(datasets.Up, b)) }}
	far := &memory{out: down, in: up}
	gateway.got = func(b []byte) { o.Sent(messageOf(datasets.Down, b)) }
	return newPair([2]conn.Bind{gateway, far}, o, stop)
}

// Loopback makes a tunnel over UDP on this machine's loopback interface.
func Loopback(o Observer) (*Pair, error) {
	binds := [2]conn.Bind{}
	for d := range binds {
		binds[d] = &tap{conn.NewDefaultBind(), func(b []byte) { o.Sent(messageOf(datasets.Dir(d), b)) }}
	}
	return newPair(binds, o, func() {})
}

// newPair starts both ends, that which sends up first. stop ends what binds need.
func newPair(binds [2]conn.Bind, o Observer, stop func()) (p *Pair, err error) {
	p = &Pair{stop: stop}
	var keys [2]*ecdh.PrivateKey
	for d := range keys {
		if keys[d], err = ecdh.X25519().GenerateKey(rand.Reader); err != nil {
			return nil, err
		}
		p.tuns[d] = newTun(o.Arrived)
	}

	for d := range p.devices {
		p.devices[d] = device.NewDevice(p.tuns[d], binds[d], device.NewLogger(device.LogLevelSilent, ""))
		err := p.devices[d].IpcSet(fmt.Sprintf("private_key=%x\nlisten_port=0\npublic_key=%x\nallowed_ip=%s/32\n",
			keys[d].Bytes(), keys[1-d].PublicKey().Bytes(), address(1-d)))
		if err == nil {
			err = p.devices[d].Up()
		}
		if err != nil {
			p.Close()
			return nil, fmt.Errorf("starting WireGuard: %w", err)
		}
	}

	// Ports are known when both are up. The far end learns the gateway's by its first
	// message, as it does at home; it is told so that it may send first.
	for d, dev := range p.devices {
		port, err := portOf(p.devices[1-d])
		if err == nil {
			err = dev.IpcSet(fmt.Sprintf("public_key=%s\nupdate_only=true\nendpoint=127.0.0.1:%s\n", hex.EncodeToString(keys[1-d].PublicKey().Bytes()), port))
		}
		if err != nil {
			p.Close()
			return nil, fmt.Errorf("starting WireGuard: %w", err)
		}
	}
	return p, nil
}

// portOf is the port that a device listens at.
func portOf(d *device.Device) (string, error) {
	s, err := d.IpcGet()
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(s) {
		if port, ok := strings.CutPrefix(strings.TrimSpace(line), "listen_port="); ok {
			return port, nil
		}
	}
	return "", fmt.Errorf("the device tells no port")
}

// address is the inner address of the end that sends in direction d.
func address(d int) netip.Addr { return netip.AddrFrom4([4]byte{10, 77, 0, byte(1 + d)}) }

// Send hands an inner packet of so many bytes of IP to the end that sends in direction
// dir: Smallest to MTU. It waits until the device takes it, and returns false when the
// tunnel is closed.
func (p *Pair) Send(dir datasets.Dir, bytes int, id uint32) bool {
	b := make([]byte, bytes)
	b[0], b[8], b[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(b[2:], uint16(bytes))
	copy(b[12:], address(int(dir)).AsSlice())
	copy(b[16:], address(int(1-dir)).AsSlice())
	binary.BigEndian.PutUint32(b[20:], id)

	select {
	case p.tuns[dir].in <- b:
		return true
	case <-p.tuns[dir].closed:
		return false
	}
}

// Close ends both devices and waits for them.
func (p *Pair) Close() {
	p.stop()
	for _, d := range p.devices {
		if d != nil {
			d.Close()
		}
	}
}

// messageOf tells what a datagram is by its first bytes.
func messageOf(dir datasets.Dir, b []byte) Message {
	m := Message{Dir: dir, Bytes: len(b)}
	if len(b) >= 4 {
		m.Kind = Kind(binary.LittleEndian.Uint32(b))
	}
	return m
}
