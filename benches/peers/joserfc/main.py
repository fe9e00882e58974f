"""joserfc over the shared corpus.

The library's: signature, the key by kid from a key set, iss, aud, exp, nbf, required claims. Ours: comparing typ and cnf.
"""

import importlib.metadata
import pathlib
import sys
import warnings

sys.path.append(str(pathlib.Path(__file__).parent.parent))
warnings.simplefilter("ignore")

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from protocol import algorithm_of, serve


def prepare(work, jwks, parameters):
    keys = KeySet.import_key_set(jwks)
    algorithms = [algorithm_of(work)]
    claims = jwt.JWTClaimsRegistry(
        leeway=10,
        iss={"essential": True, "value": parameters["issuer"]},
        aud={"essential": True, "value": parameters["audience"]},
        exp={"essential": True},
        nbf={"essential": True},
        sub={"essential": True},
    )
    thumbprint = parameters["thumbprint"]

    def judge(token):
        try:
            good = jwt.decode(token, keys, algorithms)
            claims.validate(good.claims)
            return good.header["typ"] == "at+jwt" and good.claims["cnf"]["x5t#S256"] == thumbprint
        except (JoseError, ValueError, KeyError):
            return False

    return judge


serve("joserfc", importlib.metadata.version("joserfc"), prepare)
