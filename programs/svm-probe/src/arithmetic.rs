//! Known-answer arithmetic: 128-bit integers and I80F48, whose builtins depend on the toolchain's calling convention.

use core::hint::black_box;

use fixed::types::I80F48;

use crate::input::Reader;

/// Operands: i128 a, i128 b, u8 shift below 128, b not zero. Results: the wrapping sum, difference, product,
/// quotient, remainder, the same three of the unsigned operands, left, arithmetic right and logical right shift, and
/// one byte each for a < b, unsigned a < b, and whether a * b overflows.
pub(crate) fn integer128(input: &mut Reader) -> Result<Vec<u8>, u32> {
    let (a, b) = (black_box(input.i128()?), black_box(input.i128()?));
    let shift = u32::from(input.u8()?) & 127;
    let (ua, ub) = (a as u128, b as u128);
    let mut out = Vec::with_capacity(256);
    for number in [
        a.wrapping_add(b),
        a.wrapping_sub(b),
        a.wrapping_mul(b),
        a.checked_div(b).unwrap_or(i128::MIN),
        a.checked_rem(b).unwrap_or(i128::MIN),
        a << shift,
        a >> shift,
    ] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    for number in [ua.checked_div(ub).unwrap_or(u128::MAX), ua.checked_rem(ub).unwrap_or(u128::MAX), ua >> shift] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend([u8::from(a < b), u8::from(ua < ub), u8::from(a.checked_mul(b).is_none())]);
    Ok(out)
}

/// Operands: the bits of two I80F48 numbers, the second not zero, and an i128. Results: the bits of sum, difference,
/// product, quotient (all wrapping), integer parts of both, the square root of the absolute first, its floor (as an
/// integer) and the number made of the i128; one byte each for a < b and for what does not fit: sum, difference, product,
/// quotient, floor, the floor as i64, and the i128. What does not fit is the smallest number.
pub(crate) fn i80f48(input: &mut Reader) -> Result<Vec<u8>, u32> {
    let (a, b) = (black_box(I80F48::from_bits(input.i128()?)), black_box(I80F48::from_bits(input.i128()?)));
    let integer = black_box(input.i128()?);
    let floor = a.checked_floor();
    let made = I80F48::checked_from_num(integer);
    let mut out = Vec::with_capacity(192);
    for number in [
        a.wrapping_add(b),
        a.wrapping_sub(b),
        a.wrapping_mul(b),
        if b == I80F48::ZERO { I80F48::MIN } else { a.wrapping_div(b) },
        a.int(),
        b.int(),
        a.wrapping_abs().checked_sqrt().unwrap_or(I80F48::MIN),
    ] {
        out.extend_from_slice(&number.to_bits().to_le_bytes());
    }
    out.extend_from_slice(&floor.map_or(i128::MIN, I80F48::to_num::<i128>).to_le_bytes());
    out.extend_from_slice(&made.unwrap_or(I80F48::MIN).to_bits().to_le_bytes());
    out.extend(
        [
            a < b,
            a.checked_add(b).is_none(),
            a.checked_sub(b).is_none(),
            a.checked_mul(b).is_none(),
            a.checked_div(b).is_none(),
            floor.is_none(),
            floor.and_then(I80F48::checked_to_num::<i64>).is_none(),
            made.is_none(),
        ]
        .map(u8::from),
    );
    Ok(out)
}
