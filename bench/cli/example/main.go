// Package main is veilbench with a defense, an attack, a data set and a task of one's
// own, in a module of its own. Copy the folder, name your copy of veilbench in go.mod,
// and go on from here.
package main

import (
	"os"

	"veilbench/bench/cli"
	"veilbench/datasets"
)

func main() {
	p := cli.Builtin()
	p.Defenses = append(p.Defenses, steps{StepBytes: 64})
	p.Attacks = append(p.Attacks, volume{})
	p.Datasets = append(p.Datasets, datasets.Loader{Name: "acme-bench", Doc: "clips of the test bench", Load: load})
	p.Tasks = append(p.Tasks, datasets.Question{Name: "on-or-off", Doc: "is it a switch on or off, whatever the device", Of: onOrOff})
	os.Exit(cli.Main(p))
}
