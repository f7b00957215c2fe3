#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Are the words gone that this project once had of its own, where the field has another? docs/glossary.md has what is
# said instead. What stays is excused below: names on disk and of options, and words that mean what they mean elsewhere.
# usage: check-words.sh [TREE]
set -eu

cd "${1:-.}"
words='told|tells?|untold|foretell|foretells|foretold|adopting|enroll|settle[sd]?|meters?|figures?|complaints?|complain|complains
complained|stillborn|wounds?|twins?|culprits?|murderers?|victims?|books|surveys?|catalogues?|moments?|guest
first witness|second witness|the living|the dead|the law|look back|for people|crossings?|looks back'
pattern=$(echo "$words" | tr '\n' '|' | sed 's/|$//')

files() {
    git ls-files -- src bpf tests scripts docs packaging README.md CONTRIBUTING.md SECURITY.md CHANGELOG.md Makefile |
        grep -v -e '^tests/golden/' -e '^scripts/check-words.sh$' -e '^tests/simulate/history.c$'
}

excused() { # lines of grep -n
    grep -v \
        -e 'cannot tell' -e 'GROUP(LEDGER, books' -e '+books' \
        -e 'guest_ns' -e 'steal guest' -e 'guests included' -e 'running guests' \
        -e 'orphan_map_full\|crossing_map_full' || true
}

found=$(files | xargs grep -nwiE "$pattern" | excused)
if [ -n "$found" ]; then
    echo "$found"
    echo "words that docs/glossary.md has another for"
    exit 1
fi
# It can fail.
printf '%s\n' 'The second witness told it.' | grep -qwiE "$pattern" || { echo "check-words.sh finds nothing"; exit 1; }
echo "every word is the field's"
