//! Files that are read while they are sent.
//!
//! Invariants: a file is never held in memory; its length is known before the first byte leaves and is
//! kept to; a path can be sent again, a reader only once.

use std::{
    any::Any,
    fmt,
    io::{self, SeekFrom},
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::{Bytes, BytesMut};
use tokio::{
    fs::File,
    io::{AsyncRead, AsyncReadExt as _, AsyncSeekExt as _},
};
use xinqiao_wire::{FilePart, file::FileSource};

/// How many of a file's first bytes are looked at.
pub(crate) const HEAD: usize = 64;
/// How many bytes are read at once.
const CHUNK: usize = 64 << 10;

type Reader = Pin<Box<dyn AsyncRead + Send>>;

/// A file to upload that is read while it is sent. It goes wherever a [`FilePart`] goes.
///
/// ```no_run
/// # mod xinqiao { pub use ::xinqiao_client::*; pub use ::xinqiao_types as types; }
/// # async fn f(client: xinqiao_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use serde_json::json;
/// use xinqiao::Upload;
///
/// let film = Upload::open("桥.mp4").await?;
/// let answer = client
///     .call("official_account.media.upload", json!({"type": "video"}))
///     .file("media", film)
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Upload {
    file_name: String,
    content: Arc<Content>,
}

/// What a part refers to.
struct Content {
    size: u64,
    head: Bytes,
    from: Origin,
}

enum Origin {
    Path(PathBuf),
    /// None once it was sent.
    Reader(Mutex<Option<Reader>>),
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Upload({:?}, {} bytes)",
            self.file_name, self.content.size
        )
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.size)
    }
}

impl FileSource for Content {
    fn size(&self) -> u64 {
        self.size
    }

    fn head(&self) -> &[u8] {
        &self.head
    }
}

impl Upload {
    /// A file on disk, under its own name. It must stay as it is until it was sent; a call that may be
    /// repeated reads it again.
    ///
    /// Cancel safety: nothing happens but lost work.
    ///
    /// # Errors
    /// The file cannot be read, or is no file.
    pub async fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let mut file = File::open(path).await?;
        let about = file.metadata().await?;
        if !about.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
        }
        let head = read_head(&mut file, about.len()).await?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self {
            file_name: name.into_owned(),
            content: Arc::new(Content {
                size: about.len(),
                head,
                from: Origin::Path(path.to_owned()),
            }),
        })
    }

    /// What a reader gives, `size` bytes of it, under a name with extension. It can be sent once: a call
    /// with it is never repeated.
    ///
    /// Cancel safety: the reader may have lost its first bytes.
    ///
    /// # Errors
    /// The reader's, or it ends before the first bytes are there.
    pub async fn from_reader(
        file_name: impl Into<String>,
        size: u64,
        reader: impl AsyncRead + Send + 'static,
    ) -> io::Result<Self> {
        let mut reader: Reader = Box::pin(reader);
        let head = read_head(&mut reader, size).await?;
        Ok(Self {
            file_name: file_name.into(),
            content: Arc::new(Content {
                size,
                head,
                from: Origin::Reader(Mutex::new(Some(reader))),
            }),
        })
    }

    /// With another name than its own.
    #[must_use]
    pub fn named(mut self, file_name: impl Into<String>) -> Self {
        self.file_name = file_name.into();
        self
    }

    /// Length in bytes.
    pub fn size(&self) -> u64 {
        self.content.size
    }
}

impl From<Upload> for FilePart {
    fn from(upload: Upload) -> Self {
        FilePart::from_source(upload.file_name, upload.content)
    }
}

async fn read_head(reader: &mut (impl AsyncRead + Unpin), size: u64) -> io::Result<Bytes> {
    let count = usize::try_from(size).map_or(HEAD, |size| size.min(HEAD));
    let mut head = vec![0; count];
    reader.read_exact(&mut head).await?;
    Ok(head.into())
}

/// The content of a part that is not in memory.
#[derive(Debug, Clone)]
pub(crate) struct Source(Arc<Content>);

impl Source {
    /// The source of a part, if it is one of ours.
    pub(crate) fn of(source: &Arc<dyn FileSource>) -> Option<Self> {
        let any: Arc<dyn Any + Send + Sync> = Arc::clone(source) as _;
        any.downcast::<Content>().ok().map(Self)
    }

    pub(crate) fn size(&self) -> u64 {
        self.0.size
    }

    /// Whether it can be sent a second time.
    pub(crate) fn is_repeatable(&self) -> bool {
        matches!(self.0.from, Origin::Path(_))
    }

    /// Begins to read.
    pub(crate) async fn begin(&self) -> io::Result<Reading> {
        let (reader, head) = match &self.0.from {
            Origin::Path(path) => {
                let mut file = File::open(path).await?;
                file.seek(SeekFrom::Start(self.0.head.len() as u64)).await?;
                (Box::pin(file) as Reader, &self.0.head)
            }
            Origin::Reader(reader) => {
                let mut held = reader.lock().unwrap_or_else(PoisonError::into_inner);
                let reader = held.take().ok_or_else(|| {
                    io::Error::other("the reader was sent before and cannot be read again")
                })?;
                (reader, &self.0.head)
            }
        };
        Ok(Reading {
            head: Some(head.clone()),
            left: self.0.size - head.len() as u64,
            reader,
        })
    }
}

/// A source that is being read.
pub(crate) struct Reading {
    head: Option<Bytes>,
    left: u64,
    reader: Reader,
}

impl Reading {
    /// The next bytes; none at the end.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if let Some(head) = self.head.take().filter(|head| !head.is_empty()) {
            return Ok(Some(head));
        }
        if self.left == 0 {
            return Ok(None);
        }
        let count = usize::try_from(self.left).map_or(CHUNK, |left| left.min(CHUNK));
        let mut chunk = BytesMut::with_capacity(count);
        let mut reader = (&mut self.reader).take(count as u64);
        let read = reader.read_buf(&mut chunk).await?;
        if read == 0 {
            let text = format!("the file ends {} bytes before its length", self.left);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
        }
        self.left -= read as u64;
        Ok(Some(chunk.freeze()))
    }
}
