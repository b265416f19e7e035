//! Log-in on web pages: where to send the browser, what to do with the code that comes back.
//!
//! ```
//! # mod xinqiao { pub use ::xinqiao_client::*; pub use ::xinqiao_types as types; }
//! use xinqiao::oauth::{Authorize, Scope, Site};
//!
//! let url = Authorize::new(Site::OfficialAccount, "wx0123456789abcdef", "https://h5.example.com/back")
//!     .scope(Scope::UserInfo)
//!     .state("a1")
//!     .domains(["h5.example.com"])
//!     .url()?;
//! assert!(url.starts_with("https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx0123"));
//! assert!(url.ends_with("&scope=snsapi_userinfo&state=a1#wechat_redirect"));
//! # Ok::<(), xinqiao_client::Error>(())
//! ```
//!
//! A code works once and for five minutes (ten for websites and mobile apps), but browsers ask twice:
//! after a refresh, after the back button, in two tabs. [`Exchange`] gives the same answer to all of them.
//!
//! Source: pages `page.connect.*` and `page.work.*` of the catalog, `open_platform.sns.*`.

mod authorize;
mod exchange;
mod work;

pub use self::{
    authorize::{Authorize, Scope, Site},
    exchange::{CodeFault, Exchange, LogIn, UserInfo, code_fault, exchange, userinfo},
    work::{Member, Visitor, member, visitor},
};
