package defenses_test

import (
	"testing"

	"veilbench/defenses"
	"veilbench/defenses/defensetest"
)

// variants are IDs that the contract kit runs beside the defaults.
func variants() []string {
	return []string{
		"pad-random:per=flow", "pad-random:per=burst,set=dyer", "pad-random:set=mtu,acks=pad",
		"pad-level:to=fixed", "pad-level:to=linear", "pad-level:to=exponential", "pad-level:to=mice", "pad-level:to=levels",
		"pad-level:to=l100", "pad-level:to=l500", "pad-level:to=l700", "pad-level:to=l900,acks=pad",
		"constant-rate:variant=plain,per=home", "constant-rate:variant=plain,interval_down_s=0.03",
		"constant-rate:variant=buflo", "constant-rate:variant=buflo-home,per=home",
		"constant-rate:variant=tamaraw", "constant-rate:variant=tamaraw-front", "constant-rate:variant=tamaraw-home",
		"vpn:kind=openvpn-udp", "vpn:outer=ipv6,delay=constant", "vpn:kind=openvpn-udp-cbc,mtu_bytes=1000", "vpn:kind=openvpn-tcp",
		"vpn:kind=esp-gcm", "vpn:kind=esp-gcm-natt,outer=ipv6", "vpn:kind=esp-cbc,control=false", "vpn:delay_s=0",
		"pad-random:set=mtu-uniform", "pad-random:set=gaussian",
		"fragment:by=bytes", "fragment:by=thirds", "fragment:parts=7", "jitter:min_s=0",
		"morph:method=dts", "morph:target=bulb/on", "uniform-burst:slots=10",
		"regulator:variant=light,n=50",
		"adaptive-padding:variant=normal-rcv", "front:variant=t1", "front:size_bytes=1200",
		"hide-names:pad=false", "cover-stp:variant=stp,per=home", "cover-stp:q=0",
		"cover-noise:kind=poisson", "cover-noise:per_hour=600", "dp-shape:variant=web-100ms,epsilon=1000",
		"cover-decoy:source=generated,per_hour=600", "cover-decoy:per_hour=600",
	}
}

func TestContract(t *testing.T) {
	for _, d := range defenses.All() {
		t.Run(d.Info().Name, func(t *testing.T) { defensetest.Run(t, d) })
	}
	for _, id := range variants() {
		t.Run(id, func(t *testing.T) {
			d, err := defenses.Parse(defenses.All(), id)
			if err != nil {
				t.Fatal(err)
			}
			defensetest.Run(t, d)
		})
	}
}
