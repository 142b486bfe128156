package likeness

import "strings"

// computer is the category of what people use themselves: phones, tablets and
// computers, whose traffic is that of no smart-home device.
const computer = "computer"

// CategoryOf guesses the kind of a device from the words in its name, "" where they
// say nothing. Data sets have no list of kinds, but names such as EdimaxCam2; the
// table is ours.
func CategoryOf(name string) string {
	name = strings.ToLower(name)
	for _, c := range []struct {
		category string
		words    []string
	}{
		// In order: a camera that is a doorbell, a plug that is a switch by its maker's
		// name, and a bridge of bulbs are what stands first.
		{computer, []string{"non_iot", "phone", "tablet", "laptop", "computer", "ipad", "macbook", "android"}},
		{"camera", []string{"cam", "doorbell"}},
		{"hub", []string{"hub", "bridge", "gateway"}},
		{"plug", []string{"plug", "outlet", "socket", "switch"}},
		{"bulb", []string{"bulb", "light", "lamp", "lux"}},
		{"voice assistant", []string{"echo", "alexa", "assistant", "google_home", "homepod", "genie"}},
		{"sensor", []string{"sensor", "motion", "door", "water", "siren"}},
		{"kitchen", []string{"kettle", "coffee", "fridge", "oven"}},
		{"scale", []string{"scale", "aria"}},
	} {
		for _, w := range c.words {
			if strings.Contains(name, w) {
				return c.category
			}
		}
	}
	return ""
}
