"""A client of related-pins for Python 3.9 and newer, without other packages."""

import json
import uuid
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen


class RelatedPinsError(Exception):
    """What the service refused: `code` is stable, the text is for people."""

    def __init__(self, problem):
        super().__init__(problem.get("detail"))
        self.code = problem.get("code")


class RelatedPins:
    def __init__(self, base, key=None):
        self.base = base.rstrip("/")
        self.headers = {"authorization": f"Bearer {key}"} if key else {}

    def call(self, method, path, body=None, **query):
        """One call of the API; its reply. GET /v1/openapi.json describes every path."""
        given = {name: value for name, value in query.items() if value is not None}
        address = f"{self.base}{path}?{urlencode(given, doseq=True)}"
        data = None if body is None else json.dumps(body).encode()
        headers = {**self.headers, **({} if body is None else {"content-type": "application/json"})}
        try:
            with urlopen(Request(address, data, headers, method=method), timeout=30) as reply:
                return json.load(reply)
        except HTTPError as error:
            raise RelatedPinsError(json.load(error)) from error

    def related(self, pin_id, **query):
        return self.call("GET", f"/v1/pins/{quote(pin_id, safe='')}/related", **query)

    def home_feed(self, user_id, **query):
        return self.call("GET", f"/v1/users/{quote(user_id, safe='')}/home-feed", **query)

    def send(self, kind, recommendation_id, item, user_id):
        """Sends what somebody did with an item of a list: impression, closeup, click, longClick, save, hide or unhide."""
        event = {
            "eventId": str(uuid.uuid4()),
            "type": kind,
            "recommendationId": recommendation_id,
            "pinId": item["pinId"],
            "position": item["position"],
            "userId": user_id,
        }
        return self.call("POST", "/v1/events", {"events": [event]})
