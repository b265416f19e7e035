//! What every server of ours shares: listeners, limits, graceful drain, the origin guard, event streams,
//! outbound posts, static assets, headers of a connection, whose request it is and which refusals are logged.
//!
//! Refuses to know anything about WeChat: no signature, no token, no account appears here. Refuses to follow
//! redirects and to call an address that the caller's list does not name.
//!
//! Must always hold: every read from the network has a size limit and a time limit; a listener that cannot be
//! opened says which port and why; a drained server has answered what it accepted, or says how many it dropped.

mod assets;
mod body;
mod cidr;
mod event_stream;
mod hop_by_hop;
mod listen;
mod origin_guard;
mod outbound;
mod peer;
mod refusal_log;
mod serve;

#[doc(hidden)]
pub use self::peer::vouched;
pub use self::{
    assets::{Asset, Assets, assets_router, content_type},
    body::{BodyError, BodyLimit, read_body},
    cidr::{Cidr, CidrError, CidrList},
    event_stream::{EventLog, Item, Subscription, Text},
    hop_by_hop::remove_hop_by_hop,
    listen::{ListenError, Listener, listen, listen_block},
    origin_guard::{
        OriginGuard, Trespass, guard, host_name, is_cross_site, json_only, own_names_only,
    },
    outbound::{Outbound, OutboundError, OutboundRequest, OutboundResponse, post_callback},
    peer::{peer_in, peer_network, peer_of},
    refusal_log::{RefusalLog, RefusalSum},
    serve::{BodyBudget, DropConnection, Limits, Respond, ServeReport, serve, serve_with},
};
