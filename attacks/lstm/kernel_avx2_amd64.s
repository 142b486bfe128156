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

// lanes<> has 16 lanes of ones before 16 of zeros: from 4 (16 - n) on, n lanes.
DATA lanes<>+0(SB)/8, $-1
DATA lanes<>+8(SB)/8, $-1
DATA lanes<>+16(SB)/8, $-1
DATA lanes<>+24(SB)/8, $-1
DATA lanes<>+32(SB)/8, $-1
DATA lanes<>+40(SB)/8, $-1
DATA lanes<>+48(SB)/8, $-1
DATA lanes<>+56(SB)/8, $-1
DATA lanes<>+64(SB)/8, $0
DATA lanes<>+72(SB)/8, $0
DATA lanes<>+80(SB)/8, $0
DATA lanes<>+88(SB)/8, $0
DATA lanes<>+96(SB)/8, $0
DATA lanes<>+104(SB)/8, $0
DATA lanes<>+112(SB)/8, $0
DATA lanes<>+120(SB)/8, $0
GLOBL lanes<>(SB), RODATA|NOPTR, $128

// tile256: a tile of 4 x 16.
//
//	Y0-Y7    the sums, two vectors for each of four rows
//	Y8, Y9   a row of B (16 of the panel's 32 columns)
//	Y10-Y13  a value of A for each row, in all lanes
//	AX, R8   A at rows 0 and 2, R10, R12 C at rows 0 and 2; DX, R11 from row to
//	         row of A and C, SI from column to column of A
//
// A sum is one lane and takes its products one after the other, in order of k,
// each multiplied and added in one rounding. No tail: see edgeTile.
//
// func tile256(k int, a *float32, ra, ca int, b, c *float32, ldc int)
// C[4][16] += A[4][k] B[k][16]; strides in bytes; B has rows of 128 bytes.
TEXT ·tile256(SB), NOSPLIT, $0-56
	MOVQ k+0(FP), CX
	MOVQ a+8(FP), AX
	MOVQ ra+16(FP), DX
	MOVQ ca+24(FP), SI
	MOVQ b+32(FP), BX
	MOVQ c+40(FP), R10
	MOVQ ldc+48(FP), R11
	LEAQ (AX)(DX*2), R8
	LEAQ (R10)(R11*2), R12
	VMOVUPS (R10), Y0
	VMOVUPS 32(R10), Y1
	VMOVUPS (R10)(R11*1), Y2
	VMOVUPS 32(R10)(R11*1), Y3
	VMOVUPS (R12), Y4
	VMOVUPS 32(R12), Y5
	VMOVUPS (R12)(R11*1), Y6
	VMOVUPS 32(R12)(R11*1), Y7
	PCALIGN $32
tile256loop:
	VMOVUPS (BX), Y8
	VMOVUPS 32(BX), Y9
	VBROADCASTSS (AX), Y10
	VBROADCASTSS (AX)(DX*1), Y11
	VBROADCASTSS (R8), Y12
	VBROADCASTSS (R8)(DX*1), Y13
	ADDQ $128, BX
	ADDQ SI, AX
	ADDQ SI, R8
	VFMADD231PS Y8, Y10, Y0
	VFMADD231PS Y9, Y10, Y1
	VFMADD231PS Y8, Y11, Y2
	VFMADD231PS Y9, Y11, Y3
	VFMADD231PS Y8, Y12, Y4
	VFMADD231PS Y9, Y12, Y5
	VFMADD231PS Y8, Y13, Y6
	VFMADD231PS Y9, Y13, Y7
	DECQ CX
	JNZ tile256loop
	VMOVUPS Y0, (R10)
	VMOVUPS Y1, 32(R10)
	VMOVUPS Y2, (R10)(R11*1)
	VMOVUPS Y3, 32(R10)(R11*1)
	VMOVUPS Y4, (R12)
	VMOVUPS Y5, 32(R12)
	VMOVUPS Y6, (R12)(R11*1)
	VMOVUPS Y7, 32(R12)(R11*1)
	VZEROUPPER
	RET

