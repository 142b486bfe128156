package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"veilbench/attacks"
	"veilbench/bench/audit"
	"veilbench/bench/cost"
	"veilbench/bench/draws"
	"veilbench/bench/oath"
	"veilbench/bench/outside"
	"veilbench/bench/results"
	"veilbench/bench/score"
	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/captured"
)

// computeCell computes one cell. Only the end of ctx is an error: everything
// else is kept in the result.
func (r *runner) computeCell(ctx context.Context, u unit, j job) (results.Result, results.Timing, error) {
	head := r.head(u, j)
	res := head

	var timing results.Timing
	err := oath.Guard(func() error { return r.score(ctx, u, j, &res, &timing) })
	if ctx.Err() != nil {
		return res, timing, context.Cause(ctx)
	}

	// A failed cell holds no figure, also none from before it failed.
	if err != nil {
		res = head
		res.Err = err.Error()
	}
	return res, timing, nil
}

// head is what a result says before anything is computed.
func (r *runner) head(u unit, j job) results.Result {
	return results.Result{
		Cell: j.cell, Data: r.plan.DataDigest(u.ds.Name), Setup: r.plan.Setup(j.cell), Method: results.Method, Generated: u.ds.Generated,
		Control: j.attack.Info().Control, Headline: results.Headline(j.cell.Task),
		Doubted: r.plan.Doubted(j.cell), DefenseLabel: r.grid.Labels[j.cell.Defense], AttackLabel: r.grid.Labels[j.cell.Attack],
	}
}

// score asks the attacker of j and scores what it said.
func (r *runner) score(ctx context.Context, u unit, j job, res *results.Result, timing *results.Timing) error {
	if j.planted() {
		return r.canaryCell(ctx, u, j, res, timing)
	}
	if j.cell.Task == datasets.TaskDetect {
		return r.detectCell(ctx, u, j, res, timing)
	}
	out, err := r.askAttacker(ctx, u, j, timing)
	if err != nil {
		return err
	}

	// What is scored here has no floor yet; enter gives it one and may leave out
	// what has nothing to hide.
	s := score.Of(u.ds, j.cell.Task, out.classes, out.tests)
	res.Metrics, res.Groups, res.Devices, res.LeftOut, res.Items, res.Confusion, res.Curve = s.Metrics, s.Groups, s.Devices, s.LeftOut, s.Items, s.Confusion, s.Curve
	res.Strips = s.Strips

	res.Oracle = out.oracle
	out.floors.enter(res, isBlind(j.attack))
	res.Cost = costOf(u, out)
	res.Warnings = slices.Concat(cellWarnings(u.ds, j), r.formWarnings(u, j), leftOutWarnings(res, out.tests), out.unknown, programWarnings(u.defense, r.defense(j.cell.TrainDefense), j.attack))
	if err = r.account(ctx, u, j, res); err != nil {
		return err
	}
	res.Bounds, err = oath.Call(r.oath, "attack "+j.cell.Attack, "Vectors", oath.Signs{}, func() ([]results.Bound, error) { return r.bounds(u, j) })
	return err
}

// costOf is the ledger of the tests of a cell. That of sessions with a real device is
// held against those without it.
func costOf(u unit, out outcome) results.Cost {
	c := out.ledger.Cost()
	if d, ok := u.defense.(captured.Defense); ok && !d.IsPaired() {
		var before, after []*datasets.Recording
		for i := range u.ds.Recordings {
			switch r := &u.ds.Recordings[i]; r.Behind {
			case "":
				before = append(before, r)
			case u.id:
				after = append(after, r)
			}
		}
		c = cost.Sessions(c, before, after)
	}
	c.Unknown = out.unknown
	return c
}

// outcome is what a cell's attacker said of its test traces. classes are all
// that any part's model could name.
type outcome struct {
	tests   []score.Test
	classes []string
	floors  *floors
	ledger  *cost.Ledger
	oracle  bool
	// unknown says what captures of a real device cannot tell, each sentence once.
	unknown []string
}

