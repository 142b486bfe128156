// Package published reads published data sets from their publishers' own file
// formats. Each source is a file; Load finds them by name.
package published

import (
	"fmt"
	"slices"
	"strings"

	"veilbench/datasets"
	"veilbench/datasets/params"
)

// loader reads the data set of one name from a path.
type loader struct {
	name string
	load func(path string) ([]datasets.Dataset, error)
}

func loaders() []loader {
	return []loader{
		{"echo-voice", one(EchoVoice)},
		{"echo-voice-captures", one(EchoCaptures)},
		{"ikea-gateway", one(IKEAGateway)},
		{"iot-sentinel", one(IoTSentinel)},
		{"iot-sentinel-windows", one(IoTSentinelWindows)},
		{"iotevents", IoTEvents},
		{"iotevents-pooled", one(IoTEventsPooled)},
		{"lock-camera-week", one(LockCameraWeek)},
		{"smart-plug-day", one(SmartPlugDay)},
		{"smart-plug-day-named", one(SmartPlugDayNamed)},
		{"vpn-samples", one(VPNSamples)},
		{"whole-home", one(WholeHome)},
		{"whole-home-devices", one(WholeHomeDevices)},
	}
}

func one(load func(string) (datasets.Dataset, error)) func(string) ([]datasets.Dataset, error) {
	return func(path string) ([]datasets.Dataset, error) {
		ds, err := load(path)
		if err != nil {
			return nil, err
		}
		return []datasets.Dataset{ds}, nil
	}
}

// Names lists the data sets that Load reads, sorted.
func Names() []string {
	var names []string
	for _, l := range loaders() {
		names = append(names, l.name)
	}
	slices.Sort(names)
	return names
}

// Load reads the published data set called name from path, a folder as the
// publisher laid it out or, where that makes sense, one of its files. Some
// names give several data sets, one per device. "_" in a name is as good as
// "-".
func Load(name, path string) ([]datasets.Dataset, error) {
	for _, l := range loaders() {
		if l.name == strings.ReplaceAll(name, "_", "-") {
			return l.load(path)
		}
	}
	names := Names()
	return nil, fmt.Errorf("unknown data set %q%s (there are %s)", name, params.DidYouMean(name, names), strings.Join(names, ", "))
}
