package rates

import (
	"slices"
	"strings"
	"time"

	"veilbench/attacks/match"
	"veilbench/datasets"
)

// What counts as a spike, for an eye without any training: the rates of a device
// that does little are all alike, and those of what it is for stand far out.
const (
	nightBin  = time.Minute
	spikeOver = 10              // times the median of bins
	spikeGap  = 5 * time.Minute // between two spikes
)

// Names that the events of a night get: those of a sleep monitor whose user does
// the same every night.
const (
	inBed    = "in_bed"
	rise     = "night_rise"
	outOfBed = "out_of_bed"
)

// Night shows what a sleep monitor's traffic tells without any laboratory
// (section 4.3 of the paper: "a traffic spike from the monitor in the late
// evening likely corresponds to when the user went to sleep"). The device is known
// by words in the names of its servers, and its purpose by what is sold under
// that name; no example is needed. A spike is a minute of more than ten times the
// median minute. In each night the last spike between 20:00 and 2:30 is called
// going to bed, the last one up to noon getting up, and those between rises; all
// by the clock of t. Where no name has any of the words, as behind a tunnel, all
// traffic is examined, and Name is empty.
func Night(t datasets.Trace, device string, words []string) RateSeries {
	var packets []int32
	for i, p := range t.Packets {
		host := t.Flows[p.Flow].Host
		if slices.ContainsFunc(words, func(w string) bool { return w != "" && strings.Contains(host, w) }) {
			packets = append(packets, int32(i))
		}
	}

	name := device
	if len(packets) == 0 {
		name = ""
		for i := range t.Packets {
			packets = append(packets, int32(i))
		}
	}
	s := seriesOf(t, packets, nightBin)
	s.Name = name
	s.Found = nameNights(spikes(s), t.Start, device)
	return s
}

// spikes are the stretches of raised bins.
func spikes(s RateSeries) []match.Span {
	sum := make([]float64, len(s.Up))
	for i := range sum {
		sum[i] = s.Up[i] + s.Down[i]
	}
	if len(sum) == 0 {
		return nil
	}
	// The median of all minutes: a night has few spikes, so they do not raise it.
	usual := slices.Sorted(slices.Values(sum))[len(sum)/2]

	var out []match.Span
	for i, x := range sum {
		if x <= spikeOver*usual {
			continue
		}
		from := time.Duration(i) * s.Bin
		if n := len(out); n > 0 && from-out[n-1].To < spikeGap {
			out[n-1].To = from + s.Bin
			continue
		}
		out = append(out, match.Span{From: from, To: from + s.Bin, Score: x})
	}
	return out
}

// nameNights names the spikes of each night, from noon to noon; those of the day
// and of an evening before the last one stay without a name and are left out.
func nameNights(list []match.Span, start time.Time, device string) []match.Span {
	const day = 24 * time.Hour
	_, zone := start.Zone()
	sinceNoon := func(x match.Span) time.Duration { // on a clock that never changes
		return time.Duration(start.Unix()+int64(zone))*time.Second%day + x.From - day/2
	}
	night := func(x match.Span) int64 { return int64((sinceNoon(x) + day) / day) }

	var out []match.Span
	for i := 0; i < len(list); {
		n := i
		for n < len(list) && night(list[n]) == night(list[i]) {
			n++
		}
		out = append(out, nameNight(list[i:n], device, func(x match.Span) time.Duration { return (sinceNoon(x) + day) % day })...)
		i = n
	}
	return out
}

// nameNight names the spikes of one night, whose times since noon are given.
func nameNight(list []match.Span, device string, sinceNoon func(match.Span) time.Duration) []match.Span {
	const evening, late = 8 * time.Hour, 14*time.Hour + 30*time.Minute
	// Spikes before the last one of the evening may be anything, such as a light that
	// is switched on: who sleeps makes none.
	bed := -1
	for i, x := range list {
		if at := sinceNoon(x); at >= evening && at < late {
			bed = i
		}
	}
	if bed < 0 {
		return nil
	}

	out := slices.Clone(list[bed:])
	for i := range out {
		what := rise
		switch i { // a night of one spike has no end yet
		case 0:
			what = inBed
		case len(out) - 1:
			what = outOfBed
		}
		out[i].Class = datasets.EventClass(device, what)
	}
	return out
}
