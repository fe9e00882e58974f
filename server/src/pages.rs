//! The pages that people see: plain HTML that needs no scripts, from templates that an operator may replace.

use base64ct::{Base64, Encoding as _};
use hyper::StatusCode;
use hyper::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_FRAME_OPTIONS};
use minijinja::{AutoEscape, Environment, context};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::config::{Config, ConfigError};
use crate::error::{Code, Refusal};
use crate::http::{Response, answer, set};
use crate::reason;
use crate::secret::Digest;

/// The built-in templates.
const BUILT_IN: [(&str, &str); 6] = [
    ("layout.html", include_str!("../templates/layout.html")),
    ("login.html", include_str!("../templates/login.html")),
    ("consent.html", include_str!("../templates/consent.html")),
    ("approvals.html", include_str!("../templates/approvals.html")),
    ("form_post.html", include_str!("../templates/form_post.html")),
    ("error.html", include_str!("../templates/error.html")),
];

/// The one script: the page that has it must hold this text, byte for byte.
const POSTING: &str = "document.forms[0].submit()";

/// The templates, and what is the same on every page.
pub(crate) struct Pages {
    templates: Environment<'static>,
    style: String,
    title: String,
    prefix: String,
    /// Where the style is: another place for every other text, so that browsers may keep it.
    style_url: String,
}

impl Pages {
    /// The operator's templates, and the built-in ones where it has none.
    pub(crate) fn load(config: &Config) -> Result<Self, ConfigError> {
        let mut templates = Environment::new();
        templates.set_auto_escape_callback(|_| AutoEscape::Html);
        let own = |name: &str| match &config.templates {
            None => Ok(None),
            Some(folder) => match std::fs::read_to_string(folder.join(name)) {
                Ok(text) => Ok(Some(text)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(ConfigError::new(folder.join(name).display().to_string(), error)),
            },
        };
        for (name, text) in BUILT_IN {
            let text = own(name)?.unwrap_or_else(|| text.to_owned());
            templates.add_template_owned(name, text).map_err(|error| ConfigError::new(name, error))?;
        }
        let style = own("style.css")?.unwrap_or_else(|| include_str!("../templates/style.css").to_owned());
        let hash = Digest::of(&style).to_base64url();
        let style_url = format!("{}/style.css?{}", config.prefix(), hash.get(..8).unwrap_or_default());
        Ok(Self { templates, style, style_url, title: config.title().to_owned(), prefix: config.prefix().to_owned() })
    }

    /// A page with a form, whose answer goes to `redirect_uri` at last.
    pub(crate) fn form(&self, status: StatusCode, name: &str, content: &impl Serialize, redirect_uri: &str) -> Result<Response, Refusal> {
        Ok(guarded(self.page(status, name, content)?, "", redirect_uri))
    }

    /// A page whose form is posted to `redirect_uri` at once, by the only script there is: without scripts it has a button (OAuth 2.0 Form
    /// Post Response Mode section 2).
    pub(crate) fn posting(&self, name: &str, content: &impl Serialize, redirect_uri: &str) -> Result<Response, Refusal> {
        let hash = Base64::encode_string(&Sha256::digest(POSTING));
        Ok(guarded(self.page(StatusCode::OK, name, content)?, &format!("script-src 'sha256-{hash}'; "), redirect_uri))
    }

    fn page(&self, status: StatusCode, name: &str, content: &impl Serialize) -> Result<Response, Refusal> {
        let fault = |error: minijinja::Error| reason::FAULT.refusal().because(error);
        let values = context! { title => self.title.as_str(), posting => POSTING, prefix => self.prefix.as_str(), style_url => self.style_url.as_str(), ..minijinja::Value::from(minijinja::value::Serde(content)) };
        let page = self.templates.get_template(name).and_then(|template| template.render(values)).map_err(fault)?;
        Ok(answer(status, "text/html; charset=utf-8", page))
    }

    /// A page that says why nothing goes on. Its text is stable: the code is in it.
    pub(crate) fn error(&self, status: StatusCode, code: Code, description: &str) -> Response {
        let content = context! { code => code.as_str(), description };
        let status = if status == StatusCode::UNAUTHORIZED { StatusCode::BAD_REQUEST } else { status };
        self.form(status, "error.html", &content, "")
            .unwrap_or_else(|_| guarded(answer(status, "text/plain; charset=utf-8", code.as_str()), "", ""))
    }

    pub(crate) fn style(&self) -> Response {
        let mut response = answer(StatusCode::OK, "text/css; charset=utf-8", self.style.clone());
        set(&mut response, hyper::header::CACHE_CONTROL, "public, max-age=3600");
        response
    }
}

/// No scripts but the one that is named, no frames. Browsers hold every redirection that follows on a form to `form-action`, those of the client too, so that it cannot
/// name one host; what keeps forms at home is that these pages have no other text than ours, escaped.
fn guarded(mut response: Response, script: &str, redirect_uri: &str) -> Response {
    let schemes = if redirect_uri.starts_with("http://") { "https: http:" } else { "https:" };
    let policy =
        format!("default-src 'none'; {script}style-src 'self'; form-action 'self' {schemes}; frame-ancestors 'none'; base-uri 'none'");
    set(&mut response, CONTENT_SECURITY_POLICY, &policy);
    set(&mut response, X_FRAME_OPTIONS, "DENY");
    set(&mut response, REFERRER_POLICY, "no-referrer");
    response
}
