"""Headers that make browsers careful.

Source: OWASP Secure Headers Project (https://owasp.org/www-project-secure-headers/), whose recommended values these
are, as far as they suit an API: what only pages have a use for has to be asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.app.middleware.http import AnswerLayer

if TYPE_CHECKING:
    from lambent.app.request import Request
    from lambent.app.response import Response

_PERMISSIONS = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), "
    "midi=(), payment=(), usb=()"
)


class SecurityHeaders(AnswerLayer):
    """Adds them to each answer, errors too. What the handler has set stays, and None leaves a header out.

    `hsts` counts for HTTPS only, which is all that Lambda's sources have but load balancers with HTTP. `csp` is the
    Content-Security-Policy; "default-src 'none'; frame-ancestors 'none'" suits an API. With `resource_policy`
    "same-origin" other sites cannot embed images and files; scripts that use CORS are not concerned.
    """

    def __init__(
        self,
        *,
        hsts: str | None = "max-age=31536000; includeSubDomains",
        content_type_options: str | None = "nosniff",
        frame_options: str | None = "deny",
        referrer_policy: str | None = "no-referrer",
        permissions_policy: str | None = _PERMISSIONS,
        cross_domain_policies: str | None = "none",
        opener_policy: str | None = "same-origin",
        resource_policy: str | None = "same-origin",
        embedder_policy: str | None = None,
        csp: str | None = None,
        cache_control: str | None = None,
    ) -> None:
        headers = {
            "strict-transport-security": hsts,
            "x-content-type-options": content_type_options,
            "x-frame-options": frame_options,
            "referrer-policy": referrer_policy,
            "permissions-policy": permissions_policy,
            "x-permitted-cross-domain-policies": cross_domain_policies,
            "cross-origin-opener-policy": opener_policy,
            "cross-origin-resource-policy": resource_policy,
            "cross-origin-embedder-policy": embedder_policy,
            "content-security-policy": csp,
            "cache-control": cache_control,
        }
        self._headers = {name: value for name, value in headers.items() if value is not None}

    def complete(self, request: Request, response: Response) -> Response:
        """With the headers that it does not have yet."""
        response.headers = {**self._headers, **response.headers}
        return response
