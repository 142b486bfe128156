// Package defenses turns a trace into what leaves the home instead, with an
// account of every original byte. This package is the contract and nothing
// else: the defenses themselves are in the folders below it, one family each,
// and package builtin lists them.
//
// The way of a packet through a defense:
//
//  1. The user names a defense, "pad-random:max_bytes=64" or a chain of them
//     joined by "+". [Parse] finds it in a list, by its own name or by that of
//     one of its presets ([Presetter]), sets its parameters and validates them.
//     [ID] is the canonical form of what was found, [Label] the short one.
//
//  2. A defense that learns ([Fitter]) is fitted to undefended training
//     traffic, never to what it will be tested on.
//
//  3. [Defense].Apply gets the trace and a generator. It decides what becomes
//     of each packet:
//
//     a. it leaves as it is, later, larger, or on a new flow: a packet with one
//     entry in the account ([Carried]);
//
//     b. it is cut: several packets whose entries name the same original;
//
//     c. it shares a packet with others: one packet with several entries;
//
//     d. or a packet leaves that nobody sent, a dummy packet: no entry.
//
//     The account is made with a [Builder]. A defense that changes packets one
//     by one needs none: nil says that packet i carries packet i.
//
//  4. [Check] proves from trace and account alone that this could have happened:
//     no byte lost or invented, nothing sent before it existed, order kept. A
//     defense that fails is a failed cell and no number.
//
//  5. In a [Chain] the next stage takes what left as its input. [Compose] joins
//     the two accounts into one from the first input to the last output, and
//     the whole is checked again.
//
//  6. The harness works out cost and delay from the account (package bench); a
//     defense never says itself what it costs. [LooksAhead] finds a defense that
//     knows the future.
//
// To add a defense: one file in the folder of a family, or a new folder, and
// one line in package builtin. Package defensetest has the contract as tests.
package defenses
