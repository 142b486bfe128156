package stats

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Group is what one attacker reached in one test group. Score and Floor are
// shares of N items; N is 0 where there was nothing to find or nothing was
// tested, and such a group is left out.
type Group struct {
	Score, Floor float64
	N            int
}

// Counts says whether g enters means: it has items, and its floor leaves
// something to learn.
func (g Group) Counts() bool { return g.N > 0 && g.Floor < 1 }

// Advantage is how far the score lies above the floor, below 0 where it does
// not reach it. It is cut nowhere here: cutting before averaging would make
// noise below the floor count for nothing and noise above it count in full.
func (g Group) Advantage() float64 { return (g.Score - g.Floor) / g.left() }

// left is the share of items that the floor leaves.
func (g Group) left() float64 { return 1 - g.Floor }

// Headline is what is said of the best of several attackers.
type Headline struct {
	// Best is the index of the attacker with the largest mean advantage over
	// groups, the first of several, -1 without any group; Mean is that mean.
	// Where several attackers are equally good it lies above what any of them
	// would reach on other groups: the luckiest is taken.
	Best int
	Mean float64
	// Lo and Hi bound the largest of the attackers' true means, each erring in
	// (1 - level) / 2; OK is false where no attacker has MinGroups groups.
	Lo, Hi float64
	OK     bool
	// Edge marks an interval that is too short where groups differ widely: so
	// few groups are of the rarer kind that none might be among those tested.
	Edge bool
}

// Best takes the best attacker. attackers[a][g] is what attacker a reached in
// group g, the same g being the same group for all. Mean, Lo and Hi are not cut
// to 0 to 1.
//
// Hi is the largest of the upper limits: the best attacker's own, which alone
// would do, is among them, so it needs no correction for their number. Lo is
// the largest of the lower limits at a level that they share. So one attacker
// more can only raise Mean and Hi.
func Best(attackers [][]Group, level float64) Headline {
	h := Headline{Best: -1, Mean: math.Inf(-1), Lo: math.Inf(-1), Hi: math.Inf(-1)}
	rows := make([]row, 0, len(attackers))
	for a, gs := range attackers {
		r := newRow(gs, Group.left)
		if len(r.adv) == 0 {
			continue
		}
		if r.mean > h.Mean {
			h.Best, h.Mean = a, r.mean
		}
		h.OK = h.OK || len(r.adv) >= MinGroups
		rows = append(rows, r)
	}
	if !h.OK {
		h.Lo, h.Hi = 0, 0
		return h
	}

	alpha := (1 - level) / 2
	above, below := newTail(alpha), newTail(sharedError(rows, alpha))
	for _, r := range rows {
		// An attacker tried on too few groups (its cells failed elsewhere) says
		// nothing for sure, and must not make the others' limits look final.
		if len(r.adv) < MinGroups {
			h.Hi = max(h.Hi, 1)
			continue
		}
		h.Hi = max(h.Hi, r.upper(above, h.Hi, math.Inf(1)))
		h.Lo = max(h.Lo, -r.mirrored().upper(below, math.Inf(-1), -h.Lo))
	}
	best := rows[slices.IndexFunc(rows, func(r row) bool { return r.mean == h.Mean })]
	h.Edge = best.edge(len(rows))
	return h
}

// Gain is by how much one attacker's score lies above the floor, in shares of all items
// and not of those that the floor leaves: where floors of some groups are near 1, a
// mean of advantages would be theirs alone. Limits err as those of Best do.
func Gain(gs []Group, level float64) Headline {
	r := newRow(gs, func(Group) float64 { return 1 })
	h := Headline{Best: -1}
	if len(r.adv) == 0 {
		return h
	}
	h.Best, h.Mean, h.OK = 0, r.mean, len(r.adv) >= MinGroups
	if h.OK {
		l := newTail((1 - level) / 2)
		h.Lo, h.Hi = -r.mirrored().upper(l, math.Inf(-1), math.Inf(1)), r.upper(l, math.Inf(-1), math.Inf(1))
		h.Edge = r.edge(1)
	}
	return h
}

// tail is the error alpha of a limit with the quantiles that go with it.
type tail struct {
	alpha, z float64
	t        map[int]float64 // by number of groups
}

func newTail(alpha float64) tail {
	return tail{alpha, distuv.UnitNormal.Quantile(1 - alpha), map[int]float64{}}
}

