package signatures

import (
	"strings"

	"veilbench/datasets/home/profile"
)

// recorded is a device of the authors' recordings, by the name of its file.
type recorded struct {
	file, platform, vendor, device string
	// pre is the column "Pre" of the authors' table, 0 for none.
	pre float64
}

// authorsDevices are the seven files with labels of the repository IoTEvents, with
// what its table (Sum up.xlsx) and its glossary say of them. The table has two
// devices more, of Xiaomi, whose traffic was never published.
func authorsDevices() []recorded {
	return []recorded{
		{"12_27jdgn_cz", "JD", "GongNiu", "outlet", 1},
		{"12_31jdsp_cz", "JD", "SP", "outlet", 0},
		{"12_30samsung_renti", "Samsung SmartThings", "Samsung", "motion and water sensors behind a hub", 0.85},
		{"12_31samsung_dp", "Samsung SmartThings", "Samsung", "bulb", 0},
		{"12_30tplink_cz", "TP-Link", "TP-Link", "outlet", 1},
		{"12_31hwsmy_dp", "Huawei", "shuimuyun", "bulb", 0},
		{"12_31tuya_cz", "Tuya", "Tuya", "outlet", 0},
		{"", "Xiaomi", "Xiaomi", "control hub (traffic not published)", 0.95},
		{"", "Xiaomi", "Xiaomi", "outlet (traffic not published)", 1},
	}
}

// hubCommands are what the authors' table lists as privacy commands of the Mi
// control hub; its column before says that the hub has 40 commands in all.
func hubCommands() []string {
	return strings.Fields(`alarm_on alarm_off light_on light_off light_set light_ontime_open clock_alarm_off
		xset_light_ontime_open xset_clock_alarm_on clock_alarm_on change_doorbell_push
		sensor_smoke.v1_update sensor_magnet.v2_update sensor_ht.v1_update sensor_ht.v1_update1
		sensor_motion.v2_event.motion sensor_motion.v2_event.no_motion`)
}

// channel is how a device gets its commands: the protocol and the name of its cloud.
type channel struct{ platform, protocol, domain string }

// channelOf is that of a generated device, by its profile: the flow that its events
// begin on. A platform is the maker's, but for JD, whose devices others make.
func channelOf(d *profile.Device) channel {
	c := channel{platform: d.Vendor}
	if strings.HasPrefix(d.ID, "jd_") {
		c.platform = "JD"
	}
	if len(d.Flows) == 0 {
		return c
	}

	// Profiles begin with the flow that events use unless they say another.
	f := d.Flows[0]
	c.domain = f.Host
	c.protocol = strings.ToUpper(f.Proto)
	switch {
	case strings.HasPrefix(f.TLS, "none_custom"):
		c.protocol += ", the platform's own"
	case strings.HasPrefix(f.TLS, "tls"):
		c.protocol = "TLS"
	case f.TLS == "quic":
		c.protocol = "QUIC"
	}
	for _, p := range d.Periodic {
		if strings.HasPrefix(p.ID, "mqtt") && p.Flow == f.ID {
			c.protocol += " (MQTT)"
		}
	}
	return c
}
