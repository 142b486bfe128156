package routine_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/attacktest"
	"veilbench/attacks/diary"
	"veilbench/attacks/knn"
	"veilbench/attacks/routine"
	"veilbench/datasets"
)

// benchHome is two days of a lamp and a lock in a home whose people sleep, are awake
// and leave in stays of four hours: an exchange every minute, and events while
// somebody is awake.
func benchHome(number int) attacks.Labeled {
	rng := rand.New(rand.NewPCG(1, uint64(number)))
	toy := attacktest.ToyEvents(1).Examples[0]
	e := attacks.Labeled{Group: fmt.Sprint("home", number)}
	e.Labels.Devices = toy.Labels.Devices
	e.Trace.Flows, e.Trace.End = toy.Trace.Flows, 48*time.Hour

	for hour := time.Duration(0); hour < e.Trace.End; hour += 4 * time.Hour {
		s := datasets.Stay{Start: hour, End: hour + 4*time.Hour}
		state := rng.IntN(3)
		if state > 0 {
			s.Home, s.Asleep = 1, state == 1
		}
		e.Labels.Stays = append(e.Labels.Stays, s)

		for at := s.Start; at < s.End; at += time.Minute {
			device, packets := rng.IntN(2), 2

			// Events have more packets than other exchanges, and each kind its own number:
			// what event-knn tells them by.
			if state == 2 && rng.IntN(5) == 0 {
				packets = 4 + device
				activity := []string{"on", "unlock"}[device]
				e.Labels.Events = append(e.Labels.Events, datasets.Event{Start: at, End: at, Device: device, Activity: activity})
			}
			for i := range packets {
				size := int32(90 + 100*packets + 4*i)
				e.Trace.Packets = append(e.Trace.Packets, datasets.Packet{
					Time: at + time.Duration(i)*20*time.Millisecond, Size: size, Payload: size - 54, Flow: int32(device), Dir: datasets.Dir(i % 2),
				})
				e.Labels.Owners = append(e.Labels.Owners, int32(device))
			}
		}
	}
	return e
}

// BenchmarkRoutine trains on four homes and asks about a fifth.
func BenchmarkRoutine(b *testing.B) {
	tr := attacks.Training{Task: datasets.TaskRoutine, Classes: []string{diary.Asleep, diary.Awake, diary.Away}}
	for i := range 4 {
		tr.Examples = append(tr.Examples, benchHome(i))
	}
	test := benchHome(4).Trace
	slots := float64(diary.Slots(test.End))

	// The event attack has no parameter left to choose: two commits do the same work.
	for _, a := range []attacks.Attack{
		routine.NewPackets(), routine.NewRates(), routine.NewEvents(knn.EventKNN{K: 3, GapS: 1, PairS: 5}),
	} {
		b.Run("attack="+a.Info().Name+"/do=train/days=8", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				attacktest.Train(b, a, tr)
			}
			b.ReportMetric(4*slots*float64(b.N)/b.Elapsed().Seconds(), "slots/s")
		})
		b.Run("attack="+a.Info().Name+"/do=guess/days=2", func(b *testing.B) {
			m := attacktest.Train(b, a, tr)
			b.ReportAllocs()
			for b.Loop() {
				attacktest.Ask(b, m, test)
			}
			b.ReportMetric(slots*float64(b.N)/b.Elapsed().Seconds(), "slots/s")
		})
	}
}
