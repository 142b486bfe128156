package profile

// Gateway is the model of a gateway's command messages: "Identification of IoT
// User Actions in Encrypted Traffic" (Junges, François, Festor 2019).
// |s| = content + sum of nb_i |a_i| + epsilon. The sizes are assumed and
// calibrated to the published scores.
type Gateway struct {
	Plugs   int64    `yaml:"plugs"`
	Lamps   int64    `yaml:"lamps"`
	Content int64    `yaml:"content_bytes"`
	Record  int64    `yaml:"record_bytes"`
	Actions []Action `yaml:"actions"`
	// LongList is what a list of so many actions adds, LongMessage what a
	// message of so many bytes adds.
	LongList    Threshold `yaml:"long_list"`
	LongMessage Threshold `yaml:"long_message"`
	Residual    Length    `yaml:"residual"` // epsilon
	// ContinueP is the chance of one more action in a command.
	ContinueP float64 `yaml:"continue_p"`
	// ACK answers a command, Report each of its actions; a report is missing
	// with chance MissP and comes twice with chance ExtraP.
	ACK    Step    `yaml:"ack"`
	Report Step    `yaml:"report"`
	MissP  float64 `yaml:"miss_p"`
	ExtraP float64 `yaml:"extra_p"`
	// Known and Others are how many commands are drawn for all sessions
	// together, Repeats how often one and two copies of each action are added.
	Known   int `yaml:"known_commands"`
	Others  int `yaml:"other_commands"`
	Repeats int `yaml:"repeats"`
	// App is the other end of a command: what the user's app sends.
	App App `yaml:"app"`
}

// App is what a user's app sends its cloud for a command, in a home where the
// user is: an envelope and the actions of the command, each as large as in the
// message to the gateway. That they are alike is assumption A4 of the paper.
// Forward is how long the cloud takes to send the command on; ACK answers the
// app.
type App struct {
	Content  int64  `yaml:"content_bytes"`
	Residual Length `yaml:"residual"`
	Forward  Span   `yaml:"forward"`
	ACK      Step   `yaml:"ack"`
}

// Action is one thing a command can ask for and its size in a message; Plug
// says whether plugs can do it too, or lamp holders alone.
type Action struct {
	Name  string `yaml:"name"`
	Bytes int64  `yaml:"bytes"`
	Plug  bool   `yaml:"plug"`
}

// Threshold adds bytes from a value on.
type Threshold struct {
	From int64 `yaml:"from"`
	Add  int64 `yaml:"add"`
}

// With returns the model of a gateway with the given number of devices, a copy;
// 0 takes the published ones. A quarter are lamp holders, as published (4 of
// 16), but at least two, so that two copies of each action can be sent.
func (g *Gateway) With(devices int) *Gateway {
	out := *g
	if devices > 0 {
		out.Lamps = max(2, int64(devices)/4)
		out.Plugs = int64(devices) - out.Lamps
	}
	return &out
}
