package datatest

import (
	"testing"

	"veilbench/datasets/kit"
)

// Kit is t for the tests of a contract.
func Kit(t *testing.T) kit.T { return tester{t} }

// tester is a *testing.T whose parts are of type kit.T.
type tester struct{ *testing.T }

// Run runs a part as a subtest.
func (t tester) Run(name string, part func(kit.T)) bool {
	return t.T.Run(name, func(t *testing.T) { part(tester{t}) })
}
