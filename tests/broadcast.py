"""A broadcaster: an https server with a key of its own that sends live streams, and a canary that nobody may touch.

What it sends was encoded before; when it is sent follows the clock, so that a stream is live without an encoder running."""

import base64
import hashlib
import http.server
import os
import socketserver
import ssl
import struct
import subprocess
import threading
import time

SEGMENT_S = 1


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *arguments], check=True)


def make_key(directory, name):
    """A self-signed certificate; its file and its pin."""
    path = os.path.join(directory, name + ".pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=" + name, "-keyout", path + ".key", "-out", path + ".crt"],
                   check=True, capture_output=True)
    with open(path, "w") as whole:
        for part in (".key", ".crt"):
            with open(path + part) as file:
                whole.write(file.read())
    public = subprocess.run(["openssl", "x509", "-in", path + ".crt", "-pubkey", "-noout"], check=True,
                            capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=public, check=True,
                         capture_output=True).stdout
    return path, "sha256//" + base64.b64encode(hashlib.sha256(der).digest()).decode()


def encode(directory, name, seconds, size, *output, source="testsrc2", rate=25, sound=None):
    """`sound` is what ffmpeg's aevalsrc makes it of."""
    path = os.path.join(directory, name)
    heard = ["-f", "lavfi", "-i", f"aevalsrc={sound}:s=48000:d={seconds}", "-c:a", "aac", "-b:a", "128k"] if sound else []
    ffmpeg("-f", "lavfi", "-i", f"{source}=size={size}:rate={rate}:duration={seconds}", *heard, "-c:v", "libx264", "-preset",
           "ultrafast", "-pix_fmt", "yuv420p", "-g", str(rate), "-bf", "0", *output, path)
    return path


def encode_segments(directory, name, seconds, size, *output, **more):
    """One transport stream a second, their times going on."""
    encode(directory, name + "-%03d.ts", seconds, size, *output, "-f", "segment", "-segment_time", str(SEGMENT_S),
           "-segment_format", "mpegts", **more)
    segments = []
    while os.path.exists(os.path.join(directory, f"{name}-{len(segments):03d}.ts")):
        with open(os.path.join(directory, f"{name}-{len(segments):03d}.ts"), "rb") as file:
            segments.append(file.read())
    return segments


class Server:
    """`paths` maps a path to a function of the request's handler. With a key it is https."""

    def __init__(self, key=None, port=0):
        self.paths = {}
        self.touched = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.touched.append(self.path)
                answer = outer.paths.get(self.path.split("?")[0])
                try:
                    if answer is None:
                        self.send_body(b"nothing", status=404)
                    else:
                        answer(self)
                except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                    self.close_connection = True

            def send_body(self, body, kind="application/octet-stream", status=200):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def send_endless(self, chunks):
                """Until the connection ends."""
                self.send_response(200)
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                for chunk in chunks:
                    self.wfile.write(chunk)

            def log_message(self, *_):
                pass

        class Listener(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # a player that does not like the key hangs up

            def get_request(self):
                request, address = super().get_request()
                outer.connections += 1
                if outer.context is not None:
                    request = outer.context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
                return request, address

        self.connections = 0
        self.context = None
        if key is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(key)
        self.listener = Listener(("127.0.0.1", port), Handler)
        self.port = self.listener.server_address[1]
        self.thread = threading.Thread(target=self.listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def url(self, path):
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}{path}"

    def close(self):
        self.listener.shutdown()
        self.listener.server_close()

    def text(self, path, text):
        self.paths[path] = lambda request: request.send_body(text.encode(), "application/vnd.apple.mpegurl")

    def hls(self, path, *programmes):
        """A sliding window of six segments over what was encoded, round and round; each programme begins with a discontinuity.
        It is as far as four segments when it is first asked for, however long that takes."""
        began = []
        segments = [(segment, index == 0) for programme in programmes for index, segment in enumerate(programme)]

        def playlist(request):
            began.append(time.monotonic() - 4 * SEGMENT_S)
            newest = int((time.monotonic() - began[0]) / SEGMENT_S)
            first = max(newest - 6, 0)
            lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{SEGMENT_S}",
                     f"#EXT-X-MEDIA-SEQUENCE:{first}"]
            for number in range(first, newest):
                place = number % len(segments)
                if segments[place][1] and number > 0:
                    lines.append("#EXT-X-DISCONTINUITY")
                lines += [f"#EXTINF:{SEGMENT_S}.000,", f"{place}.ts"]
            request.send_body("\n".join(lines).encode(), "application/vnd.apple.mpegurl")

        folder = path.rsplit("/", 1)[0]
        for number, (segment, _) in enumerate(segments):
            self.paths[f"{folder}/{number}.ts"] = lambda request, body=segment: request.send_body(body)
        self.paths[path] = playlist

    def progressive(self, path, file, seconds):
        """The file at the pace at which it plays, three seconds at once."""
        with open(file, "rb") as opened:
            body = opened.read()

        def chunks():
            began, sent = time.monotonic() - 3, 0
            while sent < len(body):
                due = min(int(len(body) * (time.monotonic() - began) / seconds), len(body))
                yield body[sent:due]
                sent = due
                time.sleep(0.05)
        self.paths[path] = lambda request: request.send_endless(chunks())


class Camera:
    """An RTSP server with one track, a transport stream in RTP over the same connection, at the pace at which it plays."""

    def __init__(self, file, seconds, password):
        with open(file, "rb") as opened:
            body = opened.read()
        outer = self
        self.asked = []

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    while self.answer():
                        pass
                except (BrokenPipeError, ConnectionResetError):
                    pass

            def answer(self):
                line = self.rfile.readline().decode()
                headers = {}
                while (header := self.rfile.readline().decode().strip()):
                    key, _, value = header.partition(":")
                    headers[key.lower()] = value.strip()
                if not line:
                    return False
                method = line.split()[0]
                outer.asked.append((method, headers.get("authorization")))
                expected = "Basic " + base64.b64encode(password.encode()).decode()
                if method == "OPTIONS":
                    self.reply(headers, "Public: OPTIONS, DESCRIBE, SETUP, PLAY")
                elif headers.get("authorization") != expected:
                    self.reply(headers, 'WWW-Authenticate: Basic realm="camera"', status="401 Unauthorized")
                elif method == "DESCRIBE":
                    self.reply(headers, "Content-Type: application/sdp",
                               body="v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\n"
                                    "a=control:track1\r\n")
                elif method == "SETUP":
                    self.reply(headers, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1")
                else:
                    self.reply(headers, "Session: 1")
                if method == "PLAY":
                    self.send()
                return method != "PLAY"

            def reply(self, headers, *more, status="200 OK", body=""):
                lines = [f"RTSP/1.0 {status}", f"CSeq: {headers.get('cseq', '0')}", *more, f"Content-Length: {len(body)}"]
                self.wfile.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

            def send(self):
                began, size = time.monotonic() - 1, 7 * 188
                for number, at in enumerate(range(0, len(body), size)):
                    due = began + at / len(body) * seconds
                    time.sleep(max(due - time.monotonic(), 0))
                    stamp = int((due - began) * 90000)
                    packet = struct.pack(">BBHII", 0x80, 33, number & 0xFFFF, stamp & 0xFFFFFFFF, 1) + body[at:at + size]
                    self.wfile.write(struct.pack(">cBH", b"$", 0, len(packet)) + packet)

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self.listener = Listener(("127.0.0.1", 0), Handler)
        self.url = f"rtsp://{password}@127.0.0.1:{self.listener.server_address[1]}/1"
        threading.Thread(target=self.listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.listener.shutdown()
        self.listener.server_close()
