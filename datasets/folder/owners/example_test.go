package owners

import "fmt"

// Names and addresses come in any order, bytes need no zero in front, and a
// device may have several addresses.
func ExampleParse() {
	list, ok, err := Parse("macs.txt", "Name\tMAC\n6c:72:20:c5:a:3f  hall lamp\nplug, 50-C7-BF-01-02-03, 192.168.1.7\n", nil)
	fmt.Println(ok, err)
	for _, o := range list {
		fmt.Println(o.Device, o.Addr)
	}
	// Output:
	// true <nil>
	// hall lamp 6c:72:20:c5:0a:3f
	// plug 50:c7:bf:01:02:03
	// plug 192.168.1.7
}
