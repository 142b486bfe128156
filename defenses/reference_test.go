package defenses_test

import (
	"testing"

	"veilbench/defenses"
	"veilbench/defenses/builtin"
)

// What a defense is compared with, by hand: the same tunnels without cover and padding,
// none where there is none or nothing else.
func TestReference(t *testing.T) {
	for _, c := range []struct{ id, want string }{
		{"none", "none"},
		{"pad-random", "none"},
		{"front", "none"},
		{"vpn", "none"},
		{"hide-names+vpn:kind=esp-gcm", "vpn:control=true,delay=uniform,delay_s=0.005,kind=esp-gcm,mtu_bytes=0,outer=ipv4"},
		{"pad-level+cover-noise+vpn", "vpn:control=true,delay=uniform,delay_s=0.005,kind=wireguard,mtu_bytes=0,outer=ipv4"},
		{"constant-rate:per=home", "plain-tunnel:per=home"},
		{"cover-stp+vpn", "plain-tunnel:per=device+vpn:control=true,delay=uniform,delay_s=0.005,kind=wireguard,mtu_bytes=0,outer=ipv4"},
		{"windscribe", "wireguard-tunnel:control=true,mtu_bytes=0,per=home"},
		{"nym", "none"},
	} {
		d, err := defenses.Parse(builtin.All(), c.id)
		if err != nil {
			t.Fatal(err)
		}
		ref := defenses.Reference(d)
		if got := defenses.ID(ref); got != c.want {
			t.Errorf("%s is compared with %s, want %s", c.id, got, c.want)
		}

		// A reference has no other: it is a tunnel, or nothing.
		if again := defenses.Reference(ref); defenses.ID(again) != "none" {
			t.Errorf("%s is compared with %s, and that with %s", c.id, defenses.ID(ref), defenses.ID(again))
		}
	}
}
