"""Prints, one a line, the code points (U+XXXX) that the shipped fonts keep."""

points = set(range(0x20, 0x7F)) | set(range(0xA0, 0x100))
for row in range(0xA1, 0xF8):
    for cell in range(0xA1, 0xFF):
        try:
            points.add(ord(bytes((row, cell)).decode("gb2312")))
        except UnicodeDecodeError:
            pass
points |= set(range(0x2010, 0x2028)) | set(range(0x2030, 0x2040))  # dashes, quotes, ellipsis, per mille
points |= set(range(0x3000, 0x3040)) | set(range(0xFF00, 0xFFF0))  # CJK punctuation, full-width forms
points |= set(range(0x2460, 0x2474)) | set(range(0x2500, 0x2580))  # circled numbers, box drawing
points |= set(map(ord, "←↑→↓↔⇒≤≥≠≈±×÷√∑□■▲△▼▽◆◇○●◎★☆✓✗¥€㎡℃①〇"))
print("\n".join(f"U+{point:04X}" for point in sorted(points)))
