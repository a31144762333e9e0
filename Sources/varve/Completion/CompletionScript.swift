/// The functions that let shells ask 'varve complete-words'.
enum CompletionScript {
  /// bash splits words at `@`, `:` and `=` (COMP_WORDBREAKS), so the words are put together again, and of a
  /// candidate only what is behind the last of these characters takes the word's place; an `@` is replaced,
  /// too.
  static let bash = #"""
    _varve() {
      local rest=${COMP_LINE:0:COMP_POINT} word index kind prefix current cut
      local -a words=() reply=()
      for ((index = 0; index <= COMP_CWORD; index++)); do
        word=${COMP_WORDS[index]}
        if ((index == 0)) || [[ $rest == [[:blank:]]* ]]; then
          rest=${rest#"${rest%%[![:blank:]]*}"}
          words+=("")
        fi
        ((index < COMP_CWORD)) || word=$rest
        words[${#words[@]} - 1]+=$word
        rest=${rest#"$word"}
      done
      current=${words[${#words[@]} - 1]}
      mapfile -t reply < <("${words[0]/#\~\//$HOME/}" complete-words -- "${words[@]:1}" 2>/dev/null)
      kind=${reply[0]-} prefix=${reply[1]-} COMPREPLY=()
      case $kind in
        files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "${current#"$prefix"}") ;;
        directories) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "${current#"$prefix"}") ;;
        command) compopt -o default; mapfile -t COMPREPLY < <(compgen -c -- "$current") ;;
        words)
          # What is inserted is a word of the command line again, whatever characters a name has.
          cut=${current%"${current##*["$COMP_WORDBREAKS"]}"}
          cut=${cut%@}
          for word in "${reply[@]:2}"; do
            [[ $word == *[@=/] ]] && compopt -o nospace
            printf -v word %q "${word#"$cut"}"
            COMPREPLY+=("$word")
          done
          ;;
      esac
      if [[ $kind != words && $prefix && $COMP_WORDBREAKS != *=* ]]; then
        COMPREPLY=("${COMPREPLY[@]/#/"$prefix"}")
      fi
    }
    complete -F _varve varve

    """#

  static let zsh = #"""
    #compdef varve
    _varve() {
      local -a reply open closed
      reply=("${(@f)$("${(Q)words[1]/#\~\//$HOME/}" complete-words -- \
        "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
      local kind=$reply[1] prefix=$reply[2]
      reply=("${(@)reply[3,-1]}")
      case $kind in
        files) [[ -z $prefix ]] || compset -P "${(b)prefix}"; _files ;;
        directories) [[ -z $prefix ]] || compset -P "${(b)prefix}"; _files -/ ;;
        command) _normal ;;
        words)
          open=(${(M)reply:#*[@=/]}) closed=(${reply:#*[@=/]})
          compadd -V varve -a closed
          compadd -V varve -S '' -a open
          ;;
      esac
    }
    if [[ $funcstack[1] == _varve ]]; then _varve "$@"; else compdef _varve varve; fi

    """#

  static let fish = #"""
    function __varve_complete
        set -l words (commandline -opc)
        set -l current (commandline -ct)
        set -l reply (command $words[1] complete-words -- $words[2..] $current 2>/dev/null)
        set -l rest (string sub -s (math 1 + (string length -- "$reply[2]")) -- $current)
        switch "$reply[1]"
            case files
                for path in (__fish_complete_path "$rest")
                    echo -- $reply[2]$path
                end
            case directories
                for path in (__fish_complete_directories "$rest" '')
                    echo -- $reply[2]$path
                end
            case command
                __fish_complete_subcommand
            case words
                string collect -- $reply[3..] | cat
        end
    end
    complete -c varve -f -a '(__varve_complete)'

    """#
}