// SIGMOID turns Y0 into 1 / (1 + 2^(scale Y0)); Y7 is -log2 e, or twice
// that for tanh x = 2 sigmoid(2x) - 1. It uses Y1 and Y2. The minimum and
// maximum take Y0 first in this order of operands, so that NaN stays NaN: with
// NaN they give what comes first.
#define SIGMOID \
	VMULPS Y7, Y0, Y0; \
	VMINPS Y0, Y9, Y0; \
	VMAXPS Y0, Y8, Y0; \
	VROUNDPS $0, Y0, Y1; \
	VSUBPS Y1, Y0, Y0; \
	VMOVAPS Y10, Y2; \
	VFMADD213PS Y11, Y0, Y2; \
	VFMADD213PS Y12, Y0, Y2; \
	VFMADD213PS Y13, Y0, Y2; \
	VFMADD213PS Y14, Y0, Y2; \
	VFMADD213PS Y15, Y0, Y2; \
	VCVTPS2DQ Y1, Y1; \
	VPADDD Y6, Y1, Y1; \
	VPSLLD $23, Y1, Y1; \
	VMULPS Y1, Y2, Y2; \
	VADDPS Y15, Y2, Y2; \
	VDIVPS Y2, Y15, Y0

// SCALE1 and SCALE2 load the scale for sigmoid and for tanh.
#define SCALE1 VBROADCASTSS consts<>+32(SB), Y7
#define SCALE2 VBROADCASTSS consts<>+36(SB), Y7

// TANH finishes tanh after SIGMOID with SCALE2.
#define TANH \
	VADDPS Y0, Y0, Y0; \
	VSUBPS Y15, Y0, Y0

// cells256 takes 8 units at a time; h is a multiple of 16, so that there is no
// tail. AX is gate i, BX gate z, and f and o are DX bytes behind them. The gates
// are activated where they are; see Kernel.cells. From row to row gates go on by 4H
// values, outputs by ldy bytes and all else by H values.
//
// func cells256(rows, h int, gates, cprev, c, tc, y *float32, ldy int)
TEXT ·cells256(SB), NOSPLIT, $0-64
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
	VBROADCASTSS consts<>+0(SB), Y15
	VBROADCASTSS consts<>+4(SB), Y14
	VBROADCASTSS consts<>+8(SB), Y13
	VBROADCASTSS consts<>+12(SB), Y12
	VBROADCASTSS consts<>+16(SB), Y11
	VBROADCASTSS consts<>+20(SB), Y10
	VBROADCASTSS consts<>+24(SB), Y9
	VBROADCASTSS consts<>+28(SB), Y8
	VBROADCASTSS consts<>+40(SB), Y6
	PCALIGN $32
cells256loop:
	SCALE1
	VMOVUPS (AX), Y0
	SIGMOID
	VMOVUPS Y0, (AX)
	VMOVAPS Y0, Y3
	VMOVUPS (BX)(DX*1), Y0
	SIGMOID
	VMOVUPS Y0, (BX)(DX*1)
	VMOVAPS Y0, Y5
	VMOVUPS (AX)(DX*1), Y0
	SIGMOID
	VMOVUPS Y0, (AX)(DX*1)
	VMOVAPS Y0, Y4
	SCALE2
	VMOVUPS (BX), Y0
	SIGMOID
	TANH
	VMOVUPS Y0, (BX)
	VMULPS Y0, Y3, Y0
	VFMADD231PS (R8), Y4, Y0
	VMOVUPS Y0, (R9)
	SIGMOID
	TANH
	VMOVUPS Y0, (R10)
	VMULPS Y0, Y5, Y0
	VMOVUPS Y0, (R11)
	ADDQ $32, AX
	ADDQ $32, BX
	ADDQ $32, R8
	ADDQ $32, R9
	ADDQ $32, R10
	ADDQ $32, R11
	SUBQ $8, CX
	JNZ cells256loop
	MOVQ h+8(FP), CX
	ADDQ R12, AX
	ADDQ R12, BX
	ADDQ R13, R11
	DECQ DI
	JNZ cells256loop
	VZEROUPPER
	RET

