package home

import (
	"regexp"
	"strings"
	"testing"
)

// TestEveryFigureHasItsSource: each block of the profile has a provenance mark
// (c, r, d or a), and what it cites is listed.
func TestEveryFigureHasItsSource(t *testing.T) {
	p, err := loadProfile()
	if err != nil {
		t.Fatal(err)
	}
	cite := regexp.MustCompile(`\b[A-Z]{3,}[A-Z0-9]*\b`)
	notSources := " SYN ACK DNS NTP UDP TCP TLS VPN LAN WAN RTT AES CBC GCM SHA1 JSON CDN QUIC AVS SSDP WIFI HTTP RSA MQTT "
	check := func(where, prov string) {
		if !regexp.MustCompile(`^[crda](:|;|$)`).MatchString(prov) {
			t.Errorf("%s: provenance %q begins with none of c, r, d, a", where, prov)
		}
		for _, key := range cite.FindAllString(prov, -1) {
			if p.Sources[key] == "" && !strings.Contains(notSources, " "+key+" ") {
				t.Errorf("%s: %q is not among the sources", where, key)
			}
		}
	}
	for _, d := range p.Devices {
		for _, f := range d.Flows {
			check(d.ID+" flow "+f.ID, f.Prov)
		}
		for _, x := range d.Periodic {
			check(d.ID+" "+x.ID, x.Prov)
		}
		for _, e := range d.Events {
			check(d.ID+" "+e.Name, e.Prov)
		}
		if len(d.DNS.Names) > 0 {
			check(d.ID+" dns", d.DNS.Prov)
		}
	}
	for name, h := range p.Handshakes {
		check(name, h.Prov)
	}
}

// TestServersHaveTheirOwnAddresses: names map to addresses one to one, inside
// the range for benchmarks.
func TestServersHaveTheirOwnAddresses(t *testing.T) {
	p, err := loadProfile()
	if err != nil {
		t.Fatal(err)
	}
	host := map[string]string{}
	see := func(name string) {
		a := serverAddress(name).String()
		if other, ok := host[a]; ok && other != name {
			t.Errorf("%s and %s share %s", name, other, a)
		}
		host[a] = name
	}
	for _, d := range p.Devices {
		for _, f := range d.Flows {
			if f.Host != "" {
				see(f.Host)
			}
		}
		if d.NTP.Host != "" {
			see(d.NTP.Host)
		}
	}
	r := newRand(1, "sites")
	s := &surfer{r: r}
	for range 20_000 {
		see(s.site())
	}
	for _, name := range []string{"video0", "video1", "video2", "video3", "video4", "video5", "call", "play", "files"} {
		see(name + ".example")
	}
}
