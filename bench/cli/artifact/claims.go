package artifact

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"veilbench/bench/cli/command"
	"veilbench/bench/cli/runs"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/table"
)

// claim is one figure that a run supports, and where it comes from.
type claim struct {
	ID      string           `yaml:"id"`
	Says    string           `yaml:"says"`
	Data    string           `yaml:"data"`
	Task    datasets.Task    `yaml:"task"`
	Vantage datasets.Vantage `yaml:"vantage"`
	Split   datasets.Split   `yaml:"split"`
	Defense string           `yaml:"defense"`
	Attack  string           `yaml:"attack"`
	// Advantage is of the best attack, Overhead the bytes added as a share.
	Advantage figure `yaml:"advantage"`
	Overhead  figure `yaml:"overhead"`
	// Short and Long are the files of the experiments, Minutes of them what they took.
	Short        string  `yaml:"short"`
	ShortMinutes float64 `yaml:"short_minutes"`
	Long         string  `yaml:"long"`
	LongMinutes  float64 `yaml:"long_minutes"`

	at reports.Subject
}

// figure is a number and how far another one may be from it.
type figure struct {
	Value     float64 `yaml:"value"`
	Tolerance float64 `yaml:"tolerance"`
}

// holds says whether v is the claimed figure.
func (f figure) holds(v float64) bool { return math.Abs(v-f.Value) <= f.Tolerance }

// least is the tolerance of figures near 0, of which a share is nothing.
const least = 0.01

// claimsOf are the claims of a run: one for each defense of each panel of which
// something is known; the others by name.
func claimsOf(s *reports.Set, tolerance float64) (claims []claim, noEvidence []string) {
	about := func(v float64) figure {
		round := func(v float64) float64 { return math.Round(v*1e6) / 1e6 }
		return figure{round(v), round(max(least, tolerance*math.Abs(v)))}
	}
	for _, p := range s.Panels {
		for _, d := range s.Defenses[p] {
			at := reports.Subject{Panel: p, Defense: d}
			m, ok := s.Summaries[at]
			switch {
			case !ok: // controls alone
				continue
			case m.NoEvidence != "" || m.Attack == "" || m.Failed > 0:
				noEvidence = append(noEvidence, fmt.Sprintf("%s, %s", s.About(p), s.Label(d)))
				continue
			}
			c := claim{
				ID:   fmt.Sprintf("C%d", len(claims)+1),
				Says: fmt.Sprintf("%s, behind %s: the best attack, %s, is %s above guessing, and the defense adds %s of bytes", s.About(p), s.Label(d), s.Label(m.Attack), table.Score(m.Advantage), s.Costs(at).Bytes().Text),
				Data: p.Dataset, Task: p.Task, Vantage: p.Vantage, Split: p.Split, Defense: d, Attack: m.Attack,
				Advantage: about(m.Advantage), Overhead: about(s.Costs(at).Overhead().Num), at: at,
			}
			claims = append(claims, c)
		}
	}
	return claims, noEvidence
}

// writeClaims is claims.yaml, of the results with a fingerprint.
func writeClaims(cs []claim, print string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# What the run supports (%s). Figures are checked by: veilbench artifact check claims.yaml RUN...\n", print)
	text, _ := yaml.Marshal(struct {
		Claims []claim `yaml:"claims"`
	}{cs}) // strings and numbers cannot fail
	b.Write(text)
	return b.Bytes()
}

// readClaims reads what writeClaims wrote; an unknown key is an error.
func readClaims(name string) ([]claim, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var f struct {
		Claims []claim `yaml:"claims"`
	}
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(f.Claims) == 0 {
		return nil, fmt.Errorf("%s holds no claim", name)
	}
	return f.Claims, nil
}

