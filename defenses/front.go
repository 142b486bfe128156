package defenses

import (
	"math"
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
)

// Front hides the beginning of each session behind cover packets whose times
// are Rayleigh distributed (FRONT, Gong and Wang 2020). At a session's first
// packet it draws how many packets to add, evenly from 1 to MaxUp and to
// MaxDown, and for each side how wide to spread them, evenly from WMinS to
// WMaxS. Those of the far end count from the first packet down. A session is
// what a device sends without a silence of QuietS.
//
// Deviations: the repository cuts cover after the last real packet, which no
// defense can know; here it stays. Sessions take the place of page loads.
//
// Variants: t1 (600 up, 1400 down, 1 to 8 s), ft1 (1700, 1700, 1 to 14 s), ft2
// (2500, 2500, 1 to 14 s), live (3000, 3000, 1 to 13 s), qcsd (1000, 1000,
// 0.5 to 7 s), maybenot-infinite (6000, 6000, 5 to 12 s), maybenot-bottleneck
// (1500, 1500, 5 to 15 s), and home, ours for the rates of smart homes (20, 20,
// 0.5 to 4 s). The published ones count Tor cells. A parameter of 0 takes the
// variant's value.
type Front struct {
	Variant   string  `help:"t1, ft1, ft2, live, qcsd, maybenot-infinite, maybenot-bottleneck or home"`
	MaxUp     int     `help:"most cover packets up in a session; 0: of the variant"`
	MaxDown   int     `help:"most cover packets down; 0: of the variant"`
	WMinS     float64 `help:"least width; 0: of the variant"`
	WMaxS     float64 `help:"largest width; 0: of the variant"`
	QuietS    float64 `help:"silence that ends a session"`
	SizeBytes int     `help:"size of cover IP packets; 0: as the device's last one"`
}

var _ Defense = Front{}

func frontVariants() map[string]Front {
	return map[string]Front{
		"t1":                  {MaxUp: 600, MaxDown: 1400, WMinS: 1, WMaxS: 8},
		"ft1":                 {MaxUp: 1700, MaxDown: 1700, WMinS: 1, WMaxS: 14},
		"ft2":                 {MaxUp: 2500, MaxDown: 2500, WMinS: 1, WMaxS: 14},
		"live":                {MaxUp: 3000, MaxDown: 3000, WMinS: 1, WMaxS: 13},
		"qcsd":                {MaxUp: 1000, MaxDown: 1000, WMinS: 0.5, WMaxS: 7},
		"maybenot-infinite":   {MaxUp: 6000, MaxDown: 6000, WMinS: 5, WMaxS: 12},
		"maybenot-bottleneck": {MaxUp: 1500, MaxDown: 1500, WMinS: 5, WMaxS: 15},
		"home":                {MaxUp: 20, MaxDown: 20, WMinS: 0.5, WMaxS: 4},
	}
}

// Info describes the defense.
func (Front) Info() Info {
	return Info{
		Name: "front", Doc: "cover packets over the beginning of each session",
		Place: AtDevice, Needs: []Party{Cloud}, Cite: "Gong and Wang 2020 (FRONT)", Works: cite.Of("gong2020front"),
	}
}

// Validate refuses parameters out of range.
func (d Front) Validate() error {
	v := d.values()
	return first(
		variant(d.Variant, frontVariants()),
		within("max_up", d.MaxUp, 0, 1_000_000),
		within("max_down", d.MaxDown, 0, 1_000_000),
		orZero("w_max_s", d.WMaxS, 0.001, 3600),
		within("w_min_s", v.WMinS, 0, v.WMaxS),
		within("quiet_s", d.QuietS, 0.1, 86400),
		orZero("size_bytes", d.SizeBytes, 60, mtu),
	)
}

// values are those of the variant, overridden by parameters that are set.
func (d Front) values() Front {
	v := frontVariants()[d.Variant]
	if d.MaxUp == 0 {
		d.MaxUp = v.MaxUp
	}
	if d.MaxDown == 0 {
		d.MaxDown = v.MaxDown
	}
	d.WMinS, d.WMaxS = either(d.WMinS, v.WMinS), either(d.WMaxS, v.WMaxS)
	return d
}

// Apply adds cover.
func (d Front) Apply(rng *rand.Rand, in datasets.Trace) (Defended, error) {
	v := d.values()
	s := devices(in, false)
	type state struct {
		rng  *rand.Rand
		last time.Duration
		on   [2]bool // the side has begun in this session
	}
	states := make([]state, len(s.first))
	for k := range states {
		states[k].rng = Stream(rng)
	}
	var dummies []dummy
	for _, p := range in.Packets {
		k := s.of[p.Flow]
		if k == own {
			continue
		}
		st := &states[k]
		if p.Time-st.last > seconds(v.QuietS) {
			st.on = [2]bool{}
		}
		st.last = p.Time
		for dir, most := range []int{v.MaxUp, v.MaxDown} {
			// Up begins with the session, Down with its first packet down.
			if st.on[dir] || dir == int(datasets.Down) && p.Dir == datasets.Up {
				continue
			}
			st.on[dir] = true
			w := v.WMinS + st.rng.Float64()*(v.WMaxS-v.WMinS)
			for range 1 + st.rng.IntN(most) {
				at := p.Time + seconds(w*math.Sqrt(2*st.rng.ExpFloat64()))
				if at <= in.End {
					dummies = append(dummies, dummy{at, k, datasets.Dir(dir)})
				}
			}
		}
	}
	return dress(in, s, int32(d.SizeBytes), dummies), nil
}
