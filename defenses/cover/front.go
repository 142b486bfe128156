package cover

import (
	"cmp"
	"math"
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// Front hides the beginning of each session behind dummy packets whose times
// are Rayleigh distributed (FRONT, Gong and Wang 2020). At a session's first
// packet it draws how many packets to add, evenly from 1 to MaxUp and to
// MaxDown, and for each side how wide to spread them, evenly from WMinS to
// WMaxS. Those of the far end count from the first packet down. A session is
// what a device sends without a silence of QuietS.
//
// Deviations: the repository cuts dummies after the last real packet, which no
// defense can know; here they stay. Sessions take the place of page loads.
//
// The published presets count Tor cells, of which a page takes thousands; the
// defaults are ours, for the rates of smart homes.
type Front struct {
	MaxUp     int     `help:"most dummy packets up in a session"`
	MaxDown   int     `help:"most dummy packets down"`
	WMinS     float64 `help:"least width"`
	WMaxS     float64 `help:"largest width"`
	QuietS    float64 `help:"silence that ends a session"`
	SizeBytes int     `help:"size of dummy IP packets; 0: as the device's last one"`
}

var (
	_ defenses.Defense   = Front{}
	_ defenses.Presetter = Front{}
	_ defenses.DrawIDer  = Front{}
)

// NewFront is Front for the rates of smart homes.
func NewFront() Front {
	return Front{MaxUp: 20, MaxDown: 20, WMinS: 0.5, WMaxS: 4, QuietS: 10}
}

// Presets are the parameters of the publication and of its implementations.
func (Front) Presets() []defenses.Preset {
	preset := func(name, doc string, up, down int, least, most float64) defenses.Preset {
		d := NewFront()
		d.MaxUp, d.MaxDown, d.WMinS, d.WMaxS = up, down, least, most
		return defenses.Preset{Name: "front-" + name, Doc: doc, Defense: d}
	}
	return []defenses.Preset{
		preset("t1", "T1 of the FRONT repository", 600, 1400, 1, 8),
		preset("ft1", "FT-1 of Gong and Wang 2020", 1700, 1700, 1, 14),
		preset("ft2", "FT-2 of Gong and Wang 2020", 2500, 2500, 1, 14),
		preset("live", "as WFDefProxy runs it on live Tor", 3000, 3000, 1, 13),
		preset("qcsd", "as QCSD shapes a client's traffic", 1000, 1000, 0.5, 7),
		preset("maybenot-infinite", "Maybenot's machines for unlimited bandwidth", 6000, 6000, 5, 12),
		preset("maybenot-bottleneck", "Maybenot's machines for a bottleneck", 1500, 1500, 5, 15),
	}
}

// DrawID is the ID of when presets were variants.
func (d Front) DrawID() string {
	return shaping.VariantID(d, NewFront(), "home", "max_up", "max_down", "w_min_s", "w_max_s")
}

// Info puts it at the device and at the cloud, which sends the dummies down.
func (Front) Info() defenses.Info {
	return defenses.Info{
		Name: "front", Doc: "dummy packets over the beginning of each session",
		Place: defenses.AtDevice, Needs: []defenses.Party{defenses.Cloud}, Cite: "Gong and Wang 2020 (FRONT)", Works: cite.Of("gong2020front"),
	}
}

// Validate refuses sessions without any dummy packet, widths that are none or
// above an hour or the wrong way round, and packets that are shorter than headers
// or longer than the MTU.
func (d Front) Validate() error {
	return cmp.Or(
		params.Within("max_up", d.MaxUp, 1, 1_000_000),
		params.Within("max_down", d.MaxDown, 1, 1_000_000),
		params.Within("w_max_s", d.WMaxS, 0.001, 3600),
		params.Within("w_min_s", d.WMinS, 0, d.WMaxS),
		params.Within("quiet_s", d.QuietS, 0.1, 86400),
		params.ZeroOrWithin("size_bytes", d.SizeBytes, 60, shaping.MTU),
	)
}

// Apply adds dummy packets after the beginning of each session, in the stream of
// its device. Original packets stay as they are.
func (d Front) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	s := shaping.FindStreams(in, false)
	type state struct {
		rng  *rand.Rand
		last time.Duration
		on   [2]bool // the side has begun in this session
	}
	states := make([]state, len(s.First))
	for k := range states {
		states[k].rng = defenses.Stream(rng)
	}

	var dummies []dummy
	for _, p := range in.Packets {
		k := s.Of[p.Flow]
		if k == shaping.NoStream {
			continue
		}

		st := &states[k]
		if p.Time-st.last > params.Seconds(d.QuietS) {
			st.on = [2]bool{}
		}
		st.last = p.Time

		for dir, most := range []int{d.MaxUp, d.MaxDown} {
			// Up begins with the session, Down with its first packet down.
			if st.on[dir] || dir == int(datasets.Down) && p.Dir == datasets.Up {
				continue
			}
			st.on[dir] = true

			// Rayleigh by inversion: w times the root of twice an exponential
			// draw. Most dummies come early, the latest few widths later.
			w := d.WMinS + st.rng.Float64()*(d.WMaxS-d.WMinS)
			for range 1 + st.rng.IntN(most) {
				at := p.Time + params.Seconds(w*math.Sqrt(2*st.rng.ExpFloat64()))
				if at <= in.End {
					dummies = append(dummies, dummy{at, k, datasets.Dir(dir)})
				}
			}
		}
	}
	return blend(in, s, int32(d.SizeBytes), dummies), nil
}
