//! Lists that come in pages, as streams of pages and of items.
//!
//! By which fields one goes on stands in the catalog ([`Paged`]); here it is done. A walk ends where the platform says
//! so: by its flag, by a cursor that is empty, by the number of all items, or by a page without any.
//!
//! Invariants: a walk always ends: a cursor or a page that comes twice is an error; an error is given out and ends the
//! walk; nothing is asked for before it is wanted.

use std::{
    collections::{HashSet, VecDeque},
    fmt,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::Stream;
use serde_json::Value;
use xinqiao_catalog::rules::retry::Policy;
use xinqiao_types::AccessToken;
use xinqiao_wire::{Advance, Listed, Paged, Paging, Record, paging};

use crate::{
    call::{Call, answer},
    client::Client,
    error::Error,
    transport::BoxFuture,
};

impl Client {
    /// The pages of a list, from the one that the request asks for to the last, as a stream.
    ///
    /// ```no_run
    /// # async fn f<E: xinqiao_client::Paged>(
    /// #     client: xinqiao_client::Client, request: E,
    /// # ) -> Result<(), xinqiao_client::Error> {
    /// let mut pages = client.pages(request);
    /// while let Some(page) = pages.next().await {
    ///     println!("{:?}", page?);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn pages<E: Paged>(&self, request: E) -> Pages<E> {
        Pages {
            walk: Some(Box::new(Walk::new(self.send(request)))),
            asked: None,
        }
    }

    /// The items of a list that comes in pages, one by one, as a stream; [`Items::all`] gathers them.
    pub fn items<E: Listed>(&self, request: E) -> Items<E> {
        Items {
            pages: self.pages(request),
            held: VecDeque::new(),
        }
    }
}

/// A walk's answer for a page, with the walk.
type Asked<E> = BoxFuture<
    'static,
    (
        Box<Walk<E>>,
        Option<Result<<E as xinqiao_wire::Endpoint>::Response, Error>>,
    ),
>;

/// The pages of a list ([`Client::pages`]). A stream, and [`Self::next`] for those who need no other of its methods.
///
/// Cancel safety: dropping what [`Self::next`] gives loses no page; the next call goes on waiting for it.
#[must_use = "pages are asked for when they are wanted"]
pub struct Pages<E: Paged> {
    /// Where it stands, unless a page is under way.
    walk: Option<Box<Walk<E>>>,
    asked: Option<Asked<E>>,
}

/// The items of a list that comes in pages ([`Client::items`]).
///
/// Cancel safety: as [`Pages`].
#[must_use = "items are asked for when they are wanted"]
pub struct Items<E: Listed> {
    pages: Pages<E>,
    held: VecDeque<E::Item>,
}

impl<E: Paged> fmt::Debug for Pages<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pages({})", E::INFO.id)
    }
}

impl<E: Listed> fmt::Debug for Items<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Items({}, {} held)", E::INFO.id, self.held.len())
    }
}

impl<E: Paged> Pages<E> {
    fn with(mut self, set: impl FnOnce(Call<E>) -> Call<E>) -> Self {
        if let Some(walk) = &mut self.walk
            && let Some(call) = walk.call.take()
        {
            walk.call = Some(set(call));
        }
        self
    }

