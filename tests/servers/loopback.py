"""A real HTTP server on loopback whose answers, and whose failures, are laid out in advance."""

from __future__ import annotations

import hashlib
import json
import re
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PAGE = b"<!DOCTYPE html><html><head><title>Earthdata Login</title></head><body>Sign in</body></html>" * 20


@dataclass
class Seen:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    status: int = 0


@dataclass
class Answer:
    """One answer."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


Route = Callable[[Seen], Answer]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed, or gave up, is no error of the server."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Loopback:
    """Serves `files` with ranges and entity tags, and `routes` by function; `trouble` comes first.

    `trouble[path]` is a list of failures, one used up by each request of that path:
    ``"401"``, ``"429:SECONDS-OR-DATE"``, ``"stall"``, ``"cut:BYTES"`` (of a body whose length was announced),
    ``"chop:BYTES"`` (of a chunked one), ``"open:BYTES"`` (of one that only the end of the connection ends),
    ``"html"``, ``"json"``, ``"wrong"``, ``"drip:SECONDS"`` (a pause in the middle), ``"ok"``.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.routes: dict[str, Route] = {}
        self.trouble: dict[str, list[str]] = defaultdict(list)
        self.forever: dict[str, str] = {}
        self.needs: dict[str, str] = {}
        self.ranges, self.tags = True, True
        self.seen: list[Seen] = []
        self.active, self.most_active = 0, 0
        self.lock, self.over = threading.Lock(), threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *parts: object) -> None:
                pass

            def do_any(self) -> None:
                server.handle(self)

            do_GET = do_POST = do_HEAD = do_any  # noqa: N815

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    def requests(self, path: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.path == path]

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        length = int(handler.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        seen = Seen(handler.command, parts.path, parse_qs(parts.query), headers, handler.rfile.read(length))
        with self.lock:
            self.seen.append(seen)
            self.active += 1
            self.most_active = max(self.most_active, self.active)
            # sizes are asked for by HEAD: failures wait for the download itself
            plan = self.trouble[parts.path] if seen.method != "HEAD" else []
            trouble = plan.pop(0) if plan else self.forever.get(parts.path, "ok")
        try:
            self._answer(handler, seen, trouble)
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True
        finally:
            with self.lock:
                self.active -= 1

    def _answer(self, handler: BaseHTTPRequestHandler, seen: Seen, trouble: str) -> None:
        kind, _, detail = trouble.partition(":")
        if kind.isdigit():
            extra = {"Retry-After": detail} if detail else {}
            self._send(handler, seen, Answer(int(kind), extra, b'{"error": "no"}'))
            return
        if kind == "stall":
            self.over.wait(20)
            handler.close_connection = True
            return
        if kind in ("html", "json"):
            body = PAGE if kind == "html" else b'{"error": {"code": "RENDERER_EXCEPTION"}}'
            self._send(handler, seen, Answer(200, {"Content-Type": "text/html"}, body))
            return
        answer = self._find(seen)
        if kind == "wrong" and answer.body:
            middle = len(answer.body) // 2
            answer.body = answer.body[:middle] + bytes([answer.body[middle] ^ 1]) + answer.body[middle + 1 :]
        self._send(handler, seen, answer, kind, detail)

    def _find(self, seen: Seen) -> Answer:
        wanted = self.needs.get(seen.path)
        if wanted is not None and seen.headers.get("authorization") != wanted:
            return Answer(401, {}, b"who are you")
        if seen.path in self.routes:
            return self.routes[seen.path](seen)
        if seen.path not in self.files:
            return Answer(404, {}, b"nothing here")
        body = self.files[seen.path]
        tag = f'"{hashlib.md5(body).hexdigest()}"'
        headers = {"ETag": tag} if self.tags else {}
        asked = re.fullmatch(r"bytes=(\d+)-", seen.headers.get("range", ""))
        if not self.ranges or asked is None or seen.headers.get("if-range", tag) != tag:
            return Answer(200, headers, body)
        start = int(asked[1])
        if start >= len(body):
            return Answer(416, {"Content-Range": f"bytes */{len(body)}"}, b"")
        headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        return Answer(206, headers, body[start:])

    def _send(
        self, handler: BaseHTTPRequestHandler, seen: Seen, answer: Answer, kind: str = "", detail: str = ""
    ) -> None:
        seen.status = answer.status
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        if kind == "chop":
            handler.send_header("Transfer-Encoding", "chunked")
        elif kind != "open":
            handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        if seen.method == "HEAD":
            return
        if kind in ("cut", "chop", "open"):
            size = b"%x\r\n" % len(answer.body) if kind == "chop" else b""
            handler.wfile.write(size + answer.body[: int(detail)])
            handler.wfile.flush()
            handler.close_connection = True
        elif kind == "drip":
            half = len(answer.body) // 2
            handler.wfile.write(answer.body[:half])
            handler.wfile.flush()
            self.over.wait(float(detail))
            handler.wfile.write(answer.body[half:])
        else:
            handler.wfile.write(answer.body)


def json_answer(content: object, **headers: str) -> Answer:
    return Answer(200, {"Content-Type": "application/json", **headers}, json.dumps(content).encode())


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until a condition holds; fails loudly when it does not."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.01)