// askAttacker trains what j needs and asks it about every test trace.
func (r *runner) askAttacker(ctx context.Context, u unit, j job, timing *results.Timing) (outcome, error) {
	out := outcome{ledger: &cost.Ledger{}, classes: j.classes}
	for n := range j.fold {
		p := part{u, j, n}
		m, err := r.model(ctx, p)
		if err != nil {
			return out, err
		}
		timing.TrainSeconds += m.seconds
		timing.TrainPackets += m.packets
		timing.ModelBytes = max(timing.ModelBytes, m.bytes)

		start := time.Now()
		tests, err := r.guesses(ctx, p, m, &out, timing)
		if err != nil {
			return out, err
		}
		timing.GuessSeconds += time.Since(start).Seconds()

		out.tests = append(out.tests, tests...)
		if len(m.classes) > len(out.classes) { // parts differ in datasets.Cover alone
			out.classes = m.classes
		}
	}
	if len(out.tests) == 0 {
		return out, errors.New("no test recordings")
	}

	var err error
	out.floors, err = r.floors(ctx, u, j, out.tests)
	return out, err
}

// guesses asks m about the test recordings of a part and adds their cost to
// out.
func (r *runner) guesses(ctx context.Context, p part, m *model, out *outcome, timing *results.Timing) ([]score.Test, error) {
	var tests []score.Test
	for _, i := range p.recordings().Test {
		o := r.view(p, p.cell.Defense, viewOf{TestRole, i, p.cell.Draw})
		if o.err != nil {
			return nil, o.err
		}

		// Only answers given elsewhere may know which recording is asked about.
		about := m.Model
		if x, ok := p.attack.(outside.Attack); ok {
			about = x.Model(p.cell.Knowledge, r.item(p, p.cell.Defense, viewOf{TestRole, i, p.cell.Draw}), m.classes)
		}
		a, err := r.oath.Guess(ctx, p.cell.Attack, about, viewsOf(o.labeled(p.cell.Task))...)
		if err != nil {
			return nil, fmt.Errorf("guess on recording %s: %w", o.rec.ID, err)
		}

		// Asked again of the beginning alone: later days must not tell of earlier ones.
		early, err := r.early(ctx, p, m, o.trace)
		if err != nil {
			return nil, fmt.Errorf("guess on the beginning of recording %s: %w", o.rec.ID, err)
		}

		out.oracle = out.oracle || o.oracle
		for _, x := range o.unknown {
			if !slices.Contains(out.unknown, x) && len(out.unknown) < mostUnknown {
				out.unknown = append(out.unknown, x)
			}
		}
		timing.GuessPackets += int64(len(o.trace.Packets))
		tests = append(tests, score.Test{Recording: o.rec, Trace: o.trace, Labels: o.truthOf(p.cell.Task, p.ds).labels, Answer: a, Classes: m.classes, Unseen: o.unseen, Early: early})
		out.ledger.Add(o.cost)
	}
	return tests, nil
}

// mostUnknown bounds what is said of many recordings that differ in a number.
const mostUnknown = 6

