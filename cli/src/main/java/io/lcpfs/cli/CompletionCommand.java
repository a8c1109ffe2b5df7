package io.lcpfs.cli;

import java.util.Locale;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code lcpfs completion bash|zsh}: a script for the shell to read. */
@Command(
    name = "completion",
    description = "Print a completion script: source <(lcpfs completion bash)")
final class CompletionCommand extends BaseCommand {
  /** Shells whose completion can be printed. */
  enum Shell {
    BASH,
    ZSH
  }

  @Parameters(paramLabel = "SHELL", description = "bash or zsh")
  Shell shell = Shell.BASH;

  /**
   * What the generated script does not know is asked of lcpfs: names in pools, which come and go.
   * Bash replaces only what follows the last character that separates words for it, such as an @.
   */
  private static final String NAMES =
      """

      # Names in pools, and properties: lcpfs itself is asked for what begins like the last word.
      function _complete_lcpfs_names() {
        _complete_lcpfs "$@"
        if [ "${#COMPREPLY[@]}" -gt 0 ]; then return 0; fi
        local line="${COMP_LINE:0:$COMP_POINT}"
        local word="${line##*[[:space:]]}"
        local kept="" name="" i
        for ((i = ${#word}; i > 0; i--)); do
          name="${word:$((i - 1)):1}"
          if [[ "${COMP_WORDBREAKS}" == *"${name}"* ]]; then
            kept="${word:0:$i}"
            break
          fi
        done
        local ask=("${line%%[[:space:]]*}" complete-names "${line}")
        if type timeout &>/dev/null; then ask=(timeout 5 "${ask[@]}"); fi
        while IFS= read -r name; do
          COMPREPLY+=("${name#"${kept}"}")
          case "${name}" in
            *@ | *= | *:/) type compopt &>/dev/null && compopt -o nospace 2>/dev/null ;;
          esac
        done < <("${ask[@]}" 2>/dev/null </dev/null)
        # Else it may be a file of the host.
        if [ "${#COMPREPLY[@]}" -eq 0 ] && [ -n "${BASH_VERSION}" ]; then
          compopt -o default 2>/dev/null
        fi
        return 0
      }
      complete -F _complete_lcpfs_names -o default lcpfs lcpfs.sh lcpfs.bash
      """;

  CompletionCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() {
    String script = AutoComplete.bash("lcpfs", CommandTree.whole(cli)) + NAMES;
    // The script works in zsh through its emulation of bash's completion, which it loads itself.
    String heading = "# " + shell.name().toLowerCase(Locale.ROOT) + " completion for lcpfs\n";
    out().print(shell == Shell.ZSH ? "#compdef lcpfs\n" + heading + script : script);
    return ExitCode.OK;
  }
}
