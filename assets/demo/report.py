"""The five-minute report clip: six chapters of fifty seconds, put together by ffmpeg from stills.

A chapter opens with its title, travels through a landscape under a standing sky with its lower
third, and then shows facts over a ground that drifts. Layers move by two whole pixels a picture,
so that nothing shimmers and 4:2:0 chroma moves with them. Chapters start and end on the ground's
colour and are encoded apart, which is why they can be joined without encoding again."""

import drawing

RATE = 25
CHAPTER_S = 50
BLEND_S = 0.6   # one shot melts into the next
STEP_PX = 2     # per picture
TITLE_S = 5
LAND_S = 17

# Title; landscape; its lower third in two lines; then stills with their seconds.
CHAPTERS = [
    ("Đột phá quan trọng hàng đầu", "1-do-thi",
     ("Khoa học, công nghệ, đổi mới sáng tạo, chuyển đổi số",
      "Nghị quyết số 57-NQ/TW ngày 22/12/2024 của Bộ Chính trị"),
     [("cards/01-nghi-quyet", 9), ("facts/noi-dung-cot-loi", 10), ("facts/nguoi-dan-trung-tam", 9)]),
    ("Lộ trình đến năm 2030", "2-co-quan",
     ("Sở, ngành, xã, phường cùng có kế hoạch truyền thông",
      "Kế hoạch số 34/KH-UBND ngày 20/8/2025, UBND tỉnh Bắc Ninh"),
     [("cards/02-lo-trinh", 10), ("cards/03-cung-vao-cuoc", 9), ("cards/07-nguoi-dan", 9)]),
    ("Thông tin về tới cơ sở", "3-bang-tin",
     ("Bảng tin điện tử công cộng ở nơi tập trung đông người",
      "Kế hoạch tháng 11/2024, Sở Thông tin và Truyền thông Thái Nguyên"),
     [("cards/04-thong-tin-co-so", 9), ("facts/san-xuat-noi-dung", 9), ("facts/mot-xa", 10)]),
    ("Đi từng ngõ, gõ từng nhà", "4-ngo-xom",
     ("Tổ công nghệ số cộng đồng hướng dẫn từng người",
      "Kế hoạch số 34/KH-UBND ngày 20/8/2025, UBND tỉnh Bắc Ninh"),
     [("cards/05-to-cong-nghe-so", 10), ("facts/binh-dan-hoc-vu-so", 9),
      ("facts/bay-muoi-phan-tram", 9)]),
    ("Thế hệ số", "5-truong-hoc",
     ("Dịch vụ công trực tuyến vào môn tin học, hoạt động ngoại khóa",
      "Kế hoạch số 34/KH-UBND ngày 20/8/2025, UBND tỉnh Bắc Ninh"),
     [("cards/06-hoc-sinh-sinh-vien", 10), ("cards/08-bai-bao-khoa-hoc", 9),
      ("facts/ba-muoi-luot", 9)]),
    ("Cùng chuyển đổi số", "6-trung-du",
     ("“Bình dân học vụ số” tới vùng sâu, vùng xa",
      "Kế hoạch của UBND tỉnh Lạng Sơn thực hiện Quyết định số 1169/QĐ-TTg"),
     [("facts/tam-nhiem-vu", 11), ("cards/09-ngay-hang-nam", 9), ("facts/ket", 8)]),
]

# Twenty seconds for tests and screenshots: every kind of shot once.
SHORT = [("Thông tin về tới cơ sở", "3-bang-tin", CHAPTERS[2][2], [("cards/04-thong-tin-co-so", 7)])]
SHORT_S, SHORT_TITLE_S, SHORT_LAND_S = 20, 4, 9


def title_picture(number, count, title):
    """A chapter's title, for an SVG without a ground of its own."""
    dots = "".join(f'<circle cx="{960 + 44 * (i - (count - 1) / 2)}" cy="760" r="11" '
                   f'fill="{"#FFC44D" if i < number else "#2A5AA3"}"/>' for i in range(count))
    return ('<use xlink:href="#lotus" transform="translate(860 260) scale(2)"/>'
            f'<text x="960" y="540" class="kicker mid">{f"PHẦN {number}" if count > 1 else "PHÓNG SỰ"}'
            '</text>'
            f'<text x="960" y="660" class="b s84 mid">{title}</text>{dots if count > 1 else ""}')


