//! Draws the input of `benches/hot` anew: for each file a JWK Set and eight tokens, in `dpop` each before its proof. Counts change with it.

use std::path::Path;

use aws_lc_rs::rsa::KeySize;
use counterfoil_benches::{Signer, access_tokens, certificate_cnf, expired_tokens, jwks, proof};

fn main() {
    let (es256, holder, cnf) = (Signer::es256(), Signer::es256(), certificate_cnf());
    write("es256", &jwks(&es256), &access_tokens(&es256, 8, &cnf, 0));
    write("expired", &jwks(&es256), &expired_tokens(&es256, 8, &cnf));
    for (name, signer) in
        [("ps256", Signer::ps256(KeySize::Rsa2048)), ("rs256", Signer::rs256(KeySize::Rsa2048)), ("eddsa", Signer::eddsa())]
    {
        write(name, &jwks(&signer), &access_tokens(&signer, 8, &cnf, 0));
    }
    let bound = access_tokens(&es256, 8, &format!(r#""jkt":"{}""#, holder.thumbprint()), 0);
    let pairs: Vec<_> = bound.iter().enumerate().flat_map(|(i, token)| [token.clone(), proof(&holder, token, i)]).collect();
    write("dpop", &jwks(&es256), &pairs);
}

fn write(name: &str, set: &str, lines: &[String]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("hot/input").join(name).with_extension("txt");
    std::fs::write(path, format!("{set}\n{}\n", lines.join("\n"))).expect("a writable folder");
}
