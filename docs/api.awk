# api.awk - docs/api.md from include/hew.h:  awk -f docs/api.awk include/hew.h > docs/api.md
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
    print "Made from [`include/hew.h`](../include/hew.h) by `make docs`; the header is the reference."
}
/^\/\* -+ [A-Za-z, ]+ -+ \*\/$/ {
    close_code()
    title = $0; gsub(/[\/*-]/, "", title); gsub(/^ +| +$/, "", title)
    print ""; print "## " title
    started = 1; blank = 0
    next
}
NR == 1 { lead = 1; close_code(); print ""; print "```"; next }
lead { if (/^ ?\*\/$/) { lead = 0; print "```" } else { sub(/^ ?\* ?/, ""); print } next }
!started || /^#(ifdef|ifndef|endif|include)/ || /^(extern "C" \{|\})$/ { next }
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
