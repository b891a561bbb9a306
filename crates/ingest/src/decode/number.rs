//! Numbers as written: every digit is kept until the column says what it needs.

/// A JSON number: `mantissa * 10^exponent`, and the text it came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number<'a> {
    raw: &'a str,
    is_negative: bool,
    /// Meaningless with more than [`N_DIGITS_EXACT`] digits.
    mantissa: u64,
    n_digits: usize,
    exponent: i64,
}

/// A number times a power of ten, cut towards zero.
struct Scaled {
    value: i128,
    cut: Cut,
}

/// What cutting took away.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Cut {
    Nothing,
    LessThanHalf,
    HalfOrMore,
}

/// That many decimal digits always fit 64 bits.
const N_DIGITS_EXACT: usize = 19;

/// That many decimal digits always fit 127 bits.
const N_DIGITS_WIDE: usize = 38;

/// Exponents are cut off here: far outside every type, far inside the arithmetic.
const EXPONENT_MAX: i64 = 1_000_000_000;

impl<'a> Number<'a> {
    /// Reads the number at `start`; answers where it ends, or where and why it is none.
    #[inline]
    pub fn read(text: &'a str, start: usize) -> Result<(Number<'a>, usize), (usize, &'static str)> {
        let bytes = text.as_bytes();
        let is_negative = bytes.get(start) == Some(&b'-');
        let whole = start + usize::from(is_negative);
        let (mantissa, mut end) = digits(bytes, whole, 0);
        let mut n_digits = end - whole;
        if n_digits == 0 {
            return Err((end, "expected a digit"));
        }
        if n_digits > 1 && bytes[whole] == b'0' {
            return Err((whole, "a number starts with 0"));
        }
        let mut number = Number { raw: "", is_negative, mantissa, n_digits, exponent: 0 };
        if bytes.get(end) == Some(&b'.') {
            let fraction = end + 1;
            (number.mantissa, end) = digits(bytes, fraction, mantissa);
            let n_fraction = end - fraction;
            if n_fraction == 0 {
                return Err((end, "expected a digit"));
            }
            n_digits += n_fraction;
            number.n_digits = n_digits;
            number.exponent = -i64::try_from(n_fraction).unwrap_or(i64::MAX);
        }
        if let Some(b'e' | b'E') = bytes.get(end) {
            let exponent;
            (exponent, end) = power(bytes, end + 1)?;
            number.exponent += exponent;
        }
        number.raw = &text[start..end];
        Ok((number, end))
    }

