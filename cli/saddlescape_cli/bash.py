"""Completion in bash, which ends words at ``=`` and replaces only what is behind it."""

import os

from click.shell_completion import BashComplete, CompletionItem, add_completion_class, split_arg_string

SOURCE = """\
%(complete_func)s() {
    local IFS=$'\\n' type value
    for completion in $(env COMP_LINE="${COMP_LINE:0:COMP_POINT}" %(complete_var)s=bash_complete $1); do
        IFS=',' read -r type value <<< "$completion"
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
        [[ $value == *= ]] && compopt -o nospace
    done
    return 0
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


@add_completion_class
class Bash(BashComplete):
    """The script and the answers for bash."""

    source_template = SOURCE

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor, and the one at it."""
        line = os.environ["COMP_LINE"]
        _, *words = split_arg_string(line)
        return (words, "") if line.endswith(" ") else (words[:-1], words[-1])

    def format_completion(self, item: CompletionItem) -> str:
        """The kind of an item, and what replaces the part of the word behind ``=``."""
        return f"{item.type},{item.value[item.value.rfind('=', 0, -1) + 1 :]}"
