//! HTTP/1.1 as a client. Whatever a host is called, it is this machine: nothing is looked up, and nothing leaves.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use hyper::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Why the demo cannot go on.
pub(crate) type Fault = Box<dyn core::error::Error + Send + Sync>;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whom somebody trusts, and the certificate that they present.
#[derive(Clone)]
pub(crate) struct Wire {
    tls: TlsConnector,
}

impl Wire {
    /// Trusts the authority in this PEM file; presents the certificate and key in these, if it has one.
    pub(crate) fn new(authority: &Path, identity: Option<(&Path, &Path)>) -> Result<Self, Fault> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(authority)?)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?.with_root_certificates(roots);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                builder.with_client_auth_cert(vec![CertificateDer::from_pem_file(certificate)?], PrivateKeyDer::from_pem_file(key)?)?
            }
        };
        Ok(Self { tls: TlsConnector::from(Arc::new(config)) })
    }

    /// One request on a connection of its own.
    pub(crate) async fn send(&self, call: &Call) -> Result<Answer, Fault> {
        let about = |fault: Fault| format!("{} {}: {fault}", call.method, call.url);
        let answer = tokio::time::timeout(PATIENCE, self.exchange(call)).await;
        answer.map_err(|_| about("no answer in time".into()))?.map_err(|fault| about(fault).into())
    }

    async fn exchange(&self, call: &Call) -> Result<Answer, Fault> {
        let url: Uri = call.url.parse()?;
        let (host, port) = url.host().zip(url.port_u16()).ok_or("host and port are missing")?;
        let text = call.text(&url);
        let begun = Instant::now();
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        socket.set_nodelay(true)?;
        let bytes = if url.scheme_str() == Some("https") {
            let name = ServerName::try_from(host.to_owned())?;
            say(self.tls.connect(name, socket).await?, &text).await?
        } else {
            say(socket, &text).await?
        };
        Answer::parse(&bytes, begun.elapsed())
    }
}

async fn say(mut stream: impl AsyncRead + AsyncWrite + Unpin, text: &str) -> Result<Vec<u8>, Fault> {
    stream.write_all(text.as_bytes()).await?;
    stream.flush().await?;
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes).await {
        // The end of TLS without a farewell: the answer says its own length.
        Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => Err(error.into()),
        _ => Ok(bytes),
    }
}

/// A request.
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Call {
    pub(crate) fn get(url: impl Into<String>) -> Self {
        Self { method: "GET", url: url.into(), headers: Vec::new(), body: String::new() }
    }

    /// A form.
    pub(crate) fn post<N: AsRef<str>, V: AsRef<str>>(url: impl Into<String>, form: &[(N, V)]) -> Self {
        let call = Self { method: "POST", url: url.into(), headers: Vec::new(), body: encoded(form) };
        call.with("content-type", "application/x-www-form-urlencoded")
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> &str {
        let path = self.url.match_indices('/').nth(2).map_or(self.url.len(), |(place, _)| place);
        self.url.get(..path).unwrap_or_default()
    }

    fn text(&self, url: &Uri) -> String {
        let target = url.path_and_query().map_or("/", |target| target.as_str());
        let host = url.authority().map_or("", |authority| authority.as_str());
        let mut text = format!("{} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n", self.method);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.method == "POST" {
            text.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        text + "\r\n" + &self.body
    }
}

/// What came back, and how long it took with connection and handshake.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) took: Duration,
}

impl Answer {
    fn parse(bytes: &[u8], took: Duration) -> Result<Self, Fault> {
        let text = core::str::from_utf8(bytes)?;
        let (head, body) = text.split_once("\r\n\r\n").ok_or("the answer has no end of headers")?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).ok_or("the answer has no status")?.parse()?;
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let answer = Self { status, headers, body: body.to_owned(), took };
        match answer.header("content-length").map(str::parse::<usize>) {
            Some(Ok(length)) if answer.body.len() != length => Err("the answer was cut off".into()),
            None if answer.header("transfer-encoding").is_some() => Err("the answer has no length".into()),
            _ => Ok(answer),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body, if the status is the expected one.
    pub(crate) fn json(&self, status: u16) -> Result<Value, Fault> {
        self.expect(status)?;
        Ok(serde_json::from_str(&self.body)?)
    }

    /// A fault with the whole answer's words, if the status is another one.
    pub(crate) fn expect(&self, status: u16) -> Result<(), Fault> {
        let code = self.header("x-code").unwrap_or_default();
        if self.status == status { Ok(()) } else { Err(format!("{} instead of {status}: {code} {}", self.status, self.body).into()) }
    }
}

/// A member of a JSON answer that must be text.
pub(crate) fn text_of<'a>(json: &'a Value, name: &str) -> Result<&'a str, Fault> {
    json.get(name).and_then(Value::as_str).ok_or_else(|| format!("{name} is missing in {json}").into())
}

/// As a form's body or a query.
pub(crate) fn encoded<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> String {
    const KEPT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let pair = |(name, value): &(N, V)| format!("{}={}", name.as_ref(), utf8_percent_encode(value.as_ref(), &KEPT));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// A parameter of a query.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(own, _)| *own == name)?;
    percent_encoding::percent_decode_str(value).decode_utf8().ok().map(Into::into)
}
