package budget

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/reports/gate"
)

var limitRE = regexp.MustCompile(`^([a-z][a-z0-9_]*)(?::([a-z]+))?\s*<=\s*([0-9.eE+-]+\s*(?:%|ns|us|ms|s)?)$`)

// Words reads limits as they are typed: advantage<=0.2, advantage:event<=0.2 for one
// task, overhead<=50%, delay_p95<=50ms, gb_per_month<=20. They mean what the keys of a
// file mean. Errors name the word.
func Words(limits []string) (gate.Budget, error) {
	var all, tasks, keys []string
	for _, l := range limits {
		m := limitRE.FindStringSubmatch(strings.TrimSpace(l))
		if m == nil {
			return gate.Budget{}, fmt.Errorf("%q is no limit: want KEY<=NUMBER, such as advantage<=0.2, advantage:event<=0.2, overhead<=50%% or delay_p95<=50ms", l)
		}
		key, task, value := m[1], m[2], m[3]
		one := fmt.Sprintf("%s: %q", key, value)
		if task != "" {
			one = fmt.Sprintf("%s: {%s: %q}", key, task, value)
		}

		// Each by itself first, so that a mistake is told in the words that were typed.
		if slices.Contains(keys, key+":"+task) {
			return gate.Budget{}, fmt.Errorf("%q: there is a limit on that already", l)
		}
		keys = append(keys, key+":"+task)
		if key == "rise" || key == "defense" {
			return gate.Budget{}, fmt.Errorf("%q: there is no earlier run to compare with", l)
		}
		if _, err := Parse(strings.TrimSpace(l), one); err != nil {
			return gate.Budget{}, err
		}
		switch {
		case task == "":
			all = append(all, one)
		case key == results.AdvantageMetric:
			tasks = append(tasks, fmt.Sprintf("%s: %q", task, value))
		}
	}

	// A file has one limit for all tasks or one for each.
	everyTask := slices.ContainsFunc(all, func(s string) bool { return strings.HasPrefix(s, results.AdvantageMetric+":") })
	if len(tasks) > 0 && everyTask {
		return gate.Budget{}, fmt.Errorf("advantage is limited for all tasks and for some: want one of both")
	}
	if len(tasks) > 0 {
		all = append(all, results.AdvantageMetric+": {"+strings.Join(tasks, ", ")+"}")
	}
	b, err := Parse("limits", strings.Join(all, "\n"))
	b.At = nil // there is no file
	return b, err
}
