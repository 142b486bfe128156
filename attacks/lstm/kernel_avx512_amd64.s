//go:build !purego

#include "textflag.h"

DATA consts<>+0(SB)/4, $0x3f800000  // 1
DATA consts<>+4(SB)/4, $0x3f317218  // ln2
DATA consts<>+8(SB)/4, $0x3e75fdf0  // ln2^2/2
DATA consts<>+12(SB)/4, $0x3d635847 // ln2^3/6
DATA consts<>+16(SB)/4, $0x3c1d955b // ln2^4/24
DATA consts<>+20(SB)/4, $0x3aaec3ff // ln2^5/120
DATA consts<>+24(SB)/4, $0x42f80000 // 124
DATA consts<>+28(SB)/4, $0xc2f80000 // -124
DATA consts<>+32(SB)/4, $0xbfb8aa3b // -log2 e
DATA consts<>+36(SB)/4, $0xc038aa3b // -2 log2 e
DATA consts<>+40(SB)/4, $0x0000007f // 127, the bias of an exponent, an integer
DATA consts<>+44(SB)/4, $0x3dcccccd // 1 - beta1
DATA consts<>+48(SB)/4, $0x3a83126f // 1 - beta2
DATA consts<>+52(SB)/4, $0x322bcc77 // 1e-8
GLOBL consts<>(SB), RODATA|NOPTR, $56

// tiles512: tiles of 8 x 32, those of a panel of B one below the other.
//
//	Z0-Z15    the sums, two vectors for each of eight rows
//	Z16, Z17  a row of B
//	Z18-Z25   a value of A for each row, in all lanes
//	DI        the tile's place in A, R10 in C, R14 rows of tiles left
//	AX, R8, R9     A at rows 0, 3 and 6, DX from row to row, SI from column to
//	               column
//	R10, R12, R13  C at rows 0, 3 and 6, R11 from row to row
//
// Panels left, and their places in B and C, are in the arguments. Rows of B are fetched
// 16 ahead and columns of A 8, as large matrices are in the second cache. A sum is one
// lane and takes its products one after the other, in order of k, each multiplied and
// added in one rounding. No tail: see edgeTile.
//
// func tiles512(rows, columns, k int, a *float32, ra, ca int, b *float32, panel int, c *float32, ldc int)
// C[8 rows][32 columns] += A[8 rows][k] B[k][32 columns]; strides in bytes; B has
// rows of 128 bytes in panels that are panel bytes apart.
TEXT ·tiles512(SB), NOSPLIT, $0-80
	MOVQ ra+32(FP), DX
	MOVQ ca+40(FP), SI
	MOVQ ldc+72(FP), R11
tiles512panel:
	MOVQ rows+0(FP), R14
	MOVQ a+24(FP), DI
	MOVQ c+64(FP), R10
tiles512next:
	MOVQ k+16(FP), CX
	MOVQ b+48(FP), BX
	MOVQ DI, AX
	LEAQ (DX)(DX*2), R12
	LEAQ (AX)(R12*1), R8
	LEAQ (R8)(R12*1), R9
	LEAQ (R11)(R11*2), R13
	LEAQ (R10)(R13*1), R12
	LEAQ (R12)(R13*1), R13
	VMOVUPS (R10), Z0
	VMOVUPS 64(R10), Z1
	VMOVUPS (R10)(R11*1), Z2
	VMOVUPS 64(R10)(R11*1), Z3
	VMOVUPS (R10)(R11*2), Z4
	VMOVUPS 64(R10)(R11*2), Z5
	VMOVUPS (R12), Z6
	VMOVUPS 64(R12), Z7
	VMOVUPS (R12)(R11*1), Z8
	VMOVUPS 64(R12)(R11*1), Z9
	VMOVUPS (R12)(R11*2), Z10
	VMOVUPS 64(R12)(R11*2), Z11
	VMOVUPS (R13), Z12
	VMOVUPS 64(R13), Z13
	VMOVUPS (R13)(R11*1), Z14
	VMOVUPS 64(R13)(R11*1), Z15
	PCALIGN $32