func checkCommand(a *command.App) *cobra.Command {
	var show command.Show
	cmd := &cobra.Command{
		Use:   "check CLAIMS RUN...",
		Short: "hold runs against the claims of an artifact; exit code 3 when one does not hold",
		Long: `Check looks up each claim of a claims.yaml in the runs given and prints what it finds there. A claim
that no run has is missed.`,
		Example: "  veilbench artifact check claims.yaml out/long",
		Args:    command.Args(cobra.MinimumNArgs(2)),
		RunE:    func(_ *cobra.Command, args []string) error { return check(a, args[0], args[1:], show) },
	}
	show.AddJSON(cmd.Flags())
	return cmd
}

// checked is what became of a claim.
type checked struct {
	ID    string `json:"id"`
	Says  string `json:"says"`
	Holds bool   `json:"holds"`
	Found string `json:"found"`
}

func check(a *command.App, name string, dirs []string, show command.Show) error {
	claims, err := readClaims(name)
	if err != nil {
		return err
	}
	var sets []*reports.Set
	for _, dir := range dirs {
		s, err := runs.OpenSet(a, filepath.Clean(dir))
		if err != nil {
			return err
		}
		sets = append(sets, s)
	}

	// All are told, the first that is missed ends nothing: who reviews wants the list.
	missed := 0
	var text strings.Builder
	list := []checked{}
	for _, c := range claims {
		verdict := "pass"
		found, err := c.check(sets)
		if err != nil {
			verdict, found = "FAIL", err.Error()
			missed++
		}
		list = append(list, checked{c.ID, c.Says, err == nil, found})
		fmt.Fprintf(&text, "%s  %s  %s: %s\n", verdict, c.ID, c.Says, found)
	}
	fmt.Fprintf(&text, "%d of %d claims hold\n", len(claims)-missed, len(claims))
	if err := show.Print(a, list, text.String()); err != nil {
		return err
	}
	if missed > 0 {
		return command.Exit{Code: command.GateMissed}
	}
	return nil
}

// check looks a claim up and says what is there, or as an error why it does not hold.
func (c claim) check(sets []*reports.Set) (string, error) {
	at := reports.Subject{Panel: reports.Panel{Dataset: c.Data, Task: c.Task, Vantage: c.Vantage, Split: c.Split}, Defense: c.Defense}
	i := slices.IndexFunc(sets, func(s *reports.Set) bool { _, ok := s.Summaries[at]; return ok })
	if i < 0 {
		return "", errors.New("no run has it")
	}

	// What failed or has no evidence now has no figure that could be near the claim.
	m, bytes := sets[i].Summaries[at], sets[i].Costs(at).Overhead()
	switch {
	case m.Failed > 0:
		return "", fmt.Errorf("%d cells failed", m.Failed)
	case m.NoEvidence != "":
		return "", errors.New(reports.NoEvidence + ": " + m.NoEvidence.Text())
	case !bytes.OK:
		return "", errors.New("its cost is not known")
	}

	found := fmt.Sprintf("advantage %.4f, claimed %.4f ± %.4f; bytes %+.4f, claimed %+.4f ± %.4f",
		m.Advantage, c.Advantage.Value, c.Advantage.Tolerance, bytes.Num, c.Overhead.Value, c.Overhead.Tolerance)
	if !c.Advantage.holds(m.Advantage) || !c.Overhead.holds(bytes.Num) {
		return "", errors.New(found)
	}
	return found, nil
}

// minutes is how long training and guessing took in the cells that keep selects, and
// what the largest model held in memory.
func minutes(s *reports.Set, keep func(results.Cell) bool) (minutes float64, modelMB float64) {
	if s.Options.Timing == nil {
		return 0, 0
	}
	for _, list := range [][]results.Result{s.Results, s.Planted} {
		for _, r := range list {
			if t, ok := s.Options.Timing(r); ok && keep(r.Cell) {
				minutes += (t.TrainSeconds + t.GuessSeconds) / 60
				modelMB = max(modelMB, float64(t.ModelBytes)/(1<<20))
			}
		}
	}
	return minutes, modelMB
}
