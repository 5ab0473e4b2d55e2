/**
 * The shells' side of completion. Each asks `jabber __complete -- WORDS…` and gets lines of `value TAB description`, or
 * `:files` where the shell's own file names belong. Values go to the shell as they are: nothing is evaluated.
 */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = typeof SHELLS[number];

/** `@{` is the shells' `${`, which means something here too. */
const RAW: Readonly<Record<Shell, string>> = {
  bash: String.raw`# Completion of jabber for bash 3.2 and newer:  source <(jabber completion bash)
_jabber() {
  local line="@{COMP_LINE:0:COMP_POINT}" cur="@{COMP_WORDS[COMP_CWORD]}" partial prefix value about
  local -a words
  read -r -a words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  partial="@{words[@{#words[@]}-1]}"
  # bash splits words at = and : too, and replaces only what stands behind.
  [[ $cur == [:=] ]] && cur=""
  prefix="@{partial%"$cur"}"
  COMPREPLY=()
  while IFS=$'\t' read -r value about; do
    if [[ $value == ":files" ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "$cur")
    elif [[ $value == "$partial"* ]]; then
      COMPREPLY+=("@{value#"$prefix"}")
    fi
  done < <("@{words[0]/#\~/$HOME}" __complete -- "@{words[@]:1}" 2>/dev/null)
}
complete -F _jabber jabber
`,
  zsh: String.raw`#compdef jabber
# Completion of jabber for zsh:  source <(jabber completion zsh)  after compinit, or as _jabber in a folder of $fpath
_jabber() {
  local -a described
  local value about files=0
  while IFS=$'\t' read -r value about; do
    if [[ $value == ":files" ]]; then files=1; else described+=("@{value//:/\\:}:$about"); fi
  done < <("@{words[1]/#\~/$HOME}" __complete -- "@{(@)words[2,CURRENT]}" 2>/dev/null)
  (( @{#described} )) && _describe -t values jabber described
  (( files )) && _files
}
if [[ $funcstack[1] == _jabber ]]; then _jabber "$@"; else compdef _jabber jabber; fi
`,
  fish: String.raw`# Completion of jabber for fish:  jabber completion fish | source
function __jabber_complete
    set -l words (commandline -opc)
    set -l token (commandline -ct)
    for answer in ($words[1] __complete -- $words[2..-1] "$token" 2>/dev/null)
        if test "$answer" = ":files"
            __fish_complete_path "$token"
        else
            printf '%s\n' $answer
        end
    end
end
complete -c jabber -f -a '(__jabber_complete)'
`,
};

export function completionScript(shell: Shell): string {
  return RAW[shell].replaceAll("@{", "${");
}
