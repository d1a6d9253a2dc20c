"""The fifteen-second animated clip: 375 pictures at 25 a second, each a pure function of its number.

Five scenes share one ground: the drum turns and travels all the way through, figures count up while
their rings close, and the last picture is the first one again, so that the clip loops."""

import math

RATE = 25
FRAMES = 375
SOURCE = "Nguồn: Kế hoạch số 34/KH-UBND ngày 20/8/2025 của UBND tỉnh Bắc Ninh"

# Scene by scene: first frame, where the drum's middle is (x, y) and how large it is.
SCENES = [(0, 1440, 540, 0.95), (84, 520, 540, 1.0), (170, 1760, 120, 1.3), (252, 1400, 560, 1.0),
          (322, 960, 540, 1.5)]
MOVE = 18  # frames a scene takes to come in, and the one before to leave


def clamp(x):
    return max(0.0, min(1.0, x))


def ease(x):
    """Slow, fast, slow: for what travels."""
    x = clamp(x)
    return x * x * (3 - 2 * x)


def land(x):
    """Fast, then settling: for what arrives."""
    return 1 - (1 - clamp(x)) ** 3


def pop(x):
    """Arrives a little too far and comes back."""
    x = clamp(x) - 1
    return 1 + 2.4 * x ** 3 + 1.4 * x ** 2


def group(inner, x=0.0, y=0.0, scale=1.0, opacity=1.0):
    if opacity <= 0 or scale <= 0:
        return ""
    alpha = f' opacity="{opacity:.3f}"' if opacity < 1 else ""
    return f'<g transform="translate({x:.2f} {y:.2f}) scale({scale:.4f})"{alpha}>{inner}</g>'


def words(text, style, x, y, t, delay):
    """A line that rises into its place."""
    k = land((t - delay) / 14)
    return group(f'<text class="{style}">{text}</text>', x, y + 46 * (1 - k), 1, k)


def icon(name, x, y, size, colour, t, delay):
    k = pop((t - delay) / 16) if t > delay else 0
    return group(f'<use xlink:href="#{name}" color="{colour}"/>', x, y, size * k)


def ring(x, y, radius, share, figure, colour, t):
    """A ring that closes to its share while the figure in it counts up."""
    k = ease((t - 6) / 34)
    whole = 2 * math.pi * radius
    arc = whole * share * k
    drawn = (f'<circle r="{radius}" stroke="{colour}" transform="rotate(-90)" '
             f'stroke-dasharray="{arc:.1f} {whole:.1f}"/>' if arc > 0.5 else "")
    come = land(t / 14)
    return group(f'<g fill="none" stroke-width="58"><circle r="{radius}" stroke="#1B4380"/>{drawn}</g>'
                 f'<text y="56" class="b gold s150 mid">{round(figure * k)}%</text>', x, y, 0.8 + 0.2 * come,
                 come)


def scene_title(t):
    return (words("BỘ CHÍNH TRỊ · NGÀY 22/12/2024", "kicker", 96, 340, t, 0)
            + words("Nghị quyết 57", "num2", 86, 530, t, 5)
            + words("Đột phá phát triển khoa học, công nghệ,", "lead", 96, 646, t, 12)
            + words("đổi mới sáng tạo và chuyển đổi số quốc gia", "lead", 96, 722, t, 16)
            + icon("i-atom", 166, 836, .62, "#2ED3B7", t, 24)
            + icon("i-bulb", 336, 836, .62, "#FFC44D", t, 30)
            + icon("i-net", 506, 840, .62, "#FF8FA3", t, 36))


def scene_plans(t):
    return (ring(520, 540, 280, 1.0, 100, "#FFC44D", t)
            + words("MỤC TIÊU NĂM 2025", "kicker", 960, 370, t, 4)
            + words("Sở, cơ quan tỉnh,", "title", 960, 480, t, 8)
            + words("UBND cấp xã", "title", 960, 572, t, 11)
            + words("ban hành kế hoạch", "lead", 960, 668, t, 16)
            + words("truyền thông Nghị quyết 57", "lead", 960, 744, t, 19))


def scene_people(t):
    people = ""
    for i in range(10):
        x, y = 1000 + 190 * (i % 5), 420 + 300 * (i // 5)
        colour = "#2ED3B7" if i < 8 else "#2A5AA3"
        k = pop((t - 4 - 3 * i) / 14) if t > 4 + 3 * i else 0
        people += group(f'<use xlink:href="#man" fill="{colour}"/>', x, y, k)
    figure = round(80 * ease((t - 4) / 36))
    return (people + words("MỤC TIÊU NĂM 2030", "kicker", 96, 300, t, 0)
            + words("Ít nhất", "title", 96, 396, t, 3)
            + words(f"{figure}%", "num", 80, 696, t, 5)
            + words("người dân tiếp cận thông tin", "lead", 96, 800, t, 18)
            + words("qua hệ thống thông tin cơ sở", "lead", 96, 876, t, 21))


def scene_staff(t):
    return (ring(1400, 560, 280, 0.7, 70, "#2ED3B7", t)
            + words("MỤC TIÊU NĂM 2030", "kicker", 96, 380, t, 4)
            + words("Ít nhất 70%", "title", 96, 490, t, 8)
            + words("cán bộ chuyên trách truyền thông", "lead", 96, 590, t, 14)
            + words("được đào tạo chuyên sâu", "lead", 96, 666, t, 17)
            + words("kỹ năng truyền thông số", "lead", 96, 742, t, 20))


def scene_end(t):
    bloom = pop((t - 2) / 20) if t > 2 else 0
    lotus = group('<use xlink:href="#lotus" x="-50" y="-50"/>', 960, 350, 2.5 * bloom)
    return (lotus + words("Đi từng ngõ, gõ từng nhà,", "title mid", 960, 640, t, 8)
            + words("hướng dẫn từng người", "title mid", 960, 736, t, 12))


DRAWN = [scene_title, scene_plans, scene_people, scene_staff, scene_end]


def drum(frame):
    """The drum's place: eased from scene to scene, turning one beat (360/14 degrees) per clip."""
    _, x, y, size = SCENES[0]
    for start, to_x, to_y, to_size in SCENES[1:] + [(FRAMES - MOVE, *SCENES[0][1:])]:
        k = ease((frame - start + 9) / (2 * MOVE))
        x, y, size = x + (to_x - x) * k, y + (to_y - y) * k, size + (to_size - size) * k
    turn = 360 / 14 * frame / FRAMES * 2
    return (f'<g transform="translate({x:.2f} {y:.2f}) scale({size:.4f}) rotate({turn:.3f})">'
            '<use xlink:href="#drum" color="#11305F"/></g>')


def body(frame):
    """What the picture shows, for an SVG of 1920x1080 with the campaign's parts and style."""
    shown = ""
    ends = [scene[0] for scene in SCENES[1:]] + [FRAMES]
    for (start, *_), end, draw in zip(SCENES, ends, DRAWN):
        if start <= frame < end:
            leave = ease((frame - end + 11) / 10)
            shown = group(draw(frame - start), -160 * leave, 0, 1, 1 - leave)
    edge = land(frame / 12) * (1 - ease((frame - FRAMES + 11) / 10))
    return ('<rect width="1920" height="1080" fill="#0A2145"/>' + drum(frame)
            + '<rect y="1052" width="1920" height="28" fill="url(#saw)"/>'
            + group('<use xlink:href="#wordmark" transform="translate(96 118)"/>'
                    '<rect x="96" y="944" width="1728" height="3" fill="#1B4380"/>'
                    f'<text x="96" y="1010" class="src">{SOURCE}</text>', opacity=edge)
            + shown)