tiles512loop:
	PREFETCHT0 2048(BX)
	PREFETCHT0 2112(BX)
	PREFETCHT0 (AX)(SI*8)
	VMOVUPS (BX), Z16
	VMOVUPS 64(BX), Z17
	VBROADCASTSS (AX), Z18
	VBROADCASTSS (AX)(DX*1), Z19
	VBROADCASTSS (AX)(DX*2), Z20
	VBROADCASTSS (R8), Z21
	VFMADD231PS Z16, Z18, Z0
	VFMADD231PS Z17, Z18, Z1
	VBROADCASTSS (R8)(DX*1), Z22
	VFMADD231PS Z16, Z19, Z2
	VFMADD231PS Z17, Z19, Z3
	VBROADCASTSS (R8)(DX*2), Z23
	VFMADD231PS Z16, Z20, Z4
	VFMADD231PS Z17, Z20, Z5
	VBROADCASTSS (R9), Z24
	VFMADD231PS Z16, Z21, Z6
	VFMADD231PS Z17, Z21, Z7
	VBROADCASTSS (R9)(DX*1), Z25
	VFMADD231PS Z16, Z22, Z8
	VFMADD231PS Z17, Z22, Z9
	ADDQ $128, BX
	ADDQ SI, AX
	VFMADD231PS Z16, Z23, Z10
	VFMADD231PS Z17, Z23, Z11
	ADDQ SI, R8
	VFMADD231PS Z16, Z24, Z12
	VFMADD231PS Z17, Z24, Z13
	ADDQ SI, R9
	VFMADD231PS Z16, Z25, Z14
	VFMADD231PS Z17, Z25, Z15
	DECQ CX
	JNZ tiles512loop
	VMOVUPS Z0, (R10)
	VMOVUPS Z1, 64(R10)
	VMOVUPS Z2, (R10)(R11*1)
	VMOVUPS Z3, 64(R10)(R11*1)
	VMOVUPS Z4, (R10)(R11*2)
	VMOVUPS Z5, 64(R10)(R11*2)
	VMOVUPS Z6, (R12)
	VMOVUPS Z7, 64(R12)
	VMOVUPS Z8, (R12)(R11*1)
	VMOVUPS Z9, 64(R12)(R11*1)
	VMOVUPS Z10, (R12)(R11*2)
	VMOVUPS Z11, 64(R12)(R11*2)
	VMOVUPS Z12, (R13)
	VMOVUPS Z13, 64(R13)
	VMOVUPS Z14, (R13)(R11*1)
	VMOVUPS Z15, 64(R13)(R11*1)
	LEAQ (DI)(DX*8), DI
	LEAQ (R10)(R11*8), R10
	DECQ R14
	JNZ tiles512next
	MOVQ panel+56(FP), AX
	ADDQ AX, b+48(FP)
	ADDQ $128, c+64(FP)
	DECQ columns+8(FP)
	JNZ tiles512panel
	VZEROUPPER
	RET

// SIGMOID turns Z0 into 1 / (1 + 2^(scale Z0)); Z7 is -log2 e, or twice
// that for tanh x = 2 sigmoid(2x) - 1. It uses Z1 and Z2. The minimum and
// maximum take Z0 first in this order of operands, so that NaN stays NaN: with
// NaN they give what comes first.
#define SIGMOID \
	VMULPS Z7, Z0, Z0; \
	VMINPS Z0, Z9, Z0; \
	VMAXPS Z0, Z8, Z0; \
	VRNDSCALEPS $0, Z0, Z1; \
	VSUBPS Z1, Z0, Z0; \
	VMOVAPS Z10, Z2; \
	VFMADD213PS Z11, Z0, Z2; \
	VFMADD213PS Z12, Z0, Z2; \
	VFMADD213PS Z13, Z0, Z2; \
	VFMADD213PS Z14, Z0, Z2; \
	VFMADD213PS Z15, Z0, Z2; \
	VSCALEFPS Z1, Z2, Z2; \
	VADDPS Z15, Z2, Z2; \
	VDIVPS Z2, Z15, Z0

// SCALE1 and SCALE2 load the scale for sigmoid and for tanh.
#define SCALE1 VBROADCASTSS consts<>+32(SB), Z7
#define SCALE2 VBROADCASTSS consts<>+36(SB), Z7

// TANH finishes tanh after SIGMOID with SCALE2.
#define TANH \
	VADDPS Z0, Z0, Z0; \
	VSUBPS Z15, Z0, Z0

