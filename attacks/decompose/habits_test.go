package decompose

import (
	"slices"
	"testing"
	"time"

	"veilbench/attacks"
)

// at is a message with one candidate at an hour of a day, minutes late.
func at(d, hour, minutes int, actions ...uint8) attacks.Message {
	return attacks.Message{
		Time:       time.Duration(d)*day + time.Duration(hour)*time.Hour + time.Duration(minutes)*time.Minute,
		Candidates: [][]uint8{actions},
	}
}

// TestUnusual, worked by hand: a command at seven each morning but one, and another
// at eight each evening. What deviates is a third command, the first at night, and
// the second in the morning; a habit that is 20 minutes late does not, nor what was
// sent twice in one morning, and before two days have passed nothing does.
func TestUnusual(t *testing.T) {
	h := Habits{Window: time.Hour, Share: 0.3, Warm: 2 * day}
	ms := []attacks.Message{
		at(0, 7, 0, 1, 0), at(0, 20, 0, 0, 2),
		at(1, 3, 0, 9, 9), // early: not judged
		at(1, 7, 10, 1, 0), at(1, 20, 5, 0, 2),
		at(2, 7, 20, 1, 0), at(2, 20, 15, 0, 2),
		at(3, 3, 0, 1, 0),  // a habit, but at night
		at(3, 12, 0, 5, 5), // no habit
		at(3, 20, 0, 0, 2),
		at(4, 7, 15, 1, 0), at(4, 7, 20, 1, 0), // missed a day, sent twice
		at(4, 8, 0, 0, 2),  // an evening's command in the morning
		at(4, 12, 0, 5, 5), // once before in four days: 0.25 < 0.3
	}
	want := []int{7, 8, 12, 13}
	var got []int
	for i, u := range h.Unusual(ms) {
		if u {
			got = append(got, i)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("messages %v are unusual, want %v", got, want)
	}

	// Training finds a rule that tells just these.
	odd := make([]bool, len(ms))
	for _, i := range want {
		odd[i] = true
	}
	learned := LearnHabits([][]attacks.Message{ms}, [][]bool{odd}, 2*day)
	if u := learned.Unusual(ms); !slices.Equal(u, odd) {
		t.Errorf("%+v finds %v, want %v", learned, u, odd)
	}
}

// Lists that overlap may be the same command; of messages that no list fits, those
// of one size.
func TestAlike(t *testing.T) {
	a := attacks.Message{Bytes: 5, Candidates: [][]uint8{{1, 0}, {0, 2}}}
	b := attacks.Message{Bytes: 6, Candidates: [][]uint8{{0, 2}}}
	c := attacks.Message{Bytes: 7, Candidates: [][]uint8{{1, 1}}}
	none := attacks.Message{Bytes: 9}
	for _, x := range []struct {
		a, b attacks.Message
		want bool
	}{{a, b, true}, {a, c, false}, {none, none, true}, {none, attacks.Message{Bytes: 8}, false}, {a, none, false}} {
		if alike(x.a, x.b) != x.want {
			t.Errorf("%v and %v: want %v", x.a, x.b, x.want)
		}
	}
}
