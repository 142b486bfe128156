package captures

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/datasets"
	"veilbench/datasets/atomicfile"
	"veilbench/datasets/labels"
	"veilbench/datasets/tunnel"
)

// vpnlabelHead is the first line of what vpnlabel writes.
const vpnlabelHead = "packet,time_s,inner,device"

type vpnlabelFlags struct {
	out, added, owners string
	capture            source.Capture
	show               command.Show
}

func vpnlabelCommand(a *command.App) *cobra.Command {
	var f vpnlabelFlags
	cmd := &cobra.Command{
		Use:   "vpnlabel INNER OUTER",
		Short: "say which device each packet of a tunnel belongs to, from a capture inside and one outside",
		Long: `Vpnlabel takes a capture of the traffic that goes into a tunnel, INNER, and one of the tunnel itself at
the same time, OUTER, and finds for each packet of the tunnel the packet it carries: in the same
direction, of a size that the tunnel can make of it, at most 0.02 s before, the oldest that is still
free. What the tunnel adds to sizes is learned from the two captures unless --added says it.
Traffic that stays in the home is left out on both sides.

The result is a CSV file with a line for each packet of OUTER (counted from 0): the packet of INNER
it carries and whose it is; both are empty where nothing fits, as with keepalives and fragments.
Without --owners, devices are told by their hardware address, or else by their IP address.

A small share matched says that the two captures do not belong together. What was learned from two
strangers still matches up to 25 % of busy traffic; with --added it is under 10 %.`,
		Example: `  veilbench vpnlabel lan.pcap tunnel.pcap
  veilbench vpnlabel --owners devices.csv --added 52 lan.pcap tunnel.pcap`,
		Args: command.Args(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return vpnlabel(cmd.Context(), a, f, args[0], args[1])
		},
	}

	fl := cmd.Flags()
	fl.StringVar(&f.out, "out", "", "where to write (default: OUTER with .owners.csv in place of .pcap)")
	// What a tunnel adds is a text since it may be a range: padding to blocks.
	fl.StringVar(&f.added, "added", "", "bytes that the tunnel adds to a packet, such as 52 (OpenVPN over UDP, AEAD) or 61-76 (default: learned)")
	fl.StringVar(&f.owners, "owners", "", "CSV file with address,device for INNER")
	f.show.AddJSON(fl)
	f.capture.AddFlags(fl)
	return cmd
}

func vpnlabel(ctx context.Context, a *command.App, f vpnlabelFlags, inner, outer string) error {
	rule, err := addedRule(f.added)
	if err != nil {
		return err
	}
	o, err := f.capture.Options()
	if err != nil {
		return err
	}

	path := f.out
	if path == "" {
		path = strings.TrimSuffix(outer, filepath.Ext(outer)) + ".owners.csv"
	}
	if err := mayRelabel(path); err != nil {
		return err
	}

	in, _, err := open(ctx, a, inner, o)
	if err != nil {
		return err
	}
	out, _, err := open(ctx, a, outer, o)
	if err != nil {
		return err
	}
	names, err := ownerNames(f.owners, in)
	if err != nil {
		return err
	}

	// Names are of packets as the file counts them, so they come before packets
	// that stay in the home are left out.
	in, inAt := goingOut(in)
	out, outAt := goingOut(out)
	if len(in.Packets) == 0 || len(out.Packets) == 0 {
		return fmt.Errorf("%d packets of %s and %d of %s leave the home: want some of both", len(in.Packets), inner, len(out.Packets), outer)
	}

	// Owners that are the packets themselves tell which packet is carried.
	self := datasets.Labels{Owners: make([]int32, len(in.Packets))}
	for i := range self.Owners {
		self.Owners[i] = int32(i)
	}
	found, m := tunnel.Label(in, self, out, rule)

	err = atomicfile.WriteTo(path, func(w io.Writer) error {
		fmt.Fprintln(w, vpnlabelHead)
		for i, p := range out.Packets {
			carried, device := "", ""
			if k := found.Owners[i]; k >= 0 {
				carried, device = strconv.Itoa(inAt[k]), names[inAt[k]]
			}
			fmt.Fprintf(w, "%d,%.9f,%s,%s\n", outAt[i], p.Time.Seconds(), carried, device)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return f.show.Print(a, map[string]any{"wrote": path, "inner": m.Inner, "outer": m.Outer, "matched": m.Matched, "share": m.Share()},
		fmt.Sprintf("wrote %s: %s packets inside, %s outside, %s matched, that is %.1f %% of those outside\n",
			path, thousands(m.Inner), thousands(m.Outer), thousands(m.Matched), 100*m.Share()))
}

// mayRelabel refuses a file that vpnlabel did not write: beside a capture there often
// is a list of owners made by hand, or one of the two captures is named by mistake.
func mayRelabel(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return nil // nothing is there, or writing will say what is wrong
	}
	defer f.Close()
	head := make([]byte, len(vpnlabelHead))
	if n, _ := io.ReadFull(f, head); n > 0 && string(head[:n]) != vpnlabelHead {
		return fmt.Errorf("%s is there already and was not written by vpnlabel; --out names another file", path)
	}
	return nil
}

// addedRule reads --added: a number or a range of bytes; nil if it is empty.
func addedRule(s string) (tunnel.SizeRule, error) {
	if s == "" {
		return nil, nil
	}
	from, to, ranged := strings.Cut(s, "-")
	if !ranged {
		to = from
	}
	lo, err1 := strconv.ParseUint(from, 10, 16)
	hi, err2 := strconv.ParseUint(to, 10, 16)
	if err1 != nil || err2 != nil || hi < lo {
		return nil, fmt.Errorf("--added %q: want a number of bytes or a range such as 61-76", s)
	}
	return tunnel.AddedBytes(int32(lo), int32(hi)), nil
}

// ownerNames is the device of each packet: as the file of addresses says, or
// its local address without one.
func ownerNames(path string, t datasets.Trace) ([]string, error) {
	names := make([]string, len(t.Packets))
	if path == "" {
		for i, p := range t.Packets {
			f := t.Flows[p.Flow]
			names[i] = f.Local.Addr().String()
			if f.MAC != (datasets.MAC{}) {
				names[i] = f.MAC.String()
			}
		}
		return names, nil
	}

	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lf, err := labels.Read(file, filepath.Base(path), labels.Options{})
	if err != nil {
		return nil, err
	}
	l, err := labels.Apply(t, lf)
	if err != nil {
		return nil, err
	}

	// A file of events reads as well, but tells no owner.
	if l.Owners == nil {
		return nil, fmt.Errorf("%s: want columns address,device", path)
	}
	for i, o := range l.Owners {
		if o >= 0 {
			names[i] = l.Devices[o]
		}
	}
	return names, nil
}

// goingOut is what of t leaves the home, and the places of these packets in t.
func goingOut(t datasets.Trace) (datasets.Trace, []int) {
	var at []int
	all := t.Packets
	t.Packets = nil
	for i, p := range all {
		if !t.Flows[p.Flow].LAN {
			t.Packets = append(t.Packets, p)
			at = append(at, i)
		}
	}
	return t, at
}