// early asks m, of a routine task, about the first days of t alone, for as many days as
// t is longer than.
func (r *runner) early(ctx context.Context, p part, m *model, t datasets.Trace) ([]attacks.Answer, error) {
	if p.cell.Task != datasets.TaskRoutine {
		return nil, nil
	}
	var out []attacks.Answer
	for _, days := range score.EarlyDays() {
		end := time.Duration(days) * 24 * time.Hour
		if end >= t.End {
			break
		}
		a, err := r.oath.Guess(ctx, p.cell.Attack, m, firstDays(t, end))
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// cellWarnings are doubts that follow from the data and the cell alone.
func cellWarnings(ds *datasets.Dataset, j job) []string {
	out := slices.Clone(ds.Warnings)
	if j.cell.Split.Within() {
		out = append(out, "split within groups: training and test share sessions, so scores are too high for new homes or days")
	}
	return out
}

// leftOutWarnings say what of the tests of a cell has no score, and why.
func leftOutWarnings(res *results.Result, tests []score.Test) []string {
	var out []string

	// What is left out must be said: a mean over the rest looks the same.
	unseen := 0
	for _, t := range tests {
		if t.Unseen {
			unseen++
		}
	}
	if unseen > 0 {
		out = append(out, fmt.Sprintf("%d of %d test recordings have no packet to be seen at %s: left out", unseen, len(tests), res.Cell.Vantage))
	}

	if n := cutClips(res.Cell, tests); n > 0 {
		out = append(out, fmt.Sprintf("%d of %d clips keep fewer than half of their packets at %s: an attack may know them by what is missing", n, len(tests), res.Cell.Vantage))
	}

	groups := len(res.Groups)
	for _, g := range res.LeftOut {
		if g.Device == "" {
			groups++
		}
	}

	// All names of one reason in one warning: tables count equal texts.
	for _, why := range []string{results.NothingToFind, results.NothingToHide} {
		var names, devices []string
		for _, g := range res.LeftOut {
			switch {
			case g.Why != why:
			case g.Device != "":
				devices = append(devices, g.Device+" of "+g.Group)
			default:
				names = append(names, g.Group)
			}
		}
		if len(names) > 0 {
			out = append(out, fmt.Sprintf("%d of %d test groups left out, %s: %s", len(names), groups, why, strings.Join(names, ", ")))
		}
		if len(devices) > 0 {
			out = append(out, fmt.Sprintf("%d times a device of a test group left out, %s: %s", len(devices), why, strings.Join(devices, ", ")))
		}
	}
	return out
}

// programWarnings name the plug-ins of a cell that are programs in doubt. Why they are
// is not said: it hangs on what was asked again, and a result is the same each time.
func programWarnings(plugins ...any) []string {
	var out []string
	for _, x := range plugins {
		for _, p := range oath.Programs(x) {
			name := ""
			switch p := p.(type) {
			case defenses.Defense:
				name = p.Info().Name
			case attacks.Attack:
				name = p.Info().Name
			}
			if w := results.WaversWarning(name); p.Doubt() != "" && !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	return out
}

// cutClips counts the clips of which the view alone, without a defense, leaves
// something but less than half: windows of so many packets were cut where all were
// seen, and what is left of them is no such window.
func cutClips(c results.Cell, tests []score.Test) int {
	n := 0
	for _, t := range tests {
		if c.Task != datasets.TaskClip || t.Unseen {
			continue
		}
		_, kept := c.Vantage.View(draws.New(c.Seed, "cut"), t.Recording.Trace)
		if 2*len(kept) < len(t.Recording.Trace.Packets) {
			n++
		}
	}
	return n
}

// claims lists what the stages of a defense state of themselves. A figure that is
// no number is an error.
func claims(d defenses.Defense) ([]results.Claim, error) {
	var out []results.Claim
	for _, s := range defenses.Stages(d) {
		c, ok := s.(defenses.Claimer)
		if !ok {
			continue
		}
		for _, claim := range c.Claims() {
			if math.IsNaN(claim.Value) || math.IsInf(claim.Value, 0) {
				return nil, fmt.Errorf("defense %s claims %s = %v", defenses.ID(s), claim.Name, claim.Value)
			}
			out = append(out, results.Claim{Stage: s.Info().Name, Name: claim.Name, Value: claim.Value, Unit: claim.Unit})
		}
	}
	return out, nil
}

// account fills in what the defense of j claims of itself and what was tried of it.
// A claim that is refuted is an error.
func (r *runner) account(ctx context.Context, u unit, j job, res *results.Result) error {
	var err error
	for n := range j.fold {
		// What learns claims what it has learned; one set of figures stands for all parts
		// of a fold, the weakest of each promise.
		d := u.defense
		if Fitted(d) {
			vs, err := r.pipe(part{u, j, n}, u.id)
			if err != nil {
				return err
			}
			d = vs.pipe.defense
		}
		if n > 0 && !Fitted(d) {
			break
		}
		if n == 0 {
			if res.Claims, err = claims(d); err != nil {
				return err
			}
			if res.Audits, err = r.audited(ctx, part{u, j, n}, d); err != nil {
				return err
			}
		}
		res.Audits = weakest(res.Audits, recallAudits(d, j, res.Items))
	}
	for _, a := range res.Audits {
		if a.Refuted() {
			return fmt.Errorf("%s claims %q of %.4g, which is refuted: at least %.4g, as sure as %v %% (%s: %d of %d right%s)",
				a.Stage, a.Claim, a.Claimed, a.Limit, 100*results.AuditLevel, a.Attack, a.Hits, a.With, falseAlarms(a))
		}
	}
	return nil
}

// falseAlarms says how many there were where there could be any.
func falseAlarms(a results.Audit) string {
	if a.Without == 0 {
		return ""
	}
	return fmt.Sprintf(", %d of %d false", a.Alarms, a.Without)
}

// recallAudits holds the answers about clips against how many kinds of traces the
// stages of d promise. Who sits inside sees what a gateway has not yet hidden.
func recallAudits(d defenses.Defense, j job, items []results.Item) []results.Audit {
	if j.cell.Task != datasets.TaskClip {
		return nil
	}
	var out []results.Audit
	for _, s := range defenses.Stages(d) {
		p, ok := s.(defenses.Promiser)
		if !ok || s.Info().Place == defenses.AtGateway && j.cell.Vantage != datasets.WAN {
			continue
		}
		for _, x := range p.Promises() {
			if x.Sets > 0 {
				out = append(out, audit.Recall(s.Info().Name, x.Claim, attacks.ID(j.attack), x.Sets, items))
			}
		}
	}
	return out
}

// weakest adds audits to those that there are; of one claim the one that claims least
// stays.
func weakest(all, more []results.Audit) []results.Audit {
	for _, a := range more {
		i := slices.IndexFunc(all, func(b results.Audit) bool { return a.Stage == b.Stage && a.Claim == b.Claim })
		switch {
		case i < 0:
			all = append(slices.Clone(all), a) // audits of losses are shared
		case a.Claimed > all[i].Claimed:
			all[i] = a
		}
	}
	return all
}

// lazyAudit is what was tried of a defense, once for all its cells.
type lazyAudit struct {
	once   sync.Once
	audits []results.Audit
	err    error
}

// audited tries the losses that d, the defense of p as it was fitted, promises. It
// hangs on the defense alone, so cells of all attacks and tasks share it.
func (r *runner) audited(ctx context.Context, p part, d defenses.Defense) ([]results.Audit, error) {
	key := viewKey{defense: p.id, scope: r.viewKey(p, p.id).scope}
	if key.scope != "" {
		key.dataset = p.ds.Name
	}
	r.mu.Lock()
	a := r.audits[key]
	if a == nil {
		a = &lazyAudit{}
		r.audits[key] = a
	}
	r.mu.Unlock()

	// Only the stages that promise are played: each bounds its own output, and what
	// others make of that can show no more.
	a.once.Do(func() {
		var stages []audit.Stage
		for _, s := range defenses.Stages(d) {
			if x, ok := s.(defenses.Promiser); ok {
				stages = append(stages, audit.Stage{
					Name: s.Info().Name, Promises: x.Promises(),
					Apply: func(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) { return r.oath.Apply(s, rng, in) },
				})
			}
		}
		a.audits, a.err = audit.Losses(ctx, func(purpose string) *rand.Rand {
			return draws.New(r.grid.Seed, "audit", defenses.DrawID(p.defense), key.scope, purpose)
		}, stages, 0)
	})
	return a.audits, a.err
}

// firstDays is what t was at a time before its end. Flows that come later are left
// out, for their names alone would tell of later days.
func firstDays(t datasets.Trace, end time.Duration) datasets.Trace {
	_, n := packetsWithin(t, 0, end)
	t.Packets, t.End = t.Packets[:n], end
	flows := int32(0)
	for _, p := range t.Packets {
		flows = max(flows, p.Flow+1)
	}
	t.Flows = t.Flows[:flows]
	return t
}
