//go:build !purego

#include "textflag.h"

// leafDistances takes one pair of dimensions after the other, as two numbers of 16
// bits: their differences from q are squared and added by one instruction. Z0 and Z1
// are the sums, 16 rows each.
//
// func leafDistances(q *int16, pairs int, block *int16, worst uint32, dist *[leafBlock]int32) uint32
TEXT ·leafDistances(SB), NOSPLIT, $0-44
	MOVQ q+0(FP), SI
	MOVQ pairs+8(FP), CX
	MOVQ block+16(FP), BX
	MOVL worst+24(FP), AX
	MOVQ dist+32(FP), DI
	VPBROADCASTD AX, Z5
	VPXORD Z0, Z0, Z0
	VPXORD Z1, Z1, Z1
	PCALIGN $32
leafPair:
	VPBROADCASTD (SI), Z4
	VMOVDQU32 (BX), Z2
	VMOVDQU32 64(BX), Z3
	VPSUBW Z4, Z2, Z2
	VPSUBW Z4, Z3, Z3
	VPMADDWD Z2, Z2, Z2
	VPMADDWD Z3, Z3, Z3
	VPADDD Z2, Z0, Z0
	VPADDD Z3, Z1, Z1
	ADDQ $4, SI
	ADDQ $128, BX
	DECQ CX
	JNZ leafPair
	VPCMPUD $2, Z5, Z0, K1 // not above
	VPCMPUD $2, Z5, Z1, K2
	VMOVDQU32 Z0, (DI)
	VMOVDQU32 Z1, 64(DI)
	KMOVW K1, AX
	KMOVW K2, DX
	SHLL $16, DX
	ORL DX, AX
	MOVL AX, ret+40(FP)
	VZEROUPPER
	RET

// SIDES adds to acc the squared distances of q in Y0 from the box at p, 16 dimensions
// at a time: what q is below the low side or above the high one, or 0 (Y7).
#define SIDES(p, acc) \
	VMOVDQU (p), Y1; \
	VPSUBW Y0, Y1, Y1; \
	VPSUBW 32(p), Y0, Y2; \
	VPMAXSW Y1, Y2, Y1; \
	VPMAXSW Y7, Y1, Y1; \
	VPMADDWD Y1, Y1, Y1; \
	VPADDD Y1, acc, acc

// func boxDistances(q *int16, groups int, left, right *int16) (toLeft, toRight int32)
TEXT ·boxDistances(SB), NOSPLIT, $0-40
	MOVQ q+0(FP), SI
	MOVQ groups+8(FP), CX
	MOVQ left+16(FP), AX
	MOVQ right+24(FP), BX
	VPXOR Y7, Y7, Y7
	VPXOR Y8, Y8, Y8
	VPXOR Y9, Y9, Y9
boxGroup:
	VMOVDQU (SI), Y0
	SIDES(AX, Y8)
	SIDES(BX, Y9)
	ADDQ $32, SI
	ADDQ $64, AX
	ADDQ $64, BX
	DECQ CX
	JNZ boxGroup
	VPHADDD Y9, Y8, Y8
	VPHADDD Y8, Y8, Y8
	VEXTRACTI128 $1, Y8, X9
	VPADDD X9, X8, X8
	VMOVD X8, AX
	MOVL AX, toLeft+32(FP)
	VPEXTRD $1, X8, DX
	MOVL DX, toRight+36(FP)
	VZEROUPPER
	RET
