//! The endpoints, each in five sentences: parse, authenticate, bind, redeem, issue.

mod backchannel;
mod grants;
mod introspect;
mod metadata;
mod par;
mod register;
mod resource;
mod revoke;
mod split_tokens;
mod token;
mod userinfo;

pub(crate) use self::backchannel::key_of;
pub(crate) use self::par::REQUEST_URI;
