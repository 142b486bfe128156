package data

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/datasets/home"
)

func generateCmd(a *command.App) *cobra.Command {
	var out string
	var seed uint64
	var show command.Show
	var dev device

	var doc strings.Builder
	for _, p := range home.Presets() {
		fmt.Fprintf(&doc, "\n  home:%-24s%s (%d x %g h)", p.Name, p.Doc, p.Params.Homes, p.Params.Hours)
	}

	cmd := &cobra.Command{
		Use:   "generate home:PRESET",
		Short: "write generated homes as captures with their truth beside them",
		Long: `Generate makes homes from published figures of real devices and writes, for each recording, a
pcap file that other tools open and CSV files with its events, the owners of its hardware
addresses, its gateway commands and the names of servers. The same seed gives the same bytes on
every platform. Presets, with the number of homes and the hours of each:
` + doc.String(),
		Example: `  veilbench datasets generate home:full --hours 24 --out full
  veilbench datasets generate home:event_signatures:firmware=unseen,homes=3 --seed 7 --out homes
  veilbench datasets generate home:event_signatures --defense vpn --out lab    # lab/before and lab/after
  veilbench run --dataset capture=full/home-01.pcap --labels full/home-01.events.csv --defense none --attack all`,
		Args: command.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			// Generate takes settings in the ID alone, and checks them there. A flag that
			// was not given leaves the preset's.
			id := args[0]
			for _, name := range []string{"homes", "hours", "firmware"} {
				if fl := cmd.Flags().Lookup(name); fl.Changed {
					id = withSetting(id, name, fl.Value.String())
				}
			}
			if err := dev.check(cmd.Flags()); err != nil {
				return err
			}
			if dev.defense != "" {
				return dev.write(cmd.Context(), a, id, out, seed, show)
			}
			return generate(cmd.Context(), a, id, out, seed, show)
		},
	}

	fl := cmd.Flags()
	fl.StringVar(&out, "out", ".", "folder to write into")
	fl.Int("homes", 0, "number of homes (default: the preset's)")
	fl.Float64("hours", 0, "hours recorded in each home (default: the preset's)")
	fl.String("firmware", "", "same, mixed or unseen (default: the preset's)")
	fl.Uint64Var(&seed, "seed", 1, "seed of every random draw")
	show.AddJSON(fl)
	dev.addFlags(fl)
	return cmd
}

// withSetting adds key=value to a data set's ID.
func withSetting(id, key, value string) string {
	sep := ","
	if !strings.Contains(strings.TrimPrefix(id, "home:"), ":") {
		sep = ":"
	}
	return id + sep + key + "=" + value
}

func generate(ctx context.Context, a *command.App, id, out string, seed uint64, show command.Show) error {
	start := time.Now()
	ds, err := home.Generate(ctx, id, seed)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.Stderr, "%s, seed %d, made in %s\n", source.Describe(&ds), seed, time.Since(start).Round(10*time.Millisecond))

	w := homesWritten{list: []generated{}}
	err = w.write(ctx, out, ds)
	return errors.Join(err, show.Print(a, w.list, w.text.String()))
}

// generated is one recording that was written, and the files with its truth.
type generated struct {
	Capture string   `json:"capture"`
	Packets int      `json:"packets"`
	Bytes   int64    `json:"bytes"`
	Seconds float64  `json:"seconds"`
	Truth   []string `json:"truth"`
}
