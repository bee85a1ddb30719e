"""Hostile texts for every untrusted field, shared by all tests.

Each is hostile to one kind of output: a page, a terminal, a spreadsheet, a filter, a script, a file name.
A test uses all of them, since a value may later be shown elsewhere.
"""

TEXTS = {
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "attribute": "'\"><svg/onload=alert(1)>",
    "closing": "]]>--></style></script></template></code></pre>",
    "entity": "&lt;script&gt;alert(1)&lt;/script&gt;&#x41;",
    "link": "javascript:alert(1)",
    "escape": "\x1b[2J\x07red\x1b[8m",
    "title": "\x1b]0;owned\x07\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "c1": "\x9b31mred\x9d0;owned\x9c",
    "bidi": "\u202egnp.exe\u2066\u200f",
    "lines": "one\r\nX-Evil: two\n\nthree\rfour\u2028five\x85six",
    "formula": "=cmd|' /C calc'!A0",
    "plus": "+1+cmd|' /C calc'!A0",
    "at": "@SUM(1+1)*cmd|' /C calc'!A0",
    "tab": "\t=1+1",
    "filter": '" || frame.number > 0 || "',
    "macro": '${evil}$evil@rule@[1,1,1]\\"',
    "markdown": "![x](http://evil.example/p.png) [click](javascript:alert(1)) | `a` **b** ~~c~~",
    "address": "http://evil.example/ www.evil.example me@evil.example",
    "formulae": "$\\href{javascript:alert(1)}{x}$ \\(x\\) $$\\frac{1}{2}$$",
    "template": "{{ 7*191 }}{% raw %}{0}{call} %s %(x)s",
    "python": "\"]); import os; os.system('touch owned') #'''",
    "shell": "$(touch owned) `touch owned` ; touch owned | touch owned",
    "path": "../../../owned",
    "drive": "C:\\..\\owned:stream|con",
    "dash": "--out=owned",
    "nul": "nul\x00inside",
    "combining": "Z" + "\u0335" * 300,
    "long": "x" * 20_000,
    "astral": "\U0001f600\U000e0041\uffff\ufeff",
}
# Lone surrogates, which UTF-8 cannot encode: from file names and JSON escapes.
SURROGATE = "half\udce4of\ud800"

# Must never reach a terminal or a line of plain text unescaped.
MOVES = frozenset(
    {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), *"\u202a\u202b\u202c\u202d\u202e\u2066\u2067"}
    | {*"\u2068\u2069\u2028\u2029\u200e\u200f"}
) - {"\n"}
