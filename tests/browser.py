"""Chromium without a window, driven over WebDriver (chromedriver): as much of it as our tests need."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver's name of a reference to an element
CHROMEDRIVER = shutil.which("chromedriver")
WAIT_S = 180


class Browser:
    """`with Browser() as page:`; its downloads land in page.downloads."""

    def __init__(self, width=1200, height=1600):
        self.size = f"{width},{height}"

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="bangtin-browser-", ignore_cleanup_errors=True)
        self.downloads = os.path.join(self.directory.name, "downloads")
        os.mkdir(self.downloads)
        self.driver = subprocess.Popen([CHROMEDRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                       text=True)
        self.base = f"http://127.0.0.1:{self._port()}"
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", f"--window-size={self.size}",
                            f"--user-data-dir={self.directory.name}/profile", "--lang=vi"],
                   "prefs": {"download.default_directory": self.downloads}}
        session = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.session = f"/session/{session['sessionId']}"
        return self

    def __exit__(self, *_):
        try:
            self._ask("DELETE", self.session)
        finally:
            self.driver.terminate()
            self.driver.wait()
            self.driver.stdout.close()
            self.directory.cleanup()

    def _port(self):
        for line in self.driver.stdout:
            if "successfully on port" in line:
                return int(line.rstrip(" .\n").rsplit(" ", 1)[1])
        raise RuntimeError("chromedriver did not start")

    def _ask(self, method, path, body=None):
        data = None if method in ("GET", "DELETE") else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from error

    def open(self, url):
        self._ask("POST", self.session + "/url", {"url": url})

    def resize(self, width, height):
        """What the page has to itself; a window of Chromium's would not get as narrow as a telephone."""
        self._ask("POST", self.session + "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}})

    def find(self, selector):
        found = self._ask("POST", self.session + "/element", {"using": "css selector", "value": selector})
        return f"{self.session}/element/{found[ELEMENT]}"

    def click(self, selector):
        self._ask("POST", self.find(selector) + "/click")

    def type(self, selector, text):
        self._ask("POST", self.find(selector) + "/value", {"text": text})

    def fill(self, selector, text):
        self._ask("POST", self.find(selector) + "/clear")
        self.type(selector, text)

    def text(self, selector):
        return self._ask("GET", self.find(selector) + "/text")

    def run(self, script, *arguments):
        """The value of a script's `return`; promises are waited for."""
        return self._ask("POST", self.session + "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script, *arguments):
        """Until the script returns something true, which is given back."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            value = self.run(script, *arguments)
            if value:
                return value
            time.sleep(0.05)
        raise TimeoutError(f"{script}\n{self.log()}")

    def log(self):
        return "\n".join(entry["message"] for entry in self._ask("POST", self.session + "/se/log", {"type": "browser"}))

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self._ask("GET", self.session + "/screenshot")))