// student is the quantile for the mean of so many groups.
func (l tail) student(groups int) float64 {
	t, ok := l.t[groups]
	if !ok {
		t = distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(groups - 1)}.Quantile(1 - l.alpha)
		l.t[groups] = t
	}
	return t
}

// row is one attacker's groups that count.
type row struct {
	at       []int // index of each group among all
	adv      []float64
	mean, sd float64
	// score is the mean score, n how many items a plain share would need to be
	// as sure of it as the mean over groups is if all groups are alike; stretch
	// is by how much a step in score moves the advantage.
	score, n, stretch float64
	// between is the variance of the mean score as the groups show it, in parts
	// of that of a share of n items.
	between float64
}

// newRow measures what is above the floor in parts of left.
func newRow(gs []Group, left func(Group) float64) row {
	var r row
	var scores []float64
	var perItem float64
	for g, x := range gs {
		if !x.Counts() {
			continue
		}
		r.at, r.adv, scores = append(r.at, g), append(r.adv, (x.Score-x.Floor)/left(x)), append(scores, x.Score)
		perItem += 1 / float64(x.N)
		r.stretch += 1 / left(x)
	}
	g := float64(len(scores))
	if g == 0 {
		return r
	}

	// Groups count alike whatever their size, so the smallest decide how sure
	// their mean is: n is the harmonic mean of sizes times the groups, at most
	// the number of items, equal to it where groups are of one size.
	r.n, r.stretch = g*g/perItem, r.stretch/g
	r.mean, r.sd = stat.MeanStdDev(r.adv, nil)
	mean, variance := stat.MeanVariance(scores, nil)
	r.score = min(max(mean, 0), 1)
	if p := r.score * (1 - r.score); p > 0 && g > 1 {
		r.between = variance / g / (p / r.n)
	}
	return r
}

// alike is how alike groups are taken to be where the scores cannot tell: the
// concentration of the beta distribution of their truths.
const alike = 20

// evidence is how slowly that gives way to what the scores show.
const evidence = 4

// rare is how many items there are of the rarer kind, right or wrong.
func (r row) rare() float64 { return r.n * min(r.score, 1-r.score) }

// assumed is by how much more the mean score then varies than items make it.
func (r row) assumed() float64 {
	return 1 + max(0, r.n/float64(len(r.adv))-1)/(alike+1)
}

// mirrored turns right and wrong round, so that its upper limits are lower ones.
func (r row) mirrored() row {
	r.mean, r.score = -r.mean, 1-r.score
	return r
}

// upper is the upper limit of the mean advantage. Where that is not between
// enough and most, anything else that is not will do: the caller looks for the
// largest or the smallest of many.
func (r row) upper(l tail, enough, most float64) float64 {
	g := float64(len(r.adv))
	t := l.student(len(r.adv))
	limit := r.mean + t*r.sd/math.Sqrt(g)
	if limit >= most {
		return limit
	}

	// Near 0 and 1 the spread of few groups says nothing (all 0: none), so the
	// limit is at least as far as that of a share. Chernoff's bound is never nearer
	// than that and costs no search: most attackers are far below the best.
	n := r.items(l)
	if q := r.score + (max(limit, enough)-r.mean)/r.stretch; q > r.score && q < 1 && n*divergence(r.score, q) >= -math.Log(l.alpha) {
		return limit
	}
	return max(limit, r.mean+(shareUpper(r.score, n, l.alpha)-r.score)*r.stretch)
}

// items is how many a plain share would need to be as sure. Their number is cut
// down by what groups differ more than items would make them, the ratio taken as
// uncertain as t is (Korn and Graubard, Survey Methodology 1998),
func (r row) items(l tail) float64 {
	t := l.student(len(r.adv))
	effect := max(1, r.between*(t/l.z)*(t/l.z))

	// and where so few items are of the rarer kind that no difference could
	// show, as if truths were spread by alike.
	assumed := r.assumed()
	effect = max(effect, 1+(assumed-1)*evidence*assumed/(evidence*assumed+r.rare()))
	return min(r.n/effect, 1e6) // more is finer than any figure printed
}

// divergence is that of Kullback and Leibler of a coin p from a coin q.
func divergence(p, q float64) float64 {
	d := 0.0
	if p > 0 {
		d += p * math.Log(p/q)
	}
	if p < 1 {
		d += (1 - p) * math.Log((1-p)/(1-q))
	}
	return d
}

