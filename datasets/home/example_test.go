package home_test

import (
	"context"
	"fmt"

	"veilbench/datasets/home"
)

// A preset with settings is a data set: recordings of packets, and beside them
// the truth, which says what happened and which packet that caused.
func Example() {
	ds, err := home.Generate(context.Background(), "home:small:homes=1,hours=0.1", 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ds.Name, ds.Settings)

	rec := ds.Recordings[0]
	fmt.Println(rec.ID, rec.Labels.Devices)
	for _, e := range rec.Labels.Events {
		fmt.Printf("%7.3f s  %s\n", e.Start.Seconds(), rec.Labels.Class(e))
	}

	fmt.Println("packets of the first event:")
	for i, p := range rec.Trace.Packets {
		if rec.Labels.Cause[i] == 0 {
			fmt.Printf("%7.3f s  %3d bytes, direction %d, %s\n", p.Time.Seconds(), p.Size, p.Dir, rec.Trace.Flows[p.Flow].Host)
		}
	}

	// Output:
	// home:small:homes=1,hours=0.1 [{devices 0} {firmware same} {homes 1} {hours 0.1}]
	// home-01 [amazon_plug echo_dot hue_bridge non_iot tplink_plug tuya_bulb]
	//  51.981 s  tuya_bulb/on
	//  92.919 s  tplink_plug/on
	// 164.875 s  tuya_bulb/dim
	// 217.377 s  amazon_plug/off
	// 293.211 s  tuya_bulb/color_temperature
	// packets of the first event:
	//  51.982 s  347 bytes, direction 1, m2.tuyaus.com
	//  51.985 s   54 bytes, direction 0, m2.tuyaus.com
	//  52.021 s  267 bytes, direction 0, m2.tuyaus.com
	//  52.095 s   54 bytes, direction 1, m2.tuyaus.com
	//  52.137 s  123 bytes, direction 1, m2.tuyaus.com
	//  52.138 s   54 bytes, direction 0, m2.tuyaus.com
}
