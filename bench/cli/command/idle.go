package command

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// Idle are flags that count for nothing in the mode of a command that Here says it is
// in; they count as Unless says, such as "with --live".
type Idle struct {
	Here   bool
	Unless string
	Flags  []string
}

// Refuse is an error where one of these was given: a flag that is passed over in silence
// leaves its user with other results than were asked for.
func Refuse(fl *pflag.FlagSet, idle ...Idle) error {
	for _, x := range idle {
		var given []string
		for _, name := range x.Flags {
			if x.Here && fl.Changed(name) {
				given = append(given, "--"+name)
			}
		}
		switch len(given) {
		case 0:
		case 1:
			return fmt.Errorf("%s counts only %s: do that, or leave it out", given[0], x.Unless)
		default:
			return fmt.Errorf("%s count only %s: do that, or leave them out", strings.Join(given, ", "), x.Unless)
		}
	}
	return nil
}

// OneFormat refuses --json beside another --format.
func (s Show) OneFormat(fl *pflag.FlagSet) error {
	other := s.JSON && fl.Lookup("format").Value.String() != "json"
	return Refuse(fl, Idle{other, "without --json", []string{"format"}})
}
