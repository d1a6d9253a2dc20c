#!/usr/bin/python3
"""The approver's page in Chromium, opened from a file: its cryptography, and what it refuses to believe."""

import hashlib
import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import CHROMEDRIVER, Browser  # noqa: E402

ROOT = os.environ.get("BT_SOURCE_ROOT", os.path.join(os.path.dirname(__file__), ".."))
PAGE = "file://" + os.path.abspath(os.path.join(ROOT, "approve", "approve.html"))

CANONICAL = [
    ({"b": 1, "a": [True, None, "x\"\\\n"]}, '{"a":[true,null,"x\\"\\\\\n"],"b":1}'),
    ({"é": 1, "z": 2, "ä": -5}, '{"z":2,"ä":-5,"é":1}'),
    ({"a": {}, "": []}, '{"":[],"a":{}}'),
]

# What the server offers, signed and hashed in the page itself; SPOIL is what a hijacked server does to it.
OFFER = """
return (async () => {
  const file = await keys.make("nguyen-van-a", "", "mat khau dai");
  const mine = await keys.open(file, "mat khau dai");
  const table = {[file.keyid]: {...file.public, "x-holder": "nguyen-van-a", "x-class": "file"}};
  const target = async text => ({length: utf8.encode(text).length, hashes: {sha256: await sha256(utf8.encode(text))}});
  const document_ = items => JSON.stringify({format: 1, playlists: [{name: "p", items}]});
  const old = document_([{id: "a", type: "text", text: "Một"}]);
  const now = document_([{id: "a", type: "text", text: "Hai"}]);
  const path = "u/31333/quang-truong.json";
  const signed = {_type: "targets", version: 4, targets: {[path]: await target(old)}};
  const approved = signed.targets[path];
  const base = {signed, signatures: [{keyid: file.keyid, sig: await keys.sign(mine, utf8.encode(canonical(signed)))}]};
  const metadata = {_type: "targets", version: 5, targets: {[path]: await target(now)}};
  const offer = {role: "u-31333", metadata, base, keys: table, threshold: 1, changes: [{path, document: now, present: old}]};
  localStorage.clear();
  memory.write("targets", all => { all["u-31333"] = {targets: {[path]: approved}, delegations: null}; });
  memory.write("versions", versions => { versions["u-31333"] = 4; });
  server.call = async (method, path_) => { throw new Error("asked for " + path_); };
  SPOIL
  const notes = [];
  try {
    const verified = await verifyOffer(offer, (good, text) => notes.push([good, text]));
    return {changes: verified.changes.flatMap(change => differences(change.present, change.next).map(d => [d.id, d.change])), notes};
  } catch (error) { return {error: error.message, notes}; }
})();
"""

HIJACKED = {
    "a document with another content": "offer.changes[0].document = now.replace('Hai', 'Cá cược');",
    "a document of the same length": "offer.changes[0].document = now.replace('Hai', 'Bay');",
    "something of another unit": "metadata.targets['u/99/x.json'] = await target(now);",
    "something of the province": "metadata.targets['p/chung.json'] = await target(now);",
    "a version that was signed before": "metadata.version = 4; base.signed.version = 3;",
    "another document under the version I signed": "metadata.version = 4;",
    "a version far ahead": "metadata.version = 900;",
    "a version that could never be followed": "metadata.version = 2 ** 53 - 1; base.signed.version = 2 ** 53 - 2;",
    "a root": "metadata._type = 'root';",
    "a key nobody knows": "metadata.extra = {};",
    "nothing to approve": "metadata.targets = base.signed.targets; offer.changes = [];",
    "a change it keeps quiet about": "offer.changes = [];",
    "a false picture of what is shown now": "offer.changes[0].present = now;",
}


