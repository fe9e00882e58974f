//! PostgreSQL: for several servers. A move is one statement and so one transaction; one that ends a grant is two.
//!
//! A statement sees the database as it was when it began, and waits for rows that others are changing. So what a move decides on is
//! what it changes or locks itself, and what it returns; locks are taken in one order: uses, the grant, its tokens.

use std::path::Path;
use std::sync::Arc;

use counterfoil::UnixTime;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::database::{Database, Values, column};
use super::together::{Addition, NewRequest, Together};
use super::{
    Answer, BackchannelRequest, Grant, IssuedToken, Move, NewCode, Poll, Polled, Publication, PublicationKind, PushedRequest, Redeemed,
    Session, Standing, Store, StoreError, StoredClient, Use, User,
};
use crate::secret::Digest;

/// How many publications get their places in one turn.
const PLACED_TOGETHER: i64 = 1000;
/// At most so many rows of each table are swept at a time, so that nobody waits long.
const SWEPT_TOGETHER: usize = 1000;

/// What may be used up, where none of it was: what has expired and was not swept yet is not in the way.
macro_rules! use_up {
    ($from:literal, $condition:literal) => {
        concat!(
            "INSERT INTO used (key, expires_at)
             SELECT fresh.key, fresh.until FROM ",
            $from,
            "unnest($1::BYTEA[], $2::BIGINT[]) AS fresh (key, until) ",
            $condition,
            " ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at WHERE used.expires_at < $3 RETURNING key"
        )
    };
}

/// A statement that uses up $1 until $2 at the time $3, and then does the rest where `good` has a row.
/// Where only half could be used up, the division by zero undoes it, and the move is tried again.
macro_rules! spending {
    ($rest:expr, $columns:expr) => {
        concat!(
            "WITH already AS (SELECT key FROM used WHERE key = ANY($1::BYTEA[]) AND expires_at >= $3::BIGINT), spent AS (",
            use_up!("", "WHERE NOT EXISTS (SELECT 1 FROM already)"),
            "), tally AS (SELECT count(*) AS spent, coalesce(array_length($1::BYTEA[], 1), 0) AS wanted FROM spent),
             good AS (SELECT 1 AS yes FROM tally WHERE spent = wanted) ",
            $rest,
            " SELECT CASE WHEN EXISTS (SELECT 1 FROM good) THEN NULL
                     ELSE coalesce((SELECT key FROM already LIMIT 1), ($1::BYTEA[])[1]) END AS replayed,
                     (SELECT 1 / CASE WHEN spent IN (0, wanted) THEN 1 ELSE 0 END FROM tally) AS whole",
            $columns
        )
    };
}

/// A statement that ends the grants that `doomed` has; [`END_TOKENS`] must follow when it has their locks.
macro_rules! ending {
    ($doomed:literal, $rest:literal, $done:literal) => {
        spending!(
            concat!(
                ", doomed AS (",
                $doomed,
                "), ended AS (UPDATE consent SET revoked_at = $3
                   WHERE id IN (SELECT id FROM doomed) AND revoked_at IS NULL)",
                $rest
            ),
            concat!(", (SELECT coalesce(array_agg(id), '{}'::TEXT[]) FROM doomed) AS passed, ", $done, " AS done")
        )
    };
}

const SPEND: &str = spending!("", "");