    /// Reads text that is nothing but a number.
    pub fn parse(text: &'a str) -> Option<Number<'a>> {
        let (number, end) = Number::read(text, 0).ok()?;
        (end == text.len() && number.is_finite()).then_some(number)
    }

    /// As it was written.
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    /// Whether a 64-bit float can hold its magnitude: `1e400` is no number anybody can use.
    #[inline]
    pub fn is_finite(&self) -> bool {
        let may_overflow = self.exponent.saturating_add(self.n_digits as i64) > 308;
        !may_overflow || self.parsed::<f64>().is_finite()
    }

    /// Whether it has neither fraction nor exponent.
    pub fn is_integer(&self) -> bool {
        !self.raw.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
    }

    /// The integer it is (3.0 is one, too); `None` when it is none. Beyond 128 bits, the outermost 128-bit integer.
    #[inline]
    pub fn whole(&self) -> Option<i128> {
        if self.exponent == 0 && self.n_digits <= N_DIGITS_EXACT {
            return Some(self.signed(i128::from(self.mantissa)));
        }
        match self.scaled(0) {
            Some(Scaled { value, cut: Cut::Nothing }) => Some(value),
            Some(_) => None,
            None => Some(if self.is_negative { i128::MIN } else { i128::MAX }),
        }
    }

    /// The nearest 64-bit float.
    #[inline]
    pub fn double(&self) -> f64 {
        // Both factors are exact, so that one correctly rounded division or multiplication gives the nearest float.
        const POWERS: [f64; 23] = [
            1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
            1e21, 1e22,
        ];
        if self.n_digits > N_DIGITS_EXACT || self.mantissa > 1 << 53 || self.exponent.unsigned_abs() > 22 {
            return self.parsed();
        }
        let power = POWERS[self.exponent.unsigned_abs() as usize];
        let magnitude = if self.exponent < 0 { self.mantissa as f64 / power } else { self.mantissa as f64 * power };
        if self.is_negative { -magnitude } else { magnitude }
    }

    /// The nearest 32-bit float, which may be infinite.
    pub fn real(&self) -> f32 {
        self.parsed()
    }

    /// The number times `10^scale`, rounded half away from zero; `None` beyond 38 digits. Digits after the 38th are cut.
    pub fn rounded(&self, scale: i8) -> Option<i128> {
        let Scaled { value, cut } = self.scaled(i64::from(scale))?;
        Some(if cut == Cut::HalfOrMore { value + self.signed(1) } else { value })
    }

    /// The number times `10^scale`, cut towards zero; `None` beyond 38 digits.
    pub fn truncated(&self, scale: i8) -> Option<i128> {
        self.scaled(i64::from(scale)).map(|scaled| scaled.value)
    }

    fn scaled(&self, scale: i64) -> Option<Scaled> {
        let (mantissa, n_cut) = self.wide();
        let shift = self.exponent + n_cut + scale;
        if mantissa == 0 {
            return Some(Scaled { value: 0, cut: Cut::Nothing });
        }
        if shift >= 0 {
            let value = 10_i128.checked_pow(u32::try_from(shift).ok()?)?.checked_mul(mantissa)?;
            let cut = if n_cut > 0 { Cut::LessThanHalf } else { Cut::Nothing };
            return Some(Scaled { value: self.signed(value), cut });
        }
        let Some(divisor) = u32::try_from(-shift).ok().and_then(|shift| 10_i128.checked_pow(shift)) else {
            return Some(Scaled { value: 0, cut: Cut::LessThanHalf });
        };
        let (value, rest) = (mantissa / divisor, mantissa % divisor);
        let cut = match rest {
            0 => Cut::Nothing,
            rest if rest < divisor - rest => Cut::LessThanHalf,
            _ => Cut::HalfOrMore,
        };
        Some(Scaled { value: self.signed(value), cut })
    }

    /// The mantissa of up to 38 digits, and how many digits after those were cut.
    fn wide(&self) -> (i128, i64) {
        if self.n_digits <= N_DIGITS_EXACT {
            return (i128::from(self.mantissa), 0);
        }
        let written = self.raw.bytes().take_while(|byte| !matches!(byte, b'e' | b'E')).filter(u8::is_ascii_digit);
        let significant = written.skip_while(|digit| *digit == b'0');
        significant.enumerate().fold((0, 0), |(mantissa, n_cut), (i, digit)| {
            if i < N_DIGITS_WIDE { (mantissa * 10 + i128::from(digit - b'0'), n_cut) } else { (mantissa, n_cut + 1) }
        })
    }

    fn signed(&self, magnitude: i128) -> i128 {
        if self.is_negative { -magnitude } else { magnitude }
    }

    fn parsed<T: std::str::FromStr>(&self) -> T {
        self.raw.parse().ok().expect("every JSON number is a Rust number")
    }
}

/// Appends the digits from `at` on to `value`, wrapping; answers where they end.
#[inline]
fn digits(bytes: &[u8], mut at: usize, mut value: u64) -> (u64, usize) {
    while let Some(digit) = bytes.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    (value, at)
}

/// The exponent after the `e`, and where it ends.
fn power(bytes: &[u8], start: usize) -> Result<(i64, usize), (usize, &'static str)> {
    let is_negative = bytes.get(start) == Some(&b'-');
    let first = start + usize::from(matches!(bytes.get(start), Some(b'-' | b'+')));
    let mut at = first;
    let mut power = 0_i64;
    while let Some(digit) = bytes.get(at).filter(|byte| byte.is_ascii_digit()) {
        power = (power * 10 + i64::from(digit - b'0')).min(EXPONENT_MAX);
        at += 1;
    }
    if at == first {
        return Err((at, "expected a digit"));
    }
    Ok((if is_negative { -power } else { power }, at))
}
