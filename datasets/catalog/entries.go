package catalog

import (
	"veilbench/datasets"
	"veilbench/datasets/cite"
)

// github is the archive of a repository at one commit.
func github(repository, commit string) Download {
	return Download{URL: "https://codeload.github.com/" + repository + "/tar.gz/" + commit, Archive: true}
}

// githubFile is one file of a repository at one commit.
func githubFile(repository, commit, file string) Download {
	return Download{URL: "https://raw.githubusercontent.com/" + repository + "/" + commit + "/" + file}
}

// entries are the facts, without files, sorted by name.
func entries() []Entry {
	const ndpi, ndpiAt = "ntop/nDPI", "3b1286ab03b0c9223ac208a01868d8c1f6c0ae00"
	return []Entry{{
		Name:   "echo-voice",
		Title:  "600 traces of 60 spoken commands to an Amazon Echo, two sessions; 2 captures with utterance times",
		Source: "https://github.com/SmartHomePrivacyProject/VCFingerprinting",
		Papers: cite.Of("kennedy2019alexa"),
		Terms:  "MIT; the publishers add that data and code are for research purposes only",
		Loads:  []string{"echo-voice", "echo-voice-captures"},
		Tasks:  []datasets.Task{datasets.Events, datasets.Clip},
		Note:   "a part (60 of 100 commands); trials of one session were recorded back to back, so a split inside a session scores several times higher than one across",
		From:   []Download{github("SmartHomePrivacyProject/VCFingerprinting", "2de88766e2b2beeed44a4267c370fe755b5db90d")},
	}, {
		Name:   "ikea-gateway",
		Title:  "payload sizes of commands to an IKEA gateway, by kind of action",
		Source: "https://github.com/CESNET/NEMEA-SIoT/tree/78a6af6c236c29b46480ebef5eddd20b7477979f/datasets/data-sets/ikea-app",
		Terms:  "BSD 3-Clause (copyright 2018 CESNET); keep its notice with copies",
		Loads:  []string{"ikea-gateway"},
		Tasks:  []datasets.Task{datasets.Gateway},
		Note:   "flow records without moments or numbers of commands; commands go from a phone to the gateway, inside the home",
		From:   []Download{github("CESNET/NEMEA-SIoT", "78a6af6c236c29b46480ebef5eddd20b7477979f")},
	}, {
		Name:   "iot-sentinel",
		Title:  "set-up captures of 31 devices",
		Source: "https://github.com/andypitcher/IoT_Sentinel",
		Papers: cite.Of("miettinen2017sentinel"),
		Terms:  "cite the paper; the repository that carries it is under MIT",
		Loads:  []string{"iot-sentinel", "iot-sentinel-windows"},
		Tasks:  []datasets.Task{datasets.Device, datasets.Clip},
		Note:   "a part (237 of 550 captures); joining a network, not everyday use; near-twins among the devices",
		From:   []Download{github("andypitcher/IoT_Sentinel", "0743dc6")},
	}, {
		Name:   "iotevents",
		Title:  "302 labeled events of seven small devices, packet lengths and directions",
		Source: "https://github.com/yangting111/IoTEvents",
		Papers: cite.Of("iotevent2022"),
		Terms:  "no license stated: cite article and repository, do not relicense",
		Loads:  []string{"iotevents", "iotevents-pooled"},
		Tasks:  []datasets.Task{datasets.Clip},
		Note:   "53 of 66 events of one device end in a packet that was pasted in by hand, 8 of another stand in the file twice; one session per device, so splits are within it",
		From:   []Download{github("yangting111/IoTEvents", "efa1c10e05e1b3ab7989aa2720f7f0766eac9e12")},
	}, {
		Name:   "lock-camera-week",
		Title:  "a week of two cameras and three lock bridges, 475 event times",
		Source: "https://github.com/tj-oconnor/IoT-Dataset",
		Papers: cite.Of("campos2021labeling"),
		Terms:  "no license stated: cite the paper",
		Loads:  []string{"lock-camera-week"},
		Tasks:  []datasets.Task{datasets.Events, datasets.Device},
		Note:   "most events are known to the minute; one lock runs on a quarter-hour timetable, so compare with a guess from the clock",
		From:   []Download{github("tj-oconnor/IoT-Dataset", "af95b305a2a13d082d47824e96bf266e6a8856c4")},
	}, {
		Name:   "smart-plug-day",
		Title:  "a smart plug, 10.7 hours idle and one hour used",
		Source: "https://github.com/edim98/SSI_Measurements_2022",
		Terms:  "MIT (copyright 2022 Eduard)",
		Loads:  []string{"smart-plug-day", "smart-plug-day-named"},
		Tasks:  []datasets.Task{datasets.Events},
		Note:   "the times of single switch commands were read off packet sizes; one session of use, so splits are within it",
		From:   []Download{github("edim98/SSI_Measurements_2022", "cd4b6c7c6486fa89a4b8b0faa712338bf2539992")},
	}, {
		Name:   "vpn-samples",
		Title:  "real WireGuard, OpenVPN and IPsec packets",
		Source: "https://github.com/Lekensteyn/wireguard-dissector and https://github.com/ntop/nDPI",
		Terms:  "GPL-2.0 (wireguard_download) and LGPL-3.0 (the others), as their repositories",
		Loads:  []string{"vpn-samples"},
		Note:   "not from a smart home; to check what a tunnel adds",
		From: []Download{
			githubFile("Lekensteyn/wireguard-dissector", "240f0ab22232f33bac55ce3436b56a06042e4614", "pcaps/8-trace.pcap"),
			githubFile(ndpi, ndpiAt, "tests/cfgs/default/pcap/wireguard.pcap"),
			githubFile(ndpi, ndpiAt, "tests/cfgs/default/pcap/openvpn.pcap"),
			githubFile(ndpi, ndpiAt, "tests/cfgs/default/pcap/openvpn_nohmac.pcapng"),
			githubFile(ndpi, ndpiAt, "tests/cfgs/default/pcap/ipsec_isakmp_esp.pcap"),
		},
	}, {
		Name:   "whole-home",
		Title:  "seven devices of a test home used at once, with each one's own traffic",
		Source: "https://github.com/smart-home-network-security/smart-home-firewall",
		Papers: cite.Of("dekeersmaeker2024firewall"),
		Terms:  "AGPL-3.0, as its repository: keep the files apart from code under other licenses",
		Loads:  []string{"whole-home", "whole-home-devices"},
		Tasks:  []datasets.Task{datasets.Device},
		Note:   "only the order of events is known; one session, so splits are within it",
		From:   []Download{github("smart-home-network-security/smart-home-firewall", "3b9c6cb7f01b7b6e8c7f50ae2f4614cc6d115cc2")},
	}}
}
