package privacy

import "strings"

// tells makes a meaning; kinds are separated by blanks.
func tells(id, kinds, says, source string) Meaning {
	return Meaning{id, strings.Fields(kinds), says, source}
}

// Words of devices that several entries share.
const (
	lights   = "light* *bulb* lamp* hue* led* strip* sengled* dp"
	plugs    = "*plug* *outlet* socket* *switch* cz wemo*"
	speakers = "echo* alexa* *home_mini google_home assistant* genie* tmall* speaker* storyteller* mitu*"
	cameras  = "cam* *camera* webcam* dropcam*"
	locks    = "lock* unlock* smartlock* doorlock* deadbolt*"
	clocks   = "timer* *ds_on* ds schedule* countdown* settime* ontime* *_ontime_* astro*"
)

// activities are the entries by activity; the first that matches counts, so what
// is special stands first and what all share last.
func activities() []entry {
	return []entry{
		// Sensors. IoTEvent: "the subdevice sensor status" of a gateway; of motion it
		// says what it tells.
		{"", "no_motion nomove no_move", tells("no-motion", presence, "nobody moves there: the room or the home is empty, or all sleep", authors)},
		{"", "motion* move* *motion", tells("motion", presence, "somebody moves there now", paper)},
		{"", "smoke*", tells("smoke", "presence security", "somebody cooks or smokes, or there is a fire", authors)},
		{"", "nowater no_water water leak flood*", tells("water", security, "there is water where none should be, or no longer", paper)},
		{"magnet* door* contact* window*", "open* close* magnet*", tells("door", "presence habits", "a door or window is used: somebody comes, goes or airs a room", authors)},
		{"", "sound noise", tells("sound", presence, "somebody is there and makes a noise", ours)},
		{"", "doorbell*", tells("doorbell", presence, "somebody is at the door", authors)},
		{"doorbell* bell*", "ring* press* ding*", tells("doorbell", presence, "somebody is at the door", ours)},
		{"", "sensor_ht* temperature_report humidity*", tells("climate", "presence habits", "how warm and damp it is: somebody heats, bathes or is away", authors)},

		// Alarms and locks.
		{"", "clock_alarm* xset_clock_alarm* alarm_clock*", tells("wake", sleep, "when somebody wants to be woken", authors)},
		{"", "alert_enabled alarm_on arm armed", tells("alarm-on", "presence security", "the home is guarded from now on: all leave or go to bed", authors)},
		{"", "alert_disabled alarm_off disarm disarmed", tells("alarm-off", "presence security", "the home is guarded no longer: somebody is back or up", authors)},
		{locks, "battery batt event_batt", tells("lock-battery", security, "the lock is about to fail", ours)},
		{locks, "lock_unlock", tells("lock", "presence security", "somebody comes or goes", ours)},
		{locks, "unlock* event_unlock", tells("unlock", "presence security", "somebody comes home or lets someone in; the door is open", ours)},
		{locks, "lock event_lock", tells("lock", "presence security", "somebody leaves or locks up for the night", ours)},

		// Beds and bodies.
		{"clock* alarm_clock*", "", tells("wake", sleep, "when somebody wants to be woken", ours)},
		{"sleep* bed* sense* mattress*", "night_rise", tells("night-rise", "sleep health", "somebody is up in the night: sleeps badly, is ill, or minds a child", ours)},
		{"sleep* bed* sense* mattress*", "out_of_bed up wake*", tells("out-of-bed", "presence sleep health", "somebody gets up", ours)},
		{"sleep* bed* sense* mattress*", "", tells("in-bed", "presence sleep health", "somebody goes to bed", ours)},
		{"scale* blood* pulse* inhaler* pill* glucose* thermometer*", "", tells("body", health, "somebody measures or treats their body", ours)},
		{"baby* cradle*", "", tells("baby", "sleep household", "a baby is awake", ours)},

		// Lights. IoTEvent, section 4.2.3: "if the light is turned off at night, we can
		// judge that users will go to sleep".
		{lights, "function_wake natural_wake wake* gnhx zrhx", tells("wake", sleep, "when somebody wants to be woken", ours)},
		{lights, clocks, tells("light-timer", habits, "when somebody will be there, as they plan it", authors)},
		{lights, "on_off light_on_off power_on_off off_on toggle", tells("light", "presence sleep", "somebody is there; the last at night: goes to bed", authors)},
		{lights, "off *_off", tells("light-off", "presence sleep", "somebody leaves the room; the last at night: goes to bed", paper)},
		{lights, "on *_on", tells("light-on", presence, "somebody enters the room; the first of the day: is up", authors)},
		{lights, "*dim* *color* *colour* brightness level mode moshi tjsw tjld light_set set_scene fade*", tells("light-mood", "presence habits", "somebody is there and wants light for something: a film, a meal, reading", authors)},

		// Plugs and machines. The authors mark switching and timers of outlets.
		{"*kettle* coffee* oven* cook* fridge* microwave*", "", tells("kitchen", "presence habits", "somebody is in the kitchen: when they eat and drink", ours)},
		{"vacuum* roomba* washer* dryer* dishwasher*", "", tells("chores", "habits", "the home is cleaned, often while nobody is in", ours)},
		{"*tstat* thermostat* heater* aircon* ac hvac*", "", tells("heating", "presence sleep habits", "it is made warm for somebody, or cold for nobody", ours)},
		{"tv* smarttv* roku* chromecast*", "", tells("screen", "presence habits", "somebody watches, and when they stop", ours)},
		{"feeder* pet*", "", tells("pet", household, "an animal lives there and is fed", ours)},
		{plugs, "aqmode*", tells("safety", "habits", "the outlet is made safe: for children, or while nobody is in", ours)},
		{plugs, clocks, tells("plug-timer", habits, "when somebody needs what is plugged in, as they plan it", authors)},
		{plugs, "on_off power_on_off off_on toggle xmcz_open_off switch_command", tells("plug", "presence habits", "somebody uses what is plugged in: kettle, television, heater", authors)},
		{plugs, "off *_off", tells("plug-off", "presence habits", "somebody is done with what is plugged in", authors)},
		{plugs, "on *_on", tells("plug-on", "presence habits", "somebody uses what is plugged in: kettle, television, heater", authors)},
		{"", clocks, tells("timer", habits, "when somebody needs a thing, as they plan it", authors)},

		// Voices, stories and pictures.
		{speakers, "*story* play_story", tells("story", "presence sleep household", "a child is there and listens to a story, perhaps to fall asleep", ours)},
		{speakers, "app_volume", tells("remote", habits, "somebody sets the device from wherever they are", ours)},
		{speakers, "volume* set_volume*", tells("voice", presence, "somebody is in the room and listens", ours)},
		{speakers, "good_morning good_night", tells("voice-bed", "presence sleep", "somebody gets up or goes to bed", ours)},
		{speakers, "", tells("voice", "presence habits", "somebody is in the room and asks: what they care about", ours)},
		{cameras, "*stream* watch *view*", tells("watched", presence, "somebody looks at the home, mostly because they are away", ours)},
		{cameras, "", tells("camera", "presence security", "the camera has seen something worth a picture", ours)},

		// IoTEvent, section 4.2.3: of a gateway "the connected subdevices"; section
		// 3.4.2: "privacy events include device physical state change information and
		// device operation command".
		{"", "subdevice* paired* join*", tells("subdevice", belongings, "which devices are behind the hub", paper)},
		{"", "", tells(used, habits, "the device is used, or its state changes", paper)},
	}
}