// cells512 takes 16 units at a time; h is a multiple of 16, so that there is no
// tail. AX is gate i, BX gate z, and f and o are DX bytes behind them. The gates
// are activated where they are; see Kernel.cells. From row to row gates go on by 4H
// values, outputs by ldy bytes and all else by H values.
//
// func cells512(rows, h int, gates, cprev, c, tc, y *float32, ldy int)
TEXT ·cells512(SB), NOSPLIT, $0-64
	MOVQ rows+0(FP), DI
	MOVQ h+8(FP), CX
	MOVQ gates+16(FP), AX
	MOVQ cprev+24(FP), R8
	MOVQ c+32(FP), R9
	MOVQ tc+40(FP), R10
	MOVQ y+48(FP), R11
	MOVQ ldy+56(FP), R13
	LEAQ (CX*4), DX
	LEAQ (AX)(DX*2), BX
	LEAQ (DX)(DX*2), R12
	SUBQ DX, R13
	VBROADCASTSS consts<>+0(SB), Z15
	VBROADCASTSS consts<>+4(SB), Z14
	VBROADCASTSS consts<>+8(SB), Z13
	VBROADCASTSS consts<>+12(SB), Z12
	VBROADCASTSS consts<>+16(SB), Z11
	VBROADCASTSS consts<>+20(SB), Z10
	VBROADCASTSS consts<>+24(SB), Z9
	VBROADCASTSS consts<>+28(SB), Z8
	VBROADCASTSS consts<>+40(SB), Z6
	PCALIGN $32
cells512loop:
	SCALE1
	VMOVUPS (AX), Z0
	SIGMOID
	VMOVUPS Z0, (AX)
	VMOVAPS Z0, Z3
	VMOVUPS (BX)(DX*1), Z0
	SIGMOID
	VMOVUPS Z0, (BX)(DX*1)
	VMOVAPS Z0, Z5
	VMOVUPS (AX)(DX*1), Z0
	SIGMOID
	VMOVUPS Z0, (AX)(DX*1)
	VMOVAPS Z0, Z4
	SCALE2
	VMOVUPS (BX), Z0
	SIGMOID
	TANH
	VMOVUPS Z0, (BX)
	VMULPS Z0, Z3, Z0
	VFMADD231PS (R8), Z4, Z0
	VMOVUPS Z0, (R9)
	SIGMOID
	TANH
	VMOVUPS Z0, (R10)
	VMULPS Z0, Z5, Z0
	VMOVUPS Z0, (R11)
	ADDQ $64, AX
	ADDQ $64, BX
	ADDQ $64, R8
	ADDQ $64, R9
	ADDQ $64, R10
	ADDQ $64, R11
	SUBQ $16, CX
	JNZ cells512loop
	MOVQ h+8(FP), CX
	ADDQ R12, AX
	ADDQ R12, BX
	ADDQ R13, R11
	DECQ DI
	JNZ cells512loop
	VZEROUPPER
	RET

// cellsBack512 is Kernel.cellsBack: gates as in cells512, Z0 to Z3 are i, f, z
// and o, Z4 the tanh of c, Z5 dy, Z6 dc and then the whole gradient of c.
//
// func cellsBack512(rows, h int, gates, cprev, tc, dy, dc *float32, ldy int)
TEXT ·cellsBack512(SB), NOSPLIT, $0-64
	MOVQ rows+0(FP), DI
	MOVQ h+8(FP), CX
	MOVQ gates+16(FP), AX
	MOVQ cprev+24(FP), R8
	MOVQ tc+32(FP), R9
	MOVQ dy+40(FP), R10
	MOVQ dc+48(FP), R11
	MOVQ ldy+56(FP), R13
	LEAQ (CX*4), DX
	LEAQ (AX)(DX*2), BX
	LEAQ (DX)(DX*2), R12
	SUBQ DX, R13
	VBROADCASTSS consts<>+0(SB), Z15
	PCALIGN $32
