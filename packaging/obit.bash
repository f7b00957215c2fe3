# SPDX-License-Identifier: BSD-2-Clause
# Completion of obit's command line for bash. It asks the program itself, `obit --help` and `obit schema`, so it knows
# the commands, options, tables and fields of the obit that is installed.

_obit_commands() {
    "$1" --help 2>/dev/null | awk '/^commands:/ {on = 1; next} /^$/ {on = 0} on {print $1}'
}

_obit_options() { # obit, command
    "$1" "$2" --help 2>/dev/null | sed -n 's/^  \(--[a-z-]*\).*/\1/p'
}

# What an option takes, as --help names it: DIR, T, table|csv ...; nothing for a flag.
_obit_argument() { # obit, command, option
    "$1" "$2" --help 2>/dev/null | sed -n "s/^  $3 \([^ ][^ ]*\).*/\1/p"
}

_obit_column() { # obit, column, table or nothing
    "$1" schema --format tsv ${3:+"$3"} 2>/dev/null | awk -F '\t' -v name="$2" '
        NR == 1 {for (i = 1; i <= NF; i++) if ($i == name) column = i; next}
        !seen[$column]++ {gsub(/[ ,]/, "\n", $column); print $column}'
}

# The table that the command line is about: a word of it, or exits.
_obit_table() { # obit
    local table word
    for table in $(_obit_column "$1" table); do
        for word in "${COMP_WORDS[@]:2}"; do
            [[ $word == "$table" ]] && echo "$table" && return
        done
    done
    echo exits
}

# The last name in a list or an expression; what stands before it stays.
_obit_last_name() { # obit, current word, candidates
    local name=${2##*[!a-zA-Z0-9_+]}
    [[ $2 == *+* ]] && name=+${2##*+}
    mapfile -t COMPREPLY < <(compgen -W "$3" -P "${2%"$name"}" -- "$name")
    compopt -o nospace 2>/dev/null
}

_obit_value() { # obit, current word, what is wanted
    local words
    case $3 in
    DIR)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$2")
        ;;
    PATH | OUT | 'PATH|none')
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$2")
        ;;
    *'|'*)
        words=$(tr '|' '\n' <<<"$3" | grep '^[a-z]')
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$2")
        ;;
    TABLE)
        mapfile -t COMPREPLY < <(compgen -W "$(_obit_column "$1" table)" -- "$2")
        ;;
    a,b,c)
        words="$(_obit_column "$1" field "$(_obit_table "$1")") $(_obit_column "$1" groups "$(_obit_table "$1")") all"
        _obit_last_name "$1" "$2" "$words"
        ;;
    a,b/STEP | '[-]FIELD' | EXPR)
        _obit_last_name "$1" "$2" "$(_obit_column "$1" field "$(_obit_table "$1")")"
        ;;
    esac
}

_obit() { # obit, current word, word before it
    local obit=$1 current=$2 before=$3 command=${COMP_WORDS[1]} operand
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "$(_obit_commands "$obit") help --help --version" -- "$current")
        return
    fi
    # --option=value: `=` is a word of its own
    [[ $current == '=' ]] && current="" && before='='
    if [[ ${COMP_WORDS[COMP_CWORD]} == '=' ]]; then
        before=${COMP_WORDS[COMP_CWORD - 1]}
    elif [[ $before == '=' ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    if [[ $command == help ]]; then
        ((COMP_CWORD == 2)) && mapfile -t COMPREPLY < <(compgen -W "$(_obit_commands "$obit")" -- "$current")
    elif [[ $before == --* ]] && [[ -n $(_obit_argument "$obit" "$command" "$before") ]]; then
        _obit_value "$obit" "$current" "$(_obit_argument "$obit" "$command" "$before")"
    elif [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_obit_options "$obit" "$command")" -- "$current")
    else
        operand=$("$obit" "$command" --help 2>/dev/null | sed -n '1s/^usage: obit [a-z]* \[\{0,1\}\([A-Z]*\).*/\1/p')
        _obit_value "$obit" "$current" "$operand"
    fi
} && complete -F _obit obit
