// Command veilbench measures what an observer of encrypted smart-home traffic
// still learns behind a defense, and what the defense costs.
package main

import (
	"os"

	"veilbench/bench/cli"
)

func main() { os.Exit(cli.Main(cli.Builtin())) }