cellsBack512loop:
	VMOVUPS (AX), Z0
	VMOVUPS (AX)(DX*1), Z1
	VMOVUPS (BX), Z2
	VMOVUPS (BX)(DX*1), Z3
	VMOVUPS (R9), Z4
	VMOVUPS (R10), Z5
	VMOVUPS (R11), Z6
	VMULPS Z3, Z5, Z7      // dy o
	VMOVAPS Z15, Z8
	VFNMADD231PS Z4, Z4, Z8 // 1 - tanh^2
	VFMADD231PS Z7, Z8, Z6  // the whole gradient of c
	VMULPS Z1, Z6, Z9
	VMOVUPS Z9, (R11)
	VSUBPS Z0, Z15, Z9     // input gate
	VMULPS Z0, Z9, Z9
	VMULPS Z2, Z6, Z10
	VMULPS Z9, Z10, Z10
	VMOVUPS Z10, (AX)
	VSUBPS Z1, Z15, Z9     // forget gate
	VMULPS Z1, Z9, Z9
	VMULPS (R8), Z6, Z10
	VMULPS Z9, Z10, Z10
	VMOVUPS Z10, (AX)(DX*1)
	VMOVAPS Z15, Z8          // cell
	VFNMADD231PS Z2, Z2, Z8
	VMULPS Z0, Z6, Z10
	VMULPS Z8, Z10, Z10
	VMOVUPS Z10, (BX)
	VSUBPS Z3, Z15, Z9     // output gate
	VMULPS Z3, Z9, Z9
	VMULPS Z4, Z5, Z10
	VMULPS Z9, Z10, Z10
	VMOVUPS Z10, (BX)(DX*1)
	ADDQ $64, AX
	ADDQ $64, BX
	ADDQ $64, R8
	ADDQ $64, R9
	ADDQ $64, R10
	ADDQ $64, R11
	SUBQ $16, CX
	JNZ cellsBack512loop
	MOVQ h+8(FP), CX
	ADDQ R12, AX
	ADDQ R12, BX
	ADDQ R13, R10
	DECQ DI
	JNZ cellsBack512loop
	VZEROUPPER
	RET

// add512 adds 16 values at a time; n is a multiple of 16 and not zero.
//
// func add512(n int, dst, src *float32)
TEXT ·add512(SB), NOSPLIT, $0-24
	MOVQ n+0(FP), CX
	MOVQ dst+8(FP), DI
	MOVQ src+16(FP), SI
	PCALIGN $32
add512loop:
	VMOVUPS (DI), Z0
	VADDPS (SI), Z0, Z0
	VMOVUPS Z0, (DI)
	ADDQ $64, DI
	ADDQ $64, SI
	SUBQ $16, CX
	JNZ add512loop
	VZEROUPPER
	RET

// mul512 multiplies 16 values at a time; n is a multiple of 16 and not zero.
//
// func mul512(n int, dst, src *float32)
TEXT ·mul512(SB), NOSPLIT, $0-24
	MOVQ n+0(FP), CX
	MOVQ dst+8(FP), DI
	MOVQ src+16(FP), SI
	PCALIGN $32
mul512loop:
	VMOVUPS (DI), Z0
	VMULPS (SI), Z0, Z0
	VMOVUPS Z0, (DI)
	ADDQ $64, DI
	ADDQ $64, SI
	SUBQ $16, CX
	JNZ mul512loop
	VZEROUPPER
	RET

// drop512 is Kernel.drop for 16 values at a time; n is a multiple of 16 and not zero.
//
// func drop512(n int, out, mask, in *float32, bits *uint64, limit uint32, factor float32)
TEXT ·drop512(SB), NOSPLIT, $0-48
	MOVQ n+0(FP), CX
	MOVQ out+8(FP), DI
	MOVQ mask+16(FP), R8
	MOVQ in+24(FP), SI
	MOVQ bits+32(FP), BX
	MOVL limit+40(FP), AX
	VPBROADCASTD AX, Z3
	VBROADCASTSS factor+44(FP), Z4
	PCALIGN $32
drop512loop:
	VPMOVZXWD (BX), Z0
	VPCMPUD $5, Z3, Z0, K1 // not below
	VMOVAPS.Z Z4, K1, Z1
	VMOVUPS Z1, (R8)
	VMULPS (SI), Z1, Z1
	VMOVUPS Z1, (DI)
	ADDQ $32, BX
	ADDQ $64, R8
	ADDQ $64, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JNZ drop512loop
	VZEROUPPER
	RET

