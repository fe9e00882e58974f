//! `urn:openid:params:grant-type:ciba` (CIBA Core section 10.1): polls, and polls that are held while the person has not answered.

use core::time::Duration;
use std::time::Instant;

use super::{Granted, Share};
use crate::Server;
use crate::client_auth::Authenticated;
use crate::error::{Refusal, invalid_grant};
use crate::http::{Form, Request};
use crate::reason;
use crate::secret::Digest;
use crate::sender::Sender;
use crate::store::{Poll, Polled, Store};

impl<S: Store> Server<S> {
    pub(crate) async fn ciba(
        &self,
        request: &Request,
        form: &Form,
        authenticated: Authenticated,
        sender: Sender,
    ) -> Result<Granted, Refusal> {
        let key = Digest::of(form.get("auth_req_id").ok_or(reason::AUTH_REQ_ID_MISSING.refusal())?);
        let client = authenticated.client;
        let uses = authenticated.used.into_iter().chain(sender.used).collect();
        let first = Poll { client_id: client.id().to_owned(), uses, is_paced: true };
        let mut polled = self.store.poll_backchannel(key, first, request.now).await?;
        let hold = Duration::from_secs(self.config.backchannel.as_ref().map_or(0, |settings| settings.hold));
        let begun = Instant::now();
        while polled == Polled::Pending && begun.elapsed() < hold && !self.is_stopping() {
            self.held.wait(&key, hold.saturating_sub(begun.elapsed())).await;
            let again = Poll { client_id: client.id().to_owned(), uses: Vec::new(), is_paced: false };
            polled = self.store.poll_backchannel(key, again, self.now()).await?;
        }
        let grant = match polled {
            Polled::Approved(grant) => grant,
            Polled::Pending => return Err(reason::PERSON_PENDING.refusal()),
            Polled::TooSoon => return Err(reason::POLLS_TOO_OFTEN.refusal()),
            Polled::Denied => return Err(reason::PERSON_REFUSED.refusal()),
            Polled::Expired => return Err(reason::AUTH_REQ_ID_EXPIRED.refusal()),
            Polled::Unknown => return Err(invalid_grant("auth_req_id is unknown, another client's, or was redeemed before")),
        };
        let share = Share {
            scope: grant.scope.clone(),
            resources: grant.resources.clone(),
            nonce: None,
            shows_grant: false,
            with_refresh_token: client.may_use("refresh_token"),
            grant: &grant,
        };
        self.issue(&client, share, sender.confirmation, self.now()).await
    }
}
