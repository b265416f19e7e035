//! Answers that are files, while they arrive.
//!
//! Invariants: an error that comes instead of the file is never given out as the file; a file that ends
//! early, or is not the one that was signed, is an error at its end; [`FileStream::save`] leaves no file
//! that is not whole.

use std::{
    collections::VecDeque,
    fmt, io,
    path::{Path, PathBuf},
};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use xinqiao_crypto::{Hex, pay_v3::VerifyError};
use xinqiao_wire::{Download, response};

use crate::{
    answer::Answer,
    error::Error,
    execute::Prepared,
    transport::{Arriving, Chunks, Incoming, TransportError, too_large},
};

/// How many bytes a file may have unless the caller says otherwise.
pub(crate) const LARGEST: u64 = 1 << 30;

/// A file that is still arriving.
///
/// Dropping it abandons the download.
pub struct FileStream {
    endpoint: &'static str,
    host: &'static str,
    about: Answer,
    size: Option<u64>,
    /// What was looked at already.
    held: VecDeque<Bytes>,
    rest: Option<Box<dyn Chunks>>,
    taken: u64,
    limit: u64,
    expected: Option<(Sha1, String)>,
}

impl fmt::Debug for FileStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStream")
            .field("endpoint", &self.endpoint)
            .field("content_type", &self.content_type())
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}

impl FileStream {
    /// The media type as the platform says, or nothing.
    pub fn content_type(&self) -> &str {
        self.about.content_type()
    }

    /// The name of the file, if the platform gave one; never with a folder.
    pub fn file_name(&self) -> Option<String> {
        self.about.file_name()
    }

    /// Length in bytes, if the platform told it.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Headers of the answer.
    pub fn headers(&self) -> &HeaderMap {
        &self.about.headers
    }

    /// The next bytes; none at the end of a file that is whole.
    ///
    /// Cancel safety: no bytes are lost.
    ///
    /// # Errors
    /// The connection broke, the file is longer than the limit, or it is not the one that was signed.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let chunk = match self.held.pop_front() {
            Some(chunk) => Some(chunk),
            None => match &mut self.rest {
                Some(rest) => rest.next().await.map_err(|error| self.broken(error))?,
                None => None,
            },
        };
        let Some(chunk) = chunk else {
            self.rest = None;
            return self.end().map(|()| None);
        };
        self.taken += chunk.len() as u64;
        if self.taken > self.limit {
            return Err(self.broken(too_large(self.limit)));
        }
        if let Some((hash, _)) = &mut self.expected {
            hash.update(&chunk);
        }
        Ok(Some(chunk))
    }

    /// Writes the file; gives its length. If this fails, what was written is not the file.
    ///
    /// Cancel safety: part of the file may have been written.
    ///
    /// # Errors
    /// As [`Self::chunk`], or the writer's.
    pub async fn to(mut self, writer: &mut (impl AsyncWrite + Unpin)) -> Result<u64, Error> {
        while let Some(chunk) = self.chunk().await? {
            let written = writer.write_all(&chunk).await;
            written.map_err(|error| self.unwritten(error))?;
        }
        let flushed = writer.flush().await;
        flushed.map_err(|error| self.unwritten(error))?;
        Ok(self.taken)
    }

    /// Saves the file under a path; gives its length. It is written beside the path, under its name with
    /// `.part`, and takes the path when it is whole: a file that was there before is replaced.
    ///
    /// Cancel safety: the path is untouched; the `.part` may stay.
    ///
    /// # Errors
    /// As [`Self::chunk`], or the disk's. The path is then untouched, and no `.part` stays.
    pub async fn save(self, path: impl AsRef<Path>) -> Result<u64, Error> {
        let path = path.as_ref();
        let part = part_of(path);
        let endpoint = self.endpoint;
        let unwritten = |source| Error::Write { endpoint, source };
        let mut file = tokio::fs::File::create(&part).await.map_err(unwritten)?;
        let saved = async {
            let size = self.to(&mut file).await?;
            file.sync_all().await.map_err(unwritten)?;
            drop(file);
            tokio::fs::rename(&part, path).await.map_err(unwritten)?;
            Ok(size)
        };
        let saved = saved.await;
        if saved.is_err() {
            // What is reported is why there is no file, not that it could not be cleaned up.
            let _ = tokio::fs::remove_file(&part).await;
        }
        saved
    }

    /// The file in memory.
    ///
    /// Cancel safety: the download is abandoned.
    ///
    /// # Errors
    /// As [`Self::chunk`].
    pub async fn download(self) -> Result<Download, Error> {
        self.into_answer().await.map(Answer::into_download)
    }

    /// How many bytes are taken.
    pub(crate) fn limit(mut self, bytes: u64) -> Result<Self, Error> {
        self.limit = bytes;
        match self.size {
            Some(size) if size > bytes => Err(self.broken(too_large(bytes))),
            _ => Ok(self),
        }
    }

    pub(crate) async fn into_answer(mut self) -> Result<Answer, Error> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            body: body.freeze(),
            ..self.about
        })
    }

    /// A file that is there.
    pub(crate) fn whole(mut answer: Answer) -> Self {
        let body = std::mem::take(&mut answer.body);
        Self {
            endpoint: answer.endpoint,
            host: "",
            size: Some(body.len() as u64),
            about: answer,
            held: [body].into_iter().filter(|body| !body.is_empty()).collect(),
            rest: None,
            taken: 0,
            limit: u64::MAX,
            expected: None,
        }
    }

    /// The bytes must have this SHA-1, in hexadecimal digits.
    pub(crate) fn expect_sha1(&mut self, digits: String) {
        self.expected = Some((Sha1::new(), digits));
    }

    /// Waits for all of it.
    pub(crate) async fn collect(mut self, limit: u64) -> Result<Incoming, TransportError> {
        let mut body = BytesMut::new();
        for chunk in &self.held {
            body.extend_from_slice(chunk);
        }
        if let Some(rest) = &mut self.rest {
            while let Some(chunk) = rest.next().await? {
                if (body.len() + chunk.len()) as u64 > limit {
                    return Err(too_large(limit));
                }
                body.extend_from_slice(&chunk);
            }
        }
        Ok(Incoming {
            status: self.about.status,
            headers: self.about.headers,
            body: body.freeze(),
        })
    }

    /// Whether the file is the one that was signed.
    fn end(&mut self) -> Result<(), Error> {
        let Some((hash, wanted)) = self.expected.take() else {
            return Ok(());
        };
        let found = Hex::<40>::from(<[u8; 20]>::from(hash.finalize()));
        if found.as_str().eq_ignore_ascii_case(&wanted) {
            return Ok(());
        }
        Err(Error::Signature {
            endpoint: self.endpoint,
            source: VerifyError::Mismatch,
        })
    }

    fn unwritten(&self, source: io::Error) -> Error {
        let endpoint = self.endpoint;
        Error::Write { endpoint, source }
    }

    fn broken(&self, error: TransportError) -> Error {
        Error::Transport {
            endpoint: self.endpoint,
            host: self.host.into(),
            reason: error.reason,
            source: error.source,
            sent: error.sent,
        }
    }
}

