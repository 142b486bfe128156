package defenses

// Tunneler is the optional ability of a defense that sends traffic through a tunnel
// to say what that tunnel is without its cover and its padding. Who asks whether
// the defense is on compares with that: a tunnel is seen from the one address that
// all packets have, whatever is done inside it.
type Tunneler interface {
	// Tunnel returns the tunnel alone. What is nothing but a tunnel returns itself.
	Tunnel() Defense
}

// Reference returns what d is compared with to see whether it is on: its stages
// that are tunnels, each without cover and padding, and None where d has no tunnel
// or is nothing more than one.
func Reference(d Defense) Defense {
	var left Chain
	for _, s := range Stages(d) {
		if t, ok := s.(Tunneler); ok {
			left = append(left, t.Tunnel())
		}
	}

	// By their IDs: a chain of one stage and that stage are the same defense.
	switch {
	case len(left) == 0 || ID(left) == ID(d):
		return None{}
	case len(left) == 1:
		return left[0]
	}
	return left
}
