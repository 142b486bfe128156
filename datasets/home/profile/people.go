package profile

// Household says when the people of a home do things.
type Household struct {
	// HourWeights are the shares of activity in the hours of the day.
	HourWeights []float64 `yaml:"hour_weights"`
	// Bed, Wake, Leave and Dinner are times of day; Bed may be past midnight.
	// Away is how long an absence lasts.
	Bed            Hours   `yaml:"bed_h"`
	Wake           Hours   `yaml:"wake_h"`
	Leave          Hours   `yaml:"leave_h"`
	Away           Hours   `yaml:"away_h"`
	Dinner         Hours   `yaml:"dinner_h"`
	SecondAbsenceP float64 `yaml:"second_absence_p"`
	WeekendShift   float64 `yaml:"weekend_wake_shift_h"`
	// An event follows the one before within ClusterGap with chance
	// SameClusterP, else within ActivityGap with chance SameActivityP.
	SameClusterP  float64   `yaml:"same_cluster_p"`
	ClusterGap    Span      `yaml:"cluster_gap_s"`
	SameActivityP float64   `yaml:"same_activity_p"`
	ActivityGap   Span      `yaml:"activity_gap_s"`
	Routines      []Routine `yaml:"routines"`
}

// Routine is what people do in order at some moment of the day: "wake", "bed",
// "dinner", "leave" or "return". Order lists "device/activity".
type Routine struct {
	At    string   `yaml:"at"`
	Order []string `yaml:"order"`
	Gap   Span     `yaml:"gap_s"`
}

// Computers describes phones, tablets, laptops and computers.
type Computers struct {
	// FlowPackets is the distribution of a flow's packets in one direction:
	// pairs of a number of packets and the share of flows with at most that.
	FlowPackets   [][2]float64 `yaml:"flow_packets"`
	QUICShare     float64      `yaml:"quic_share"`
	QUICAck       Length       `yaml:"quic_ack"`
	UploadShare   float64      `yaml:"upload_share"`
	PageFlows     Length       `yaml:"page_flows"`
	Think         Span         `yaml:"think_s"`
	VideoSegment  int64        `yaml:"video_segment_s"`
	VideoBPS      Length       `yaml:"video_bps"`
	Call          Stream       `yaml:"call"`
	Game          Stream       `yaml:"game"`
	DownloadBytes Length       `yaml:"download_bytes"`
	Profiles      []*Use       `yaml:"profiles"`
	Light         LightUse     `yaml:"light"`
}

// Use says how the device with the given ID is used.
type Use struct {
	ID               string             `yaml:"id"`
	SessionsPerDay   float64            `yaml:"sessions_per_day"`
	Session          Span               `yaml:"session_s"`
	IdleFlowsPerHour int64              `yaml:"idle_flows_per_hour"`
	Apps             map[string]float64 `yaml:"apps"`
	// KeptApps is how many apps of a lightly used device hold a connection open.
	KeptApps int `yaml:"kept_apps"`
}

// LightUse describes people's devices at hand but not at work: chats, pages,
// feeds, and apps that keep in touch with their servers. HomeMole's recordings
// are like that; see people.yaml for how that is known.
type LightUse struct {
	RequestBytes  Length   `yaml:"request_bytes"`
	ReplyBytes    Length   `yaml:"reply_bytes"`
	ReplySegments Length   `yaml:"reply_segments"`
	Server        Span     `yaml:"server_s"`
	ChatGap       Span     `yaml:"chat_gap_s"`
	FeedGap       Span     `yaml:"feed_gap_s"`
	KeepBytes     Length   `yaml:"keep_bytes"`
	KeepPeriodS   [2]int64 `yaml:"keep_period_s"`
	LongestFlow   int64    `yaml:"longest_flow"`
	Profiles      []*Use   `yaml:"profiles"`
}
