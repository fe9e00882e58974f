//! A person with a browser: follows redirections, keeps cookies, fills in forms.

use std::collections::BTreeMap;

use crate::ground::{PASSWORD, USER};
use crate::report::{Who, short, step};
use crate::wire::{Answer, Call, Fault, Wire, parameter};

/// More pages than any way through the server has.
const MOST: usize = 12;

pub(crate) struct Browser {
    wire: Wire,
    /// By host and port.
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) const fn new(wire: Wire) -> Self {
        Self { wire, cookies: BTreeMap::new() }
    }

    /// Goes to a URL, signs in, allows what is asked, and ends at a page that asks for nothing: gives that.
    pub(crate) async fn visit(&mut self, url: &str) -> Result<String, Fault> {
        let mut call = Call::get(url);
        for _ in 0..MOST {
            let (asked, answer) = self.load(call).await?;
            let (next, what) = match (answer.status, answer.header("location")) {
                (303, Some(location)) => (Some(Call::get(location)), sent_on(&asked, location)),
                (200, _) => read(&asked, &answer.body)?,
                _ => return Err(format!("{} {}: {} {}", asked.method, asked.url, answer.status, answer.body).into()),
            };
            step(Who::Browser, &asked, &answer, &what);
            match next {
                Some(next) => call = next,
                None => return Ok(answer.body),
            }
        }
        Err("the browser is sent from page to page without end".into())
    }

    async fn load(&mut self, call: Call) -> Result<(Call, Answer), Fault> {
        let host = call.origin().to_owned();
        let call = match self.cookies.get(&host) {
            Some(cookie) => call.with("cookie", cookie),
            None => call,
        };
        let answer = self.wire.send(&call).await?;
        if let Some(cookie) = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next()) {
            self.cookies.insert(host, cookie.to_owned());
        }
        Ok((call, answer))
    }
}

/// What a redirection brings.
fn sent_on(call: &Call, location: &str) -> String {
    let query = location.split_once('?').map_or("", |(_, query)| query);
    match (parameter(query, "code"), parameter(query, "error")) {
        (Some(code), _) => format!("\"Allow\": back to the app with code {}", short(&code)),
        (_, Some(error)) => format!("back to the app: {error}"),
        _ if call.url.ends_with("/login") => format!("signed in as {USER}"),
        _ => "on to the server".to_owned(),
    }
}

/// What is done with a page: its form, filled in, if it has one; and in words.
fn read(call: &Call, page: &str) -> Result<(Option<Call>, String), Fault> {
    let between = |from: &str, to: &str| page.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map(|(text, _)| text);
    let heading = between("<h1>", "</h1>").unwrap_or("no heading");
    let Some(action) = between("<form method=\"post\" action=\"", "\"") else {
        return Ok((None, format!("\"{heading}\"")));
    };
    let mut form = hidden(page);
    let mut fill = |pairs: &[(&str, &str)]| form.extend(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let what = if page.contains("type=\"password\"") {
        fill(&[("username", USER), ("password", PASSWORD), ("action", "login")]);
        format!("\"{heading}\": a form for name and password")
    } else {
        fill(&[("action", "approve")]);
        format!("\"{heading}\": {}", between("<li>", "</li>").unwrap_or("nothing"))
    };
    Ok((Some(Call::post(format!("{}{}", call.origin(), unescaped(action)), &form)), what))
}

/// The hidden fields of a page's form: what ties it to this browser is among them.
fn hidden(page: &str) -> Vec<(String, String)> {
    let fields = page.split("<input type=\"hidden\" name=\"").skip(1);
    let field = |text: &str| {
        let (name, rest) = text.split_once("\" value=\"")?;
        let (value, _) = rest.split_once('"')?;
        Some((name.to_owned(), unescaped(value)))
    };
    fields.filter_map(field).collect()
}

fn unescaped(text: &str) -> String {
    text.replace("&#x2f;", "/").replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
