package cite

// The works below are those that several plug-ins or data sets come from, by
// the words of the sources that this project was written from: where these
// name no title, first name or venue, neither do we (Missing says so).

const unnamed = "full title, first names and venue"

// Dyer2012 shows that padding fails, and has BuFLO.
func Dyer2012() Work {
	return Work{
		Key: "dyer2012peekaboo", Authors: []string{"Dyer, Kevin P.", "Coull, Scott E.", "Ristenpart, Thomas", "Shrimpton, Thomas"},
		Title: "Peek-a-Boo, {I} Still See You: Why Efficient Traffic Analysis Countermeasures Fail",
		Venue: "IEEE Symposium on Security and Privacy (SP)", Pages: "332–346", Year: 2012, DOI: "10.1109/SP.2012.28",
	}
}

// Wright2009 is traffic morphing.
func Wright2009() Work {
	return Work{
		Key: "wright2009morphing", Authors: []string{"Wright, Charles V.", "Coull, Scott E.", "Monrose, Fabian"},
		Title: "Traffic Morphing: An Efficient Defense Against Statistical Traffic Analysis",
		Venue: "Network and Distributed System Security Symposium (NDSS)", Year: 2009,
		URL: "http://www.isoc.org/isoc/conferences/ndss/09/pdf/14.pdf",
	}
}

// Panchenko2016 is CUMUL.
func Panchenko2016() Work {
	return Work{
		Key: "panchenko2016cumul", Authors: []string{
			"Panchenko, Andriy", "Lanze, Fabian", "Pennekamp, Jan", "Engel, Thomas", "Zinnen, Andreas", "Henze, Martin", "Wehrle, Klaus",
		},
		Title: "Website Fingerprinting at Internet Scale", Venue: "Network and Distributed System Security Symposium (NDSS)", Year: 2016,
		URL: "http://wp.internetsociety.org/ndss/wp-content/uploads/sites/25/2017/09/website-fingerprinting-internet-scale.pdf",
	}
}

// Hayes2016 is k-fingerprinting.
func Hayes2016() Work {
	return Work{
		Key: "hayes2016kfp", Authors: []string{"Hayes", "Danezis"}, Title: "k-fingerprinting", Venue: "USENIX Security Symposium", Year: 2016,
		Missing: "the full title and first names",
	}
}

// Apthorpe2017 is "A Smart Home is No Castle".
func Apthorpe2017() Work {
	return Work{
		Key: "apthorpe2017castle", Authors: []string{"Apthorpe, Noah", "Reisman, Dillon", "Feamster, Nick"},
		Title: "A Smart Home is No Castle: Privacy Vulnerabilities of Encrypted {IoT} Traffic",
		Year:  2017, ArXiv: "1705.06805", URL: "https://arxiv.org/abs/1705.06805",
	}
}

// Apthorpe2019 is stochastic traffic padding.
func Apthorpe2019() Work {
	return Work{
		Key: "apthorpe2019stp", Authors: []string{"Apthorpe", "others"},
		Title: "Keeping the Smart Home Private with {Smart(er)} {IoT} Traffic Shaping", Venue: "PoPETs", Kind: Journal, Year: 2019,
		Missing: "the other authors, volume and pages",
	}
}

// Engelberg2022 is stochastic traffic padding with padded sizes.
func Engelberg2022() Work {
	return Work{
		Key: "engelberg2022iot", Authors: []string{"Engelberg", "Wool"}, Title: "Classifying {IoT} Traffic",
		Year: 2022, URL: "https://github.com/AvivEngelberg/Classifying-IoT-Traffic", Missing: "the article; the entry is its program",
	}
}

// Pinheiro2021 pads to levels.
func Pinheiro2021() Work {
	return Work{
		Key: "pinheiro2021padding", Authors: []string{"Pinheiro", "others"}, Title: "Adaptive padding",
		Venue: "IEEE Internet of Things Journal", Kind: Journal, Volume: "8", Number: "5", Year: 2021, Missing: "the full title, authors and pages",
	}
}

// Camouflage is the collection of obfuscation techniques of that name.
func Camouflage() Work {
	return Work{Key: "iot-traffic-camouflage", Title: "{IoT-Traffic-Camouflage}", URL: "https://github.com/WadElla/IoT-Traffic-Camouflage", Missing: "authors, year and article"}
}

// Cai2014 is Tamaraw.
func Cai2014() Work {
	return Work{Key: "cai2014tamaraw", Authors: []string{"Cai", "others"}, Title: "{Tamaraw}", Year: 2014, Missing: unnamed}
}

// Gong2020 is FRONT.
func Gong2020() Work {
	return Work{
		Key: "gong2020front", Authors: []string{"Gong", "Wang"}, Title: "{FRONT}", Year: 2020,
		URL: "https://github.com/websitefingerprinting/WebsiteFingerprinting", Missing: unnamed,
	}
}

