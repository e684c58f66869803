"""Sentinel Hub's own configuration and its login: OAuth 2.0 by client credentials."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from yaotan.io.fetch.patience import Patience, TransferError
from yaotan.io.fetch.secret import Credentials, origin
from yaotan.io.fetch.transport import Renewal, Request, Transport
from yaotan.optional import require

_ADVICE = (
    "set SH_CLIENT_ID and SH_CLIENT_SECRET (an OAuth client made at https://shapps.dataspace.copernicus.eu/"
    "dashboard), or write them to a profile of sentinelhub (sentinelhub.config)"
)
_LICENCE = "check that this account may use the collection and has processing units left"


def read_config(base_url: str, login_url: str) -> Any:
    """Read sentinelhub's own configuration, without writing one where there is none.

    Parameters
    ----------
    base_url, login_url : str
        Addresses to use.

    Returns
    -------
    sentinelhub.SHConfig
        Credentials from ``SH_CLIENT_ID``, ``SH_CLIENT_SECRET`` or the profile ``SH_PROFILE``.
    """
    kind = require("sentinelhub").SHConfig
    addresses = {"sh_base_url": base_url.rstrip("/"), "sh_token_url": login_url}
    if Path(kind.get_config_location()).is_file():
        try:
            return kind(**addresses)
        except (KeyError, ValueError, TypeError):
            raise TransferError(
                "the configuration file of sentinelhub cannot be used", fix=_ADVICE, lasting=True, login=True
            ) from None
    names = {"sh_client_id": "SH_CLIENT_ID", "sh_client_secret": "SH_CLIENT_SECRET"}
    return kind(
        use_defaults=True, **addresses, **{key: os.environ.get(name, "") for key, name in names.items()}
    )


def renewal(config: Any, patience: Patience) -> Renewal:
    """Give the function that gets a token (OAuth 2.0 client credentials, RFC 6749, 4.4).

    Raises
    ------
    TransferError
        No client is configured.
    """
    if not (config.sh_client_id and config.sh_client_secret):
        raise TransferError("no Sentinel Hub client was found", fix=_ADVICE, lasting=True, login=True)
    transport = Transport(Credentials(advice=_ADVICE, licence=_LICENCE), patience)
    form = urlencode(
        {
            "grant_type": "client_credentials",
            "client_id": config.sh_client_id,
            "client_secret": config.sh_client_secret,
        }
    )
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}

    def renew() -> tuple[Credentials, float]:
        try:
            body, _ = transport.ask(Request(config.sh_token_url, "POST", kind, form.encode()))
            answer = json.loads(body)
            token, holds = str(answer["access_token"]), float(answer.get("expires_in", 600))
        except TransferError as trouble:
            if "400" in trouble.what:  # an unknown client is answered by 400 (RFC 6749, 5.2)
                raise TransferError(
                    "the login service refuses the client (400)", fix=_ADVICE, lasting=True, login=True
                ) from None
            raise
        except (ValueError, KeyError, TypeError):
            raise TransferError(
                "the login service gave no token", fix=_ADVICE, lasting=True, login=True
            ) from None
        value = f"Bearer {token}"
        where = frozenset({origin(config.sh_base_url)})
        return Credentials(value=value, origins=where, advice=_ADVICE, licence=_LICENCE), holds

    return renew
