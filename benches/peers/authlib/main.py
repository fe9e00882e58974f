"""Authlib's own JOSE over the shared corpus; it is deprecated in favour of joserfc, and still what its users have.

The library's: signature, the key by kid from a key set, iss, aud, exp, nbf. Ours: comparing typ and cnf.
"""

import importlib.metadata
import pathlib
import sys
import warnings

sys.path.append(str(pathlib.Path(__file__).parent.parent))
warnings.simplefilter("ignore")

from authlib.jose import JsonWebKey, JsonWebToken
from authlib.jose.errors import JoseError
from protocol import algorithm_of, serve


def prepare(work, jwks, parameters):
    keys = JsonWebKey.import_key_set(jwks)
    decoder = JsonWebToken([algorithm_of(work)])
    options = {
        "iss": {"essential": True, "value": parameters["issuer"]},
        "aud": {"essential": True, "value": parameters["audience"]},
        "exp": {"essential": True},
        "nbf": {"essential": True},
        "sub": {"essential": True},
    }
    thumbprint = parameters["thumbprint"]

    def judge(token):
        try:
            claims = decoder.decode(token, keys, claims_options=options)
            claims.validate(leeway=10)
            return claims.header["typ"] == "at+jwt" and claims["cnf"]["x5t#S256"] == thumbprint
        except (JoseError, ValueError, KeyError):
            return False

    return judge


serve("authlib", importlib.metadata.version("authlib"), prepare)