// shareUpper is the upper limit of Clopper and Pearson for a share p of n items,
// neither of which need be whole.
func shareUpper(p, n, alpha float64) float64 {
	k := p * n
	if n-k < 1e-9 {
		return 1
	}
	return max(p, distuv.Beta{Alpha: k + 1, Beta: n - k}.Quantile(1-alpha))
}

// edge says whether a limit errs in more than 5 % where truths differ as much
// as groups of concentration 2 do: so few groups would be of the rarer kind, if
// each were all right or all wrong, that none may be among those tested. Many
// attackers make it worse for the lower limit alone, since the largest of
// theirs is taken. Scores that show how alike groups are speak against it. The
// numbers are from the simulation.
func (r row) edge(attackers int) bool {
	g, wrong := float64(len(r.adv)), 1-r.score
	enough := 2 + 2*math.Log(float64(attackers))
	few := g*r.score < 2 || g*wrong < 2 || wrong < 0.3 && g*wrong < enough
	shown := r.rare() >= enough*r.assumed() && r.between < r.assumed()
	return few && !shown
}

const (
	// flipGroups is from how many groups on the error is shared by flipping
	// signs: fewer have too few signs for the tail.
	flipGroups = 10
	// flipSigns is how many signs of half the groups are tried, each with as many
	// of the other half: all there are up to twelve groups.
	flipSigns = 64
)

// sharedError is the error that each of several lower limits may have so that
// all together err in alpha: alpha over their number (Bonferroni), or more
// where attackers err together. How much together is seen by turning round
// whole groups: the deviations of all attackers in a group keep their relation,
// and the largest of the attackers' t is compared with that of one.
func sharedError(rows []row, alpha float64) float64 {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return len(r.adv) < MinGroups })
	least := alpha / float64(max(len(rows), 1))
	groups := 0
	for _, r := range rows {
		if len(r.adv) < flipGroups {
			return least
		}
		groups = max(groups, r.at[len(r.at)-1]+1)
	}
	if len(rows) < 2 {
		return least
	}

	// dev[g*k+a] is the deviation of attacker a in group g over the root of its
	// sum of squares, so that a flipped sum has variance 1 for everyone.
	k := len(rows)
	dev := make([]float64, groups*k)
	for a, r := range rows {
		scale := r.sd * math.Sqrt(float64(len(r.adv)-1))
		for i, g := range r.at {
			if scale > 0 {
				dev[g*k+a] = (r.adv[i] - r.mean) / scale
			}
		}
	}
	// Sums over halves of the groups are made once and each is paired with each,
	// which saves all but one addition an attacker.
	first, second := flipSums(dev[:groups/2*k], k, 1), flipSums(dev[groups/2*k:], k, 2)
	most := int(alpha * float64(len(first)*len(second)))
	tops := make([]float64, 0, most+2) // the largest, in order
	for _, x := range first {
		for _, y := range second {
			top := math.Inf(-1)
			for a, v := range x {
				top = max(top, v+y[a])
			}
			if len(tops) > most && top <= tops[0] {
				continue
			}
			i, _ := slices.BinarySearch(tops, top)
			tops = slices.Insert(tops, i, top)
			if len(tops) > most+1 {
				tops = tops[1:]
			}
		}
	}
	z := tops[0]

	// The sum of flipped deviations as Student's t: their sum of squares is 1
	// whatever the signs.
	g := float64(groups)
	t := z * math.Sqrt((g-1)/max(g-z*z, 1e-9))
	return min(max(distuv.StudentsT{Mu: 0, Sigma: 1, Nu: g - 1}.Survival(t), least), alpha)
}

// flipSums are sums over the groups of dev, k attackers each, under signs that
// are all there are, or flipSigns of them drawn by seed.
func flipSums(dev []float64, k int, seed uint64) [][]float64 {
	groups := len(dev) / k
	signs := make([]uint64, flipSigns)
	rng := rand.New(rand.NewPCG(seed, uint64(groups)))
	for i := range signs {
		signs[i] = rng.Uint64()
	}
	if 1<<groups <= flipSigns {
		signs = signs[:1<<groups]
		for i := range signs {
			signs[i] = uint64(i)
		}
	}

	out := make([][]float64, len(signs))
	for i, bits := range signs {
		out[i] = make([]float64, k)
		for g := range groups {
			// Beyond 64 groups the signs begin anew, turned by one.
			sign := 1 - 2*float64(bits>>((g+g/64)%64)&1)
			for a, v := range dev[g*k : g*k+k] {
				out[i][a] += sign * v
			}
		}
	}
	return out
}