// Juarez2016 is WTF-PAD.
func Juarez2016() Work {
	return Work{Key: "juarez2016wtfpad", Authors: []string{"Juarez", "others"}, Title: "{WTF-PAD}", Year: 2016, URL: "https://github.com/wtfpad/wtfpad", Missing: unnamed}
}

// Holland2022 is RegulaTor.
func Holland2022() Work {
	return Work{
		Key: "holland2022regulator", Authors: []string{"Holland", "Hopper"}, Title: "RegulaTor", Year: 2022,
		URL: "https://github.com/jkhollandjr/RegulaTor", Missing: unnamed,
	}
}

// Sabzi2024 is NetShaper.
func Sabzi2024() Work {
	return Work{
		Key: "sabzi2024netshaper", Authors: []string{"Sabzi", "others"}, Title: "NetShaper", Year: 2024,
		URL: "https://github.com/ubc-systopia/netshaper", Missing: unnamed,
	}
}

// Dong2020 is HomeMole.
func Dong2020() Work {
	return Work{
		Key: "dong2020homemole", Authors: []string{"Dong, Shuaike", "Li, Zhou", "Tang, Di", "Chen, Jiongyi", "Sun, Menghan", "Zhang, Kehuan"},
		Title: "Your Smart Home Can't Keep a Secret: Towards Automated Fingerprinting of {IoT} Traffic with Neural Networks",
		Venue: "ACM Asia Conference on Computer and Communications Security (AsiaCCS)", Year: 2020, ArXiv: "1909.00104", URL: "https://arxiv.org/abs/1909.00104",
	}
}

// Junges2019 decomposes a gateway's commands.
func Junges2019() Work {
	return Work{
		Key: "junges2019gateway", Authors: []string{"Junges, Pierre-Marie", "François, Jérôme", "Festor, Olivier"},
		Title: "Passive Inference of User Actions through {IoT} Gateway Encrypted Traffic Analysis",
		Venue: "IFIP/IEEE Workshop on Security for Emerging Distributed Network Technologies (DISSECT)", Year: 2019,
	}
}

// Trimananda2020 is PingPong.
func Trimananda2020() Work {
	return Work{
		Key: "trimananda2020pingpong", Authors: []string{"Trimananda", "others"}, Title: "Packet-Level Signatures for Smart Home Devices",
		Venue: "Network and Distributed System Security Symposium (NDSS)", Year: 2020, URL: "https://github.com/uci-plrg/pingpong",
		Missing: "the other authors and first names",
	}
}

// IoTEvent2022 is IoTEvent, with its data.
func IoTEvent2022() Work {
	return Work{
		Key: "iotevent2022", Title: "{IoTEvent}", Venue: "Security and Communication Networks, article 5655314", Kind: Journal, Year: 2022,
		URL: "https://github.com/yangting111/IoTEvents", Missing: "authors and the full title",
	}
}

// Miettinen2017 is IoT Sentinel, with its data.
func Miettinen2017() Work {
	return Work{
		Key: "miettinen2017sentinel", Authors: []string{
			"Miettinen, Markus", "Marchal, Samuel", "Hafeez, Ibbad", "Asokan, N.", "Sadeghi, Ahmad-Reza", "Tarkoma, Sasu",
		},
		Title: "{IoT} {Sentinel}: Automated Device-Type Identification for Security Enforcement in {IoT}",
		Venue: "IEEE International Conference on Distributed Computing Systems (ICDCS)", Pages: "2177–2184", Year: 2017,
	}
}

// DeKeersmaeker2024 has the traffic of a whole home.
func DeKeersmaeker2024() Work {
	return Work{
		Key: "dekeersmaeker2024firewall", Authors: []string{"De Keersmaeker"},
		Title: "Supervising Smart Home Device Interactions: A Profile-Based Firewall Approach", Venue: "IFIP Networking", Year: 2024,
		Missing: "the first name",
	}
}

// RFC is a standard of the Internet.
func RFC(number string) Work {
	return Work{Key: "rfc" + number, Title: "{RFC} " + number, URL: "https://www.rfc-editor.org/rfc/rfc" + number, Missing: "title, authors and year"}
}

// DNSOverTLS is RFC 7858.
func DNSOverTLS() Work {
	return Work{
		Key: "rfc7858", Authors: []string{"Hu, Zi", "Zhu, Liang", "Heidemann, John S.", "Mankin, Allison", "Wessels, Duane", "Hoffman, Paul E."},
		Title: "Specification for {DNS} over Transport Layer Security ({TLS})", Venue: "RFC 7858", Kind: Other, Pages: "1–19", Year: 2016,
		URL: "https://www.rfc-editor.org/rfc/rfc7858",
	}
}
