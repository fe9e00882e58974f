"""PyJWT over the shared corpus.

The library's: signature, iss, aud, exp, nbf, required claims, reading JWKs. Ours: choosing among several keys by kid, comparing kid
where there is one key, comparing typ and cnf.
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parent.parent))

import jwt
from protocol import algorithm_of, serve


def prepare(work, jwks, parameters):
    keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(jwks).keys}
    only = next(iter(keys.values())) if len(keys) == 1 else None
    algorithms = [algorithm_of(work)]
    options = {"require": ["iss", "aud", "exp", "nbf", "sub"]}
    audience, issuer, thumbprint = parameters["audience"], parameters["issuer"], parameters["thumbprint"]

    def judge(token):
        try:
            key = only or keys[jwt.get_unverified_header(token)["kid"]]
            good = jwt.decode_complete(token, key, algorithms, options, audience=audience, issuer=issuer, leeway=10)
            header = good["header"]
            return header["kid"] in keys and header["typ"] == "at+jwt" and good["payload"]["cnf"]["x5t#S256"] == thumbprint
        except (jwt.PyJWTError, KeyError):
            return False

    return judge


serve("pyjwt", jwt.__version__, prepare)
