"""The current ClickHouse engine (chdb) behind HTTP, as far as clients need it: `python clickhouse_front.py PORT FOLDER [PEM]`.
With a file that holds a key and its certificate it speaks HTTPS.

It speaks for one user, `helios` with the password `right`; everybody else is refused with ClickHouse's own number.
"""

import gzip
import re
import ssl
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import zstandard
from chdb import session

USER, PASSWORD = "helios", "right"
# What stands in an address and is no setting.
NOT_SETTINGS = {
    "query", "database", "default_format", "query_id", "user", "password", "enable_http_compression", "readonly", "session_id",
    "cancel_http_readonly_queries_on_client_close", "client_protocol_version", "wait_end_of_query", "compress", "decompress",
    "http_headers_progress_interval_ms", "send_progress_in_http_headers", "buffer_size",
}

engine = None
lock = threading.Lock()


def run(sql: bytes, output: str) -> bytes:
    with lock:
        return engine.query(sql, output).bytes()


class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if urlsplit(self.path).path == "/ping":
            return self.answer(200, b"Ok.\n")
        self.statement(b"")

    def do_POST(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline().strip() or b"0", 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        encoding = self.headers.get("Content-Encoding")
        if encoding == "zstd":
            # A body may hold several frames.
            body = zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True).read()
        elif encoding == "gzip":
            body = gzip.decompress(body)
        self.statement(body)

    def statement(self, body):
        parameters = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        user = self.headers.get("X-ClickHouse-User", parameters.get("user", "default"))
        password = self.headers.get("X-ClickHouse-Key", parameters.get("password", ""))
        if "Basic " in self.headers.get("Authorization", ""):
            import base64

            user, password = base64.b64decode(self.headers["Authorization"].split(" ")[1]).decode().split(":", 1)
        if (user, password) != (USER, PASSWORD):
            return self.refuse(403, 516, f"{user}: Authentication failed: password is incorrect, or there is no user with such name")
        statement, data = parameters.get("query", "").encode(), body
        if not statement:
            statement, data = body, b""
        settings = {name: value for name, value in parameters.items() if name not in NOT_SETTINGS and not name.startswith("param_")}
        try:
            if database := parameters.get("database"):
                run(f"USE `{database}`".encode(), "TSV")
            for name, value in parameters.items():
                if name.startswith("param_"):
                    run(f"SET {name} = '{value}'".encode(), "TSV")
            self.answer(200, self.run(statement, data, settings, parameters.get("default_format", "TabSeparated")))
        except Exception as error:
            text = str(error)
            code = re.search(r"Code: (\d+)", text)
            self.refuse(500, int(code.group(1)) if code else 1000, text)

    def run(self, statement, data, settings, output):
        text = statement.decode().strip().rstrip(";")
        listed = ", ".join(f"{name} = '{value}'" for name, value in settings.items())
        if data or re.match(r"insert\b", text, re.I):
            head, mark, form = re.match(r"(?is)(.*?)(\bFORMAT\s+\w+\s*$|$)", text).groups() + (None,)
            settings = f" SETTINGS {listed} " if listed and mark else " "
            if not data:
                return run((head + settings + mark).encode(), "TSV")
            with tempfile.NamedTemporaryFile() as block:
                block.write(data)
                block.flush()
                return run(f"{head} FROM INFILE '{block.name}'{settings}{mark}".encode(), "TSV")
        found = re.search(r"(?is)\bFORMAT\s+(\w+)\s*$", text)
        if found:
            text, output = text[: found.start()], found.group(1)
        if listed and re.match(r"(?is)(--[^\n]*\n|\s)*(select|with|\()", text) and not re.search(r"(?i)\bSETTINGS\b", text):
            text += f"\nSETTINGS {listed}"
        return run(text.encode(), output)

    def refuse(self, status, code, words):
        words = words if words.startswith("Code: ") else f"Code: {code}. DB::Exception: {words}"
        self.answer(status, words.encode(), {"X-ClickHouse-Exception-Code": str(code)})

    def answer(self, status, body, headers=None):
        self.send_response(status)
        accepted = self.headers.get("Accept-Encoding", "")
        if status == 200 and body and "zstd" in accepted:
            body = zstandard.ZstdCompressor(level=1).compress(body)
            self.send_header("Content-Encoding", "zstd")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("X-ClickHouse-Summary", "{}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    port, folder = int(sys.argv[1]), sys.argv[2]
    engine = session.Session(folder)
    server = ThreadingHTTPServer(("127.0.0.1", port), Front)
    if len(sys.argv) > 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3])
        # Each connection shakes hands in a thread of its own: one that speaks no TLS holds up nobody.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()
