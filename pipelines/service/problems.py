"""Errors of requests, answered as problem details (RFC 9457)."""

from http import HTTPStatus

import msgspec
from starlette.responses import Response

from pipelines.service.messages import Problem
from vecmill.visible import printable

PROBLEM_JSON = "application/problem+json"


class RequestError(Exception):
    """A request that cannot be answered.

    Parameters
    ----------
    status : int
        Of HTTP.
    detail : str
        One line: what was found, what was expected, what to do.
    **headers : str
        Of the response.
    """

    def __init__(self, status: int, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def response(self) -> Response:
        """Return the response that describes the problem."""
        problem = Problem(HTTPStatus(self.status).phrase, self.status, printable(self.detail))
        return Response(msgspec.json.encode(problem), self.status, self.headers, PROBLEM_JSON)