// cellsBack256 is Kernel.cellsBack: gates as in cells256, Y0 to Y3 are i, f, z
// and o, Y4 the tanh of c, Y5 dy, Y6 dc and then the whole gradient of c.
//
// func cellsBack256(rows, h int, gates, cprev, tc, dy, dc *float32, ldy int)
TEXT ·cellsBack256(SB), NOSPLIT, $0-64
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
	VBROADCASTSS consts<>+0(SB), Y15
	PCALIGN $32
cellsBack256loop:
	VMOVUPS (AX), Y0
	VMOVUPS (AX)(DX*1), Y1
	VMOVUPS (BX), Y2
	VMOVUPS (BX)(DX*1), Y3
	VMOVUPS (R9), Y4
	VMOVUPS (R10), Y5
	VMOVUPS (R11), Y6
	VMULPS Y3, Y5, Y7      // dy o
	VMOVAPS Y15, Y8
	VFNMADD231PS Y4, Y4, Y8 // 1 - tanh^2
	VFMADD231PS Y7, Y8, Y6  // the whole gradient of c
	VMULPS Y1, Y6, Y9
	VMOVUPS Y9, (R11)
	VSUBPS Y0, Y15, Y9     // input gate
	VMULPS Y0, Y9, Y9
	VMULPS Y2, Y6, Y10
	VMULPS Y9, Y10, Y10
	VMOVUPS Y10, (AX)
	VSUBPS Y1, Y15, Y9     // forget gate
	VMULPS Y1, Y9, Y9
	VMULPS (R8), Y6, Y10
	VMULPS Y9, Y10, Y10
	VMOVUPS Y10, (AX)(DX*1)
	VMOVAPS Y15, Y8          // cell
	VFNMADD231PS Y2, Y2, Y8
	VMULPS Y0, Y6, Y10
	VMULPS Y8, Y10, Y10
	VMOVUPS Y10, (BX)
	VSUBPS Y3, Y15, Y9     // output gate
	VMULPS Y3, Y9, Y9
	VMULPS Y4, Y5, Y10
	VMULPS Y9, Y10, Y10
	VMOVUPS Y10, (BX)(DX*1)
	ADDQ $32, AX
	ADDQ $32, BX
	ADDQ $32, R8
	ADDQ $32, R9
	ADDQ $32, R10
	ADDQ $32, R11
	SUBQ $8, CX
	JNZ cellsBack256loop
	MOVQ h+8(FP), CX
	ADDQ R12, AX
	ADDQ R12, BX
	ADDQ R13, R10
	DECQ DI
	JNZ cellsBack256loop
	VZEROUPPER
	RET

// add256 adds 8 values at a time; n is a multiple of 16 and not zero.
//
// func add256(n int, dst, src *float32)
TEXT ·add256(SB), NOSPLIT, $0-24
	MOVQ n+0(FP), CX
	MOVQ dst+8(FP), DI
	MOVQ src+16(FP), SI
	PCALIGN $32
add256loop:
	VMOVUPS (DI), Y0
	VADDPS (SI), Y0, Y0
	VMOVUPS Y0, (DI)
	ADDQ $32, DI
	ADDQ $32, SI
	SUBQ $8, CX
	JNZ add256loop
	VZEROUPPER
	RET

// mul256 multiplies 8 values at a time; n is a multiple of 16 and not zero.
//
// func mul256(n int, dst, src *float32)
TEXT ·mul256(SB), NOSPLIT, $0-24
	MOVQ n+0(FP), CX
	MOVQ dst+8(FP), DI
	MOVQ src+16(FP), SI
	PCALIGN $32
mul256loop:
	VMOVUPS (DI), Y0
	VMULPS (SI), Y0, Y0
	VMOVUPS Y0, (DI)
	ADDQ $32, DI
	ADDQ $32, SI
	SUBQ $8, CX
	JNZ mul256loop
	VZEROUPPER
	RET

