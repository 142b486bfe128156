package profile

import (
	"regexp"
	"strings"
	"testing"
)

// TestEveryFigureHasItsSource: each block of the profile has a provenance mark
// (c, r, d or a), and what it cites is listed.
func TestEveryFigureHasItsSource(t *testing.T) {
	p, err := Load()
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

// TestUnknownNamesAreRefused: what a step names must be there, for the steps
// are played without asking again.
func TestUnknownNamesAreRefused(t *testing.T) {
	handshakes := map[string]*Handshake{"tls": {}}
	flows := []Flow{{ID: "cloud"}, {ID: "api", Handshake: "tls"}}
	for want, step := range map[string]Step{
		"":                         {Handshake: "api"},
		`no flow "clod"`:           {D: "C", Flow: "clod"},
		`no flow "door"`:           {FIN: "door"},
		`no flow "media"`:          {Burst: &Burst{Flow: "media"}},
		`no flow "live"`:           {Stream: &Stream{Flow: "live"}},
		`unknown handshake ""`:     {Handshake: "cloud"},
		`unknown handshake "quic"`: {Handshake: "api", Template: "quic"},
		`length "req" is not`:      {D: "C", L: Length{Name: "req"}},
		`length "request" is not`:  {D: "C", L: Length{Name: "request"}},
	} {
		d := &Device{Flows: flows, Events: []*Event{{Name: "on", Steps: []Step{step}}}}
		if err := d.complete(handshakes); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("error %v, want %q", err, want)
		}
	}

	d := &Device{Flows: flows, Events: []*Event{{Name: "off", SameStepsAs: "on"}}}
	if d.complete(handshakes) == nil {
		t.Error("an event that copies an unknown one is taken")
	}
	if (&Device{Events: []*Event{{Name: "on"}}}).complete(handshakes) == nil {
		t.Error("an event of a device without flows is taken")
	}
}
