export const SHELLS = ['bash', 'zsh', 'fish'] as const

export interface CompletedCommand {
  /** `ring status` as ['ring', 'status']. */
  readonly words: readonly string[]
  readonly summary: string
  readonly flags: readonly { readonly name: string; readonly summary: string }[]
}

/** A word that can follow a path of words: one of a command's name, or a flag. */
interface Following {
  readonly words: Map<string, string>
  readonly flags: Map<string, string>
}

/**
 * A script for the shell that completes the commands and their flags, and file names behind a command.
 * `topics` describes the first words of commands that have two.
 */
export function completionScript(
  shell: (typeof SHELLS)[number],
  bin: string,
  commands: readonly CompletedCommand[],
  topics: ReadonlyMap<string, string>,
): string {
  const paths = followingByPath(commands, topics)
  if (shell === 'bash') return bashScript(bin, paths)
  if (shell === 'zsh') return zshScript(bin, paths)
  return fishScript(bin, paths)
}

function followingByPath(
  commands: readonly CompletedCommand[],
  topics: ReadonlyMap<string, string>,
): Map<string, Following> {
  const paths = new Map<string, Following>()
  const at = (path: string): Following => {
    const there = paths.get(path) ?? { words: new Map(), flags: new Map() }
    paths.set(path, there)
    return there
  }
  for (const { words, summary, flags } of commands) {
    for (const [i, word] of words.entries()) {
      const last = i === words.length - 1
      at(words.slice(0, i).join(' ')).words.set(word, last ? summary : (topics.get(word) ?? ''))
    }
    for (const flag of flags) at(words.join(' ')).flags.set(`--${flag.name}`, flag.summary)
  }
  return paths
}

function bashScript(bin: string, paths: Map<string, Following>): string {
  const cases = [...paths].map(
    ([path, { words, flags }]) =>
      `    ${quote(path)}) words=${quote([...words.keys(), ...flags.keys()].join(' '))} ;;`,
  )
  return `# bash completion of ${bin}
_${bin}_complete() {
  local cur=\${COMP_WORDS[COMP_CWORD]} at= words= word i
${walk('i = 1; i < COMP_CWORD && i <= 2', 'COMP_WORDS', paths)}
  case $at in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _${bin}_complete ${bin}`
}

/** Works both sourced and from a directory of $fpath, where its first call is to complete at once. */
function zshScript(bin: string, paths: Map<string, Following>): string {
  const cases = [...paths].map(([path, { words, flags }]) => {
    const described = [...words, ...flags].map(([word, summary]) =>
      quote(`${word.replaceAll(':', '\\:')}:${summary}`),
    )
    const files = words.size === 0 ? ' files=1' : ''
    return `    ${quote(path)}) described=(${described.join(' ')})${files} ;;`
  })
  return `#compdef ${bin}
_${bin}() {
  local at= files= word i
  local -a described
${walk('i = 2; i < CURRENT && i <= 3', 'words', paths)}
  case $at in
${cases.join('\n')}
  esac
  _describe ${bin} described
  [[ -z $files ]] || _files
}
if [[ $funcstack[1] == _${bin} ]]; then _${bin} "$@"; else compdef _${bin} ${bin}; fi`
}

/** The loop, the same in bash and zsh, that finds how far the words before the cursor name a command. */
function walk(range: string, words: string, paths: Map<string, Following>): string {
  return `  for ((${range}; i++)); do
    word=\${${words}[i]}
    case "\${at:+$at }$word" in
    ${pathNames(paths).join(' | ')}) at="\${at:+$at }$word" ;;
    *) break ;;
    esac
  done`
}

function fishScript(bin: string, paths: Map<string, Following>): string {
  const lines = [...paths].flatMap(([path, { words, flags }]) => {
    const here = `complete -c ${bin} -n ${quote(`__${bin}_at ${quote(path)}`)}`
    return [
      ...(words.size > 0 ? [`${here} -f`] : []),
      ...[...words].map(([word, summary]) => `${here} -a ${word} -d ${quote(summary)}`),
      ...[...flags].map(([flag, summary]) => `${here} -l ${flag.slice(2)} -d ${quote(summary)}`),
    ]
  })
  return `# fish completion of ${bin}
function __${bin}_at
  set -l at ''
  for word in (commandline -opc)[2..3]
    set -l further (string trim "$at $word")
    contains -- $further ${pathNames(paths).join(' ')}; or break
    set at $further
  end
  test "$at" = "$argv[1]"
end
${lines.join('\n')}`
}

function pathNames(paths: Map<string, Following>): string[] {
  return [...paths.keys()].filter((path) => path !== '').map(quote)
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
