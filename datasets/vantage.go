package datasets

// Vantage is where an observer sits.
type Vantage string

// The vantage points, from inside to outside.
const (
	LAN  Vantage = "lan"
	WiFi Vantage = "wifi"
	WAN  Vantage = "wan"
)
