"""The certificates of the port: read and checked before a model is loaded. They are read once; new ones need a new
process."""

from __future__ import annotations

import logging
import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from config import TLS_CERT, TLS_CLIENT_CA, TLS_KEY, Setting, Settings, SettingsError
from logs import event


@dataclass(frozen=True)
class Certificates:
    """What the files hold (PEM)."""

    chain: bytes
    key: bytes
    client_ca: bytes | None  # a client has to show a certificate that these have signed; None: it shows none


class _PassphraseError(Exception):
    pass


def read(settings: Settings) -> Certificates | None:
    """None when no setting asks for TLS. Raises SettingsError."""
    chain, key, client_ca = settings[TLS_CERT], settings[TLS_KEY], settings[TLS_CLIENT_CA]
    if not (chain or key or client_ca):
        return None
    if not (chain and key):
        given = " and ".join(setting.name for setting in (TLS_CERT, TLS_KEY, TLS_CLIENT_CA) if settings[setting])
        raise SettingsError([f"{TLS_CERT.name} and {TLS_KEY.name} must be set for TLS, got {given} alone"])
    made = Certificates(
        _content(TLS_CERT, chain, b"-----BEGIN CERTIFICATE-----", "a certificate"),
        _content(TLS_KEY, key, b"PRIVATE KEY-----", "a private key"),
        _content(TLS_CLIENT_CA, client_ca, b"-----BEGIN CERTIFICATE-----", "certificates") if client_ca else None,
    )
    _check_pair(chain, key)
    if client_ca:
        _check_authority(client_ca)
    _warn_of_exposure(key)
    return made


def _content(setting: Setting[str], path: str, mark: bytes, what: str) -> bytes:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(
            [f'{setting.name} must be a file that can be read, got "{path}": {error.strerror}']
        ) from error
    if mark not in content:
        raise SettingsError([f'{setting.name} must be a file with {what} in PEM, got "{path}", which has none'])
    return content


def _warn_of_exposure(key: str) -> None:
    mode = Path(key).stat().st_mode & 0o777
    if os.name == "posix" and mode & 0o026:  # a group that may only read it is often the service's own
        text = f"{TLS_KEY.name} should be its owner's alone (chmod 600), and others can read or change it"
        event(logging.WARNING, text, path=key, mode=f"{mode:04o}")


def _check_pair(chain: str, key: str) -> None:
    def passphrase() -> str:  # asked for; without this OpenSSL would ask on the terminal
        raise _PassphraseError

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key, passphrase)
    except _PassphraseError as error:
        raise SettingsError([f'{TLS_KEY.name} must be a private key without a passphrase, got "{key}"']) from error
    except (ssl.SSLError, OSError) as error:
        raise SettingsError(
            [f'{TLS_KEY.name} must be the private key of {TLS_CERT.name} "{chain}", got "{key}": {_reason(error)}']
        ) from error


def _check_authority(path: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(path)
    except (ssl.SSLError, OSError) as error:
        raise SettingsError(
            [f'{TLS_CLIENT_CA.name} must be a file with certificates in PEM, got "{path}": {_reason(error)}']
        ) from error


def _reason(error: OSError) -> str:
    """OpenSSL's in words: `key values mismatch`."""
    return (getattr(error, "reason", None) or str(error)).replace("_", " ").lower()
