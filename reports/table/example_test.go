package table_test

import (
	"fmt"
	"os"

	"veilbench/reports/table"
)

// One table in three formats: CSV has the number behind the text.
func ExampleWrite() {
	t := table.Table{
		Name: "overhead", Title: "What a defense adds",
		Columns: table.Columns("defense", "#bytes", "#delay"),
		Rows: [][]table.Value{
			{table.Word("pad"), table.Number(0.4712, table.Percent), table.Number(0.00007, table.Seconds)},
			{table.Word("vpn"), table.Number(0.26, table.Percent), table.Missing()},
		},
		Notes: []string{"Means over folds."},
	}
	for _, f := range []table.Format{table.Text, table.Markdown, table.CSV} {
		if err := table.Write(os.Stdout, f, []table.Table{t}); err != nil {
			fmt.Println(err)
		}
		fmt.Println("--")
	}
	// Output:
	// What a defense adds
	//
	// defense  bytes    delay
	// pad      +47 %  0.07 ms
	// vpn      +26 %        –
	// Means over folds.
	// --
	// ## What a defense adds
	//
	// | defense | bytes |   delay |
	// |:--------|------:|--------:|
	// | pad     | +47 % | 0.07 ms |
	// | vpn     | +26 % |       – |
	//
	// - Means over folds.
	// --
	// defense,bytes,delay
	// pad,0.4712,7e-05
	// vpn,0.26,–
	// --
}
