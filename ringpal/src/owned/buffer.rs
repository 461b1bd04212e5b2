//! What can be written from and read into.

/// A buffer to write from: anything that owns bytes, or shares them for good.
///
/// `Vec<u8>`, `Box<[u8]>`, `[u8; N]`, [`AlignedBuf`](crate::AlignedBuf), `Arc<[u8]>`,
/// `&'static [u8]`, and whatever else is `AsRef<[u8]>`. No promise is needed on top of that: the
/// buffer is borrowed where it lies in its operation, and neither moved nor touched until the end.
pub trait WriteBuf: AsRef<[u8]> + Send + 'static {}

impl<B: AsRef<[u8]> + Send + 'static> WriteBuf for B {}

/// A buffer to read into: anything that owns bytes.
///
/// `Vec<u8>`, `Box<[u8]>`, `[u8; N]`, [`AlignedBuf`](crate::AlignedBuf), and whatever else is
/// `AsMut<[u8]>`. As many bytes are read as it has: of a `Vec`, its length, not its capacity.
pub trait ReadBuf: AsMut<[u8]> + Send + 'static {}

impl<B: AsMut<[u8]> + Send + 'static> ReadBuf for B {}
