package cite_test

import (
	"os"

	"veilbench/datasets/cite"
)

// A plug-in names its works by their keys; one that is not in works.bib is a
// value.
func Example() {
	works := append(cite.Of("cai2014tamaraw"), cite.Work{Key: "own2026", Authors: []string{"Doe, Jane"}, Title: "Our Device", Year: 2026})
	cite.Write(os.Stdout, works)
	// Output:
	//
	// % Not checked against the work: any field.
	// @inproceedings{cai2014tamaraw,
	//   author        = {Cai, Xiang and Nithyanand, Rishab and Wang, Tao and Johnson, Rob and Goldberg, Ian},
	//   title         = {A Systematic Approach to Developing and Evaluating Website Fingerprinting Defenses},
	//   booktitle     = {ACM Conference on Computer and Communications Security (CCS)},
	//   pages         = {227--238},
	//   year          = {2014}
	// }
	//
	// @misc{own2026,
	//   author        = {Doe, Jane},
	//   title         = {Our Device},
	//   year          = {2026}
	// }
}