    /// As [`Call::timeout`], for each page.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|call| call.timeout(timeout))
    }

    /// As [`Call::policy`], for each page.
    pub fn policy(self, policy: Policy) -> Self {
        self.with(|call| call.policy(policy))
    }

    /// As [`Call::once`], for each page.
    pub fn once(self) -> Self {
        self.policy(Policy::NEVER)
    }

    /// As [`Call::token`], for each page.
    pub fn token(self, token: impl Into<AccessToken>) -> Self {
        self.with(|call| call.token(token))
    }

    /// As [`Call::limit`], for each page.
    pub fn limit(self, bytes: u64) -> Self {
        self.with(|call| call.limit(bytes))
    }

    /// The request for the next page: with it the walk can go on later, in another process too. None after the last
    /// page, and while a page is under way.
    pub fn request(&self) -> Option<&E> {
        let walk = self.walk.as_ref()?;
        walk.call.as_ref().map(|call| &call.request)
    }

    /// The next page, none after the last.
    pub async fn next(&mut self) -> Option<Result<E::Response, Error>> {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<E::Response, Error>>> {
        if let Some(walk) = self.walk.take() {
            self.asked = Some(Box::pin(walk.step()));
        }
        let Some(asked) = &mut self.asked else {
            return Poll::Ready(None);
        };
        let (walk, page) = ready!(asked.as_mut().poll(context));
        self.asked = None;
        self.walk = Some(walk);
        Poll::Ready(page)
    }
}

impl<E: Paged> Stream for Pages<E> {
    type Item = Result<E::Response, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(context)
    }
}

impl<E: Listed> Items<E> {
    /// As [`Call::timeout`], for each page.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.pages = self.pages.timeout(timeout);
        self
    }

    /// As [`Call::policy`], for each page.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.pages = self.pages.policy(policy);
        self
    }

    /// As [`Call::token`], for each page.
    pub fn token(mut self, token: impl Into<AccessToken>) -> Self {
        self.pages = self.pages.token(token);
        self
    }

    /// The next item, none after the last.
    pub async fn next(&mut self) -> Option<Result<E::Item, Error>> {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    /// All items that are left.
    ///
    /// # Errors
    /// A page could not be had; what came before is lost. Use [`Self::next`] to keep it.
    pub async fn all(mut self) -> Result<Vec<E::Item>, Error> {
        let mut all = Vec::from(std::mem::take(&mut self.held));
        while let Some(page) = self.pages.next().await {
            all.extend(E::items(page?));
        }
        Ok(all)
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<E::Item, Error>>> {
        loop {
            if let Some(item) = self.held.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            match ready!(self.pages.poll(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(page)) => self.held = E::items(page).into(),
            }
        }
    }
}

impl<E: Listed + Unpin> Stream for Items<E>
where
    E::Item: Unpin,
{
    type Item = Result<E::Item, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(context)
    }
}

/// Where a walk stands.
struct Walk<E> {
    /// The call for the next page; none after the last.
    call: Option<Call<E>>,
    course: Course,
}

impl<E: Paged> Walk<E> {
    fn new(call: Call<E>) -> Self {
        let course = Course::new(E::PAGING, &call.request);
        Self {
            call: Some(call),
            course,
        }
    }

    /// Asks for one page. Not more than this is compiled anew for each endpoint.
    async fn step(mut self: Box<Self>) -> (Box<Self>, Option<Result<E::Response, Error>>) {
        let Some(mut call) = self.call.take() else {
            let broken = self.course.broken.take();
            return (self, broken.map(Err));
        };
        let mut page = E::Response::default();
        let how = (&call.options, call.keep);
        if let Err(error) = answer(&call.client, &call.request, E::INFO, how, &mut page).await {
            return (self, Some(Err(error)));
        }
        match self.course.advance(E::INFO.id, &mut call.request, &page) {
            Ok(true) => self.call = Some(call),
            Ok(false) => {}
            // The page itself is good, and what is wrong with it shows only when one wants to go on.
            Err(error) => self.course.broken = Some(error),
        }
        (self, Some(Ok(page)))
    }
}

/// What is remembered from page to page.
struct Course {
    paging: &'static Paging,
    /// Hashes of cursors, or of the last page.
    seen: HashSet<u64>,
    /// How many items came so far, and how many pages.
    items: i64,
    pages: i64,
    /// Why one cannot go on.
    broken: Option<Error>,
}

