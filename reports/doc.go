// Package reports draws what people read: tables, figures and a page, from
// stored results alone, so that all of it can be drawn again without running
// anything.
//
// The way of a result to the reader:
//
//  1. NewSet puts results in the order of reading (set.go) and reduces them to
//     a summary of each defense.
//  2. Methods of Set take cells together: means, costs, intervals (estimate.go),
//     studies (study.go), comparisons (paired.go).
//  3. A TableKind or FigureKind makes of them tables and figures; packages
//     tables and figures hold the kinds, one idea a file.
//  4. Packages table and figure, which know no result, write files.
//
// WriteAll does all of it for a folder.
package reports
