package decompose

import (
	"context"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/datasets"
)

// appLead is how long before its message to the gateway a command may have left
// the user's app.
const appLead = 3 * time.Second

// learnApp learns the sizes of actions from what the user's app sends its cloud
// for the known commands of t (section IV-A, d_i and d_2i; assumption A4): there
// an action is as large as in the message to the gateway, while what surrounds it
// is another. That, and the variation, are learned from the messages to the
// gateway, which known holds. ok is false where no service in view but the
// gateway's sends anything that the commands explain.
func (d Attack) learnApp(ctx context.Context, t attacks.Training, gateway *sizeTrial) (learn sizeLearner, ok bool, err error) {
	app, err := d.chooseService(ctx, seenFromTheApp(t, gateway))
	if err != nil || app == nil {
		return nil, false, err
	}
	sizes := learnPairs(app.known, len(t.Classes), d.K, d.Known).action

	return func(commands []knownCommand, _, k, m int) sizeRule {
		r := sizeRule{k: k, action: sizes}

		// |ac| = |s_i| - |a_i|, from commands with one action; with several, the
		// differences of long lists would go into it.
		var one, all []int
		for _, c := range commands {
			rest := c.size - r.sum(c.counts)
			if all = append(all, rest); totalCount(c.counts) == 1 {
				one = append(one, rest)
			}
		}
		if len(one) == 0 {
			one = all
		}
		if len(one) > 0 {
			r.content = lowerMedian(one)
		}
		return r.withPairs(commands, m)
	}, true, nil
}

// seenFromTheApp is t without the gateway's traffic, with directions turned round
// and commands moved ahead by appLead: what an app sends then looks like messages
// that commands bring, and is found like these.
func seenFromTheApp(t attacks.Training, gateway *sizeTrial) attacks.Training {
	t.Examples = slices.Clone(t.Examples)
	for i, ex := range t.Examples {
		in := ex.Trace.Packets
		ex.Trace.Packets = make([]datasets.Packet, 0, len(in))
		for _, p := range in {
			if serviceOf(ex.Trace.Flows[p.Flow]) == gateway.service || gateway.service == everything() {
				continue
			}
			p.Dir = datasets.Up + datasets.Down - p.Dir
			ex.Trace.Packets = append(ex.Trace.Packets, p)
		}

		ex.Labels.Commands = slices.Clone(ex.Labels.Commands)
		for j := range ex.Labels.Commands {
			ex.Labels.Commands[j].Time -= appLead
		}
		t.Examples[i] = ex
	}
	return t
}