/// Redeems, and uses up what came with it. Brings no row where it is not the first time, or something was used before.
const REDEEM_FIRST: &str = concat!(
    "WITH already AS (SELECT key FROM used WHERE key = ANY($1::BYTEA[]) AND expires_at >= $3::BIGINT),
     first AS (UPDATE code SET redeemed_at = $3
        WHERE key = $4 AND redeemed_at IS NULL AND good_until > $3 AND NOT EXISTS (SELECT 1 FROM already) RETURNING body), spent AS (",
    use_up!("first, ", ""),
    ") SELECT body, 1 / CASE WHEN (SELECT count(*) FROM spent) = coalesce(array_length($1::BYTEA[], 1), 0) THEN 1 ELSE 0 END AS whole
       FROM first"
);

/// After the grants' locks are had, a statement of its own: one that waited for them does not see what was issued meanwhile.
const END_TOKENS: &str = "WITH gone AS (DELETE FROM refresh_token WHERE grant_id = ANY($1::TEXT[])),
     revoked AS (UPDATE access_token SET revoked_at = $2 WHERE grant_id = ANY($1::TEXT[]) AND revoked_at IS NULL RETURNING key, expires_at)
     INSERT INTO publication (kind, key, expires_at) SELECT 'revoke', key, expires_at FROM revoked WHERE expires_at > $2::BIGINT";

/// FOR SHARE: a revocation waits until this is committed, or this waits and sees the revocation.
const SAVE_ISSUED: &str = spending!(
    ", alive AS (SELECT id FROM consent
        WHERE id = $5 AND revoked_at IS NULL AND expires_at > $3 AND EXISTS (SELECT 1 FROM good) FOR SHARE),
     fine AS (SELECT 1 AS yes FROM good WHERE $5::TEXT IS NULL OR EXISTS (SELECT 1 FROM alive)),
     token AS (INSERT INTO access_token (key, client_id, grant_id, claims, counterfoil, expires_at)
        SELECT $4::BYTEA, $6::TEXT, $5::TEXT, $7::TEXT, $8::TEXT, $9::BIGINT FROM fine),
     told AS (INSERT INTO publication (kind, key, counterfoil, expires_at)
        SELECT 'publish', $4::BYTEA, $8::TEXT, $9::BIGINT FROM fine WHERE $8::TEXT IS NOT NULL),
     renewal AS (INSERT INTO refresh_token (key, client_id, grant_id, expires_at)
        SELECT $10::BYTEA, $6::TEXT, $5::TEXT, $11::BIGINT FROM fine WHERE $10::BYTEA IS NOT NULL)",
    ", EXISTS (SELECT 1 FROM fine) AS done"
);

const APPROVE: &str = "WITH taken AS (DELETE FROM pushed_request WHERE key = $1 AND expires_at > $2 RETURNING key),
     granted AS (INSERT INTO consent (id, client_id, subject, body, expires_at)
        SELECT $3::TEXT, $4::TEXT, $5::TEXT, $6::TEXT, $7::BIGINT FROM taken
        ON CONFLICT (id) DO UPDATE SET body = excluded.body, expires_at = excluded.expires_at),
     coded AS (INSERT INTO code (key, grant_id, body, good_until, expires_at)
        SELECT $8::BYTEA, $3::TEXT, $9::TEXT, $10::BIGINT, $11::BIGINT FROM taken)
     SELECT EXISTS (SELECT 1 FROM taken) AS done";

const REVOKE_ACCESS_TOKEN: &str = spending!(
    ", revoked AS (INSERT INTO access_token (key, client_id, grant_id, expires_at, revoked_at)
        SELECT $4::BYTEA, $5::TEXT, $6::TEXT, $7::BIGINT, $3::BIGINT FROM good
        ON CONFLICT (key) DO UPDATE SET revoked_at = excluded.revoked_at WHERE access_token.revoked_at IS NULL RETURNING key),
     told AS (INSERT INTO publication (kind, key, expires_at) SELECT 'revoke', key, $7::BIGINT FROM revoked)",
    ""
);

const BEGIN_BACKCHANNEL: &str = spending!(
    ", room AS (SELECT 1 AS yes FROM good WHERE $11::BIGINT > (SELECT count(*) FROM backchannel_request
        WHERE subject = $6 AND client_id = $5 AND state = 'pending' AND good_until > $3)),
     begun AS (INSERT INTO backchannel_request
            (key, client_id, subject, body, state, pause, next_poll, hurried, good_until, expires_at)
        SELECT $4::BYTEA, $5::TEXT, $6::TEXT, $7::TEXT, 'pending', $8::BIGINT, 0, FALSE, $9::BIGINT, $10::BIGINT FROM room)",
    ", EXISTS (SELECT 1 FROM room) AS done"
);

