//! The picture of a code (`showqrcode`): a PNG of two colours that any phone reads.
//!
//! WECHAT: the platform sends a JPEG of 430 by 430 with its sign in the middle. Ours is as large, and says by its type what
//! it is.

use std::io::{self, Write};

use flate2::{Compression, Crc, write::ZlibEncoder};
use qrcode::{Color, EcLevel, QrCode};

/// Pixels of a side.
const SIDE: usize = 430;
/// Light modules around a code, as its standard (ISO/IEC 18004) wants them.
const QUIET: usize = 4;

/// The picture of a code that says this; none where no code of this size can.
pub(super) fn of(text: &str) -> Option<Vec<u8>> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let scale = SIDE / (width + 2 * QUIET);
    if scale == 0 {
        return None;
    }
    let margin = (SIDE - width * scale) / 2;
    let module = |pixel: usize| {
        let module = pixel.checked_sub(margin)? / scale;
        (module < width).then_some(module)
    };
    let dark = |x, y| match (module(x), module(y)) {
        (Some(x), Some(y)) => code[(x, y)] == Color::Dark,
        _ => false,
    };
    png(dark).ok()
}

/// A square PNG of one bit a pixel; 1 is white.
fn png(dark: impl Fn(usize, usize) -> bool) -> io::Result<Vec<u8>> {
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::default());
    for y in 0..SIDE {
        // Each row begins with its filter: none.
        let mut row = vec![0; 1 + SIDE.div_ceil(8)];
        for x in (0..SIDE).filter(|x| !dark(*x, y)) {
            row[1 + x / 8] |= 0x80 >> (x % 8);
        }
        rows.write_all(&row)?;
    }
    let side = (SIDE as u32).to_be_bytes();
    // One bit of grey; deflate, the five filters, not interlaced.
    let header = [&side[..], &side[..], &[1, 0, 0, 0, 0]].concat();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in [
        (b"IHDR", header),
        (b"IDAT", rows.finish()?),
        (b"IEND", Vec::new()),
    ] {
        let mut sum = Crc::new();
        sum.update(name);
        sum.update(&data);
        file.extend((data.len() as u32).to_be_bytes());
        file.extend(name);
        file.extend(data);
        file.extend(sum.sum().to_be_bytes());
    }
    Ok(file)
}
