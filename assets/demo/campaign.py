"""The publication of the demo campaign: what is shown where (format: docs/publication.md)."""

INK, PANEL, PAPER, GOLD, JADE = "#0A2145", "#12315F", "#F5F8FC", "#FFC44D", "#2ED3B7"
MELT = {"type": "crossfade", "ms": 600}

CARDS = ["01-nghi-quyet", "02-lo-trinh", "03-cung-vao-cuoc", "04-thong-tin-co-so",
         "05-to-cong-nghe-so", "06-hoc-sinh-sinh-vien", "07-nguoi-dan", "08-bai-bao-khoa-hoc",
         "09-ngay-hang-nam"]
PANELS = ["1-su-kien", "2-can-bo", "3-thai-nguyen"]

# Words the player sets itself. Each names its source, like everything else here.
QUOTES = [
    ("nguoi-dan", "Người dân và doanh nghiệp là trung tâm, là chủ thể, nguồn lực, động lực chính\n\n"
     "Nguồn: Kế hoạch tháng 7/2025 của UBND xã Hà Long"),
    ("ba-chuong-trinh", "Năm 2027: ít nhất 03 chương trình đào tạo, bồi dưỡng về văn hóa sáng tạo\n\n"
     "Nguồn: Kế hoạch số 34/KH-UBND ngày 20/8/2025, UBND tỉnh Bắc Ninh"),
    ("ba-muoi-luot", "Lạng Sơn phấn đấu năm 2027: 30 lượt tham gia đào tạo, bồi dưỡng\n\n"
     "Nguồn: Kế hoạch của UBND tỉnh Lạng Sơn thực hiện Quyết định số 1169/QĐ-TTg"),
]
CRAWL = "   •   ".join([
    "Tổ công nghệ số cộng đồng: đi từng ngõ, gõ từng nhà, hướng dẫn từng người sử dụng dịch vụ công "
    "trực tuyến (Kế hoạch số 34/KH-UBND ngày 20/8/2025, UBND tỉnh Bắc Ninh)",
    "Đẩy mạnh phong trào “Bình dân học vụ số”, phổ cập tri thức cơ bản về chuyển đổi số cho toàn dân "
    "(Kế hoạch của UBND tỉnh Lạng Sơn thực hiện Quyết định số 1169/QĐ-TTg)",
    "Hưởng ứng Ngày Chuyển đổi số quốc gia 10/10 và Ngày Chuyển đổi số tỉnh Thái Nguyên 31/12 "
    "(Kế hoạch tháng 11/2024, Sở Thông tin và Truyền thông tỉnh Thái Nguyên)",
    "An ninh mạng, an ninh dữ liệu, an toàn thông tin là yêu cầu xuyên suốt, không thể tách rời "
    "(Kế hoạch tháng 7/2025, UBND xã Hà Long)", ""])

ZONES = [
    ("khung", 0, 0, 1920, 1080, -1), ("chinh", 24, 104, 1440, 810, 0),
    ("gio", 1488, 104, 408, 124, 0), ("ngay", 1488, 228, 408, 62, 0),
    ("ben", 1488, 306, 408, 608, 0), ("chu-chay", 0, 964, 1920, 104, 0),
]


def style(size, colour, background, **more):
    return {"size": size, "colour": colour, "background": background, **more}


def side_items():
    """Pictures and set words in turn."""
    items = []
    for panel, (name, text) in zip(PANELS, QUOTES):
        items.append({"id": f"ben-{panel}", "type": "image", "asset": f"ben-{panel}", "seconds": 8,
                      "campaign": "nq57", "transition": MELT})
        items.append({"id": f"trich-{name}", "type": "text", "text": text, "seconds": 10,
                      "campaign": "nq57", "transition": MELT,
                      "style": style(46, PAPER, INK, bold=True, align="left", padding=28,
                                      line_percent=120)})
    return items


def playlists(short):
    main = [
        {"id": "clip-nq57", "title": "Clip đồ họa Nghị quyết 57", "type": "video",
         "asset": "clip-nq57", "campaign": "nq57", "transition": MELT},
        {"id": "bo-infographic", "title": "Bắc Ninh thực hiện Nghị quyết 57", "type": "set",
         "seconds": 3 if short else 8, "campaign": "nq57", "transition": MELT,
         "cards": [{"asset": f"the-{name}"} for name in CARDS]},
        {"id": "phong-su", "title": "Phóng sự: Từ nghị quyết đến từng nhà", "type": "video",
         "asset": "phong-su", "campaign": "nq57", "transition": MELT},
    ]
    clock = style(112, PAPER, PANEL, bold=True)
    date = style(44, GOLD, PANEL)
    crawl = style(66, PAPER, INK, bold=True)
    return [
        {"name": "khung", "items": [{"id": "khung", "title": "Khung hình", "type": "image",
                                     "asset": "khung", "seconds": 3600}]},
        {"name": "chinh", "items": main},
        {"name": "du-phong", "items": [{"id": "the-du-phong", "type": "image", "seconds": 10,
                                        "asset": f"the-{CARDS[0]}"}]},
        {"name": "gio", "items": [{"id": "gio", "type": "clock", "pattern": "%H:%M",
                                   "style": clock}]},
        {"name": "ngay", "items": [{"id": "ngay", "type": "clock", "pattern": "%A, %d/%m/%Y",
                                    "style": date}]},
        {"name": "ben", "items": side_items()},
        {"name": "chu-chay", "items": [{"id": "chu-chay", "type": "crawl", "text": CRAWL,
                                        "speed": 2, "campaign": "nq57", "style": crawl}]},
    ]


def publication(assets, short):
    """The document, for assets as {"name", "sha256", "size", "type", ...}."""
    return {
        "format": 1, "id": "trinh-dien.nq57", "version": 1, "layer": "unit",
        "unit": "Bảng tin trình diễn", "title": "Nghị quyết 57: từ nghị quyết đến từng nhà",
        "valid": {"from": "2025-01-01T00:00:00+07:00", "until": "2036-01-01T00:00:00+07:00"},
        "activate": "now",
        "canvas": {"width": 1920, "height": 1080, "time_zone": "Asia/Ho_Chi_Minh",
                   "background": "#061732"},
        "assets": assets,
        "campaigns": [{"id": "nq57", "name": "Truyền thông Nghị quyết số 57-NQ/TW",
                       "from": "2025-01-01T00:00:00+07:00", "until": "2036-01-01T00:00:00+07:00",
                       "goal_plays": 5000, "weight": 3}],
        "playlists": playlists(short),
        "zones": [{"name": name, "x": x, "y": y, "width": width, "height": height, "order": order,
                   "playlist": name} for name, x, y, width, height, order in ZONES],
        "fallback": [{"zone": "chinh", "playlist": "du-phong"}],
    }