const DECIDE_BACKCHANNEL: &str = "WITH decided AS (UPDATE backchannel_request SET state = $3::TEXT, granted = $7::TEXT
        WHERE key = $1 AND state = 'pending' AND good_until > $2 RETURNING key),
     granted AS (INSERT INTO consent (id, client_id, subject, body, expires_at)
        SELECT $4::TEXT, $5::TEXT, $6::TEXT, $7::TEXT, $8::BIGINT FROM decided WHERE $4::TEXT IS NOT NULL)
     SELECT EXISTS (SELECT 1 FROM decided) AS done";

/// What it finds is what it has changed, in this row alone: where it has waited for an answer that was being written, it sees no other row of that
/// answer's.
const POLL_BACKCHANNEL: &str = spending!(
    ", polled AS (UPDATE backchannel_request SET
            state = CASE WHEN state = 'approved' AND good_until > $3 THEN 'redeemed' WHEN state = 'redeemed' THEN 'spent' ELSE state END,
            hurried = $6::BOOLEAN AND next_poll > $3,
            pause = pause + CASE WHEN $6::BOOLEAN AND next_poll > $3 THEN 5 ELSE 0 END,
            next_poll = CASE WHEN $6::BOOLEAN THEN $3 - 1 + pause + CASE WHEN next_poll > $3 THEN 5 ELSE 0 END ELSE next_poll END
        WHERE key = $4 AND client_id = $5 AND state <> 'spent' AND EXISTS (SELECT 1 FROM good) RETURNING state, hurried, good_until, granted)",
    ", (SELECT state FROM polled) AS state, (SELECT hurried FROM polled) AS hurried, (SELECT good_until FROM polled) AS good_until,
     (SELECT granted FROM polled) AS body"
);

/// A number from a sequence may become visible after a greater one, and a reader by cursor would miss it. So a publication has no place
/// until it is committed, and who reads gives places to those that have none, one turn at a time: nothing is missed, nobody who issues waits.
const TAKE_TURN: &str = "SELECT last_place AS passed FROM feed FOR UPDATE";
const PLACE: &str = "WITH next AS (SELECT cursor, $1::BIGINT + row_number() OVER (ORDER BY kind, cursor) AS place FROM
        (SELECT cursor, kind FROM publication WHERE place IS NULL ORDER BY cursor LIMIT $2) AS waiting),
     placed AS (UPDATE publication SET place = next.place FROM next WHERE publication.cursor = next.cursor RETURNING publication.place)
     UPDATE feed SET last_place = (SELECT max(place) FROM placed) WHERE EXISTS (SELECT 1 FROM placed)";
const PUBLICATIONS: &str = "SELECT waiting.waits, told.place, told.kind, told.key, told.counterfoil, told.expires_at
     FROM (SELECT EXISTS (SELECT 1 FROM publication WHERE place IS NULL) AS waits) AS waiting LEFT JOIN
        (SELECT place, kind, key, counterfoil, expires_at FROM publication
         WHERE place > $1 AND expires_at > $2 ORDER BY place LIMIT $3) AS told ON TRUE ORDER BY told.place";

/// A store in a PostgreSQL database, which any number of servers share.
#[derive(Debug)]
pub struct Postgres {
    database: Arc<Database>,
    together: Together,
}

/// What is to be used up, as [`spending`] wants it: in the order of the keys, so that no two moves wait for each other.
struct Spending {
    uses: Vec<Use>,
    keys: Vec<Vec<u8>>,
    until: Vec<i64>,
}

impl Spending {
    fn new(mut uses: Vec<Use>) -> Answer<Self> {
        uses.sort_by(|one, other| one.key.as_bytes().cmp(other.key.as_bytes()));
        if let Some(twice) = uses.iter().zip(uses.iter().skip(1)).find(|(one, next)| one.key.as_bytes() == next.key.as_bytes()) {
            return Err(StoreError::Replayed(twice.0.kind));
        }
        let keys = uses.iter().map(|used| used.key.as_bytes().to_vec()).collect();
        let until = uses.iter().map(|used| seconds(used.until)).collect();
        Ok(Self { uses, keys, until })
    }

