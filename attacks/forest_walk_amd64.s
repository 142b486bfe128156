//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// STEP takes one step: AX is the row's bins, BX its node, SI the nodes. The
// comparison sets the carry if the row's bin is above the node's.
#define STEP \
	MOVWLZX walkNode_feature(SI)(BX*walkNode__size), DX; \
	MOVBLZX (AX)(DX*1), DX; \
	CMPB walkNode_bin(SI)(BX*walkNode__size), DX; \
	ADCL walkNode_skip(SI)(BX*walkNode__size), BX

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
	STEP
	STEP
	STEP
	STEP
	MOVL BX, (R11)(R8*4)
	MOVL R8, (DI)(CX*4)
	CMPB walkNode_leaf(SI)(BX*walkNode__size), $1 // below: innerNode
	ADCQ $0, CX
	ADDQ $4, R12
	CMPQ R12, R13
	JNE loop
	MOVQ CX, ret+48(FP)
	RET
