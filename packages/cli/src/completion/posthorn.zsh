#compdef posthorn
# Completion of posthorn for zsh. In ~/.zshrc, after compinit: source <(posthorn completion zsh)
# Or as a file named _posthorn in a folder of $fpath.
# The command writes `:files`, or `:words` and then a line for each candidate: value, tab, description.
_posthorn() {
  local -a lines candidates
  local line
  lines=("${(@f)$("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2> /dev/null)}")
  if [[ ${lines[1]} == :files ]]; then
    _files
    return
  fi
  for line in "${(@)lines[2,-1]}"; do
    [[ -n $line ]] && candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  _describe -t values value candidates
}
if [[ ${funcstack[1]} == _posthorn ]]; then
  _posthorn "$@"
else
  compdef _posthorn posthorn
fi
