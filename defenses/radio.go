package defenses

import (
	"fmt"
	"slices"

	"veilbench/datasets"
)

// maxRadioFrame is the largest frame of IEEE 802.15.4, its check sequence
// included (aMaxPhyPacketSize).
const maxRadioFrame = 127

// Limit is the largest Packet.Size on the link of f.
func Limit(f datasets.Flow) int32 {
	if f.Radio() {
		return maxRadioFrame
	}
	return MaxFrame
}

// RefusesRadio says why a stage of d cannot defend frames of IEEE 802.15.4, nil
// where all can. Padding within a frame, delay and dummy frames are for the two
// ends of the radio to do; what stands on IP beyond the hub is not on it.
func RefusesRadio(d Defense) error {
	for _, s := range Stages(d) {
		switch i := s.Info(); {
		case slices.Contains(i.Needs, TunnelEnd):
			return fmt.Errorf("%s cannot defend frames of 802.15.4: its tunnel ends beyond the hub, and they do not go there", i.Name)
		case i.Names:
			return fmt.Errorf("%s cannot defend frames of 802.15.4: there are no host names in them", i.Name)
		}
	}
	return nil
}

// refusesRadio is RefusesRadio where there is such a frame.
func (c Chain) refusesRadio(in datasets.Trace) error {
	if slices.ContainsFunc(in.Flows, datasets.Flow.Radio) {
		return RefusesRadio(c)
	}
	return nil
}