// EXP turns Z0 into 2^(Z7 (Z6 - Z0)); Z7 is -log2 e and Z6 the largest logit. It
// goes as SIGMOID does, but nothing is above 1.
#define EXP \
	VSUBPS Z0, Z6, Z0; \
	VMULPS Z7, Z0, Z0; \
	VMAXPS Z0, Z8, Z0; \
	VRNDSCALEPS $0, Z0, Z1; \
	VSUBPS Z1, Z0, Z0; \
	VMOVAPS Z10, Z2; \
	VFMADD213PS Z11, Z0, Z2; \
	VFMADD213PS Z12, Z0, Z2; \
	VFMADD213PS Z13, Z0, Z2; \
	VFMADD213PS Z14, Z0, Z2; \
	VFMADD213PS Z15, Z0, Z2; \
	VSCALEFPS Z1, Z2, Z0

// softmax512 is Kernel.softmax: three times over the row from DI to the last vector
// at R11, of which K1 are the lanes below k. Z5 is the sum by lanes, which are then
// added in halves.
//
// func softmax512(k int, v *float32) (top, sum float32)
TEXT ·softmax512(SB), NOSPLIT, $0-24
	MOVQ k+0(FP), CX
	MOVQ v+8(FP), DI
	DECQ CX
	MOVQ CX, R11
	SHRQ $4, R11
	SHLQ $6, R11
	ADDQ DI, R11
	ANDQ $15, CX
	MOVL $2, AX
	SHLL CX, AX
	DECL AX
	KMOVW AX, K1
	VBROADCASTSS consts<>+0(SB), Z15
	VBROADCASTSS consts<>+4(SB), Z14
	VBROADCASTSS consts<>+8(SB), Z13
	VBROADCASTSS consts<>+12(SB), Z12
	VBROADCASTSS consts<>+16(SB), Z11
	VBROADCASTSS consts<>+20(SB), Z10
	VBROADCASTSS consts<>+28(SB), Z8
	VBROADCASTSS consts<>+32(SB), Z7
	MOVL $0xff800000, AX // minus infinity
	VPBROADCASTD AX, Z0
	VMOVUPS (R11), K1, Z0
	MOVQ DI, SI
	JMP softmax512most
softmax512top:
	VMAXPS (SI), Z0, Z0
	ADDQ $64, SI
softmax512most:
	CMPQ SI, R11
	JNE softmax512top
	VEXTRACTF64X4 $1, Z0, Y1
	VMAXPS Y1, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VMAXPS X1, X0, X0
	VPERMILPS $0x4e, X0, X1
	VMAXPS X1, X0, X0
	VPERMILPS $0xb1, X0, X1
	VMAXPS X1, X0, X0
	VMOVSS X0, top+16(FP)
	VBROADCASTSS X0, Z6
	VXORPS Y5, Y5, Y5
	MOVQ DI, SI
	JMP softmax512more
softmax512exp:
	VMOVUPS (SI), Z0
	EXP
	VADDPS Z0, Z5, Z5
	VMOVUPS Z0, (SI)
	ADDQ $64, SI
softmax512more:
	CMPQ SI, R11
	JNE softmax512exp
	VMOVUPS (R11), Z0
	EXP
	VMOVAPS.Z Z0, K1, Z0
	VADDPS Z0, Z5, Z5
	VMOVUPS Z0, (R11)
	VEXTRACTF64X4 $1, Z5, Y1
	VADDPS Y1, Y5, Y5
	VEXTRACTF128 $1, Y5, X1
	VADDPS X1, X5, X5
	VPERMILPS $0x4e, X5, X1
	VADDPS X1, X5, X5
	VPERMILPS $0xb1, X5, X1
	VADDPS X1, X5, X5
	VMOVSS X5, sum+20(FP)
	VDIVSS X5, X15, X5
	VBROADCASTSS X5, Z5
softmax512share:
	VMULPS (DI), Z5, Z0
	VMOVUPS Z0, (DI)
	ADDQ $64, DI
	CMPQ DI, R11
	JLS softmax512share
	VZEROUPPER
	RET

// gather512 adds rows of 64 columns at a time, kept in registers over all rows; n
// is a multiple of 64. AX is the next row's place in the table, in values.
//
// func gather512(n int, dst, table *float32, at *int32, rows int)
TEXT ·gather512(SB), NOSPLIT, $0-40
	MOVQ n+0(FP), CX
	MOVQ dst+8(FP), DI
	MOVQ table+16(FP), SI
	MOVQ at+24(FP), R8
	MOVQ rows+32(FP), R9
