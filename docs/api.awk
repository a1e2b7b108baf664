# api.awk - docs/api.md from hew.h and the parts that it includes, given in that order: make docs
# A section of the header is a heading, a comment before declarations is prose, the rest is code.
# `make check-docs` compares.
function prose(line) {
    sub(/^ ?\* ?/, "", line); sub(/^\/\* ?/, "", line); sub(/ ?\*\/$/, "", line)
    return line
}
function close_code() { if (code) { print "```"; code = 0 } }
function open_code() { if (!code) { print ""; print "```c"; code = 1 } }
BEGIN {
    print "# API"
    print ""
    print "Made from [`include/hew.h`](../include/hew.h) and its parts by `make docs`; the headers are the reference."
}
/^\/\* -+ [A-Za-z, ]+ -+ \*\/$/ {
    close_code()
    title = $0; gsub(/[\/*-]/, "", title); gsub(/^ +| +$/, "", title)
    print ""; print "## " title
    started = 1; blank = 0
    next
}
NR == 1 { lead = 1; close_code(); print ""; print "```"; next }
FNR == 1 { close_code(); started = 0 }
lead { if (/^ ?\*\/$/) { lead = 0; print "```" } else { sub(/^ ?\* ?/, ""); print } next }
!started || /^#(ifdef|ifndef|endif|include)/ || /^(extern "C" \{|\})$/ { next }
/^HEW_(BEGIN|END)_C$/ { next }
/^$/ { close_code(); next }
/^\/\*/ && !/\*\/ *[a-zA-Z#]/ && !code {
    print ""
    comment = 1
}
comment {
    text = prose($0)
    if (text != "") print text; else if (!/^\/\*$/ && !/^ \*\/$/) print ""
    if (/\*\/$/) comment = 0
    next
}
{ open_code(); print }
END { close_code() }
