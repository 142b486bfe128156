//go:build !purego

package forest

//go:noescape
func fastStepRows(nodes *walkNode, bins *uint8, width int, at, list *uint32, n int) int

// stepRows is plainStepRows in half the instructions, without bounds checks:
// list is not empty, and features are below width and steps end inside the
// tree because newWalk made the nodes.
func stepRows(nodes []walkNode, bins []uint8, width int, at *[walkRows]uint32, list []uint32) int {
	return fastStepRows(&nodes[0], &bins[0], width, &at[0], &list[0], len(list))
}
