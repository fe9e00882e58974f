//! The server in process, with a clock that stands still: every module of the OpenID Foundation's FAPI 2.0 plan, and every attack.

mod attacks;
mod ciba;
mod ciba_load;
mod ciba_people;
mod crash;
mod dpop_negative;
mod encryption;
mod fapi1;
mod fapi2;
mod fapi2_par;
mod floods;
mod formats;
mod gateway;
mod message_signing;
mod named_attacks;
mod party;
mod people;
mod postgres;
mod publish;
mod sockets;
mod store;
mod tls;
mod world;
