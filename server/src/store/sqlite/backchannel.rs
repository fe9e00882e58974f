//! CIBA's moves.

use counterfoil::UnixTime;
use rusqlite::{Connection, params};

use super::{Desk, bytes, execute, read, record, row, rows, save_grant, seconds, spend, written};
use crate::secret::Digest;
use crate::store::{Answer, BackchannelRequest, Grant, Poll, Polled, Use};

/// A condition: waits for the person. ?2 is the time.
macro_rules! waiting {
    ($rest:literal) => {
        concat!($rest, " AND state = 'pending' AND good_until > ?2")
    };
}

/// What one statement finds is what it has changed.
const POLL: &str = "UPDATE backchannel_request SET
        state = CASE WHEN state = 'approved' AND good_until > ?2 THEN 'redeemed' WHEN state = 'redeemed' THEN 'spent' ELSE state END,
        hurried = ?4 AND next_poll > ?2,
        pause = pause + CASE WHEN ?4 AND next_poll > ?2 THEN 5 ELSE 0 END,
        next_poll = CASE WHEN ?4 THEN ?2 - 1 + pause + CASE WHEN next_poll > ?2 THEN 5 ELSE 0 END ELSE next_poll END
     WHERE key = ?1 AND client_id = ?3 AND state <> 'spent' RETURNING state, hurried, good_until, granted";

pub(super) fn begin(
    desk: &Desk,
    key: &Digest,
    request: &BackchannelRequest,
    (interval, most): (u64, u32),
    uses: &[Use],
    now: UnixTime,
) -> Answer<bool> {
    spend(desk, uses, now)?;
    let statement = waiting!("SELECT count(*) FROM backchannel_request WHERE subject = ?1 AND client_id = ?3");
    let waiting = row(desk, statement, params![request.subject, seconds(now), request.client_id], |row| row.get::<_, u32>(0))?;
    if waiting.unwrap_or_default() >= most {
        return Ok(false);
    }
    execute(
        desk,
        "INSERT INTO backchannel_request (key, client_id, subject, body, state, pause, next_poll, hurried, good_until, expires_at)
         VALUES (?1, ?2, ?3, ?4, 'pending', ?5, 0, FALSE, ?6, ?7)",
        params![
            bytes(key),
            request.client_id,
            request.subject,
            written(request)?,
            seconds(UnixTime(interval)),
            seconds(UnixTime(request.good_until)),
            seconds(request.remembered_until())
        ],
    )?;
    Ok(true)
}

pub(super) fn find(connection: &Connection, key: &Digest, now: UnixTime) -> Answer<Option<BackchannelRequest>> {
    record(connection, waiting!("SELECT body FROM backchannel_request WHERE key = ?1"), params![bytes(key), seconds(now)])
}

pub(super) fn of_person(connection: &Connection, subject: &str, now: UnixTime) -> Answer<Vec<(Digest, BackchannelRequest)>> {
    let statement = concat!(waiting!("SELECT key, body FROM backchannel_request WHERE subject = ?1"), " ORDER BY good_until, key LIMIT 50");
    let found: Vec<([u8; 32], String)> = rows(connection, statement, params![subject, seconds(now)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    found.into_iter().map(|(key, body)| Ok((Digest::from_bytes(key), read(&body)?))).collect()
}

pub(super) fn decide(connection: &Connection, key: &Digest, grant: Option<&Grant>, now: UnixTime) -> Answer<bool> {
    let state = if grant.is_some() { "approved" } else { "denied" };
    let statement = waiting!("UPDATE backchannel_request SET state = ?3, granted = ?4 WHERE key = ?1");
    let granted = grant.map(written).transpose()?;
    if execute(connection, statement, params![bytes(key), seconds(now), state, granted])? == 0 {
        return Ok(false);
    }
    grant.map_or(Ok(()), |grant| save_grant(connection, grant))?;
    Ok(true)
}

pub(super) fn poll(desk: &Desk, key: &Digest, poll: &Poll, now: UnixTime) -> Answer<Polled> {
    spend(desk, &poll.uses, now)?;
    let values = params![bytes(key), seconds(now), poll.client_id, poll.is_paced];
    let found = row(desk, POLL, values, |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?, row.get::<_, i64>(2)?.cast_unsigned(), row.get::<_, Option<String>>(3)?))
    })?;
    let Some((state, hurried, good_until, granted)) = found else { return Ok(Polled::Unknown) };
    let grant = granted.as_deref().map(read).transpose()?;
    Polled::of(&state, hurried, good_until, grant, now)
}
