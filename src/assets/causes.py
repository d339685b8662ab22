"""Why something failed, as systems, name servers and OpenSSL say it in English, and our words for the usual reasons.

What they said is what is kept. The words are chosen when it is shown, so they also fit what was kept before.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from assets.phrases import Phrase

SAID_MAX = 300  # longer texts are none of theirs
_BEFORE = re.compile(r"\[errno -?\d+\] ")
_REASON = re.compile(r"(?:\[ssl: ?)?([a-z0-9]+(?:_[a-z0-9]+)+)(?:\].*)?")
_MISMATCH = re.compile(r"(?:hostname|ip address) mismatch\b.*")

_RESET = Phrase("the other side broke off")
_NOT_PERMITTED = Phrase("the collector's system does not permit it")
_TOO_MANY = Phrase("too many connections open at once")
_ITSELF = Phrase("signed by itself")
_UNTRUSTED = Phrase("of an authority that is not trusted")
_NO_ISSUER = Phrase("its issuer is not known here, or the server does not send the issuer's certificate")
_WRONG_NAME = Phrase("made for another name")
_WORDS: Mapping[str, Phrase] = {
    # strerror(3) and asyncio
    "connection refused": Phrase("connection refused"),
    "no route to host": Phrase("no route to host"),
    "host is down": Phrase("host is down"),
    "network is unreachable": Phrase("network is unreachable"),
    "network is down": Phrase("network is down"),
    "connection timed out": Phrase("connection timed out"),
    "connection reset by peer": _RESET,
    "broken pipe": _RESET,
    "connection lost": _RESET,
    "permission denied": _NOT_PERMITTED,
    "operation not permitted": _NOT_PERMITTED,
    "too many open files": _TOO_MANY,
    "too many open files in system": _TOO_MANY,
    "cannot assign requested address": Phrase("the collector has no address of this kind to send from"),
    # gai_strerror(3)
    "name or service not known": Phrase("no such name is known"),
    "no address associated with hostname": Phrase("the name stands for no address"),
    "temporary failure in name resolution": Phrase("the name server does not answer"),
    # X509_verify_cert_error_string(3), of OpenSSL 1.1 too
    "certificate has expired": Phrase("expired"),
    "certificate is not yet valid": Phrase("not valid yet"),
    "certificate revoked": Phrase("has been revoked"),
    "self-signed certificate": _ITSELF,
    "self signed certificate": _ITSELF,
    "self-signed certificate in certificate chain": _UNTRUSTED,
    "self signed certificate in certificate chain": _UNTRUSTED,
    "unable to get local issuer certificate": _NO_ISSUER,
    "unable to get issuer certificate": _NO_ISSUER,
    "unable to verify the first certificate": _NO_ISSUER,
}
_NO_TLS = Phrase("the port speaks something else than TLS (%(said)s)")
_TOO_OLD = Phrase("no version of TLS that both take: one of them is too old (%(said)s)")
_NO_CIPHER = Phrase("no way to encrypt that both take (%(said)s)")
_BROKEN_OFF = Phrase("the other side broke off (%(said)s)")
_WANTS_OURS = Phrase("the server wants a certificate from whoever asks (%(said)s)")
# The reasons of SSL errors, which are technical: they are shown behind the words.
_REASONS: Mapping[str, Phrase] = {
    "wrong_version_number": _NO_TLS,
    "http_request": _NO_TLS,
    "record_layer_failure": _NO_TLS,
    "unsupported_protocol": _TOO_OLD,
    "no_protocols_available": _TOO_OLD,
    "tlsv1_alert_protocol_version": _TOO_OLD,
    "unsafe_legacy_renegotiation_disabled": _TOO_OLD,
    "sslv3_alert_handshake_failure": _NO_CIPHER,
    "no_shared_cipher": _NO_CIPHER,
    "dh_key_too_small": _NO_CIPHER,
    "unexpected_eof_while_reading": _BROKEN_OFF,
    "tlsv13_alert_certificate_required": _WANTS_OURS,
}


def words(said: str) -> Phrase | None:
    """Our words for what was said; None where it has to stand as it is."""
    if len(said) > SAID_MAX:
        return None
    plain = _BEFORE.sub("", said.lower(), count=1).strip(" .")
    if (phrase := _WORDS.get(plain)) is not None:
        return phrase
    if _MISMATCH.fullmatch(plain):
        return _WRONG_NAME
    found = _REASON.fullmatch(plain)
    reason = _REASONS.get(found[1]) if found else None
    return replace(reason, params={"said": found[1].upper()}) if found and reason else None
