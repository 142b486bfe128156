// Package datasets holds recorded traffic and, apart from it, the truth about
// it: the words that everything to the right of it (defenses, attacks, bench,
// reports) speaks.
//
// The way of the data, from a file to what an attack is asked:
//
// 1. Something becomes recordings. A Recording is a Trace, what could be seen,
// and Labels, what was true.
//
// 1a. capture.Dataset reads a pcap or pcapng file.
//
// 1b. published.Load reads what others published; catalog fetches it.
//
// 1c. home.Generate makes the traffic of a home that nobody lives in, and says
// who would be home and asleep when (Labels.Stays).
//
// 2. Truth comes from elsewhere than the traffic.
//
// 2a. labels.Apply lays label files over a trace.
//
// 2b. tunnel.Label finds out whose packet each packet of a tunnel carries.
//
// 3. Recording.Cut cuts what is long, such as a week, into pieces with groups.
// With its tasks, its split and what else is known of it this is a Dataset.
//
// 3a. doubt.Of looks at it before anything is scored, and adds to the doubts that
// reading left in it.
//
// 4. Split.Folds divides the recordings into training and test. A group is
// never on both sides of an across split; leakage.Probe looks for what got
// there all the same.
//
// 5. Defenses change traces. Vantage.View shows what an observer outside, or in
// radio range, sees of the result, and Labels.Keep carries the truth along to
// the packets that are left.
//
// An attack gets the traces of step 5, of training recordings with their
// labels, of test recordings alone: a Packet has no label, so truth cannot slip
// through.
//
// Sizes are bytes, times are integer nanoseconds since the recording's start.
// Nothing in here draws random numbers but View, from the generator it is
// given, and nothing modifies what it is handed.
package datasets
