// Command veilbench measures what an observer of encrypted smart-home traffic
// still learns behind a defense, and what the defense costs.
package main

import (
	"os"
	_ "time/tzdata" // --label-zone works where the system has no time zones

	"veilbench/bench/cli"
)

func main() { os.Exit(cli.Main(cli.Builtin())) }
