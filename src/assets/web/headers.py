"""What every answer carries, also those that no route gives: rules for the browser that shows it."""

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

# No inline script or style anywhere: what a device or a person wrote can never run.
OF_PAGES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Where a page reads codes with WebAssembly, which browsers count as a script that is made on the way.
OF_SCANNERS = OF_PAGES.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")
OF_DATA = "default-src 'none'; frame-ancestors 'none'"
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",  # counters share PCs: the next person must not go back into a page
}
HTTPS_ONLY = "max-age=31536000"  # not of subdomains: those may be somebody else's


class HeadersMiddleware(ASGIMiddleware):
    """Adds them where the answer has none of its own; `secure` when people reach the service over https."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, *, secure: bool) -> None:
        self.headers = {**ALWAYS, **({"Strict-Transport-Security": HTTPS_ONLY} if secure else {})}

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Go on, and complete the answer's head."""

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders(message)
                page = headers.get("content-type", "").startswith("text/html")
                for name, value in {**self.headers, "Content-Security-Policy": OF_PAGES if page else OF_DATA}.items():
                    headers.setdefault(name, value)
            await send(message)

        await next_app(scope, receive, completed)
