"""What the code that a figure copies says above itself."""

import re


def words_of(code):
    """The words in which the code names its state; it says how nin_lib is installed too."""
    *lines, need = re.match(r"(?:#.*\n)+", code)[0].strip().split("\n")
    assert need.startswith('# needs nin_lib: pip install "nin-lib @ git+https://github.com/')
    return " ".join(line[2:] for line in lines)
