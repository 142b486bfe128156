//go:build !purego

#include "textflag.h"

// STEP is walkNode.follow: AX is the row's bins, BX the number of its node and
// then that of the next, SI the nodes. The addition carries across the bytes of
// the node (see walkNode).
#define STEP \
	MOVQ (SI)(BX*8), BX; \
	MOVWLZX BX, DX; \
	SHRQ $24, BX; \
	MOVBLZX (AX)(DX*1), DX; \
	ADDQ DX, BX; \
	SHRQ $8, BX

// plainStepRows row by row: SI nodes, R9 bins, R10 width, R11 at; R12 walks
// through list up to R13, DI is its front, CX how many rows are left. Each row
// is written to the end of those left, which then moves on only if the row has
// not come to a leaf: the comparison sets the carry, which ADCQ adds. Steps are
// as many as walkSteps says. Rows follow each other without a branch between
// them, so that the processor works on several while their nodes come from
// memory.
//
// func fastStepRows(nodes *walkNode, bins *uint8, width int, at, list *uint32, n int) int
TEXT ·fastStepRows(SB), NOSPLIT, $0-56
	MOVQ nodes+0(FP), SI
	MOVQ bins+8(FP), R9
	MOVQ width+16(FP), R10
	MOVQ at+24(FP), R11
	MOVQ list+32(FP), R12
	MOVQ n+40(FP), R13
	LEAQ (R12)(R13*4), R13
	MOVQ R12, DI
	XORL CX, CX
	PCALIGN $32
loop:
	MOVL (R12), R8
	MOVL (R11)(R8*4), BX
	MOVQ R8, AX
	IMULQ R10, AX
	ADDQ R9, AX
	STEP // walkSteps times
	STEP
	STEP
	MOVL BX, (R11)(R8*4)
	MOVL R8, (DI)(CX*4)
	CMPB 2(SI)(BX*8), $1 // its leaf, below 1: innerNode
	ADCQ $0, CX
	ADDQ $4, R12
	CMPQ R12, R13
	JNE loop
	MOVQ CX, ret+48(FP)
	RET
