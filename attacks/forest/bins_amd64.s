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

DATA almost<>+0(SB)/8, $0.99999999999999
GLOBL almost<>(SB), RODATA|NOPTR, $8

// fastPlace is the best score above beat of so many cuts, one at least, and its place, -1
// without any: eight cuts at a time, and as cutSorted has it, products first. Of equal
// ones the first is the one in the lowest lane. What stands in lanes past the last cut,
// or before a key of the same bin, is masked.
//
//	Z0  total       Z5  n_l
//	Z1  beat        Z6  l2, sum l_c^2
//	Z2  its bar     Z7  r2, sum r_c^2
//	Z3  almost      Z8  t - n_l
//
// func fastPlace(p *places, keys *uint32, cuts int, total, beat float64) (score float64, at int)
TEXT ·fastPlace(SB), NOSPLIT, $0-56
	MOVQ p+0(FP), SI
	MOVQ keys+8(FP), DI
	MOVQ cuts+16(FP), CX
	VBROADCASTSD total+24(FP), Z0
	VBROADCASTSD beat+32(FP), Z1
	VBROADCASTSD almost<>(SB), Z3
	VMULPD Z3, Z1, Z2
	MOVL $0xFF000000, DX
	VPBROADCASTD DX, Y4
	MOVQ $-1, R8
	MOVQ $8, R9
	XORL AX, AX // the first cut of the eight
	PCALIGN $32
eight:
	MOVQ CX, DX
	SUBQ AX, DX
	CMPQ DX, R9
	CMOVQGT R9, DX
	MOVL $-1, BX
	BZHIL DX, BX, BX // a lane for each cut that is left, at most eight
	KMOVB BX, K1
	VMOVDQU (DI)(AX*4), Y9
	VPXOR 4(DI)(AX*4), Y9, Y9
	VPTESTMD Y4, Y9, K1, K2 // the next key has another bin
	VCVTQQ2PD (SI), Z5
	VCVTQQ2PD 32768(SI), Z6
	VCVTQQ2PD 65536(SI), Z7
	VSUBPD Z5, Z0, Z8
	VMULPD Z6, Z8, Z10
	VMULPD Z7, Z5, Z11
	VADDPD Z11, Z10, Z10
	VMULPD Z8, Z5, Z11
	VMULPD Z2, Z11, Z11
	VCMPPD $30, Z11, Z10, K2, K3
	KTESTB K3, K3
	JZ next
	VDIVPD Z5, Z6, Z10
	VDIVPD Z8, Z7, Z11
	VADDPD Z11, Z10, Z10
	VCMPPD $30, Z1, Z10, K3, K4
	KTESTB K4, K4
	JZ next

	// Scores are above 0, so that lanes of 0 count for none.
	VMOVAPD.Z Z10, K4, Z10
	VEXTRACTF64X4 $1, Z10, Y11
	VMAXPD Y10, Y11, Y11
	VEXTRACTF128 $1, Y11, X12
	VMAXPD X11, X12, X12
	VPERMILPD $1, X12, X13
	VMAXPD X12, X13, X13
	VBROADCASTSD X13, Z1
	VMULPD Z3, Z1, Z2
	VCMPPD $0, Z1, Z10, K4
	KMOVB K4, DX
	TZCNTL DX, DX
	LEAQ (AX)(DX*1), R8
next:
	ADDQ $64, SI
	ADDQ $8, AX
	CMPQ AX, CX
	JLT eight
	VMOVSD X1, score+40(FP)
	MOVQ R8, at+48(FP)
	VZEROUPPER
	RET
