// Package attacktest is the contract of attacks as tests. One test is all that an
// attack needs:
//
//	func TestContract(t *testing.T) { attacktest.Run(t, mine.New()) }
//
// What it holds an attack to is in package contract.
package attacktest

import (
	"testing"

	"veilbench/attacks"
	"veilbench/attacks/contract"
	"veilbench/datasets/datatest"
)

// Run holds an attack to the contract, for every task that it says it can answer.
func Run(t *testing.T, a attacks.Attack) {
	t.Helper()
	contract.Run(datatest.Kit(t), a)
}
