package traffic

import (
	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/profile"
)

// routerAddress is where the router of every home answers.
const routerAddress = "192.168.1.1"

// LookUp resolves a name: at the router if that answers, else at the access
// provider's resolver; some devices insist on a public one.
func (s *Script) LookUp(name string) {
	var flow int32
	switch {
	case s.device.DNS.Public:
		flow = s.device.newFlow("udp", serverAddress("public resolver"), 53, "", 0)
	case s.device.Home.RouterDNS:
		flow = s.device.lanFlow(&profile.Flow{Proto: "udp", Port: 53, Remote: routerAddress})
	default:
		flow = s.device.newFlow("udp", resolverAddress(), 53, "", 0)
	}
	c := datagrams(flow)

	// Each look-up has a port of its own. Where ports have come round, the flow is
	// an old one and keeps the first name.
	if f := &s.device.Home.flows[flow]; s.device.Home.Queries && f.Query == "" {
		f.Query = name
	}

	// The answer to a name has the same length in every home, by which observers
	// may know it: it is drawn from the name and not from the seed.
	query := 60 + int64(len(name))
	answer := max(answerSizes().Draw(draw.New(0, "dns", name)), query+16)

	s.Clock += draw.Between(s.r, 200*microsecond, 2*millisecond)
	s.sendMessage(c, "C", query, true)
	// 55 ms at the 90th percentile.
	s.Clock += draw.Lognormal(10*millisecond, 125_766, 2*second).Draw(s.r)
	s.sendMessage(c, "S", answer, true)
	s.prev = "S"
}

// answerSizes are the frames that answer look-ups.
func answerSizes() draw.Value {
	return draw.Choice(
		draw.Weighted{Value: 138, Weight: 25}, draw.Weighted{Value: 145, Weight: 15}, draw.Weighted{Value: 161, Weight: 20},
		draw.Weighted{Value: 173, Weight: 15}, draw.Weighted{Value: 209, Weight: 15}, draw.Weighted{Value: 221, Weight: 10},
	)
}

// askTime is one exchange with a time server.
func (s *Script) askTime(host string) {
	c := datagrams(s.device.newFlow("udp", serverAddress(host), 123, host, 0))
	s.sendMessage(c, "C", 90, true)
	// 60 ms at the 90th percentile.
	s.Clock += draw.Lognormal(30*millisecond, 51_136, second).Draw(s.r)
	s.sendMessage(c, "S", 90, true)
}

// renewLease is one exchange with the home's DHCP server.
func (s *Script) renewLease() {
	c := datagrams(s.device.lanFlow(&profile.Flow{Proto: "udp", Port: 67, Remote: routerAddress}))
	s.sendMessage(c, "C", draw.Between(s.r, 342, 358), true)
	s.Clock += draw.Between(s.r, 2*millisecond, 20*millisecond)
	s.sendMessage(c, "S", draw.Between(s.r, 342, 363), true)
}

// datagrams is a conversation over UDP that has no profile.
func datagrams(flow int32) *Conn {
	return &Conn{Flow: &profile.Flow{Proto: "udp"}, flow: flow}
}
