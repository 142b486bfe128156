//go:build !purego

#include "textflag.h"

// STEP takes the step of a search at which the cuts in Z4 are compared with the
// values in Z0: K1 says in which lanes the cut is below, and there Z2 moves on.
#define STEP(by) \
	VCMPPS $17, Z0, Z4, K1; \
	VPADDD by, Z2, K1, Z2

// fastBins finds the bins of 16 values at a time by the search of binColumn, whose
// cuts all fit into registers: table holds them in the order of layOutCuts.
//
//	Z0       the values
//	Z2       the places reached, in units of the step before
//	Z4-Z7    the cuts looked at
//	Z16      cuts 15, 31, 47, ...: four steps of 128 to 16
//	Z17      cuts 7, 23, 39, ...: the step of 8
//	Z18-Z19  cuts 3, 11, 19, ...: the step of 4
//	Z20-Z23  cuts 1, 5, 9, ...: the step of 2
//	Z24-Z31  cuts 0, 2, 4, ...: the last one
//	Z8       cut 127, in all lanes
//	Z9-Z15   64, 1, 2, 3, 4, 8, 32
//
// A comparison with NaN is false: its bin is 0.
//
// func fastBins(dst *uint8, column *float32, n int, table *[256]float32)
TEXT ·fastBins(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ column+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ table+24(FP), BX
	VMOVUPS (BX), Z16
	VMOVUPS 64(BX), Z17
	VMOVUPS 128(BX), Z18
	VMOVUPS 192(BX), Z19
	VMOVUPS 256(BX), Z20
	VMOVUPS 320(BX), Z21
	VMOVUPS 384(BX), Z22
	VMOVUPS 448(BX), Z23
	VMOVUPS 512(BX), Z24
	VMOVUPS 576(BX), Z25
	VMOVUPS 640(BX), Z26
	VMOVUPS 704(BX), Z27
	VMOVUPS 768(BX), Z28
	VMOVUPS 832(BX), Z29
	VMOVUPS 896(BX), Z30
	VMOVUPS 960(BX), Z31
	VBROADCASTSS 28(BX), Z8 // place 7 of the first table
	MOVL $64, AX
	VPBROADCASTD AX, Z9
	MOVL $1, AX
	VPBROADCASTD AX, Z10
	MOVL $2, AX
	VPBROADCASTD AX, Z11
	MOVL $3, AX
	VPBROADCASTD AX, Z12
	MOVL $4, AX
	VPBROADCASTD AX, Z13
	MOVL $8, AX
	VPBROADCASTD AX, Z14
	MOVL $32, AX
	VPBROADCASTD AX, Z15
	PCALIGN $32
loop:
	VMOVUPS (SI), Z0
	VCMPPS $17, Z0, Z8, K1
	VMOVDQA32.Z Z14, K1, Z2
	VPADDD Z12, Z2, Z3
	VPERMPS Z16, Z3, Z4
	STEP(Z13)
	VPADDD Z10, Z2, Z3
	VPERMPS Z16, Z3, Z4
	STEP(Z11)
	VPERMPS Z16, Z2, Z4
	STEP(Z10)
	VPERMPS Z17, Z2, Z4
	VPADDD Z2, Z2, Z2
	STEP(Z10)
	VMOVDQA32 Z2, Z4
	VPERMI2PS Z19, Z18, Z4
	VPADDD Z2, Z2, Z2
	STEP(Z10)
	VMOVDQA32 Z2, Z4
	VPERMI2PS Z21, Z20, Z4
	VMOVDQA32 Z2, Z5
	VPERMI2PS Z23, Z22, Z5
	VPTESTMD Z15, Z2, K2
	VMOVAPS Z5, K2, Z4
	VPADDD Z2, Z2, Z2
	STEP(Z10)
	VMOVDQA32 Z2, Z4
	VPERMI2PS Z25, Z24, Z4
	VMOVDQA32 Z2, Z5
	VPERMI2PS Z27, Z26, Z5
	VMOVDQA32 Z2, Z6
	VPERMI2PS Z29, Z28, Z6
	VMOVDQA32 Z2, Z7
	VPERMI2PS Z31, Z30, Z7
	VPTESTMD Z15, Z2, K2
	VPTESTMD Z9, Z2, K3
	VMOVAPS Z5, K2, Z4
	VMOVAPS Z7, K2, Z6
	VMOVAPS Z6, K3, Z4
	VPADDD Z2, Z2, Z2
	STEP(Z10)
	VPMOVDB Z2, X1
	VMOVDQU X1, (DI)
	ADDQ $64, SI
	ADDQ $16, DI
	SUBQ $16, CX
	JNZ loop
	VZEROUPPER
	RET

// fastSort writes the keys (drawn.key) of up to 64 rows to dst in order of their bins:
// the place of a key is the number of rows in lower bins, and of those before it in the
// same. Each bin is compared with all at once, without a branch that depends on them.
// The bins are on the stack; places past the last row hold 255, below which is all, and
// which counts only before a row.
//
// func fastSort(dst *uint32, rows *drawn, col *uint8, n int)
TEXT ·fastSort(SB), NOSPLIT, $64-32
	MOVQ dst+0(FP), DI
	MOVQ rows+8(FP), SI
	MOVQ col+16(FP), R8
	MOVQ n+24(FP), CX
	VPTERNLOGD $255, Z0, Z0, Z0
	VMOVDQU8 Z0, 0(SP)
	XORL AX, AX
load:
	MOVL (SI)(AX*8), DX
	MOVBLZX (R8)(DX*1), DX
	MOVB DX, 0(SP)(AX*1)
	INCQ AX
	CMPQ AX, CX
	JNE load
	VMOVDQU8 0(SP), Z0
	XORL AX, AX
	PCALIGN $32
rank:
	VPBROADCASTB 0(SP)(AX*1), Z1
	VPCMPUB $1, Z1, Z0, K1
	VPCMPEQB Z1, Z0, K2
	KMOVQ K1, DX
	KMOVQ K2, BX
	BZHIQ AX, BX, BX // those before it
	ORQ BX, DX
	POPCNTQ DX, DX
	MOVBLZX 0(SP)(AX*1), R9
	SHLL $24, R9
	ORL 4(SI)(AX*8), R9
	MOVL R9, (DI)(DX*4)
	INCQ AX
	CMPQ AX, CX
	JNE rank
	VZEROUPPER
	RET
