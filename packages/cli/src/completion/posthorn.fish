# Completion of posthorn for fish. In ~/.config/fish/completions/posthorn.fish, or: posthorn completion fish | source
# The command writes `:files`, or `:words` and then a line for each candidate: value, tab, description.
function __posthorn_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    set -l lines ($program __complete -- $words 2> /dev/null)
    test (count $lines) -gt 0; or return
    if test "$lines[1]" = :files
        __fish_complete_path (commandline -ct)
        return
    end
    set -e lines[1]
    test (count $lines) -gt 0; and printf '%s\n' $lines
end
complete -c posthorn -f -a '(__posthorn_complete)'
