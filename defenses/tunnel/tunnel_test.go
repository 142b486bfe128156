package tunnel_test

import (
	"testing"

	"veilbench/defenses/builtin"
	"veilbench/defenses/defensetest"
)

func TestGolden(t *testing.T) { defensetest.Golden(t, builtin.All()) }

// The contract with other than default parameters; package builtin runs those.
func TestContract(t *testing.T) {
	defensetest.RunAll(t, builtin.All(),
		"vpn:kind=openvpn-udp",
		"vpn:outer=ipv6,delay=constant",
		"vpn:kind=openvpn-udp-cbc,mtu_bytes=1000",
		"vpn:kind=openvpn-tcp",
		"vpn:kind=esp-gcm",
		"vpn:kind=esp-gcm-natt,outer=ipv6",
		"vpn:kind=esp-cbc,control=false",
		"vpn:delay_s=0",
	)
}