    /// Whether the move was made.
    fn judge(&self, row: &Row) -> Answer<()> {
        let Some(replayed) = column::<Option<&[u8]>>(row, "replayed")? else { return Ok(()) };
        let used = self.uses.iter().find(|used| used.key.as_bytes() == replayed);
        Err(used
            .map_or_else(|| StoreError::Corrupt("what was used is not what was asked".to_owned()), |used| StoreError::Replayed(used.kind)))
    }
}

impl Postgres {
    /// Connects by a URL as libpq has them, and creates what is missing in the database. With authorities, a file in PEM, it connects by
    /// TLS and the database must have a certificate by one of them for the URL's host; without, it does not connect by TLS.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the URL is none, or the database cannot be reached, or is newer than this program.
    pub async fn open(url: &str, authorities: Option<&Path>, connections: usize) -> Result<Self, StoreError> {
        let database = Arc::new(Database::open(url, authorities, connections).await?);
        Ok(Self { together: Together::start(database.clone()), database })
    }

    /// A move with uses; returns the row that says how it went.
    async fn spend_in(&self, statement: &str, spending: Spending, now: UnixTime, more: Values<'_>) -> Answer<Option<Row>> {
        let now = seconds(now);
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&spending.keys, &spending.until, &now];
        values.extend_from_slice(more);
        let row = self.database.row(statement, &values).await?;
        row.map(|row| spending.judge(&row).map(|()| row)).transpose()
    }

    /// Ends the grants that the statement names, with their tokens.
    async fn end(&self, statement: &str, uses: Vec<Use>, now: UnixTime, more: Values<'_>) -> Answer<Row> {
        let spending = Spending::new(uses)?;
        let now = seconds(now);
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&spending.keys, &spending.until, &now];
        values.extend_from_slice(more);
        let row = self.database.in_turn::<Vec<String>>(statement, &values, END_TOKENS, now).await?;
        spending.judge(&row).map(|()| row)
    }

    /// The column `body` of the row, as the record that it holds.
    async fn record<T: DeserializeOwned>(&self, statement: &str, values: Values<'_>) -> Answer<Option<T>> {
        self.database.row(statement, values).await?.as_ref().map(body).transpose()
    }

    /// As [`Self::record`], by a text that may come from anybody: PostgreSQL refuses texts with a zero in them, and so has none.
    async fn named<T: DeserializeOwned>(&self, statement: &str, name: &str) -> Answer<Option<T>> {
        if name.contains('\0') { Ok(None) } else { self.record(statement, &[&name]).await }
    }

    /// Publications with places after the cursor, and whether others have none yet.
    async fn placed(&self, cursor: u64, most: u32, now: UnixTime) -> Answer<(Vec<Publication>, bool)> {
        let rows = self.database.rows(PUBLICATIONS, &[&seconds(UnixTime(cursor)), &seconds(now), &i64::from(most)]).await?;
        let waits = rows.first().map_or(Ok(false), |row| column(row, "waits"))?;
        Ok((rows.iter().filter_map(|row| publication(row).transpose()).collect::<Answer<_>>()?, waits))
    }
}

pub(super) fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

fn bytes(key: &Digest) -> &[u8] {
    key.as_bytes()
}

fn time(row: &Row, name: &str) -> Answer<UnixTime> {
    let seconds: i64 = column(row, name)?;
    u64::try_from(seconds).map(UnixTime).map_err(|_| StoreError::Corrupt(format!("{name} is before 1970")))
}

