package source

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/spf13/pflag"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/labels"
)

// Capture is the flags that say how a capture is to be read.
type Capture struct {
	home, macs      []string
	names           string
	truncated, sort bool
	gaps, copies    bool
	whole, split    bool
}

// AddFlags adds them to the flags of a command.
func (c *Capture) AddFlags(fl *pflag.FlagSet) {
	fl.StringSliceVar(&c.home, "home", nil, "prefix of addresses inside the home (default: the private ranges)")
	fl.StringSliceVar(&c.macs, "mac", nil, "hardware address inside the home")
	fl.StringVar(&c.names, "names", "", "CSV file with address,name for remote addresses whose name the capture does not tell")
	fl.BoolVar(&c.truncated, "allow-truncated", false, "go on with the packets before the place where a capture is cut")
	fl.BoolVar(&c.gaps, "close-gaps", false, "take silences of a day and more for a clock that was set forward, and leave them out")
	fl.BoolVar(&c.copies, "drop-copies", false, "leave out packets that were captured twice (mirror ports, -i any, ARP spoofing)")
	fl.BoolVar(&c.split, "split-at-jumps", false, "cut a recording wherever the clock of its capture jumped")
	fl.BoolVar(&c.whole, "whole-frames", false, "leave TCP frames above the MTU whole (default: they are seen as the segments they become)")
	fl.BoolVar(&c.sort, "sort-times", false, "sort packets that are out of order (default: they get the latest time before them)")
}

// Options checks the values of the flags; errors name the flag.
func (c *Capture) Options() (capture.Options, error) {
	o := capture.Options{MemoryBytes: memoryLimit(), Names: c.names, AllowTruncated: c.truncated, SortTimes: c.sort, CloseGaps: c.gaps, DropCopies: c.copies, SplitAtJumps: c.split, WholeFrames: c.whole}
	for _, s := range c.home {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			// One address is a home of one device.
			a, err := netip.ParseAddr(s)
			if err != nil {
				return o, fmt.Errorf("--home %q: want an address or a prefix such as 192.168.1.0/24", s)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		o.Home = append(o.Home, p)
	}

	// ParseMAC takes longer addresses too, of InfiniBand for one.
	for _, s := range c.macs {
		m, err := net.ParseMAC(s)
		if err != nil || len(m) != 6 {
			return o, fmt.Errorf("--mac %q: want a hardware address such as 50:c7:bf:01:02:03", s)
		}
		o.MACs = append(o.MACs, datasets.MAC(m))
	}
	return o, nil
}

// labelFlags name label files and say how their times are meant.
type labelFlags struct {
	files   []string
	devices []string
	clock   string
	offset  time.Duration
	zone    string
}

func (l *labelFlags) addFlags(fl *pflag.FlagSet) {
	fl.StringSliceVar(&l.files, "labels", nil, "CSV file with time,device,activity (events), address,device (owners) or time,actions (commands), for --dataset capture=FILE; for folder=PATH in place of those in the folder, also lists of times and JSON")
	fl.StringSliceVar(&l.devices, "devices", nil, "list of devices and their addresses, for --dataset capture=FILE and folder=PATH")
	fl.StringVar(&l.clock, "label-clock", "", `what plain numbers in --labels count from: "start" of the capture (default) or "epoch"`)
	fl.DurationVar(&l.offset, "label-offset", 0, "added to every time in --labels")
	fl.StringVar(&l.zone, "label-zone", "", "time zone of times in --labels that name none, such as Europe/Berlin")
}

func (l *labelFlags) options() (labels.Options, error) {
	o := labels.Options{Clock: l.clock, Offset: l.offset}
	if l.zone == "" {
		return o, nil
	}
	zone, err := time.LoadLocation(l.zone)
	if err != nil {
		return o, fmt.Errorf("--label-zone: %w", err)
	}
	o.Zone = zone
	return o, nil
}
