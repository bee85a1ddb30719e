"""How telling things look in text: regular expressions, each linear in the length of what it looks at."""

import re

TELLING_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?Z?|(?<![\w:])\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?![\w:])"
)
SECRET = re.compile(
    r"\b(\w{0,24}(?:password|passwd|secret|token|cookie|ice-pwd|inline|nonce|opaque|response|rspauth|api_?key)"
    r"|authorization|credentials)(\s{0,3}[:=]\s{0,3}(?:(?:digest|basic|bearer)\s+)?[\"'\[]?)([^\s\"',;\]]+)",
    re.IGNORECASE,
)
NAMED = re.compile(
    r"\b(\w{0,24}(?:caller|callee|sip_from|sip_to|sip_req|sip_contact|sip_auth|effective|origination|destination|"
    r"presence|domain|realm|hostname|user_?name|display|full_?name|first_?name|last_?name|mail|account|customer|"
    r"principal|login)[\w-]{0,24})(\]?\s{0,3}[:=]+\s{0,3})"
    r"(\[[^\]\n]{0,256}\]|\"[^\"\n]{0,256}\"|'[^'\n]{0,256}'|[^\s,;\])}]{1,256})",
    re.IGNORECASE,
)
DISPLAY = re.compile(r'(")([^"\n]{1,128})("\s{0,3}<)', re.IGNORECASE)
URI = re.compile(
    r"\b(sips?|tel|xmpp|mailto|h323|im|pres):([^\s@<>\"';,?]{0,256}@)?([^\s<>\"';,?\])/\ue00a]{1,256})",
    re.IGNORECASE,
)
AT = re.compile(
    r"(?<![\w.+~%*#-])([\w.+~%*#-]{1,128})@(?=[^\s@]{0,253}[A-Za-z.])(\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?|[\w.-]{1,253}(?::\d{1,5})?)"
)
MAC = re.compile(r"(?<![\w:-])[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){4}(?![\w:-])")
IPV4 = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(/\d{1,2}\b)?(?!\w|\.\d)")
IPV6 = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4})(?![\w:])"
)
UUID = re.compile(r"(?<!\w)[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?!\w)")
ID = re.compile(r"(?<![\w+/])(?=[A-Za-z]{0,64}\d)(?=\d{0,64}[A-Za-z])[0-9A-Za-z]{16,512}(?!\w)")
HEX = re.compile(r"(?<!\w)(?=[a-f]{0,64}\d)(?=\d{0,64}[a-f])[0-9a-f]{10,512}(?!\w)", re.IGNORECASE)
NUMBER = re.compile(r"(?<![\w.:])(?:\+\d{3,15}|00\d{6,15}|0\d{6,15}|\d{7,15})(?!\w)")
HOST = re.compile(r"(?<![\w@./-])(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,18}(?![\w(-]|\.\w)")
URL = re.compile(
    r"\b((?:https?|wss?|ftp|ldaps?)://)([^\s/@\"']{0,128}@)?([^\s/:\"'<>\]]{1,253})(:\d{1,5})?([^\s\"'<>\]]{0,2048})",
    re.I,
)
DIALPLAN = re.compile(r"(Processing )(.{1,128}?)( <)([^>]{0,64})(>->)(\S{1,128})( in context )")
DATE = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\d{1,2} "
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}\b"
)
# Name, clock rate, channels or payload type of a codec, as in rtpmap and in logs.
CODEC = re.compile(r"\b([A-Za-z][\w-]{1,20})(?:/\d{4,6}(?:/\d)?\b|(?::\d{1,6}){2,6}\b)")
RATE = re.compile(
    r"(?<![\w.@])\d{1,3}@(?:8|16|24|32|44|48)(?:000|100)(?!\w|\.\d)"
)  # payload type at a clock rate
