"""Making a wrong query small enough to look at: pieces are taken out of its text as long as it stays wrong."""

import re

TOKEN = re.compile(r"\s*('(?:[^']|'')*'(?:::\w+(?:\[\])?)?|\"[^\"]*\"|[\w.]+|::\w+(?:\[\])?|[-+*/<>=~!@#%^&|?]+|[^\w\s])")


def _spans(tokens):
    """Candidates for removal: balanced parentheses (whole, or only the pair), then runs of tokens, longest first."""
    opened = []
    for i, token in enumerate(tokens):
        if token in "([":
            opened.append(i)
        elif token in ")]" and opened:
            start = opened.pop()
            yield start, i + 1, []
            yield start, i + 1, ["NULL", "::", "int"]
            yield start, i + 1, ["1"]
            yield start, i + 1, ["true"]
            yield start, i + 1, tokens[start + 1 : i]
    size = len(tokens) // 2
    while size:
        for start in range(0, len(tokens) - size + 1, max(1, size // 2)):
            yield start, start + size, []
        size //= 2


def _joined(tokens):
    return " ".join(tokens).replace(" . ", ".")


def _smaller(text):
    tokens = TOKEN.findall(text)
    found = {_joined(tokens[:start] + instead + tokens[end:]) for start, end, instead in _spans(tokens)}
    return sorted((one for one in found if len(one) < len(text)), key=len)


def shrink(text, still_wrong, rounds=30):
    """The smallest text found. `still_wrong` gets texts in order of length and answers the index of the first, or None."""
    text = _joined(TOKEN.findall(text))
    for _ in range(rounds):
        smaller = _smaller(text)
        at = still_wrong(smaller)
        if at is None:
            return text
        text = smaller[at]
    return text
