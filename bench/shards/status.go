package shards

import (
	"math"
	"time"

	"veilbench/bench/pack"
	"veilbench/bench/results"
)

// Status is how far a shard is.
type Status struct {
	// Dirs are the folders that hold something of it.
	Dirs          []string
	Shard, Shards int
	// Cells is how many there are to compute; Done and Failed how many of them the
	// folders hold.
	Cells, Done, Failed int
	// Seconds is what the shard is expected to take of one worker, Left what of it is
	// not done.
	Seconds, Left float64
	// First and Last are when its first and its last cell were written; zero if none
	// was.
	First, Last time.Time
}

// Missing is how many cells are neither done nor failed.
func (s Status) Missing() int { return s.Cells - s.Done - s.Failed }

// Rate is how many cells an hour came since the first. ok is false as long as there
// are too few to tell.
func (s Status) Rate() (cells float64, ok bool) {
	took := s.Last.Sub(s.First).Hours()
	n := s.Done + s.Failed - 1 // the first one began before any was written
	if took*3600 < 1 || n < 1 {
		return 0, false
	}
	return float64(n) / took, true
}

// TimeLeft is how long the rest takes at the pace so far, which is that of the
// expected seconds and not of cells: one cell may take a hundred times another's
// time. ok is false as long as too little was done to tell.
func (s Status) TimeLeft() (left time.Duration, ok bool) {
	took, done := s.Last.Sub(s.First).Seconds(), s.Seconds-s.Left
	if s.Left <= 0 {
		return 0, true
	}
	if took < 1 || done <= 0 || s.Done < 2 {
		return 0, false
	}

	// A clock that jumped by years makes of it what no duration holds.
	more := took / done * s.Left * float64(time.Second)
	if more > math.MaxInt64/2 {
		return 0, false
	}
	return time.Duration(more), true
}

// StatusOf holds the folders of runs against their plan, which must be one, and
// says how far each shard is, in order. It reads no result, only which are there.
func StatusOf(dirs []string) ([]Status, error) {
	plans, err := common(dirs)
	if err != nil {
		return nil, err
	}

	// A cell counts wherever it lies: of one that failed here and is done there,
	// the second.
	plan := plans[0]
	have := map[string]pack.Note{}
	of := make([]Status, plan.Shards)
	for i, dir := range dirs {
		s := &of[plans[i].Shard]
		s.Dirs = append(s.Dirs, dir)
		notes, err := results.Cells(dir).List()
		if err != nil {
			return nil, err
		}
		for _, n := range notes {
			if was, ok := have[n.Name]; !ok || was.Failed && !n.Failed {
				have[n.Name] = n
			}
		}
	}

	for s := range of {
		of[s].Shard, of[s].Shards = s, plan.Shards
	}
	for _, u := range plan.Units {
		s := &of[u.Shard]
		s.Cells += len(u.Cells)
		s.Seconds += u.Seconds
		for _, name := range u.Cells {
			e, ok := have[name]
			switch {
			case !ok:
				s.Left += u.Seconds / float64(len(u.Cells))
				continue
			case e.Failed:
				s.Failed++
			default:
				s.Done++
			}
			if !e.At.IsZero() && (s.First.IsZero() || e.At.Before(s.First)) {
				s.First = e.At
			}
			if e.At.After(s.Last) {
				s.Last = e.At
			}
		}
	}
	return of, nil
}