// drop256 is Kernel.drop for 8 values at a time; n is a multiple of 16 and not zero.
// below is the limit minus 1, which only what is kept is above.
//
// func drop256(n int, out, mask, in *float32, bits *uint64, below int32, factor float32)
TEXT ·drop256(SB), NOSPLIT, $0-48
	MOVQ n+0(FP), CX
	MOVQ out+8(FP), DI
	MOVQ mask+16(FP), R8
	MOVQ in+24(FP), SI
	MOVQ bits+32(FP), BX
	MOVL below+40(FP), AX
	VMOVD AX, X3
	VPBROADCASTD X3, Y3
	VBROADCASTSS factor+44(FP), Y4
	PCALIGN $32
drop256loop:
	VPMOVZXWD (BX), Y0
	VPCMPGTD Y3, Y0, Y1
	VANDPS Y4, Y1, Y1
	VMOVUPS Y1, (R8)
	VMULPS (SI), Y1, Y1
	VMOVUPS Y1, (DI)
	ADDQ $16, BX
	ADDQ $32, R8
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $8, CX
	JNZ drop256loop
	VZEROUPPER
	RET

// EXP turns Y0 into 2^(Y7 (Y6 - Y0)); Y7 is -log2 e and Y6 the largest logit. It
// goes as SIGMOID does, but nothing is above 1.
#define EXP \
	VSUBPS Y0, Y6, Y0; \
	VMULPS Y7, Y0, Y0; \
	VMAXPS Y0, Y8, Y0; \
	VROUNDPS $0, Y0, Y1; \
	VSUBPS Y1, Y0, Y0; \
	VMOVAPS Y10, Y2; \
	VFMADD213PS Y11, Y0, Y2; \
	VFMADD213PS Y12, Y0, Y2; \
	VFMADD213PS Y13, Y0, Y2; \
	VFMADD213PS Y14, Y0, Y2; \
	VFMADD213PS Y15, Y0, Y2; \
	VCVTPS2DQ Y1, Y1; \
	VPADDD Y9, Y1, Y1; \
	VPSLLD $23, Y1, Y1; \
	VMULPS Y1, Y2, Y0

// softmax256 is Kernel.softmax, 16 values at a time in two vectors: from DI to the
// last two at R11, of which the lanes below k are those set at R10. Y4 and Y5 are the
// sums by lanes, which are then added in halves.
//
// func softmax256(k int, v *float32) (top, sum float32)
TEXT ·softmax256(SB), NOSPLIT, $0-24
	MOVQ k+0(FP), CX
	MOVQ v+8(FP), DI
	DECQ CX
	MOVQ CX, R11
	SHRQ $4, R11
	SHLQ $6, R11
	ADDQ DI, R11
	ANDQ $15, CX
	LEAQ lanes<>+60(SB), R10
	SHLQ $2, CX
	SUBQ CX, R10
	VBROADCASTSS consts<>+0(SB), Y15
	VBROADCASTSS consts<>+4(SB), Y14
	VBROADCASTSS consts<>+8(SB), Y13
	VBROADCASTSS consts<>+12(SB), Y12
	VBROADCASTSS consts<>+16(SB), Y11
	VBROADCASTSS consts<>+20(SB), Y10
	VBROADCASTSS consts<>+28(SB), Y8
	VBROADCASTSS consts<>+32(SB), Y7
	VBROADCASTSS consts<>+40(SB), Y9
	MOVL $0xff800000, AX // minus infinity
	VMOVD AX, X6
	VBROADCASTSS X6, Y6
	VMOVUPS (R10), Y2
	VMOVUPS 32(R10), Y3
	VBLENDVPS Y2, (R11), Y6, Y0
	VBLENDVPS Y3, 32(R11), Y6, Y1
	MOVQ DI, SI
	JMP softmax256most
softmax256top:
	VMAXPS (SI), Y0, Y0
	VMAXPS 32(SI), Y1, Y1
	ADDQ $64, SI
softmax256most:
	CMPQ SI, R11
	JNE softmax256top
	VMAXPS Y1, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VMAXPS X1, X0, X0
	VPERMILPS $0x4e, X0, X1
	VMAXPS X1, X0, X0
	VPERMILPS $0xb1, X0, X1
	VMAXPS X1, X0, X0
	VMOVSS X0, top+16(FP)
	VBROADCASTSS X0, Y6
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	MOVQ DI, SI
	JMP softmax256more
