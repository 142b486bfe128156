// Package bench is the experiment. A Grid names data sets, defenses, attacks and
// what the attacker knows; Run makes of it cells and computes them:
//
//  1. Grid.units lists the cells, all of one data set and defense together
//     (grid.go).
//  2. A view is a recording as an observer sees it behind a defense, the link and
//     a vantage point: made and proved once, shared by attacks and folds
//     (views.go, observe.go), with the truth carried along (labels.go).
//  3. A model is trained once for all cells that train on the same traffic
//     (model.go).
//  4. A cell asks its model about the test views, scores the answers (package
//     score) beside their floor (floor.go), and adds up what the defense cost
//     (package cost).
//  5. The result goes into the store (package results), which is all that
//     reports see.
package bench