def lower_third_picture(lines):
    """Two lines on a plate at the foot of the picture."""
    return ('<rect x="96" y="862" width="1728" height="158" rx="16" fill="#061732"/>'
            '<rect x="96" y="862" width="18" height="158" rx="9" fill="#FFC44D"/>'
            f'<text x="150" y="930" class="b">{lines[0]}</text>'
            f'<text x="150" y="990" class="src">{lines[1]}</text>')


def ground_picture():
    """The drifting ground behind titles and facts, 2520 wide."""
    return ('<rect width="2520" height="1080" fill="#0A2145"/>'
            '<use xlink:href="#drum" transform="translate(1900 300) scale(1.24)" color="#0F2A54"/>'
            '<use xlink:href="#drum" transform="translate(460 960) scale(.9)" color="#0F2A54"/>')


def shots_of(chapter, title_s, land_s):
    """(layers, seconds) of each shot; a layer is (picture, its x as an expression of n)."""
    _, land, _, facts = chapter
    drift = f"-{STEP_PX}*n"
    slide_in = "-1920*pow(max(0\\,1-max(0\\,n-20)/20)\\,3)"
    shots = [([("ground", drift), (f"title/{land}", "0")], title_s),
             ([("scenes/sky", "0"), (f"scenes/{land}", drift), (f"third/{land}", slide_in)], land_s)]
    for name, seconds in facts:
        shots.append(([("ground", drift), (name, "0")], seconds))
    return shots


def repeat(pixels):
    """A still, converted once and then repeated for ever."""
    return (f"scale=out_color_matrix=bt709:out_range=tv,format={pixels},loop=-1:1:0,"
            f"setpts=N/{RATE}/TB")


def graph(shots):
    """The pictures a chapter is made of, and the filter graph that makes it."""
    inputs, filters = [], []
    for i, (layers, seconds) in enumerate(shots):
        # The last shot is a little longer than needed; the end is cut to the picture below.
        frames = round((seconds + BLEND_S) * RATE)
        (base, x), *above = layers
        crop = f",crop=1920:1080:x='-({x})':y=0" if x != "0" else ""
        filters.append(f"[{len(inputs)}]{repeat('yuv420p')}{crop},trim=end_frame={frames}[s{i}l0]")
        inputs.append(base)
        for j, (name, x) in enumerate(above):
            filters.append(f"[{len(inputs)}]{repeat('yuva420p')}[a{i}l{j}]")
            filters.append(f"[s{i}l{j}][a{i}l{j}]overlay=x='{x}':y=0:format=yuv420:shortest=1"
                           f"[s{i}l{j + 1}]")
            inputs.append(name)
        filters.append(f"[s{i}l{len(above)}]fps={RATE},settb=1/{RATE}[s{i}]")
    at, joined = 0, "s0"
    for i, (_, seconds) in enumerate(shots[:-1]):
        at += seconds
        filters.append(f"[{joined}][s{i + 1}]xfade=fade:duration={BLEND_S}:offset={at}[x{i}]")
        joined = f"x{i}"
    total = sum(seconds for _, seconds in shots)
    filters.append(f"[{joined}]fade=in:0:12:color=0x0A2145,"
                   f"fade=out:{total * RATE - 12}:12:color=0x0A2145,trim=end_frame={total * RATE}"
                   "[out]")
    return inputs, ";".join(filters)


def picture(name, number, count, chapter):
    """The SVG of a layer."""
    kind = name.split("/")[0]
    if kind == "ground":
        return drawing.page(ground_picture(), 2520)
    if kind == "title":
        return drawing.page(title_picture(number, count, chapter[0]))
    if kind == "third":
        return drawing.page(lower_third_picture(chapter[2]))
    return drawing.drawing(name, ground=False)


def pieces(i, chapter, count, short):
    """What a chapter is made of: (SVG of each input, filter graph, seconds, title)."""
    times = (SHORT_TITLE_S, SHORT_LAND_S) if short else (TITLE_S, LAND_S)
    shots = shots_of(chapter, *times)
    inputs, text = graph(shots)
    svgs = [picture(name, i + 1, count, chapter) for name in inputs]
    return svgs, text, sum(seconds for _, seconds in shots), chapter[0]


def chapter_list(parts):
    """The chapters as ffmpeg's metadata."""
    text, at = ";FFMETADATA1\ntitle=Từ nghị quyết đến từng nhà\n", 0
    for _, _, seconds, title in parts:
        text += f"[CHAPTER]\nTIMEBASE=1/1\nSTART={at}\nEND={at + seconds}\ntitle={title}\n"
        at += seconds
    return text
