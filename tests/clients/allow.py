"""What a person's system opens addresses with: allows every login that it is shown, and goes where that leads.

Usage: allow.py ADDRESS
"""

import sys
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener, urlopen


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""


page = urlsplit(sys.argv[1])
form = urlencode({**dict(parse_qsl(page.query)), "allow": "yes", "project_id": "4242"}).encode()
try:
    build_opener(_Stay()).open(f"{page.scheme}://{page.netloc}{page.path}", form)
except HTTPError as answer:
    urlopen(answer.headers["Location"]).read()  # noqa: S310 - the callback of a client on this machine
