//! The endpoints, each in five sentences: parse, authenticate, bind, redeem, issue.

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

pub(crate) use self::par::REQUEST_URI;