softmax256exp:
	VMOVUPS (SI), Y0
	EXP
	VADDPS Y0, Y4, Y4
	VMOVUPS Y0, (SI)
	VMOVUPS 32(SI), Y0
	EXP
	VADDPS Y0, Y5, Y5
	VMOVUPS Y0, 32(SI)
	ADDQ $64, SI
softmax256more:
	CMPQ SI, R11
	JNE softmax256exp
	VMOVUPS (R11), Y0
	EXP
	VANDPS (R10), Y0, Y0
	VADDPS Y0, Y4, Y4
	VMOVUPS Y0, (R11)
	VMOVUPS 32(R11), Y0
	EXP
	VANDPS 32(R10), Y0, Y0
	VADDPS Y0, Y5, Y5
	VMOVUPS Y0, 32(R11)
	VADDPS Y5, Y4, Y5
	VEXTRACTF128 $1, Y5, X1
	VADDPS X1, X5, X5
	VPERMILPS $0x4e, X5, X1
	VADDPS X1, X5, X5
	VPERMILPS $0xb1, X5, X1
	VADDPS X1, X5, X5
	VMOVSS X5, sum+20(FP)
	VDIVSS X5, X15, X5
	VBROADCASTSS X5, Y5
softmax256share:
	VMULPS (DI), Y5, Y0
	VMULPS 32(DI), Y5, Y1
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	ADDQ $64, DI
	CMPQ DI, R11
	JLS softmax256share
	VZEROUPPER
	RET

// gather256 adds rows of 64 columns at a time, kept in registers over all rows; n
// is a multiple of 64. AX is the next row's place in the table, in values.
//
// func gather256(n int, dst, table *float32, at *int32, rows int)
TEXT ·gather256(SB), NOSPLIT, $0-40
	MOVQ n+0(FP), CX
	MOVQ dst+8(FP), DI
	MOVQ table+16(FP), SI
	MOVQ at+24(FP), R8
	MOVQ rows+32(FP), R9
gather256columns:
	MOVLQSX (R8), AX
	LEAQ (SI)(AX*4), BX
	VMOVUPS (BX), Y0
	VMOVUPS 32(BX), Y1
	VMOVUPS 64(BX), Y2
	VMOVUPS 96(BX), Y3
	VMOVUPS 128(BX), Y4
	VMOVUPS 160(BX), Y5
	VMOVUPS 192(BX), Y6
	VMOVUPS 224(BX), Y7
	MOVQ $1, DX
	JMP gather256next
gather256row:
	MOVLQSX (R8)(DX*4), AX
	LEAQ (SI)(AX*4), BX
	VADDPS (BX), Y0, Y0
	VADDPS 32(BX), Y1, Y1
	VADDPS 64(BX), Y2, Y2
	VADDPS 96(BX), Y3, Y3
	VADDPS 128(BX), Y4, Y4
	VADDPS 160(BX), Y5, Y5
	VADDPS 192(BX), Y6, Y6
	VADDPS 224(BX), Y7, Y7
	INCQ DX
gather256next:
	CMPQ DX, R9
	JLT gather256row
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VMOVUPS Y2, 64(DI)
	VMOVUPS Y3, 96(DI)
	VMOVUPS Y4, 128(DI)
	VMOVUPS Y5, 160(DI)
	VMOVUPS Y6, 192(DI)
	VMOVUPS Y7, 224(DI)
	ADDQ $256, DI
	ADDQ $256, SI
	SUBQ $64, CX
	JNZ gather256columns
	VZEROUPPER
	RET

// scatter256 adds 64 columns of src at a time to every row; n is a multiple of 64
// and there is at least one row.
//
// func scatter256(n int, table *float32, at *int32, rows int, src *float32)
TEXT ·scatter256(SB), NOSPLIT, $0-40
	MOVQ n+0(FP), CX
	MOVQ table+8(FP), SI
	MOVQ at+16(FP), R8
	MOVQ rows+24(FP), R9
	MOVQ src+32(FP), DI