gather512columns:
	MOVLQSX (R8), AX
	LEAQ (SI)(AX*4), BX
	VMOVUPS (BX), Z0
	VMOVUPS 64(BX), Z1
	VMOVUPS 128(BX), Z2
	VMOVUPS 192(BX), Z3
	MOVQ $1, DX
	JMP gather512next
gather512row:
	MOVLQSX (R8)(DX*4), AX
	LEAQ (SI)(AX*4), BX
	VADDPS (BX), Z0, Z0
	VADDPS 64(BX), Z1, Z1
	VADDPS 128(BX), Z2, Z2
	VADDPS 192(BX), Z3, Z3
	INCQ DX
gather512next:
	CMPQ DX, R9
	JLT gather512row
	VMOVUPS Z0, (DI)
	VMOVUPS Z1, 64(DI)
	VMOVUPS Z2, 128(DI)
	VMOVUPS Z3, 192(DI)
	ADDQ $256, DI
	ADDQ $256, SI
	SUBQ $64, CX
	JNZ gather512columns
	VZEROUPPER
	RET

// scatter512 adds 64 columns of src at a time to every row; n is a multiple of 64
// and there is at least one row.
//
// func scatter512(n int, table *float32, at *int32, rows int, src *float32)
TEXT ·scatter512(SB), NOSPLIT, $0-40
	MOVQ n+0(FP), CX
	MOVQ table+8(FP), SI
	MOVQ at+16(FP), R8
	MOVQ rows+24(FP), R9
	MOVQ src+32(FP), DI
scatter512columns:
	VMOVUPS (DI), Z0
	VMOVUPS 64(DI), Z1
	VMOVUPS 128(DI), Z2
	VMOVUPS 192(DI), Z3
	XORQ DX, DX
scatter512row:
	MOVLQSX (R8)(DX*4), AX
	LEAQ (SI)(AX*4), BX
	VADDPS (BX), Z0, Z4
	VADDPS 64(BX), Z1, Z5
	VADDPS 128(BX), Z2, Z6
	VADDPS 192(BX), Z3, Z7
	VMOVUPS Z4, (BX)
	VMOVUPS Z5, 64(BX)
	VMOVUPS Z6, 128(BX)
	VMOVUPS Z7, 192(BX)
	INCQ DX
	CMPQ DX, R9
	JLT scatter512row
	ADDQ $256, DI
	ADDQ $256, SI
	SUBQ $64, CX
	JNZ scatter512columns
	VZEROUPPER
	RET

// adam512 is plainAdam for 16 parameters at a time; n is a multiple of 16 and not
// zero. Z15 is scale, Z14 lr, Z13 vs, Z12 and Z11 1 - beta1 and 1 -
// beta2, Z10 epsilon; Z0 is the gradient, Z1 and Z3 the moments.
//
// func adam512(n int, w, m, v, grad *float32, scale, lr, vs float32)
TEXT ·adam512(SB), NOSPLIT, $0-52
	MOVQ n+0(FP), CX
	MOVQ w+8(FP), AX
	MOVQ m+16(FP), BX
	MOVQ v+24(FP), SI
	MOVQ grad+32(FP), DI
	VBROADCASTSS scale+40(FP), Z15
	VBROADCASTSS lr+44(FP), Z14
	VBROADCASTSS vs+48(FP), Z13
	VBROADCASTSS consts<>+44(SB), Z12
	VBROADCASTSS consts<>+48(SB), Z11
	VBROADCASTSS consts<>+52(SB), Z10
	PCALIGN $32
adam512loop:
	VMULPS (DI), Z15, Z0
	VMOVUPS (BX), Z1
	VSUBPS Z1, Z0, Z2
	VFMADD231PS Z12, Z2, Z1
	VMOVUPS Z1, (BX)
	VMOVUPS (SI), Z3
	VMULPS Z0, Z0, Z2
	VSUBPS Z3, Z2, Z2
	VFMADD231PS Z11, Z2, Z3
	VMOVUPS Z3, (SI)
	VMULPS Z13, Z3, Z3
	VSQRTPS Z3, Z3
	VADDPS Z10, Z3, Z3
	VMULPS Z14, Z1, Z1
	VDIVPS Z3, Z1, Z1
	VMOVUPS (AX), Z2
	VSUBPS Z1, Z2, Z2
	VMOVUPS Z2, (AX)
	ADDQ $64, AX
	ADDQ $64, BX
	ADDQ $64, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JNZ adam512loop
	VZEROUPPER
	RET