// devices are what it tells that a device is there at all.
func devices() []entry {
	return []entry{
		{"scale* blood* pulse* inhaler* pill* glucose* thermometer*", "", tells("has-body", health, "somebody minds an illness or their weight", ours)},
		{"sleep* bed* sense* mattress*", "", tells("has-sleep", "sleep health", "somebody minds their sleep", ours)},
		{"baby* cradle*", "", tells("has-baby", household, "a baby lives there", ours)},
		{"storyteller* mitu*", "", tells("has-child", household, "a child lives there", ours)},
		{"feeder* pet*", "", tells("has-pet", household, "an animal lives there", ours)},
		{"phone* tablet* laptop* pc non_iot", "", tells("has-phone", presence, "while it is there, so is somebody", ours)},
		{locks + " alarm_system* doorbell*", "", tells("has-lock", security, "how the door is guarded", ours)},
		{cameras, "", tells("has-camera", security, "what is watched, and that there is something to guard", ours)},
		{"*hub* bridge* gateway*", "", tells("has-hub", belongings, "there are more devices behind it, of its maker's kinds", paper)},
		{speakers, "", tells("has-voice", belongings, "a microphone is open in the room", ours)},
	}
}

// Combinations lists what leaks tell together and none of them alone.
func Combinations() []Combination {
	return []Combination{
		{tells("away", "presence security", "all have left: locked, dark, and nothing moves", ours), []string{"lock", "light-off"}, []string{"motion"}},
		{tells("away-guarded", "presence security", "all have left for long: guarded, dark, and nothing moves", ours), []string{"alarm-on", "light-off"}, []string{"motion"}},
		{tells("away-watched", "presence security", "nobody is in: the home is looked at from afar, and nothing moves", ours), []string{"watched", "no-motion"}, []string{"voice"}},
		{tells("asleep", sleep, "all sleep: light out, then in bed, and nothing moves", ours), []string{"light-off", "in-bed"}, []string{"motion"}},
		{tells("night-out", "sleep health", "somebody was up in the night and needed light", ours), []string{"night-rise", "light-on"}, nil},
		{tells("up", "sleep habits", "the day begins: out of bed, light, then a voice", ours), []string{"out-of-bed", "voice"}, nil},
		{tells("back", "presence habits", "somebody is back: a door, then movement or light", ours), []string{"unlock", "light-on"}, nil},
		{tells("back-guarded", "presence habits", "somebody is back: the alarm is off, and somebody moves", ours), []string{"alarm-off", "motion"}, nil},
		{tells("leaving", "presence habits", "somebody tidies up to leave or to sleep: things off, light off", ours), []string{"plug-off", "light-off"}, nil},
		{tells("child-asleep", "sleep household", "a child goes to bed: a story, then the light", ours), []string{"story", "light-off"}, nil},
	}
}
