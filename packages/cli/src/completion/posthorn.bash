# Completion of posthorn for bash, from 3.2 on. In ~/.bashrc: source <(posthorn completion bash)
# The command writes `:files`, or `:words` and then a line for each candidate: value, tab, description.
_posthorn() {
  local line=${COMP_LINE:0:COMP_POINT} current finished kind value description
  local -a words
  # Not COMP_WORDS, in which bash separates words at colons and equals signs too.
  read -ra words <<< "$line"
  case $line in *[[:space:]]) words+=('') ;; esac
  current=${words[${#words[@]} - 1]}
  # What bash takes for finished words in front of the one that it replaces.
  finished=${current%"${current##*[:=]}"}
  COMPREPLY=()
  {
    read -r kind
    if [[ $kind == :files ]]; then
      compopt -o default 2> /dev/null
      return
    fi
    while IFS=$'\t' read -r value description; do
      COMPREPLY+=("$(printf '%q' "${value#"$finished"}")")
    done
  } < <("$1" __complete -- "${words[@]:1}" 2> /dev/null)
}
complete -F _posthorn posthorn