impl Course {
    fn new(paging: &'static Paging, request: &dyn Record) -> Self {
        let mut seen = HashSet::new();
        let begin = paging::get(request, paging.at).map(|value| plain(&value));
        if paging.advance == Advance::Cursor
            && let Some(begin) = begin.filter(|begin| !begin.is_empty())
        {
            seen.insert(hash(&begin));
        }
        Self {
            paging,
            seen,
            items: 0,
            pages: 0,
            broken: None,
        }
    }

    /// Sets the request for the page after `page`; says whether there is one.
    fn advance(
        &mut self,
        endpoint: &'static str,
        request: &mut dyn Record,
        page: &dyn Record,
    ) -> Result<bool, Error> {
        let paging = self.paging;
        let stuck = |path: &str, reason: &str| Error::Decode {
            endpoint,
            path: path.into(),
            source: reason.into(),
        };
        let number = |path: &str| paging::get(page, path).and_then(|value| whole(&value));
        let count: usize = paging
            .lists
            .iter()
            .map(|list| paging::count(page, list))
            .sum();
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.items += count;
        self.pages += 1;
        let flag = |path: &str| paging::get(page, path).map(|value| is_true(&value));
        let more = flag(paging.more).or_else(|| flag(paging.end).map(|end| !end));
        if more == Some(false) {
            return Ok(false);
        }
        let next = match paging.advance {
            Advance::Cursor => {
                let next = paging::get(page, paging.next).unwrap_or_default();
                let text = plain(&next);
                if text.is_empty() {
                    return match more {
                        Some(true) => Err(stuck(paging.next, "is empty, although there is more")),
                        _ => Ok(false),
                    };
                }
                // A `next_cursor` is empty after the last page; any other cursor may come again with an empty page.
                let is_trusted = more.is_some() || paging.next.ends_with("next_cursor");
                if count == 0 && !is_trusted {
                    return Ok(false);
                }
                if !self.seen.insert(hash(&text)) {
                    return Err(stuck(paging.next, "came before: the list would never end"));
                }
                next
            }
            Advance::Offset | Advance::Page { .. } => {
                if count == 0 {
                    return match more {
                        Some(true) => {
                            Err(stuck(paging.lists[0], "is empty, although there is more"))
                        }
                        _ => Ok(false),
                    };
                }
                let lists = paging
                    .lists
                    .iter()
                    .filter_map(|list| paging::get(page, list));
                let content: String = lists.map(|list| list.to_string()).collect();
                if std::mem::replace(&mut self.seen, HashSet::from([hash(&content)]))
                    .contains(&hash(&content))
                {
                    return Err(stuck(
                        paging.lists[0],
                        "came before: the list would never end",
                    ));
                }
                let now = paging::get(request, paging.at).and_then(|value| whole(&value));
                let total = number(paging.total).filter(|total| *total > 0);
                if let Advance::Page { first } = paging.advance {
                    let pages = number(paging.pages).filter(|pages| *pages > 0);
                    let now = now.unwrap_or(first);
                    let is_last = pages.is_some_and(|pages| now - first.min(now) + 1 >= pages);
                    if is_last || total.is_some_and(|total| self.items >= total) {
                        return Ok(false);
                    }
                    (now + 1).into()
                } else {
                    let now = now.unwrap_or(0);
                    let told = number(paging.next).filter(|next| *next > now);
                    let next = told.unwrap_or(now.saturating_add(count));
                    if more.is_none() && total.is_some_and(|total| next >= total) {
                        return Ok(false);
                    }
                    next.into()
                }
            }
        };
        let set = paging::set(request, paging.at, &next);
        set.map(|()| true).map_err(|error| Error::Decode {
            endpoint,
            path: paging.at.into(),
            source: error.into(),
        })
    }
}

/// A cursor as a text; one that is none is empty.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) if number.as_i64() == Some(0) => String::new(),
        other => other.to_string(),
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::String(text) => !matches!(text.as_str(), "" | "0" | "false"),
        other => whole(other) != Some(0),
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