scatter256columns:
	VMOVUPS (DI), Y0
	VMOVUPS 32(DI), Y1
	VMOVUPS 64(DI), Y2
	VMOVUPS 96(DI), Y3
	VMOVUPS 128(DI), Y4
	VMOVUPS 160(DI), Y5
	VMOVUPS 192(DI), Y6
	VMOVUPS 224(DI), Y7
	XORQ DX, DX
scatter256row:
	MOVLQSX (R8)(DX*4), AX
	LEAQ (SI)(AX*4), BX
	VADDPS (BX), Y0, Y8
	VADDPS 32(BX), Y1, Y9
	VADDPS 64(BX), Y2, Y10
	VADDPS 96(BX), Y3, Y11
	VADDPS 128(BX), Y4, Y12
	VADDPS 160(BX), Y5, Y13
	VADDPS 192(BX), Y6, Y14
	VADDPS 224(BX), Y7, Y15
	VMOVUPS Y8, (BX)
	VMOVUPS Y9, 32(BX)
	VMOVUPS Y10, 64(BX)
	VMOVUPS Y11, 96(BX)
	VMOVUPS Y12, 128(BX)
	VMOVUPS Y13, 160(BX)
	VMOVUPS Y14, 192(BX)
	VMOVUPS Y15, 224(BX)
	INCQ DX
	CMPQ DX, R9
	JLT scatter256row
	ADDQ $256, DI
	ADDQ $256, SI
	SUBQ $64, CX
	JNZ scatter256columns
	VZEROUPPER
	RET

// adam256 is plainAdam for 8 parameters at a time; n is a multiple of 16 and not
// zero. Y15 is scale, Y14 lr, Y13 vs, Y12 and Y11 1 - beta1 and 1 -
// beta2, Y10 epsilon; Y0 is the gradient, Y1 and Y3 the moments.
//
// func adam256(n int, w, m, v, grad *float32, scale, lr, vs float32)
TEXT ·adam256(SB), NOSPLIT, $0-52
	MOVQ n+0(FP), CX
	MOVQ w+8(FP), AX
	MOVQ m+16(FP), BX
	MOVQ v+24(FP), SI
	MOVQ grad+32(FP), DI
	VBROADCASTSS scale+40(FP), Y15
	VBROADCASTSS lr+44(FP), Y14
	VBROADCASTSS vs+48(FP), Y13
	VBROADCASTSS consts<>+44(SB), Y12
	VBROADCASTSS consts<>+48(SB), Y11
	VBROADCASTSS consts<>+52(SB), Y10
	PCALIGN $32
adam256loop:
	VMULPS (DI), Y15, Y0
	VMOVUPS (BX), Y1
	VSUBPS Y1, Y0, Y2
	VFMADD231PS Y12, Y2, Y1
	VMOVUPS Y1, (BX)
	VMOVUPS (SI), Y3
	VMULPS Y0, Y0, Y2
	VSUBPS Y3, Y2, Y2
	VFMADD231PS Y11, Y2, Y3
	VMOVUPS Y3, (SI)
	VMULPS Y13, Y3, Y3
	VSQRTPS Y3, Y3
	VADDPS Y10, Y3, Y3
	VMULPS Y14, Y1, Y1
	VDIVPS Y3, Y1, Y1
	VMOVUPS (AX), Y2
	VSUBPS Y1, Y2, Y2
	VMOVUPS Y2, (AX)
	ADDQ $32, AX
	ADDQ $32, BX
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $8, CX
	JNZ adam256loop
	VZEROUPPER
	RET

// squares256 is Kernel.squares for four values at a time, with both classes: a lane
// takes its sums one after the other, whatever the width. n is a multiple of 4 and not
// zero.
//
// func squares256(n int, a *float32, s *[4]float64)
TEXT ·squares256(SB), NOSPLIT, $0-24
	MOVQ n+0(FP), CX
	MOVQ a+8(FP), SI
	MOVQ s+16(FP), DI
	VXORPD Y0, Y0, Y0
	PCALIGN $32
squares256loop:
	VCVTPS2PD (SI), Y1
	VFMADD231PD Y1, Y1, Y0
	ADDQ $16, SI
	SUBQ $4, CX
	JNZ squares256loop
	VMOVUPD Y0, (DI)
	VZEROUPPER
	RET
