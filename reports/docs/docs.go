// Package docs holds those pages of this folder that the program prints itself.
package docs

import _ "embed"

// Protocol is the protocol of plug-ins that are programs, ProtocolSchema the JSON
// schema of its lines.
var (
	//go:embed protocol.md
	Protocol string
	//go:embed protocol.schema.json
	ProtocolSchema string
)