fn body<T: DeserializeOwned>(row: &Row) -> Answer<T> {
    serde_json::from_str(column(row, "body")?).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn written(record: &impl Serialize) -> Answer<String> {
    serde_json::to_string(record).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn done(row: Option<&Row>) -> Answer<bool> {
    row.map_or_else(|| Err(StoreError::Corrupt("a move brought no row".to_owned())), |row| column(row, "done"))
}

fn digest(row: &Row) -> Answer<Digest> {
    let key = column::<&[u8]>(row, "key")?.try_into();
    key.map(Digest::from_bytes).map_err(|_| StoreError::Corrupt("a key is no SHA-256".to_owned()))
}

fn publication(row: &Row) -> Answer<Option<Publication>> {
    let Some(place) = column::<Option<i64>>(row, "place")? else { return Ok(None) };
    let kind = match column(row, "kind")? {
        "publish" => PublicationKind::Publish,
        "revoke" => PublicationKind::Revoke,
        other => return Err(StoreError::Corrupt(format!("a publication of kind {other}"))),
    };
    Ok(Some(Publication {
        cursor: u64::try_from(place).map_err(|_| StoreError::Corrupt("a place below 0".to_owned()))?,
        kind,
        key: digest(row)?,
        counterfoil: column(row, "counterfoil")?,
        expires_at: time(row, "expires_at")?.0,
    }))
}

impl Store for Postgres {
    async fn spend(&self, uses: Vec<Use>, now: UnixTime) -> Answer<()> {
        if uses.is_empty() {
            return Ok(());
        }
        let spending = Spending::new(uses)?;
        if self.together.add(Addition { uses: spending.uses.clone(), request: None }).await? {
            return Ok(());
        }
        self.spend_in(SPEND, spending, now, &[]).await.map(drop)
    }

    async fn push_request(&self, key: Digest, request: PushedRequest, uses: Vec<Use>, now: UnixTime) -> Answer<()> {
        const PUSH: &str = spending!(
            ", pushed AS (INSERT INTO pushed_request (key, body, expires_at) SELECT $4::BYTEA, $5::TEXT, $6::BIGINT FROM good)",
            ""
        );
        let (spending, body, expires_at) = (Spending::new(uses)?, written(&request)?, seconds(UnixTime(request.expires_at)));
        let request = NewRequest { key, body: body.clone(), expires_at };
        if self.together.add(Addition { uses: spending.uses.clone(), request: Some(request) }).await? {
            return Ok(());
        }
        self.spend_in(PUSH, spending, now, &[&bytes(&key), &body, &expires_at]).await.map(drop)
    }

    async fn request(&self, key: Digest, now: UnixTime) -> Answer<Option<PushedRequest>> {
        self.record("SELECT body FROM pushed_request WHERE key = $1 AND expires_at > $2", &[&bytes(&key), &seconds(now)]).await
    }

    async fn take_request(&self, key: Digest, now: UnixTime) -> Answer<bool> {
        const TAKE: &str = "DELETE FROM pushed_request WHERE key = $1 AND expires_at > $2 RETURNING key";
        Ok(self.database.row(TAKE, &[&bytes(&key), &seconds(now)]).await?.is_some())
    }

    async fn approve_request(&self, key: Digest, code: NewCode, now: UnixTime) -> Answer<bool> {
        let (body, grant) = (written(&code.code)?, &code.code.grant);
        let (good_until, remembered_until) = (seconds(code.expires_at), seconds(code.remembered_until));
        let (grant_body, expires_at) = (written(grant)?, seconds(UnixTime(grant.expires_at)));
        let of_grant: Values<'_> = &[&grant.id, &grant.client_id, &grant.subject, &grant_body, &expires_at];
        let (key, code_key, now) = (bytes(&key), bytes(&code.key), seconds(now));
        let of_code: Values<'_> = &[&code_key, &body, &good_until, &remembered_until];
        let of_request: Values<'_> = &[&key, &now];
        done(self.database.row(APPROVE, &[of_request, of_grant, of_code].concat()).await?.as_ref())
    }

    async fn begin_backchannel(
        &self,
        key: Digest,
        request: BackchannelRequest,
        interval: u64,
        most: u32,
        uses: Vec<Use>,
        now: UnixTime,
    ) -> Answer<bool> {
        let (body, interval, key) = (written(&request)?, seconds(UnixTime(interval)), bytes(&key));
        let (good_until, expires_at) = (seconds(UnixTime(request.good_until)), seconds(request.remembered_until()));
        let most = i64::from(most);
        let values: Values<'_> = &[&key, &request.client_id, &request.subject, &body, &interval, &good_until, &expires_at, &most];
        done(self.spend_in(BEGIN_BACKCHANNEL, Spending::new(uses)?, now, values).await?.as_ref())
    }

    async fn backchannel_request(&self, key: Digest, now: UnixTime) -> Answer<Option<BackchannelRequest>> {
        const FIND: &str = "SELECT body FROM backchannel_request WHERE key = $1 AND state = 'pending' AND good_until > $2";
        self.record(FIND, &[&bytes(&key), &seconds(now)]).await
    }

    async fn backchannel_requests(&self, subject: String, now: UnixTime) -> Answer<Vec<(Digest, BackchannelRequest)>> {
        const OF_PERSON: &str = "SELECT key, body FROM backchannel_request
             WHERE subject = $1 AND state = 'pending' AND good_until > $2 ORDER BY good_until, key LIMIT 50";
        let rows = self.database.rows(OF_PERSON, &[&subject, &seconds(now)]).await?;
        rows.iter().map(|row| Ok((digest(row)?, body(row)?))).collect()
    }

    async fn decide_backchannel(&self, key: Digest, grant: Option<Grant>, now: UnixTime) -> Answer<bool> {
        let state = if grant.is_some() { "approved" } else { "denied" };
        let grant_body = grant.as_ref().map(written).transpose()?;
        let grant = grant.as_ref();
        let (id, client_id) = (grant.map(|grant| &grant.id), grant.map(|grant| &grant.client_id));
        let (subject, expires_at) = (grant.map(|grant| &grant.subject), grant.map(|grant| seconds(UnixTime(grant.expires_at))));
        let values: Values<'_> = &[&bytes(&key), &seconds(now), &state, &id, &client_id, &subject, &grant_body, &expires_at];
        done(self.database.row(DECIDE_BACKCHANNEL, values).await?.as_ref())
    }

    async fn poll_backchannel(&self, key: Digest, poll: Poll, now: UnixTime) -> Answer<Polled> {
        let values: Values<'_> = &[&bytes(&key), &poll.client_id, &poll.is_paced];
        let Some(row) = self.spend_in(POLL_BACKCHANNEL, Spending::new(poll.uses)?, now, values).await? else {
            return Ok(Polled::Unknown);
        };
        let Some(state) = column::<Option<&str>>(&row, "state")? else { return Ok(Polled::Unknown) };
        let grant = if column::<Option<&str>>(&row, "body")?.is_none() { None } else { Some(body(&row)?) };
        Polled::of(state, column(&row, "hurried")?, time(&row, "good_until")?.0, grant, now)
    }

    async fn redeem_code(&self, key: Digest, uses: Vec<Use>, now: UnixTime) -> Answer<Redeemed> {
        const REDEEM_AGAIN: &str = ending!(
            "SELECT grant_id AS id FROM code WHERE key = $4 AND redeemed_at IS NOT NULL AND EXISTS (SELECT 1 FROM good)",
            "",
            "EXISTS (SELECT 1 FROM doomed)"
        );
        let spending = Spending::new(uses)?;
        let values: Values<'_> = &[&spending.keys, &spending.until, &seconds(now), &bytes(&key)];
        if let Some(row) = self.database.row(REDEEM_FIRST, values).await? {
            return Ok(Redeemed::First(Box::new(body(&row)?)));
        }
        // Seen anew: where another was first a moment ago, it is known by now.
        let row = self.end(REDEEM_AGAIN, spending.uses, now, &[&bytes(&key)]).await?;
        let grants: Vec<String> = column(&row, "passed")?;
        Ok(grants.into_iter().next().map_or(Redeemed::Unknown, Redeemed::Replayed))
    }

    async fn refresh(&self, key: Digest, uses: Vec<Use>, now: UnixTime) -> Answer<Option<Grant>> {
        const REFRESH: &str = spending!(
            "",
            ", (SELECT consent.body FROM refresh_token JOIN consent ON consent.id = refresh_token.grant_id
                WHERE refresh_token.key = $4 AND refresh_token.expires_at > $3 AND consent.revoked_at IS NULL AND consent.expires_at > $3)
             AS body"
        );
        let Some(row) = self.spend_in(REFRESH, Spending::new(uses)?, now, &[&bytes(&key)]).await? else { return Ok(None) };
        if column::<Option<&str>>(&row, "body")?.is_none() { Ok(None) } else { body(&row).map(Some) }
    }

    async fn save_issued(&self, issued: Move, now: UnixTime) -> Answer<bool> {
        let Some(token) = issued.token else { return self.spend(issued.uses, now).await.map(|()| true) };
        let refresh_key = issued.refresh.as_ref().map(|(key, _)| bytes(key));
        let refresh_until = issued.refresh.map(|(_, until)| seconds(until));
        let (key, expires_at) = (bytes(&token.key), seconds(token.expires_at));
        let of_token: Values<'_> = &[&key, &token.grant_id, &token.client_id, &token.claims, &issued.counterfoil, &expires_at];
        let of_refresh: Values<'_> = &[&refresh_key, &refresh_until];
        done(self.spend_in(SAVE_ISSUED, Spending::new(issued.uses)?, now, &[of_token, of_refresh].concat()).await?.as_ref())
    }

    async fn standing(&self, key: Digest, now: UnixTime) -> Answer<Standing> {
        const STANDING: &str = "SELECT claims, counterfoil, grant_id, revoked_at IS NOT NULL OR grant_id IS NOT NULL AND NOT EXISTS
                (SELECT 1 FROM consent WHERE consent.id = access_token.grant_id AND consent.revoked_at IS NULL) AS revoked
             FROM access_token WHERE key = $1 AND expires_at > $2";
        let Some(row) = self.database.row(STANDING, &[&bytes(&key), &seconds(now)]).await? else { return Ok(Standing::Unknown) };
        if column(&row, "revoked")? {
            return Ok(Standing::Revoked);
        }
        Ok(Standing::Live {
            claims: column(&row, "claims")?,
            counterfoil: column(&row, "counterfoil")?,
            grant_id: column(&row, "grant_id")?,
        })
    }

    async fn owner(&self, key: Digest, now: UnixTime) -> Answer<Option<(String, UnixTime)>> {
        const OWNER: &str = "SELECT client_id, expires_at FROM access_token WHERE key = $1 AND expires_at > $2";
        let row = self.database.row(OWNER, &[&bytes(&key), &seconds(now)]).await?;
        row.map(|row| Ok((column(&row, "client_id")?, time(&row, "expires_at")?))).transpose()
    }

    async fn revoke_access_token(&self, token: IssuedToken, uses: Vec<Use>, now: UnixTime) -> Answer<()> {
        let (key, expires_at) = (bytes(&token.key), seconds(token.expires_at));
        let values: Values<'_> = &[&key, &token.client_id, &token.grant_id, &expires_at];
        self.spend_in(REVOKE_ACCESS_TOKEN, Spending::new(uses)?, now, values).await.map(drop)
    }

    async fn revoke_refresh_token(&self, key: Digest, client_id: String, uses: Vec<Use>, now: UnixTime) -> Answer<bool> {
        const REVOKE: &str = ending!(
            "SELECT grant_id AS id FROM refresh_token WHERE key = $4 AND client_id = $5 AND EXISTS (SELECT 1 FROM good)",
            "",
            "EXISTS (SELECT 1 FROM doomed)"
        );
        column(&self.end(REVOKE, uses, now, &[&bytes(&key), &client_id]).await?, "done")
    }

    async fn grant(&self, id: String, now: UnixTime) -> Answer<Option<Grant>> {
        if id.contains('\0') {
            return Ok(None);
        }
        let statement = "SELECT body FROM consent WHERE id = $1 AND revoked_at IS NULL AND expires_at > $2";
        self.record(statement, &[&id, &seconds(now)]).await
    }

    async fn revoke_grant(&self, id: String, now: UnixTime) -> Answer<()> {
        const REVOKE: &str = ending!("SELECT $4::TEXT AS id", "", "TRUE");
        self.end(REVOKE, Vec::new(), now, &[&id]).await.map(drop)
    }

    async fn publications(&self, cursor: u64, most: u32, now: UnixTime) -> Answer<Vec<Publication>> {
        let (told, waits) = self.placed(cursor, most, now).await?;
        if !waits || told.len() >= usize::try_from(most).unwrap_or(usize::MAX) {
            return Ok(told);
        }
        self.database.in_turn::<i64>(TAKE_TURN, &[], PLACE, PLACED_TOGETHER).await?;
        Ok(self.placed(cursor, most, now).await?.0)
    }

    async fn save_session(&self, key: Digest, session: Session, _now: UnixTime) -> Answer<()> {
        const SAVE: &str = "INSERT INTO session (key, body, expires_at) VALUES ($1, $2, $3)
             ON CONFLICT (key) DO UPDATE SET body = excluded.body, expires_at = excluded.expires_at";
        let expires_at = seconds(UnixTime(session.expires_at));
        self.database.rows(SAVE, &[&bytes(&key), &written(&session)?, &expires_at]).await.map(drop)
    }

    async fn session(&self, key: Digest, now: UnixTime) -> Answer<Option<Session>> {
        self.record("SELECT body FROM session WHERE key = $1 AND expires_at > $2", &[&bytes(&key), &seconds(now)]).await
    }

    async fn user(&self, name: String) -> Answer<Option<User>> {
        self.named("SELECT body FROM person WHERE name = $1", &name).await
    }

    async fn user_of_subject(&self, subject: String) -> Answer<Option<User>> {
        self.named("SELECT body FROM person WHERE subject = $1", &subject).await
    }

    async fn save_user(&self, user: User) -> Answer<()> {
        const SAVE: &str = "INSERT INTO person (name, subject, body) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET subject = excluded.subject, body = excluded.body";
        self.database.rows(SAVE, &[&user.name, &user.subject, &written(&user)?]).await.map(drop)
    }

    async fn client(&self, id: String) -> Answer<Option<StoredClient>> {
        self.named("SELECT body FROM client WHERE client_id = $1", &id).await
    }

    async fn clients(&self) -> Answer<Vec<StoredClient>> {
        self.database.rows("SELECT body FROM client ORDER BY client_id", &[]).await?.iter().map(body).collect()
    }

    async fn save_client(&self, client: StoredClient) -> Answer<()> {
        const SAVE: &str =
            "INSERT INTO client (client_id, body) VALUES ($1, $2) ON CONFLICT (client_id) DO UPDATE SET body = excluded.body";
        self.database.rows(SAVE, &[&client.client_id, &written(&client)?]).await.map(drop)
    }

    async fn remove_client(&self, id: String, now: UnixTime) -> Answer<bool> {
        const REMOVE: &str = ending!(
            "SELECT id FROM consent WHERE client_id = $4 AND revoked_at IS NULL",
            ", removed AS (DELETE FROM client WHERE client_id = $4 RETURNING client_id)",
            "EXISTS (SELECT 1 FROM removed)"
        );
        column(&self.end(REMOVE, Vec::new(), now, &[&id]).await?, "done")
    }

    async fn sweep(&self, now: UnixTime) -> Answer<usize> {
        const EXPIRING: [(&str, &str); 9] = [
            ("session", "key"),
            ("used", "key"),
            ("pushed_request", "key"),
            ("code", "key"),
            ("refresh_token", "key"),
            ("access_token", "key"),
            ("publication", "cursor"),
            ("backchannel_request", "key"),
            ("consent", "id"),
        ];
        let mut swept = 0;
        for (table, key) in EXPIRING {
            // Another server may be sweeping too: neither waits for what the other has locked.
            let statement = format!(
                "WITH gone AS (DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE expires_at < $1
                    ORDER BY expires_at LIMIT {SWEPT_TOGETHER} FOR UPDATE SKIP LOCKED) RETURNING 1) SELECT count(*) AS gone FROM gone"
            );
            loop {
                let row = self.database.row(&statement, &[&seconds(now)]).await?;
                let gone = row.as_ref().map_or(Ok(0), |row| column::<i64>(row, "gone"))?;
                let gone = usize::try_from(gone).unwrap_or_default();
                swept += gone;
                if gone < SWEPT_TOGETHER {
                    break;
                }
            }
        }
        Ok(swept)
    }
}