/// The first byte behind blanks and a byte order mark, which may come in pieces.
fn first(held: &VecDeque<Bytes>) -> Option<u8> {
    let mut bytes = held.iter().flat_map(|chunk| chunk.iter().copied());
    bytes.find(|byte| !byte.is_ascii_whitespace() && !matches!(byte, 0xef | 0xbb | 0xbf))
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

/// Looks at how an answer begins: a file goes on arriving; a failure, and what may be one, is waited for.
pub(crate) async fn begin(
    request: &Prepared,
    arriving: Arriving,
    limit: u64,
) -> Result<Result<Incoming, FileStream>, TransportError> {
    let Arriving {
        status,
        headers,
        body,
    } = arriving;
    let length = headers.get(http::header::CONTENT_LENGTH);
    let size = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let about = Answer {
        endpoint: request.envelope.endpoint,
        status,
        headers,
        body: Bytes::new(),
    };
    let mut stream = FileStream {
        endpoint: request.envelope.endpoint,
        host: request.host,
        about,
        size,
        held: VecDeque::new(),
        rest: Some(body),
        taken: 0,
        limit: u64::MAX,
        expected: None,
    };
    if !response::is_file(request.envelope.answer) || !(200..300).contains(&status) {
        return stream.collect(limit).await.map(Ok);
    }
    let mut held = 0;
    let mut may_fail = None;
    while let Some(rest) = &mut stream.rest {
        let Some(chunk) = rest.next().await? else {
            stream.rest = None;
            break;
        };
        held += chunk.len();
        stream.held.push_back(chunk);
        // An error is JSON, or XML in the second generation of the payment interface.
        may_fail =
            may_fail.or_else(|| first(&stream.held).map(|first| matches!(first, b'{' | b'<')));
        if may_fail == Some(false) || held > response::LONGEST_OBJECT {
            break;
        }
    }
    if stream.rest.is_none() && may_fail != Some(false) {
        return stream.collect(limit).await.map(Ok);
    }
    Ok(Err(stream))
}
