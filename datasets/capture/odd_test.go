package capture

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture/summary"
	"veilbench/datasets/datatest"
)

// oddCase opens one case of the captures and label files that others reported
// as misread elsewhere. The expected readings are those of their case.txt.
type oddCase struct {
	*testing.T
	dir string
}

func (c oddCase) path(name string) string { return filepath.Join(c.dir, name) }

func (c oddCase) open(o Options) (datasets.Trace, *Report) {
	c.Helper()
	t, rep, err := Open(c.Context(), c.path("a.pcap"), o)
	if err != nil {
		c.Fatal(err)
	}
	if err := t.Check(); err != nil {
		c.Fatal(err)
	}
	return t, rep
}

func (c oddCase) dataset(o DatasetOptions, labels ...string) datasets.Dataset {
	c.Helper()
	ds, err := c.tryDataset(o, labels...)
	if err != nil {
		c.Fatal(err)
	}
	return ds
}

func (c oddCase) tryDataset(o DatasetOptions, labels ...string) (datasets.Dataset, error) {
	for _, l := range labels {
		o.Labels = append(o.Labels, c.path(l))
	}
	o.Blocks = 1
	return Dataset(c.Context(), c.path("a.pcap"), o)
}

// flows fails unless the trace has just the flows described: MAC, local and
// remote side, packets, and bytes up and down.
func (c oddCase) flows(t datasets.Trace, want ...string) {
	c.Helper()
	got := []string{}
	for i, f := range t.Flows {
		n, bytes := 0, [2]int{}
		for _, p := range t.Packets {
			if int(p.Flow) == i {
				n++
				bytes[p.Dir] += int(p.Size) - 14
			}
		}
		got = append(got, fmt.Sprintf("%v %v>%v %d packets %d up %d down", f.MAC, f.Local, f.Remote, n, bytes[0], bytes[1]))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		c.Errorf("flows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (c oddCase) warns(warnings []string, text string) {
	c.Helper()
	if !strings.Contains(strings.Join(warnings, "\n"), text) {
		c.Errorf("no warning with %q: %q", text, warnings)
	}
}

const (
	oddFlow = "02:aa:00:00:00:23 192.168.1.23:40000>203.0.113.10:443 25 packets 1960 up 1040 down"
	oddBare = " 192.168.1.23:40000>203.0.113.10:443 25 packets 1960 up 1040 down"
)

// oddReads are the cases that are right if they read as the bare traffic does.
func (c oddCase) reads(flow string, o Options) *Report {
	c.Helper()
	t, rep := c.open(o)
	c.flows(t, flow)
	return rep
}

// baseEvents fails unless the labels are those of the bare traffic.
func (c oddCase) baseEvents(ds datasets.Dataset) {
	c.Helper()
	r := ds.Recordings[0]
	if len(r.Labels.Events) != 8 {
		c.Fatalf("%d events, want 8: %q", len(r.Labels.Events), ds.Warnings)
	}
	for i, e := range r.Labels.Events {
		want := time.Duration(5+30*i) * time.Second
		if e.Start > want || e.End < want || !ds.Vague && e.Start != want || e.Activity != []string{"on", "off"}[i%2] {
			c.Errorf("event %d is %+v, want %v", i, e, want)
		}
	}
}

func (c oddCase) host(t datasets.Trace, want string) {
	c.Helper()
	for _, s := range summary.Summarize(t).Names {
		if s.Name == want {
			return
		}
	}
	c.Errorf("no name %q: %+v", want, t.Flows)
}

// owned fails unless the device owns so many packets.
func (c oddCase) owned(ds datasets.Dataset, device string, want int) {
	c.Helper()
	n := 0
	for _, o := range ds.Recordings[0].Labels.Owners {
		if o >= 0 && ds.Recordings[0].Labels.Devices[o] == device {
			n++
		}
	}
	if n != want {
		c.Errorf("%s owns %d packets, want %d", device, n, want)
	}
}

// radio fails unless all packets are of one station, so many up and down.
func (c oddCase) radio(t datasets.Trace, mac string, up, down int) {
	c.Helper()
	n := [2]int{}
	for _, p := range t.Packets {
		n[p.Dir]++
		if got := t.Flows[p.Flow].MAC.String(); got != mac {
			c.Errorf("station %s, want %s", got, mac)
		}
	}
	if n != [2]int{up, down} {
		c.Errorf("%v packets, want %d up, %d down", n, up, down)
	}
}

func TestOddCaptures(t *testing.T) {
	root := filepath.Join(filepath.Dir(datatest.Recorded(t)), "cases", "odd_captures")
	if _, err := os.Stat(root); err != nil {
		t.Skip(err)
	}
	bare := func(c oddCase) { c.reads(oddFlow, Options{}) }
	wifi := func(c oddCase) {
		tr, rep := c.open(Options{})
		c.radio(tr, "02:aa:00:00:00:23", 8, 8)
		if rep.Recorded != datasets.WiFi {
			c.Errorf("recorded at %s", rep.Recorded)
		}
		if got := c.dataset(DatasetOptions{}, "l.csv").DefaultVantage(); got != datasets.WiFi {
			c.Errorf("default vantage %s", got)
		}
	}
	named := func(name string) func(oddCase) {
		return func(c oddCase) { tr, _ := c.open(Options{}); c.host(tr, name) }
	}
	base := func(c oddCase) { c.baseEvents(c.dataset(DatasetOptions{}, "l.csv")) }
	owners := func(c oddCase) {
		ds := c.dataset(DatasetOptions{}, "o.csv")
		if len(ds.Recordings[0].Labels.Owners) == 0 || len(ds.Recordings[0].Labels.Devices) != 2 {
			c.Errorf("labels %+v", ds.Recordings[0].Labels)
		}
		c.owned(ds, "plug", 25)
	}
	refused := func(text string, labels ...string) func(oddCase) {
		return func(c oddCase) {
			if _, err := c.tryDataset(DatasetOptions{}, labels...); err == nil || !strings.Contains(err.Error(), text) {
				c.Errorf("%v; want an error with %q", err, text)
			}
		}
	}

	cases := map[string]func(oddCase){
		"wifi_ok": wifi, "wifi_wds_mesh": wifi, "link_ppi192": func(c oddCase) {
			_, rep := c.open(Options{})
			if len(rep.Reasons) != 0 {
				c.Errorf("%+v", rep.Reasons)
			}
		},
		"tzsp":    func(c oddCase) { c.warns(c.reads(oddFlow, Options{}).Warnings, "TZSP") },
		"erspan1": bare, "mpls": bare, "modpcap": bare, "pcap_v2_3": bare,
		"dslite": func(c oddCase) {
			tr, _ := c.open(Options{})
			if len(tr.Flows) != 1 || tr.Flows[0].Local.String() != "192.168.1.23:40000" || tr.Flows[0].Remote.String() != "203.0.113.10:443" || len(tr.Packets) != 25 {
				c.Errorf("%+v", tr.Flows)
			}
		},
		"zep_udp17754": func(c oddCase) {
			tr, _ := c.open(Options{})
			if len(tr.Flows) != 1 || !strings.HasSuffix(tr.Flows[0].MAC.String(), ":00:23") {
				c.Errorf("%+v", tr.Flows)
			}
			if v := c.dataset(DatasetOptions{}, "l.csv").DefaultVantage(); v == datasets.WAN {
				c.Error("radio has no home border")
			}
		},
		"link_ppp9":     func(c oddCase) { c.reads(oddBare, Options{}) },
		"link_nflog239": func(c oddCase) { c.reads(oddBare, Options{}) },
		"caplen_gt_len": func(c oddCase) { c.warns(c.reads(oddFlow, Options{}).Warnings, "more captured bytes") },
		"rtc_jump_1970": func(c oddCase) {
			_, rep := c.open(Options{})
			c.warns(said(rep), "gap of 19675 days after packet 4")
			tr, _ := c.open(Options{CloseGaps: true})
			if tr.End > 10*time.Minute || tr.Start.Year() != 2023 {
				c.Errorf("%v from %v", tr.End, tr.Start)
			}
		},
		"ntp_step_back_1h": func(c oddCase) {
			tr, rep := c.open(Options{})
			c.warns(said(rep), "clock was set back by")
			seen := map[time.Duration]bool{}
			for _, p := range tr.Packets {
				seen[p.Time] = true
			}
			if len(seen) < len(tr.Packets)-1 || tr.End > 10*time.Minute {
				c.Errorf("%d times of %d packets, %v", len(seen), len(tr.Packets), tr.End)
			}
			c.baseEvents(c.dataset(DatasetOptions{}, "l.csv"))
		},
		"zero_len_runt": func(c oddCase) {
			tr, rep := c.open(Options{})
			s := summary.Summarize(tr)
			if rep.Skipped == 0 || s.BytesUp != 1960 || s.BytesDown != 1040 {
				c.Errorf("skipped %d, %d up, %d down", rep.Skipped, s.BytesUp, s.BytesDown)
			}
		},
		"wifi_radiotap_apply": wifi, // package write writes it
		"thread_v2_ext_comp1": func(c oddCase) {
			tr, _ := c.open(Options{})
			s := summary.Summarize(tr)
			if s.BytesUp <= 0 || s.BytesDown <= 0 || len(tr.Flows) != 1 {
				c.Errorf("%d up, %d down, flows %+v", s.BytesUp, s.BytesDown, tr.Flows)
			}
			if m := tr.Flows[0].MAC.String(); m != "02:bb:aa:00:00:11" && m != "02:dd:cc:00:00:22" {
				c.Errorf("station %s", m)
			}
		},
		"wifi_badfcs": func(c oddCase) {
			tr, rep := c.open(Options{})
			if n := len(summary.Summarize(tr).Devices); n != 1 {
				c.Errorf("%d devices", n)
			}
			if rep.Skipped != 6 || rep.Reasons[0].What != "bad FCS" {
				c.Errorf("%+v", rep.Reasons)
			}
		},
		"sll2_mac_labels": func(c oddCase) {
			c.owned(c.dataset(DatasetOptions{}, "l.csv", "owners.csv"), "plug", 25)
		},
		"ipv6_only_mqtt_midflow": func(c oddCase) {
			tr, rep := c.open(Options{})
			if len(rep.Home) != 1 || rep.Home[0] != "2001:db8:1::/64" {
				c.Errorf("home %q", rep.Home)
			}
			want, _ := c.open(Options{Home: prefixes("2001:db8:1::/64")})
			if fmt.Sprint(tr) != fmt.Sprint(want) {
				c.Errorf("%+v\nwant %+v", tr.Flows, want.Flows)
			}
		},
		"own_extender_shared_mac": func(c oddCase) {
			ds := c.dataset(DatasetOptions{}, "o.csv")
			local := map[string]int{}
			for _, p := range ds.Recordings[0].Trace.Packets {
				local[ds.Recordings[0].Trace.Flows[p.Flow].Local.Addr().String()]++
			}
			c.owned(ds, "plug", local["192.168.1.23"])
			c.owned(ds, "cam", local["192.168.1.42"])
			c.owned(ds, "extender", 0)
		},
		"own_dhcp_reuse": func(c oddCase) {
			refused("columns from and to", "o.csv")(c)
			path := filepath.Join(c.TempDir(), "owners.csv")
			os.WriteFile(path, []byte("address,device,from,to\n192.168.1.23,plug,0,100\n192.168.1.23,cam,100,\n"), 0o600)
			ds, err := Dataset(c.Context(), c.path("a.pcap"), DatasetOptions{Labels: []string{path}, Blocks: 1})
			if err != nil {
				c.Fatal(err)
			}
			var n [2]int // of the address, before and after it changed hands
			tr := ds.Recordings[0].Trace
			for _, p := range tr.Packets {
				if tr.Flows[p.Flow].Local.Addr().String() != "192.168.1.23" {
					continue
				}
				if p.Time < 100*time.Second {
					n[0]++
				} else {
					n[1]++
				}
			}
			c.owned(ds, "plug", n[0])
			c.owned(ds, "cam", n[1])
		},
		"arpspoof_dup": func(c oddCase) {
			tr, rep := c.open(Options{})
			c.warns(said(rep), "25 packets are copies")
			if len(tr.Packets) != 50 {
				c.Errorf("%d packets", len(tr.Packets))
			}
			c.reads(oddFlow, Options{DropCopies: true})
		},
		"quic_sni": named("cam.example"), "dns_tcp": named("cloud.example"), "http_host": named("cloud.example"),
		"dns_plain": named("cloud.example"), "dns_https_then_a": named("cloud.example"), "dns_edns_cookie": named("cloud.example"),
		"dns_caa_a": named("cloud.example"), "dns_loc_a": named("cloud.example"), "dns_naptr_a": named("cloud.example"),
		"sni_two_segments": func(c oddCase) {
			tr, _ := c.open(Options{})
			if len(summary.Summarize(tr).Names) != 1 {
				c.Error("no name")
			}
		},
		"sni_two_segments_ooo": func(c oddCase) { c.open(Options{}) },
		"lab_bom_directive":    base, "lab_nobom_directive": base, "lab_bom_epoch": base, "lab_crlf_bom": base,
		"lab_semicolon_comma": base, "lab_tab": base, "lab_utf16": base, "lab_python_ts": base, "lab_eu_date": base,
		"lab_extra_col": base, "lab_excel_empty_rows": base, "lab_slash_name": base,
		"lab_iso_noseconds": func(c oddCase) {
			base(c)
			ds, err := Dataset(c.Context(), c.path("a.pcap"), DatasetOptions{Labels: []string{c.path("l.csv")}})
			if err != nil || !ds.Vague || len(ds.Recordings) < 2 {
				c.Errorf("%d groups, vague %v: %v", len(ds.Recordings), ds.Vague, err)
			}
		},
		"lab_typo_directive": refused(`did you mean "offset"`, "l.csv"),
		"lab_latin1":         refused("l.csv:2: not UTF-8", "l.csv"),
		"names_bom": func(c oddCase) {
			tr, _ := c.open(Options{Names: c.path("n.csv")})
			c.host(tr, "cloud.example")
		},
		"own_extra_cols": owners, "own_short_bsd_mac": owners, "own_plainmac": owners,
		"own_two_macs_one_dev": func(c oddCase) { c.owned(c.dataset(DatasetOptions{}, "o.csv"), "plug", 49) },
		"own_prefix":           refused("neither a hardware nor an IP address", "o.csv"),
		"udp_fragments": func(c oddCase) {
			tr, _ := c.open(Options{})
			if len(tr.Flows) != 1 || tr.Flows[0].Local.String() != "192.168.1.42:5000" || tr.Flows[0].Remote.String() != "198.51.100.77:6000" {
				c.Errorf("%+v", tr.Flows)
			}
		},
		"path_colon": func(c oddCase) {
			if _, _, err := Open(c.Context(), c.path("plug, living room+tv=on.pcap"), Options{}); err != nil {
				c.Error(err)
			}
			c.Log("the folder cam is read by package folder")
		},
		"pppoe_vlan7_wan": func(c oddCase) {
			ds := c.dataset(DatasetOptions{Options: Options{Home: prefixes("198.51.100.20/32")}}, "l.csv")
			if ds.Recorded != datasets.WAN || ds.DefaultVantage() != datasets.WAN {
				c.Errorf("recorded at %s", ds.Recorded)
			}
			for _, f := range ds.Recordings[0].Trace.Flows {
				if f.MAC != (datasets.MAC{}) || f.Local.Addr().String() != "198.51.100.20" {
					c.Errorf("%+v", f)
				}
			}
		},
		"snaplen_small": bare, "ng_mixed_macos": func(c oddCase) { c.open(Options{}) },
		"ng_unpadded": openFails, "cat_two_pcaps": openFails,
		"ipv6_only_eth_midflow": func(c oddCase) { c.open(Options{}) },
		"sll2_ipv6_midflow":     func(c oddCase) { c.open(Options{}) },
		"clat_192_0_0_4": func(c oddCase) {
			tr, _ := c.open(Options{})
			if tr.Flows[0].Local.Addr().String() != "192.0.0.4" {
				c.Errorf("%+v", tr.Flows)
			}
		},
	}
	dirs, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		if !d.IsDir() || d.Name() == "_base" {
			continue
		}
		t.Run(d.Name(), func(t *testing.T) {
			run := cases[d.Name()]
			if run == nil {
				t.Fatal("a case without a test")
			}
			run(oddCase{t, filepath.Join(root, d.Name())})
		})
	}
}

func prefixes(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }

// openFails wants a clear refusal.
func openFails(c oddCase) {
	if _, _, err := Open(context.Background(), c.path("a.pcap"), Options{}); err == nil {
		c.Error("no error")
	} else {
		c.Log(err)
	}
}
