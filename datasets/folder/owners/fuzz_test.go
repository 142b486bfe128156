package owners

import (
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	f.Add("c4:95:0:e3:93:2f echo\n")
	f.Add("address,device,from,until\n10.0.0.1,a,1700000000,1700000100\n")
	f.Add("lease 10.0.0.1 {\n starts 4 2021/03/08 12:00:00;\n hardware ethernet aa:bb:cc:dd:ee:ff;\n client-hostname \"x\";\n}\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, ok, err := Parse("x", text, nil)
		for _, o := range list {
			if err == nil && ok && (o.Addr == (Address{}) || strings.Contains(o.Device, "/")) {
				t.Fatalf("%+v", o)
			}
		}
	})
}