@unittest.skipUnless(CHROMEDRIVER, "needs chromedriver")
class ApprovePage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.page = cls.enterClassContext(Browser())
        cls.page.open(PAGE)

    def offer(self, spoil):
        return self.page.run(OFFER.replace("SPOIL", spoil))

    def test_canonical_json_is_the_one_of_tuf(self):
        for value, text in CANONICAL:
            self.assertEqual(self.page.run("return canonical(arguments[0])", value), text)
        with self.assertRaisesRegex(RuntimeError, "not a whole number"):
            self.page.run("return canonical({a: 0.5})")

    def test_a_key_opens_with_its_passphrase_alone(self):
        keyid, wrong = self.page.run("""return (async () => {
            const file = await keys.make("a-b", "Máy ở nhà", "mật khẩu dài");
            let wrong = "opened";
            try { await keys.open(file, "mật khẩu khác"); } catch (error) { wrong = error.message; }
            return [(await keys.open(file, "mật khẩu dài")).keyid === file.keyid, wrong];
        })()""")
        self.assertTrue(keyid)
        self.assertIn("wrong passphrase", wrong)

    def test_p256_signatures_travel_as_der(self):
        self.assertTrue(self.page.run("""return (async () => {
            for (let i = 0; i < 40; i++) {  // short and long numbers come by chance
                const pair = await crypto.subtle.generateKey({name: "ECDSA", namedCurve: "P-256"}, true, ["sign", "verify"]);
                const spki = btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey))));
                const object = {scheme: "ecdsa-sha2-nistp256", keyval: {public: `-----BEGIN PUBLIC KEY-----\\n${spki}\\n-----END PUBLIC KEY-----\\n`}};
                const signature = await keys.sign({scheme: object.scheme, key: pair.privateKey}, utf8.encode("x"));
                if (!await keys.verifies(object, utf8.encode("x"), signature) || await keys.verifies(object, utf8.encode("y"), signature)) return false;
            }
            return true;
        })()"""))

    def test_an_honest_offer_shows_what_changes(self):
        result = self.offer("")
        self.assertEqual(result.get("changes"), [["a", "changed"]], result)

    def test_a_hijacked_server_is_not_believed(self):
        for name, spoil in HIJACKED.items():
            with self.subTest(name):
                result = self.offer(spoil)
                self.assertIn("error", result, result)

    def test_a_base_nobody_known_signed_makes_everything_new(self):
        forged = """base.signed.targets = metadata.targets; base.signed.version = 4; offer.changes = [];
            server.call = async (method, path_) => ({text: async () => now});"""
        result = self.offer(forged)
        self.assertEqual(result.get("changes"), [["a", "added"]], result)

    def test_a_password_never_goes_in_the_clear(self):
        said = self.page.run("""return (async () => {
            const asked = [], real = window.fetch;
            window.fetch = async url => { asked.push(url); return {ok: true, json: async () => ({token: "t"})}; };
            const results = [];
            for (const place of ["http://bangtin.example.vn", "http://127.0.0.1.example.vn:80", "https://bangtin.example.vn", "http://127.0.0.1:8080"])
                try { await server.login(place, "a", "b"); results.push("sent"); } catch (error) { results.push("refused"); }
            window.fetch = real;
            return [results, asked.length];
        })()""")
        self.assertEqual(said, [["refused", "refused", "sent", "sent"], 2])

    def test_what_others_have_signed_is_shown_to_whoever_has_not(self):
        hidden = """const other = "u/31333/la.json";
            signed.targets[other] = metadata.targets[other] = await target(now);
            base.signatures = [{keyid: file.keyid, sig: await keys.sign(mine, utf8.encode(canonical(signed)))}];
            server.call = async (method, path_) => ({text: async () => now});"""
        result = self.offer(hidden)
        self.assertEqual(result.get("changes"), [["a", "changed"], ["a", "added"]], result)

    def test_what_others_have_taken_away_does_not_come_back_unseen(self):
        back = """const gone = "u/31333/la.json";
            metadata.targets[gone] = await target(now);
            memory.write("targets", all => { all["u-31333"].targets[gone] = metadata.targets[gone]; });
            server.call = async (method, path_) => ({text: async () => now});"""
        result = self.offer(back)
        self.assertEqual(result.get("changes"), [["a", "changed"], ["a", "added"]], result)

    def test_every_part_of_a_document_is_compared(self):
        item = {"id": "a", "type": "stream", "url": "https://example.vn/a"}
        before = {"version": 1, "playlists": [{"name": "p", "items": [item, {"id": "b", "type": "text", "text": "B"}]},
                                              {"name": "q", "items": [{"id": "c", "type": "text", "text": "C"}]}]}

        def compare(change):
            now = json.loads(json.dumps(before))
            change(now)
            return self.page.run("""const [before, now] = arguments;
                return [frameDifferences(before, now).map(d => d.key), differences(before, now).map(d => d.id),
                        showChange({path: "p", present: before, next: now}, new Map()).textContent];""", before, now)
        self.assertEqual(compare(lambda now: now.update(version=2))[:2], [[], []])
        self.assertEqual(compare(lambda now: now.update(later={"x": 1}))[:2], [["later"], []])
        self.assertEqual(compare(lambda now: now["playlists"][0]["items"].reverse())[:2], [["playlists"], []])
        self.assertEqual(compare(lambda now: now["playlists"][1]["items"].append(now["playlists"][0]["items"].pop()))[:2],
                         [["playlists"], []])
        frame, items, text = compare(lambda now: now["playlists"][0]["items"][0].update(url="https://example.com/b"))
        self.assertEqual((frame, items), ([], ["a"]))
        self.assertIn("https://example.com/b", text)
        frame, items, text = compare(lambda now: now["playlists"][0]["items"][0].update(volume_percent=40))
        self.assertEqual((frame, items), ([], ["a"]))
        self.assertIn("Có âm thanh: 40 %", text)

    def test_what_moves_is_said_in_words(self):
        for item, said in [
            ({"transition": {"type": "push", "ms": 800}},
             "Chuyển cảnh: đẩy sang trái, 0,8 giây / push to the left, 0.8 s"),
            ({"transition": {"type": "fade", "ms": 1500, "colour": "#ffffff"}},
             "Chuyển cảnh: mờ qua màu #ffffff, 1,5 giây / fade through #ffffff, 1.5 s"),
            ({"transition": {"type": "crossfade", "ms": 500}}, "Chuyển cảnh: hòa dần, 0,5 giây / crossfade, 0.5 s"),
            ({"motion": {"from": {"x": 0.5, "y": 0.5, "zoom": 1}, "to": {"x": 0.625, "y": 0.35, "zoom": 1.25}}},
             "Ảnh chuyển động: phóng 1 → 1,25, tâm (50 %, 50 %) → (62,5 %, 35 %)"
             " / zoom 1 → 1.25, centre (50 %, 50 %) → (62.5 %, 35 %)"),
            ({"style": {"font": "Noto Serif", "bold": True, "italic": True, "size": 64}},
             "Kiểu chữ: có chân, đậm, nghiêng, cỡ 64 px / style: serif, bold, italic, size 64 px"),
            ({"style": {"colour": "#ffee00", "background": "#102030", "outline": {"px": 3, "colour": "#000000"},
                        "shadow": {"x": -2, "y": 4, "blur_px": 6, "colour": "#00000080"}, "align": "left", "valign": "bottom"}},
             "Kiểu chữ: màu #ffee00, nền #102030, viền 3 px #000000, bóng (-2, 4) mờ 6 px #00000080, sát trái, dưới / style: "
             "colour #ffee00, background #102030, outline 3 px #000000, shadow (-2, 4) blurred 6 px #00000080, left, bottom"),
        ]:
            shown = self.page.run("return showSide('', {item: arguments[0], cards: []}, new Map()).textContent;",
                                     {"type": "image", **item})
            self.assertIn(said, shown)
            self.assertIn(json.dumps(list(item)[0]), shown)  # and the whole of it as it stands
        for odd in [{"type": "explode", "ms": 5}, {"type": "wipe", "ms": 5, "towards": "toString"}, {"type": "toString", "ms": 5},
                    {"type": "push", "ms": "<b>"}, None, []]:
            said = self.page.run("return transitionWords(arguments[0]) === undefined;", odd)
            self.assertTrue(said, odd)
        for odd in [{}, None, [], {"bold": False, "outline": {"px": "3", "colour": 7}, "shadow": []}, {"align": "toString"}]:
            self.assertTrue(self.page.run("return styleWords(arguments[0]) === undefined;", odd), odd)

    def test_how_words_look_and_move_is_shown(self):
        styles, text = self.page.run("""
            const item = {id: "i", type: "crawl", text: "Một\\nHai", towards: "right", speed: 3, style: {font: "Noto Serif", bold: true,
                italic: true, size: 96, outline: {px: 3, colour: "#ff0000"}, shadow: {x: 4, y: -4, blur_px: 6, colour: "#00000080"}}};
            const clock = {id: "c", type: "clock", pattern: "%H:%M %L"};
            const side = showSide("", {item, cards: []}, new Map()), other = showSide("", {item: clock, cards: []}, new Map());
            document.body.append(side, other);
            const words = getComputedStyle(side.querySelector(".words"));
            const result = [[words.webkitTextStrokeColor, parseFloat(words.webkitTextStrokeWidth) / parseFloat(words.fontSize) * 96,
                             words.fontStyle, words.fontFamily, words.textShadow], side.textContent + other.textContent];
            side.remove(); other.remove();
            return result;""")
        self.assertEqual(styles[0], "rgb(255, 0, 0)")
        self.assertAlmostEqual(styles[1], 6, delta=1)
        self.assertEqual(styles[2], "italic")
        self.assertIn("Noto Serif", styles[3])
        self.assertIn("rgba(0, 0, 0, 0.5", styles[4])
        self.assertIn("sang phải / moves right, 3 px", text)
        self.assertIn("%H:%M %L", text)
        self.assertIn("âm lịch", text)

    def test_text_from_outside_never_becomes_markup(self):
        evil = "<img src=x onerror='window.hijacked=1'><script>window.hijacked=1</script>"
        shown, hijacked = self.page.run("""
            const evil = arguments[0], change = {path: evil, present: null, next: {title: evil, playlists: [{name: "p",
                items: [{id: evil, type: "text", title: evil, text: evil, style: {background: "url(javascript:1)", colour: evil}}]}]}};
            const part = showChange(change, new Map());
            document.body.append(part);
            const result = [part.querySelectorAll("img, script").length, window.hijacked || 0];
            part.remove();
            return result;""", evil)
        self.assertEqual((shown, hijacked), (0, 0))

    def test_a_person_makes_a_key_and_opens_it_again(self):
        page = self.page
        page.open(PAGE)
        page.click("#show-new-key")
        page.fill("#holder", "tran-thi-b")
        page.fill("#new-passphrase", "mat khau rat dai")
        page.click("#make-key")
        page.wait("return document.getElementById('key-state').className === 'good'")
        path = os.path.join(page.downloads, "khoa-tran-thi-b.json")
        end = time.monotonic() + 180
        while not os.path.exists(path) and time.monotonic() < end:
            time.sleep(0.05)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(json.load(file)["holder"], "tran-thi-b")
        page.open(PAGE)
        page.type("#key-file", path)
        page.fill("#passphrase", "mat khau rat dai")
        page.click("#open-key")
        page.wait("return document.getElementById('key-state').textContent.includes('tran-thi-b')")

    def test_the_published_hash_is_the_files(self):
        folder = os.path.join(ROOT, "approve")
        with open(os.path.join(folder, "approve.html"), "rb") as file, open(os.path.join(folder, "approve.html.sha256"), encoding="ascii") as said:
            self.assertEqual(hashlib.sha256(file.read()).hexdigest(), said.read().strip())

    def test_the_page_asks_nobody_for_anything(self):
        with open(os.path.join(ROOT, "approve", "approve.html"), encoding="utf-8") as file:
            text = file.read()
        for part in ("src=\"http", "href=\"http", "@import", "import(", "innerHTML", "document.write", "eval("):
            self.assertNotIn(part, text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
