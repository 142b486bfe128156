package gate

import "veilbench/bench/results"

// The rules: what a line is about. The IDs stand in files of other tools, which
// remember findings by them, so they never change.
const (
	ruleAdvantage = results.AdvantageMetric
	ruleRise      = "rise"
	ruleOverhead  = results.Overhead
	ruleDelay     = "delay-p95"
	ruleTraffic   = "gb-per-month"
	ruleSelfCheck = "self-check"
	ruleProbe     = "probe"
)

// rule is what is said of a rule to those who never saw the program.
type rule struct{ id, name, doc string }

// rules are all of them, in the order of the lines of a run.
func rules() []rule {
	return []rule{
		{ruleSelfCheck, "SelfCheck", "The harness must give the known answers on planted data."},
		{ruleProbe, "Probe", "No score may rest on labels, clocks or names instead of traffic."},
		{ruleAdvantage, "Advantage", "What the best attack that knows the defense learns beyond guessing, 0 to 1, with its upper limit over homes, and whether the attack could see at all."},
		{ruleRise, "Rise", "How much more the best attack learns than in the baseline, paired by home."},
		{ruleOverhead, "Overhead", "The bytes that the defense adds, as a ratio."},
		{ruleDelay, "DelayP95", "The delay that 19 of 20 packets stay within, in seconds."},
		{ruleTraffic, "GBPerMonth", "The gigabytes that the defense adds to a home's month."},
	}
}

// At is the key of Budget.At for a rule that is set for one task.
func At(rule, task string) string { return rule + "." + task }

// Keys are the rules that a key of a budget's file sets, by the key.
func Keys() map[string]string {
	return map[string]string{
		results.AdvantageMetric: ruleAdvantage, "rise": ruleRise, results.Overhead: ruleOverhead, "delay_p95": ruleDelay, results.GBPerMonth: ruleTraffic,
	}
}
